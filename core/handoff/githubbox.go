// GitHub's sealed boxes: secrets of a repository that only GitHub can open.
package handoff

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/nacl/box"

	"github.com/bucketgrant/bucketgrant/core"
)

// repositoryKey is GitHub's answer to GET …/actions/secrets/public-key.
// https://docs.github.com/en/rest/actions/secrets#get-a-repository-public-key
type repositoryKey struct {
	ID  string `json:"key_id"`
	Key string `json:"key"`
}

// boxed is the body of PUT …/actions/secrets/NAME.
// https://docs.github.com/en/rest/guides/encrypting-secrets-for-the-rest-api
type boxed struct {
	Value string `json:"encrypted_value"`
	KeyID string `json:"key_id"`
}

// SealForGitHub is the credential for the workflows of one repository: an object
// of bodies for GitHub's interface, by the names of the secrets. Only GitHub can
// open them. key is what GitHub answers when it is asked for the public key.
func SealForGitHub(c core.Credential, r core.Receipt, key []byte) ([]byte, error) {
	var to repositoryKey
	if err := json.Unmarshal(withoutMark(key), &to); err != nil {
		return nil, errors.New("github key: is not the JSON that GitHub answers")
	}
	public, err := base64.StdEncoding.DecodeString(to.Key)
	if err != nil || len(public) != 32 || to.ID == "" || bytes.Equal(public, make([]byte, 32)) {
		return nil, errors.New("github key: holds no key_id, or no key of 32 bytes in base64")
	}
	list, err := gitHubVariables(c, r)
	if err != nil {
		return nil, err
	}
	bodies := map[string]boxed{}
	for _, v := range list {
		if !v.secret {
			continue
		}
		sealed, err := box.SealAnonymous(nil, v.value, (*[32]byte)(public), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("github key: %w", err)
		}
		bodies[v.name] = boxed{base64.StdEncoding.EncodeToString(sealed), to.ID}
	}
	data, err := json.MarshalIndent(bodies, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("github key: %w", err)
	}
	return append(data, '\n'), nil
}
