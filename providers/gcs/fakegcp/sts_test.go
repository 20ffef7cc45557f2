// External credentials: what becomes a federated token, and everything that must not.
package fakegcp_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/option"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

const (
	githubProviderName = "//iam.googleapis.com/" + poolNumbered + "ci-pool/providers/github"
	githubSet          = "principalSet://iam.googleapis.com/" + poolNumbered + "ci-pool/attribute.repository_id/456"
)

// githubClaims are those of a push to the main branch.
func githubClaims() map[string]any {
	return map[string]any{
		"sub": "repo:acme/backup:ref:refs/heads/main", "aud": "https:" + githubProviderName, "ref": "refs/heads/main",
		"repository": "acme/backup", "repository_id": "456", "repository_owner": "acme", "repository_owner_id": "9919",
	}
}

func with(name string, v any) map[string]any {
	c := githubClaims()
	c[name] = v
	return c
}

// federate exchanges a token and returns status and answer.
func federate(t *testing.T, cloud *fakegcp.Cloud, change url.Values, token string) (int, map[string]any) {
	t.Helper()
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"audience": {githubProviderName}, "scope": {"https://www.googleapis.com/auth/cloud-platform"},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"}, "subject_token": {token},
	}
	for k, v := range change {
		form[k] = v
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", "https://sts.googleapis.com/v1/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(t, cloud, req)
}

// bearer is a storage client that sends an access token.
func bearer(t *testing.T, cloud *fakegcp.Cloud, token string) *storage.Client {
	t.Helper()
	c, err := storage.NewClient(t.Context(), option.WithHTTPClient(&http.Client{Transport: withToken{token, &cloudsim.Transport{Handler: cloud, Classify: cloud.Classify}}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.SetRetry(storage.WithPolicy(storage.RetryNever))
	return c
}

type withToken struct {
	token string
	next  http.RoundTripper
}

func (w withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+w.token)
	return w.next.RoundTrip(r)
}

// federatedBucket makes a bucket on which a repository's workflows may create.
func federatedBucket(t *testing.T, cloud *fakegcp.Cloud) *storage.BucketHandle {
	t.Helper()
	makePool(t, iamClient(t, cloud, cloud.Operator()), "ci-pool", "github", githubProvider())
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-backup")
	grantOn(t, b.IAM().V3(), "roles/storage.objectCreator", githubSet, "")
	return b
}

func TestWorkflowsTokenOpensTheBucketForItsRepositoryOnly(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	federatedBucket(t, cloud)
	status, got := federate(t, cloud, nil, cloud.IssueToken(githubIssuer, githubClaims()))
	if status != 200 || got["token_type"] != "Bearer" || got["issued_token_type"] != "urn:ietf:params:oauth:token-type:access_token" || got["expires_in"] == nil {
		t.Fatalf("got %d %v, want a token", status, got)
	}
	c := bearer(t, cloud, got["access_token"].(string)).Bucket("acme-backup")
	if err := write(t.Context(), c, "dump-1", "x"); err != nil {
		t.Error(err)
	}
	subject := "principal://iam.googleapis.com/" + poolNumbered + "ci-pool/subject/456:refs/heads/main"
	_, err := read(t.Context(), c, "dump-1")
	wantStatus(t, err, 403, subject+" does not have storage.objects.get access")
	if last := cloud.Ledger().All(); last[len(last)-1].Principal != subject {
		t.Errorf("the ledger says %q, want the principal %q", last[len(last)-1].Principal, subject)
	}
}

func TestResumableUploadStaysTheFederatedIdentitys(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	b := federatedBucket(t, cloud)
	_, got := federate(t, cloud, nil, cloud.IssueToken(githubIssuer, githubClaims()))
	start := mustRequest(t, "POST", "https://storage.googleapis.com/upload/storage/v1/b/acme-backup/o?uploadType=resumable&name=dump")
	start.Header.Set("Authorization", "Bearer "+got["access_token"].(string))
	begin := func() string {
		resp := cloudsim.Serve(cloud, start)
		if resp.StatusCode != 200 {
			t.Fatalf("got %d", resp.StatusCode)
		}
		return resp.Header.Get("Location")
	}
	first, second := begin(), begin()
	finish := func(uri string) (int, map[string]any) {
		r := mustRequest(t, "PUT", uri)
		r.Body = io.NopCloser(strings.NewReader("x"))
		return send(t, cloud, r)
	}
	if status, got := finish(first); status != 200 {
		t.Errorf("got %d %v", status, got)
	}
	// The second would replace what the first has made.
	if status, got := finish(second); status != 403 || !strings.Contains(toJSON(t, got), "456:refs/heads/main does not have storage.objects.delete access") {
		t.Errorf("got %d %v, want a refusal that names the identity", status, got)
	}
	if err := b.Object("dump").Delete(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSecurityTokenServiceRefuses(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	federatedBucket(t, cloud)
	now := time.Now().Unix()
	issue := func(c map[string]any) string { return cloud.IssueToken(githubIssuer, c) }
	forge := func(how fakegcp.Forgery) string { return cloud.ForgeToken(githubIssuer, githubClaims(), how) }
	for _, c := range []struct {
		name, token string
		change      url.Values
		kind, text  string
	}{
		{"alg none", forge(fakegcp.ForgeNone), nil, "invalid_grant", "none"},
		{"HMAC with the public key", forge(fakegcp.ForgeHMAC), nil, "invalid_grant", "HS256"},
		{"another key under the issuer's key ID", forge(fakegcp.ForgeOtherKey), nil, "invalid_grant", "signature"},
		{"a key that the issuer does not have", forge(fakegcp.ForgeUnknownKey), nil, "invalid_grant", "signature"},
		{"claims changed after signing", forge(fakegcp.ForgeTampered), nil, "invalid_grant", "signature"},
		{"a broken signature", forge(fakegcp.ForgeSignature), nil, "invalid_grant", "signature"},
		{"no JWT", "abc", nil, "invalid_grant", "parse"},
		{"another issuer", cloud.IssueToken("https://gitlab.com", githubClaims()), nil, "invalid_grant", "issuer in ID Token https://gitlab.com"},
		{"another issuer that calls itself ours", cloud.IssueToken("https://evil.example", with("iss", githubIssuer)), nil, "invalid_grant", "signature"},
		{"for somebody else", issue(with("aud", "https://github.com/acme")), nil, "invalid_grant", "The audience in JWT does not match the expected values."},
		{"expired", issue(with("exp", now-1)), nil, "invalid_grant", "stale"},
		{"issued long ago", issue(with("iat", now-25*3600)), nil, "invalid_grant", "stale"},
		{"from the future", issue(with("iat", now+3600)), nil, "invalid_grant", "future"},
		{"not valid yet", issue(with("nbf", now+3600)), nil, "invalid_grant", "not valid before"},
		{"without an end", issue(with("exp", nil)), nil, "invalid_grant", "iat and exp"},
		{"another repository", issue(with("repository_id", "457")), nil, "unauthorized_client", "The given credential is rejected by the attribute condition."},
		{"a fork's owner", issue(with("repository_owner_id", "1")), nil, "unauthorized_client", "attribute condition"},
		{"a number where text is meant", issue(with("repository_id", 456)), nil, "invalid_grant", "must be of type STRING"},
		{"a subject of 128 bytes", issue(with("ref", strings.Repeat("r", 124))), nil, "invalid_grant", "The size of mapped attribute google.subject exceeds the 127 bytes limit."},
		{"without a mapped claim", issue(with("ref", nil)), nil, "invalid_grant", "ref"},
		{"a provider that does not exist", issue(githubClaims()), url.Values{"audience": {githubProviderName + "2"}}, "invalid_target", "doesn't exist"},
		{"a pool by the project's ID", issue(githubClaims()), url.Values{"audience": {strings.Replace(githubProviderName, "123456789012", projectID, 1)}}, "invalid_target", "doesn't exist"},
		{"no provider's name", issue(githubClaims()), url.Values{"audience": {"https:" + githubProviderName}}, "invalid_request", `Invalid value for "audience"`},
		{"another grant type", issue(githubClaims()), url.Values{"grant_type": {"password"}}, "unsupported_grant_type", "password"},
		{"another kind of token", issue(githubClaims()), url.Values{"subject_token_type": {"urn:ietf:params:aws:token-type:aws4_request"}}, "invalid_request", "subject_token_type"},
		{"no scope", issue(githubClaims()), url.Values{"scope": {""}}, "invalid_scope", "scope"},
		{"no token", "", nil, "invalid_request", "subject_token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, got := federate(t, cloud, c.change, c.token)
			text, _ := got["error_description"].(string)
			if status < 400 || got["error"] != c.kind || !strings.Contains(text, c.text) {
				t.Errorf("got %d %v, want %s with %q", status, got, c.kind, c.text)
			}
		})
	}
}

func TestAudienceIsTheProvidersNameUnlessItHasOthers(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	makePool(t, s, "ci-pool", "github", githubProvider())
	for _, aud := range []any{githubProviderName, "https:" + githubProviderName, []string{"x", githubProviderName}} {
		if status, got := federate(t, cloud, nil, cloud.IssueToken(githubIssuer, with("aud", aud))); status != 200 {
			t.Errorf("aud %v: got %d %v", aud, status, got)
		}
	}
	name := poolNumbered + "ci-pool/providers/github"
	if _, err := s.Projects.Locations.WorkloadIdentityPools.Providers.Patch(name, &iam.WorkloadIdentityPoolProvider{Oidc: &iam.Oidc{AllowedAudiences: []string{"mine"}}}).UpdateMask("oidc.allowedAudiences").Do(); err != nil {
		t.Fatal(err)
	}
	if status, _ := federate(t, cloud, nil, cloud.IssueToken(githubIssuer, with("aud", "mine"))); status != 200 {
		t.Errorf("its own audience: got %d", status)
	}
	if status, _ := federate(t, cloud, nil, cloud.IssueToken(githubIssuer, githubClaims())); status != 400 {
		t.Errorf("the provider's name, where others are allowed: got %d", status)
	}
}

func TestJSONIsAsGoodAsAForm(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	makePool(t, iamClient(t, cloud, cloud.Operator()), "ci-pool", "github", githubProvider())
	body, err := json.Marshal(map[string]string{
		"grantType": "urn:ietf:params:oauth:grant-type:token-exchange", "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token", "audience": githubProviderName,
		"scope": "https://www.googleapis.com/auth/cloud-platform", "subjectTokenType": "urn:ietf:params:oauth:token-type:id_token", "subjectToken": cloud.IssueToken(githubIssuer, githubClaims()),
	})
	if err != nil {
		t.Fatal(err)
	}
	req := mustRequest(t, "POST", "https://sts.googleapis.com/v1/token")
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	req.Header.Set("Content-Type", "application/json")
	if status, got := send(t, cloud, req); status != 200 {
		t.Errorf("got %d %v", status, got)
	}
}

func TestEndingAPoolEndsItsTokensAndEndingAProviderDoesNot(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	federatedBucket(t, cloud)
	pools, name := iamClient(t, cloud, cloud.Operator()).Projects.Locations.WorkloadIdentityPools, poolNumbered+"ci-pool"
	_, got := federate(t, cloud, nil, cloud.IssueToken(githubIssuer, githubClaims()))
	c := bearer(t, cloud, got["access_token"].(string)).Bucket("acme-backup")
	try := func(object string) error { return write(t.Context(), c, object, "x") }
	exchange := func() any {
		_, got := federate(t, cloud, nil, cloud.IssueToken(githubIssuer, githubClaims()))
		return got["error"]
	}
	must := func(_ *iam.Operation, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(pools.Providers.Patch(name+"/providers/github", &iam.WorkloadIdentityPoolProvider{Disabled: true}).UpdateMask("disabled").Do())
	if exchange() != "invalid_target" || try("a") != nil {
		t.Error("disabled provider: want no new token, and the old one to work")
	}
	must(pools.Providers.Patch(name+"/providers/github", &iam.WorkloadIdentityPoolProvider{}).UpdateMask("disabled").Do())
	must(pools.Providers.Delete(name + "/providers/github").Do())
	if exchange() != "invalid_target" || try("b") != nil {
		t.Error("deleted provider: want no new token, and the old one to work")
	}
	must(pools.Providers.Undelete(name+"/providers/github", &iam.UndeleteWorkloadIdentityPoolProviderRequest{}).Do())
	must(pools.Patch(name, &iam.WorkloadIdentityPool{Disabled: true}).UpdateMask("disabled").Do())
	if exchange() != "invalid_target" || try("c") == nil {
		t.Error("disabled pool: want no new token, and the old one to give nothing")
	}
	must(pools.Patch(name, &iam.WorkloadIdentityPool{}).UpdateMask("disabled").Do())
	must(pools.Delete(name).Do())
	if exchange() != "invalid_target" || try("d") == nil {
		t.Error("deleted pool: want no new token, and the old one to give nothing")
	}
	must(pools.Undelete(name, &iam.UndeleteWorkloadIdentityPoolRequest{}).Do())
	if exchange() != nil || try("e") != nil {
		t.Error("restored pool: want new tokens, and the old one to work again")
	}
}

func TestPoolWorksOnlyAfterTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{Delay: time.Minute})
		makePool(t, iamClient(t, cloud, cloud.Operator()), "ci-pool", "github", githubProvider())
		if _, got := federate(t, cloud, nil, cloud.IssueToken(githubIssuer, githubClaims())); got["error"] != "invalid_target" {
			t.Errorf("at once: got %v", got)
		}
		time.Sleep(time.Minute)
		if status, got := federate(t, cloud, nil, cloud.IssueToken(githubIssuer, githubClaims())); status != 200 {
			t.Errorf("after the delay: got %v", got)
		}
	})
}

func TestPrincipalsAreNamedAsGoogleNamesThem(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	b := federatedBucket(t, cloud)
	if err := storageClient(t, cloud, cloud.Operator()).Bucket("acme-old").Create(t.Context(), projectID, nil); err != nil {
		t.Fatal(err)
	}
	try := func(b *storage.BucketHandle, who string) error {
		p, err := b.IAM().V3().Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addMember(p, "roles/storage.objectViewer", who)
		return b.IAM().V3().SetPolicy(t.Context(), p)
	}
	const pool = "//iam.googleapis.com/" + poolNumbered + "ci-pool"
	for _, who := range []string{
		"principal:" + pool + "/subject/456:refs/heads/main", "principalSet:" + pool + "/*", "principalSet:" + pool + "/group/admins", "principalSet:" + pool + "/attribute.ref/refs/heads/main",
		"principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ada", "deleted:principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/bob",
	} {
		if err := try(b, who); err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	for _, c := range []struct{ who, text string }{
		{"principalSet:" + strings.Replace(pool, "123456789012", projectID, 1) + "/*", "Identity Pool does not exist (projects/acme-project/locations/global/workloadIdentityPools/ci-pool)"},
		{"principalSet:" + pool + "2/*", "Identity Pool does not exist"},
		{"principal:" + pool + "/*", "Invalid principal"},
		{"principalSet:" + pool + "/subject/x", "Invalid principal"},
		{"principalSet:" + pool + "/attribute.repository_id", "Invalid principal"},
		{"principal://example.com/x", "Invalid principal"},
		{"deleted:principal://example.com/x", "Invalid member"},
	} {
		wantStatus(t, try(b, c.who), 400, c.text)
	}
	wantStatus(t, try(storageClient(t, cloud, cloud.Operator()).Bucket("acme-old"), githubSet), 412, "uniform bucket-level access")
}

func TestFederationIsKeptInASnapshot(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	federatedBucket(t, cloud)
	jwks := cloud.JWKS(githubIssuer)
	text, err := cloud.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fakegcp.Restore(text)
	if err != nil {
		t.Fatal(err)
	}
	if string(again.JWKS(githubIssuer)) != string(jwks) {
		t.Error("the issuer has another key")
	}
	status, got := federate(t, again, nil, again.IssueToken(githubIssuer, githubClaims()))
	if status != 200 {
		t.Fatalf("got %d %v", status, got)
	}
	if err := write(t.Context(), bearer(t, again, got["access_token"].(string)).Bucket("acme-backup"), "a", "x"); err != nil {
		t.Error(err)
	}
}

func TestProviderBelievesTheKeysThatItWasGiven(t *testing.T) {
	cloud, elsewhere := fakegcp.New(fakegcp.Options{}), fakegcp.New(fakegcp.Options{})
	const issuer = "https://issuer.internal.example"
	elsewhere.IssueToken("https://another.example", nil) // so that both clouds' issuers have different keys
	token := elsewhere.IssueToken(issuer, with("sub", "job"))
	p := &iam.WorkloadIdentityPoolProvider{
		AttributeMapping: map[string]string{"google.subject": "assertion.sub"}, Oidc: &iam.Oidc{IssuerUri: issuer, JwksJson: string(elsewhere.JWKS(issuer))},
	}
	makePool(t, iamClient(t, cloud, cloud.Operator()), "ci-pool", "github", p)
	if status, got := federate(t, cloud, nil, token); status != 200 {
		t.Errorf("with the issuer's keys: got %d %v", status, got)
	}
	if status, _ := federate(t, cloud, nil, cloud.IssueToken(issuer, with("sub", "job"))); status != 400 {
		t.Errorf("with other keys: got %d", status)
	}
	if err := cloud.AddIssuer(issuer, elsewhere.JWKS(issuer)); err != nil {
		t.Error(err)
	}
}
