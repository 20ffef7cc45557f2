// Service account keys: create, upload, list, get, disable, enable, delete.
package fakegcp

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func keyRoutes() []route {
	const k = "/v1/projects/{project}/serviceAccounts/{id}/keys"
	const op = "projects.serviceAccounts.keys."
	return []route{
		iamRoute("POST", k, op+"create", true, (*request).createKey),
		iamRoute("POST", k+":upload", op+"upload", true, (*request).uploadKey),
		iamRoute("GET", k, op+"list", false, (*request).listKeys),
		iamRoute("GET", k+"/{key}", op+"get", false, (*request).getKey),
		iamRoute("DELETE", k+"/{key}", op+"delete", true, (*request).deleteKey),
		iamRoute("POST", k+"/{key}:disable", op+"disable", true, (*request).disableKey),
		iamRoute("POST", k+"/{key}:enable", op+"enable", true, (*request).enableKey),
	}
}

const maxKeys = 10 // https://cloud.google.com/iam/quotas

// forever is when a key without expiry ends.
var forever = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// keyResource is a key in an answer.
type keyResource struct {
	Name           string `json:"name"`
	PrivateKeyType string `json:"privateKeyType,omitempty"`
	PrivateKeyData []byte `json:"privateKeyData,omitempty"`
	PublicKeyData  []byte `json:"publicKeyData,omitempty"`
	ValidAfter     string `json:"validAfterTime"`
	ValidBefore    string `json:"validBeforeTime"`
	Algorithm      string `json:"keyAlgorithm"`
	Origin         string `json:"keyOrigin"`
	Type           string `json:"keyType"`
	Disabled       bool   `json:"disabled,omitempty"`
	DisableReason  string `json:"disableReason,omitempty"`

	Extended []extendedStatus `json:"extendedStatus,omitempty"`
}

func (a *account) keyResource(k *key) keyResource {
	r := keyResource{
		Name: a.name() + "/keys/" + k.ID, ValidAfter: k.ValidAfter.UTC().Format(time.RFC3339), ValidBefore: k.ValidBefore.UTC().Format(time.RFC3339),
		Algorithm: "KEY_ALG_RSA_2048", Origin: k.Origin, Type: "USER_MANAGED", Disabled: k.Disabled,
	}
	if k.Disabled {
		r.DisableReason = k.Reason
	}
	if k.Exposed {
		r.Extended = []extendedStatus{{statusExposed, "The key was found in a public repository."}}
	}
	return r
}

// systemKey is the key that Google holds itself: every account has one.
func (a *account) systemKey() keyResource {
	from := a.Created.UTC().Truncate(time.Second)
	return keyResource{
		Name: a.name() + "/keys/" + fingerprint("system", a.UniqueID), ValidAfter: from.Format(time.RFC3339), ValidBefore: from.Add(16 * 24 * time.Hour).Format(time.RFC3339),
		Algorithm: "KEY_ALG_RSA_2048", Origin: "GOOGLE_PROVIDED", Type: "SYSTEM_MANAGED",
	}
}

// keyFile is the file that holds a private key, field by field as Google writes it.
type keyFile struct {
	Type         string `json:"type"`
	ProjectID    string `json:"project_id"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	ClientEmail  string `json:"client_email"`
	ClientID     string `json:"client_id"`
	AuthURI      string `json:"auth_uri"`
	TokenURI     string `json:"token_uri"`
	AuthCertURL  string `json:"auth_provider_x509_cert_url"`
	CertURL      string `json:"client_x509_cert_url"`
	Universe     string `json:"universe_domain"`
}

// newKey adds a key to an account and returns its private half.
func (c *Cloud) newKey(a *account, lag *cloudsim.Lag) (*key, *rsa.PrivateKey) {
	private := rsaKeys.take(c.state.RSAKeys)
	c.state.RSAKeys++
	k := &key{ // whose ID is drawn: a cloud that is set back to what it was once never gives one twice
		ID: fingerprint("key", a.UniqueID, rand.Text()), Origin: "GOOGLE_PROVIDED", Public: publicDER(&private.PublicKey),
		ValidAfter: time.Now().UTC().Truncate(time.Second), ValidBefore: forever,
	}
	k.Usable.Set(true, lag)
	k.hide(lag)
	a.Keys = append(a.Keys, k)
	return k, private
}

// newKeyFile adds a key to an account and returns its file.
func (c *Cloud) newKeyFile(a *account, lag *cloudsim.Lag) []byte {
	k, private := c.newKey(a, lag)
	return c.keyFile(a, k, private)
}

func (c *Cloud) keyFile(a *account, k *key, private *rsa.PrivateKey) []byte {
	file, err := json.MarshalIndent(keyFile{
		Type: "service_account", ProjectID: a.Project, PrivateKeyID: k.ID, PrivateKey: privatePEM(private), ClientEmail: a.Email, ClientID: a.ClientID,
		AuthURI: "https://accounts.google.com/o/oauth2/auth", TokenURI: c.state.Settings.TokenURI,
		AuthCertURL: "https://www.googleapis.com/oauth2/v1/certs",
		CertURL:     "https://www.googleapis.com/robot/v1/metadata/x509/" + url.QueryEscape(a.Email), Universe: "googleapis.com",
	}, "", "  ")
	if err != nil {
		panic("fakegcp: " + err.Error())
	}
	return append(file, '\n')
}

// withTokenURI returns a key file with another token_uri.
func withTokenURI(file []byte, uri string) []byte {
	var f keyFile
	if err := json.Unmarshal(file, &f); err != nil {
		panic("fakegcp: " + err.Error())
	}
	f.TokenURI = uri
	out, err := json.MarshalIndent(f, "", "  ") //nolint:gosec // a key file holds a key
	if err != nil {
		panic("fakegcp: " + err.Error())
	}
	return append(out, '\n')
}

type createKeyBody struct {
	PrivateKeyType string `json:"privateKeyType"`
	Algorithm      string `json:"keyAlgorithm"`
}

func (q *request) createKey() (any, error) {
	var in createKeyBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	a, err := q.needAccount("iam.serviceAccountKeys.create")
	if err != nil {
		return nil, err
	}
	if t := or(in.PrivateKeyType, "TYPE_GOOGLE_CREDENTIALS_FILE"); t != "TYPE_GOOGLE_CREDENTIALS_FILE" && t != "TYPE_UNSPECIFIED" {
		return nil, failed(400, "Private key type %s is not supported.", t)
	}
	if g := or(in.Algorithm, "KEY_ALG_RSA_2048"); g != "KEY_ALG_RSA_2048" && g != "KEY_ALG_UNSPECIFIED" {
		return nil, failed(400, "Key algorithm %s is not supported.", g)
	}
	for _, c := range []string{"constraints/iam.disableServiceAccountKeyCreation", "constraints/iam.managed.disableServiceAccountKeyCreation"} {
		if q.enforced(c) {
			return nil, constraintViolated("Key creation is not allowed on this service account.", c, a.name()+"?configvalue="+a.Email)
		}
	}
	if len(a.listedKeys()) >= maxKeys {
		return nil, failedPrecondition("Precondition check failed.")
	}
	k, private := q.newKey(a, q.lag())
	r := a.keyResource(k)
	r.PrivateKeyType, r.PrivateKeyData = "TYPE_GOOGLE_CREDENTIALS_FILE", q.keyFile(a, k, private)
	return r, nil
}

// hide keeps a new key out of lists for as long as the lag says.
func (k *key) hide(lag *cloudsim.Lag) {
	k.Hidden.Now = true
	k.Hidden.Set(false, lag)
}

// listedKeys are the keys that have not been deleted.
func (a *account) listedKeys() []*key {
	return slices.DeleteFunc(slices.Clone(a.Keys), func(k *key) bool { return k.Gone })
}

type keyList struct {
	Keys []keyResource `json:"keys,omitempty"`
}

func (q *request) listKeys() (any, error) {
	a, err := q.needAccount("iam.serviceAccountKeys.list")
	if err != nil {
		return nil, err
	}
	types := q.query["keyTypes"]
	var out keyList
	if len(types) == 0 || slices.Contains(types, "SYSTEM_MANAGED") {
		out.Keys = append(out.Keys, a.systemKey())
	}
	if len(types) == 0 || slices.Contains(types, "USER_MANAGED") {
		for _, k := range slices.DeleteFunc(a.listedKeys(), func(k *key) bool { return k.Hidden.Seen() }) {
			out.Keys = append(out.Keys, a.keyResource(k))
		}
	}
	return out, nil
}

// needKey returns the account and the key in the path.
func (q *request) needKey(permission string) (*account, *key, error) {
	a, err := q.needAccount(permission)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range a.listedKeys() {
		if k.ID == q.params["key"] {
			return a, k, nil
		}
	}
	return nil, nil, failed(404, "Service account key %s does not exist.", q.params["key"])
}

func (q *request) getKey() (any, error) {
	a, k, err := q.needKey("iam.serviceAccountKeys.get")
	if err != nil {
		return nil, err
	}
	r := a.keyResource(k)
	switch q.query.Get("publicKeyType") {
	case "TYPE_RAW_PUBLIC_KEY":
		r.PublicKeyData = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.Public})
	case "TYPE_X509_PEM_FILE":
		r.PublicKeyData = k.Certificate
	}
	return r, nil
}

// deleteKey ends the key. Access tokens that were got with it live on.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/delete
func (q *request) deleteKey() (any, error) {
	_, k, err := q.needKey("iam.serviceAccountKeys.delete")
	if err != nil {
		return nil, err
	}
	k.Gone = true
	k.Usable.Set(false, q.lag())
	return empty{}, nil
}

func (q *request) disableKey() (any, error) {
	_, k, err := q.needKey("iam.serviceAccountKeys.disable")
	if err != nil {
		return nil, err
	}
	k.Disabled, k.Reason = true, disabledByUser
	k.Usable.Set(false, q.lag())
	return empty{}, nil
}

func (q *request) enableKey() (any, error) {
	_, k, err := q.needKey("iam.serviceAccountKeys.enable")
	if err != nil {
		return nil, err
	}
	k.Disabled, k.Reason = false, ""
	k.Usable.Set(true, q.lag())
	return empty{}, nil
}
