// Who gets in: assertions, tokens, and what ends them.
package fakegcp_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// keyFile is what the tests need of a key file.
type keyFile struct {
	ID      string `json:"private_key_id"`
	Private string `json:"private_key"`
	Email   string `json:"client_email"`
	URI     string `json:"token_uri"`
}

func parseKey(t *testing.T, file []byte) (keyFile, *rsa.PrivateKey) {
	t.Helper()
	var k keyFile
	if err := json.Unmarshal(file, &k); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(k.Private))
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return k, private.(*rsa.PrivateKey)
}

type claims map[string]any

// sign makes a JWT.
func sign(t *testing.T, private *rsa.PrivateKey, kid string, c claims) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]string{"alg": "RS256", "typ": "JWT", "kid": kid}) + "." + part(c)
	digest := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func exchange(t *testing.T, cloud *fakegcp.Cloud, assertion string) (int, map[string]any) {
	t.Helper()
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	req, err := http.NewRequestWithContext(t.Context(), "POST", fakegcp.DefaultTokenURI, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	return send(t, cloud, req)
}

// send sends a request and returns status and JSON body.
func send(t *testing.T, cloud *fakegcp.Cloud, req *http.Request) (int, map[string]any) {
	t.Helper()
	resp := cloudsim.Serve(cloud, req)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &out); err != nil {
			t.Fatalf("%s: %v in %s", req.URL, err, body)
		}
	}
	return resp.StatusCode, out
}

func bucketsWith(t *testing.T, cloud *fakegcp.Cloud, bearer string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://storage.googleapis.com/storage/v1/b?project="+projectID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	status, _ := send(t, cloud, req)
	return status
}

func TestTokenEndpointBelievesOnlyFreshAssertionsOfALiveAccount(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	k, private := parseKey(t, cloud.Operator())
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	good := claims{"iss": k.Email, "aud": k.URI, "scope": "https://www.googleapis.com/auth/cloud-platform", "iat": now, "exp": now + 3600}
	with := func(name string, v any) claims {
		c := claims{}
		for k, v := range good {
			c[k] = v
		}
		c[name] = v
		return c
	}
	for _, c := range []struct {
		name      string
		assertion string
		want      string // part of the description; "" for a token
	}{
		{"good", sign(t, private, k.ID, good), ""},
		{"without a key ID", sign(t, private, "", good), ""},
		{"another key", sign(t, stranger, k.ID, good), "Invalid JWT Signature."},
		{"unknown key ID", sign(t, private, "0123", good), "Invalid JWT Signature."},
		{"unknown account", sign(t, private, k.ID, with("iss", "nobody@acme-project.iam.gserviceaccount.com")), "account not found"},
		{"expired", sign(t, private, k.ID, with("exp", now-4000)), "reasonable timeframe"},
		{"from the future", sign(t, private, k.ID, with("iat", now+4000)), "reasonable timeframe"},
		{"too long", sign(t, private, k.ID, with("exp", now+7200)), "reasonable timeframe"},
		{"for somebody else", sign(t, private, k.ID, with("aud", "https://evil.example/token")), "audience"},
		{"without a scope", sign(t, private, k.ID, with("scope", "")), "scope"},
		{"on behalf of a user", sign(t, private, k.ID, with("sub", "boss@example.com")), "unauthorized to retrieve access tokens"},
		{"not a JWT", "abc", "Invalid JWT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := exchange(t, cloud, c.assertion)
			if c.want == "" {
				text, _ := body["access_token"].(string)
				if status != 200 || bucketsWith(t, cloud, text) != 200 {
					t.Errorf("got %d %v, want a token that works", status, body)
				}
				return
			}
			if text, _ := body["error_description"].(string); status < 400 || !strings.Contains(text, c.want) {
				t.Errorf("got %d %v, want a refusal with %q", status, body, c.want)
			}
		})
	}
}

func TestSelfSignedTokenIsVerifiedLikeAnExchangedOne(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	k, private := parseKey(t, cloud.Operator())
	now := time.Now().Unix()
	self := func(c claims) string {
		c["iss"], c["iat"], c["exp"] = k.Email, now, now+3600
		return sign(t, private, k.ID, c)
	}
	for _, c := range []struct {
		name  string
		token string
		want  int
	}{
		{"for this API", self(claims{"sub": k.Email, "aud": "https://storage.googleapis.com/"}), 200},
		{"with a scope", self(claims{"sub": k.Email, "scope": "https://www.googleapis.com/auth/devstorage.read_only"}), 200},
		{"for another API", self(claims{"sub": k.Email, "aud": "https://pubsub.googleapis.com/"}), 401},
		{"for another subject", self(claims{"sub": "boss@example.com", "aud": "https://storage.googleapis.com/"}), 401},
		{"with a scope that does not cover the call", self(claims{"sub": k.Email, "scope": "https://www.googleapis.com/auth/bigquery"}), 403},
		{"nonsense", "ya29.nothing", 401},
		{"none at all", "", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := bucketsWith(t, cloud, c.token); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestAccessTokenOutlivesItsKeyButNotItsAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{})
		s := iamClient(t, cloud, cloud.Operator())
		admin := storageClient(t, cloud, cloud.Operator())
		b := makeBucket(t, admin, "acme-events")
		email, file := makeAccount(t, s, "event-dump")
		grantOn(t, b.IAM().V3(), "roles/storage.objectAdmin", "serviceAccount:"+email, "")
		name := "projects/" + projectID + "/serviceAccounts/" + email
		vendor := storageClient(t, cloud, file).Bucket("acme-events")
		if err := write(t.Context(), vendor, "a", "x"); err != nil {
			t.Fatal(err)
		}
		k, private := parseKey(t, file)
		if _, err := s.Projects.ServiceAccounts.Keys.Delete(name + "/keys/" + k.ID).Do(); err != nil {
			t.Fatal(err)
		}
		if err := write(t.Context(), vendor, "b", "x"); err != nil {
			t.Errorf("after the key is deleted: %v, want the token to live on", err)
		}
		now := time.Now().Unix()
		assertion := sign(t, private, k.ID, claims{"iss": email, "aud": k.URI, "scope": "https://www.googleapis.com/auth/cloud-platform", "iat": now, "exp": now + 3600})
		if status, body := exchange(t, cloud, assertion); status != 400 || body["error_description"] != "Invalid JWT Signature." {
			t.Errorf("a new token with the deleted key: got %d %v", status, body)
		}
		if _, err := s.Projects.ServiceAccounts.Disable(name, &iam.DisableServiceAccountRequest{}).Do(); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, write(t.Context(), vendor, "c", "x"), 401, "Invalid Credentials")
		if _, err := s.Projects.ServiceAccounts.Enable(name, &iam.EnableServiceAccountRequest{}).Do(); err != nil {
			t.Fatal(err)
		}
		if err := write(t.Context(), vendor, "d", "x"); err != nil {
			t.Errorf("after enabling: %v", err)
		}
	})
}

func TestAnonymousCallerHoldsOnlyWhatAllUsersHold(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	admin := storageClient(t, cloud, cloud.Operator())
	b := makeBucket(t, admin, "acme-events")
	if err := write(t.Context(), b, "a", "x"); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://storage.googleapis.com/storage/v1/b/acme-events/o/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	status, body := send(t, cloud, req)
	if status != 401 || !strings.Contains(toJSON(t, body), "Anonymous caller does not have storage.objects.get access") {
		t.Errorf("got %d %v, want a refusal that names the anonymous caller", status, body)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
