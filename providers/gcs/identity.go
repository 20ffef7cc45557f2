// Identity: whose credentials the operator acts with, and where they come from.
package gcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"

	"github.com/bucketgrant/bucketgrant/core"
)

// identity is who the operator is.
type identity struct {
	credentials *auth.Credentials
	principal   string
	source      string
}

// detection is how credentials fetch their tokens.
func detection(t http.RoundTripper) *credentials.DetectOptions {
	return &credentials.DetectOptions{
		Scopes:              []string{scope},
		Client:              &http.Client{Transport: base(t), Timeout: callFor},
		Logger:              quiet(),
		DisableAsyncRefresh: true, // a token is fetched in the lane of the call that needs it
	}
}

// operatorIdentity reads the operator's credentials without using them.
func operatorIdentity(key []byte, t http.RoundTripper) (identity, error) {
	o := detection(t)
	source := "key file"
	var c *auth.Credentials
	var err error
	if key != nil {
		c, err = credentials.NewCredentialsFromJSON(credentialType(key), key, o)
	} else {
		source = adcSource()
		c, err = credentials.DetectDefault(o)
	}
	if file := os.Getenv(adcEnv); err != nil && key == nil && file != "" {
		return identity{}, unusable(file)
	}
	if err != nil {
		return identity{}, &core.Error{Kind: core.ErrOperator, What: "application default credentials", Hint: loginHint}
	}
	return identity{c, principalOf(c.JSON()), source}, nil
}

const adcEnv = "GOOGLE_APPLICATION_CREDENTIALS"

// unusable says what is wrong with the file that the environment names, but
// nothing of what is in it.
func unusable(file string) error {
	why := "holds no credentials that can be used"
	f, err := os.Open(file) //nolint:gosec // the user names it, to be read
	switch {
	case err == nil:
		_ = f.Close()
	case errors.Is(err, fs.ErrNotExist):
		why = "does not exist"
	default:
		why = "cannot be read"
	}
	return &core.Error{Kind: core.ErrOperator, What: adcEnv, Err: fmt.Errorf("the file %q %s", file, why), Hint: "unset " + adcEnv + " && " + loginHint}
}

// credentialType is the type that a key file says it has; only types that hold
// no addresses to fetch something from are used unasked.
func credentialType(key []byte) credentials.CredType {
	var f struct{ Type credentials.CredType }
	_ = json.Unmarshal(key, &f)
	if f.Type == credentials.AuthorizedUser {
		return f.Type
	}
	return credentials.ServiceAccount
}

// adcSource says where application default credentials come from.
// https://cloud.google.com/docs/authentication/application-default-credentials
func adcSource() string {
	if os.Getenv(adcEnv) != "" {
		return adcEnv
	}
	return "application default credentials"
}

// principalOf names the identity in a credentials file, as far as it says so.
func principalOf(file []byte) string {
	var f struct {
		Type  string `json:"type"`
		Email string `json:"client_email"`
	}
	_ = json.Unmarshal(file, &f)
	switch {
	case f.Email != "":
		return f.Email
	case f.Type == "authorized_user":
		return "user credentials"
	case f.Type != "":
		return f.Type + " credentials"
	}
	return "the machine's service account"
}
