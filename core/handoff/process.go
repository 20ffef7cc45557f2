// credential-process: the answer of a program that AWS tools ask for a credential.
//
// There is no Expiration: a key of a grant is good until it is replaced, and
// tools would ask again for one that ends.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
package handoff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bucketgrant/bucketgrant/core"
)

// processAnswer is what is read of an answer.
type processAnswer struct {
	Version      int
	ID           string `json:"AccessKeyId"`
	Secret       string `json:"SecretAccessKey"`
	SessionToken string
	Expiration   string
}

func encodeProcess(c core.Credential, _ core.Receipt) ([]byte, error) {
	secret, err := secretOf(c, core.PairForm)
	if err != nil {
		return nil, err
	}
	if err := holdsPair("credential-process", c.ID, secret, ""); err != nil {
		return nil, err
	}
	id, quotedSecret := quoted([]byte(c.ID)), quoted(secret)
	defer clear(quotedSecret)
	return lines([]byte("{\n  \"Version\": 1,\n  \"AccessKeyId\": "), id, []byte(",\n  \"SecretAccessKey\": "), quotedSecret, []byte("\n}\n")), nil
}

func decodeProcess(data []byte) (core.Credential, error) {
	var a processAnswer
	if err := json.Unmarshal(bytes.TrimSpace(withoutMark(data)), &a); err != nil {
		return core.Credential{}, errors.New("format credential-process: is not the answer of a program")
	}
	switch {
	case a.Version != 1:
		return core.Credential{}, fmt.Errorf("format credential-process: Version is %d; accepted: 1", a.Version)
	case a.SessionToken != "" || a.Expiration != "":
		return core.Credential{}, errors.New("format credential-process: the file holds a session, not a key of a grant")
	}
	return newPair([]byte(a.ID), []byte(a.Secret))
}
