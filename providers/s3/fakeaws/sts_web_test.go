// Tokens of identity providers: which ones open a role, and in which words the others are refused.
package fakeaws_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const (
	github   = "https://token.actions.githubusercontent.com"
	audience = "sts.amazonaws.com"
	subject  = "repo:acme@1/backup@2:ref:refs/heads/main"
)

// federation is a cloud with GitHub's provider and a role for one subject.
type federation struct {
	*fakeaws.Cloud
	op     clients
	assume func(role, token string) (*sts.AssumeRoleWithWebIdentityOutput, error)
}

func newFederation(t *testing.T, o fakeaws.Options, condition string) federation {
	t.Helper()
	f := federation{Cloud: fakeaws.New(o)}
	f.op = operator(f.Cloud, "eu-west-1")
	must(t)(f.op.iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: aws.String(github), ClientIDList: []string{audience}}))
	if condition == "" {
		condition = `"StringEquals":{"token.actions.githubusercontent.com:aud":"` + audience + `","token.actions.githubusercontent.com:sub":"` + subject + `"}`
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{` + condition + `}}]}`
	must(t)(f.op.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("backup"), AssumeRolePolicyDocument: &trust}))
	anonymous := connect(f.Cloud, "eu-west-1", "", "", "").sts
	f.assume = func(role, token string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		return anonymous.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::111122223333:role/" + role), RoleSessionName: aws.String("run"), WebIdentityToken: &token,
		})
	}
	return f
}

func TestATokenOpensTheRoleThatTrustsItsSubject(t *testing.T) {
	f := newFederation(t, fakeaws.Options{}, "")
	good := map[string]any{"sub": subject, "aud": audience}
	with := func(pairs ...any) map[string]any {
		m := map[string]any{"sub": subject, "aud": audience}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	past := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	token := f.IssueClaims(github, good)
	parts := strings.Split(token, ".")
	elsewhere := fakeaws.New(fakeaws.Options{})
	for _, v := range []struct{ name, token, code, text string }{
		{"the right token", token, "", ""},
		{"the short form", f.IssueToken(github, subject, audience), "", ""},
		{"several audiences", f.IssueClaims(github, with("aud", []string{"other", audience})), "", ""},
		{"another subject", f.IssueClaims(github, with("sub", "repo:evil@3/backup@4:ref:refs/heads/main")), "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		{"a pull request", f.IssueClaims(github, with("sub", "repo:acme@1/backup@2:pull_request")), "AccessDenied", ""},
		{"the classic form of the subject", f.IssueClaims(github, with("sub", "repo:acme/backup:ref:refs/heads/main")), "AccessDenied", ""},
		{"the subject in capitals", f.IssueClaims(github, with("sub", strings.ToUpper(subject))), "AccessDenied", ""},
		{"another audience", f.IssueClaims(github, with("aud", "https://github.com/acme")), "InvalidIdentityToken", "Incorrect token audience"},
		{"an authorized party in the audience's place", f.IssueClaims(github, with("azp", "somebody")), "InvalidIdentityToken", "Incorrect token audience"},
		{"no audience", f.IssueClaims(github, with("aud", nil)), "InvalidIdentityToken", "aud"},
		{"no end", f.IssueClaims(github, with("exp", nil)), "InvalidIdentityToken", "exp"},
		{"an issuer that is not registered", f.IssueClaims("https://evil.example", good), "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://evil.example"},
		{"an issuer that borrows a name", f.IssueClaims("https://evil.example", with("iss", github)), "InvalidIdentityToken", "verification key"},
		{"another world's issuer of the same name", elsewhere.IssueClaims(github, good), "InvalidIdentityToken", "verification key"},
		{"changed after signing", f.ForgeClaims(github, good), "InvalidIdentityToken", "could not be validated"},
		{"a broken signature", parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])), "InvalidIdentityToken", "could not be validated"},
		{"no signature", f.UnsignedClaims(github, good), "InvalidIdentityToken", "could not be validated"},
		{"a signature cut off", parts[0] + "." + parts[1] + ".", "InvalidIdentityToken", "could not be validated"},
		{"no token", "nonsense", "InvalidIdentityToken", "not a valid JWT"},
		{"expired", f.IssueClaims(github, with("iat", past(time.Hour), "nbf", past(time.Hour), "exp", past(6*time.Minute))), "ExpiredTokenException", ""},
		{"expired within the clocks' tolerance", f.IssueClaims(github, with("iat", past(time.Hour), "nbf", past(time.Hour), "exp", past(4*time.Minute))), "", ""},
		{"not yet valid", f.IssueClaims(github, with("nbf", past(-time.Hour), "iat", past(-time.Hour), "exp", past(-2*time.Hour))), "InvalidIdentityToken", ""},
	} {
		_, err := f.assume("backup", v.token)
		wantCode(t, v.name, err, v.code)
		if v.text != "" && (err == nil || !strings.Contains(err.Error(), v.text)) {
			t.Errorf("%s: got %v, want %q", v.name, err, v.text)
		}
	}
	_, err := f.assume("missing", token)
	wantCode(t, "a role that does not exist", err, "AccessDenied")
}

func TestATokensSessionActsAsTheRole(t *testing.T) {
	f := newFederation(t, fakeaws.Options{}, "")
	newBucket(t, f.Cloud, "acme-events")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-events/*",
		"Condition":{"StringEquals":{"token.actions.githubusercontent.com:sub":"` + subject + `","aws:FederatedProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}}}]}`
	must(t)(f.op.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("backup"), PolicyName: aws.String("p"), PolicyDocument: &policy}))
	out, err := f.assume("backup", f.IssueToken(github, subject, audience))
	if err != nil {
		t.Fatal(err)
	}
	k := key{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}
	who, err := connect(f.Cloud, "eu-west-1", k.id, k.secret, k.token).sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:sts::111122223333:assumed-role/backup/run" || *out.SubjectFromWebIdentityToken != subject {
		t.Errorf("got %+v, %v", who, err)
	}
	if a := call(t, f.Cloud, k, "PUT", "/acme-events/x", "x", nil); a.status != 200 {
		t.Errorf("put: got %d %s", a.status, a.body)
	}
	if a := call(t, f.Cloud, k, "GET", "/acme-events/x", "", nil); a.status != 403 {
		t.Errorf("get: got %d, want 403", a.status)
	}
	last := f.Ledger().All()
	if d := last[len(last)-1]; d.Allowed || d.Principal != *who.Arn {
		t.Errorf("ledger: got %+v", d)
	}
	used, err := f.op.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("backup")})
	if err != nil || used.Role.RoleLastUsed == nil || used.Role.RoleLastUsed.LastUsedDate == nil || *used.Role.RoleLastUsed.Region != "eu-west-1" {
		t.Errorf("last used: got %+v, %v", used, err)
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
func TestClaimsOfGitHubAreConditionKeysOfTheTrust(t *testing.T) {
	f := newFederation(t, fakeaws.Options{}, `"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme*"},"StringEquals":{"token.actions.githubusercontent.com:repository_id":"2"}`)
	for id, want := range map[string]string{"2": "", "3": "AccessDenied"} {
		_, err := f.assume("backup", f.IssueClaims(github, map[string]any{"sub": subject, "aud": audience, "repository_id": id}))
		wantCode(t, "repository "+id, err, want)
	}
	_, err := f.assume("backup", f.IssueToken(github, subject, audience))
	wantCode(t, "without the claim", err, "AccessDenied")
}

func TestANewProviderIsFoundAfterTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFederation(t, fakeaws.Options{Delay: delay}, "")
		token := f.IssueToken(github, subject, audience)
		_, err := f.assume("backup", token)
		wantCode(t, "at once", err, "InvalidIdentityToken")
		time.Sleep(delay)
		_, err = f.assume("backup", token)
		wantCode(t, "later", err, "")
	})
}

func TestTheKeySetVerifiesTheIssuersTokens(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	parts := strings.Split(cloud.IssueToken(github, subject, audience), ".")
	get := func(target string) []byte {
		r, err := http.NewRequestWithContext(t.Context(), "GET", github+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := send(t, cloud, r)
		if a.status != 200 {
			t.Fatalf("%s: got %d %s", target, a.status, a.body)
		}
		return []byte(a.body)
	}
	var found struct{ Issuer, JWKS_URI string }
	if err := json.Unmarshal(get("/.well-known/openid-configuration"), &found); err != nil || found.Issuer != github {
		t.Fatalf("got %+v, %v", found, err)
	}
	body := get(strings.TrimPrefix(found.JWKS_URI, github))
	if string(body) != string(cloud.JWKS(github)) {
		t.Errorf("served key set %s differs from %s", body, cloud.JWKS(github))
	}
	var set struct{ Keys []struct{ N, E, Kid string } }
	if err := json.Unmarshal(body, &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("got %s, %v", body, err)
	}
	number := func(s string) *big.Int {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(b)
	}
	public := &rsa.PublicKey{N: number(set.Keys[0].N), E: int(number(set.Keys[0].E).Int64())}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], number(parts[2]).FillBytes(make([]byte, 256))); err != nil {
		t.Errorf("signature: %v", err)
	}
}

func TestARestoredCloudBelievesItsIssuers(t *testing.T) {
	f := newFederation(t, fakeaws.Options{}, "")
	token := f.IssueToken(github, subject, audience)
	b, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fakeaws.Restore(b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = connect(again, "eu-west-1", "", "", "").sts.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::111122223333:role/backup"), RoleSessionName: aws.String("run"), WebIdentityToken: &token,
	})
	wantCode(t, "an old token", err, "")
	if _, err := fakeaws.Restore([]byte(strings.Replace(string(b), `"Issuers":{"`+github+`":{"Key":"`, `"Issuers":{"`+github+`":{"Key":"AAAA`, 1))); err == nil {
		t.Error("a snapshot with a broken key was restored")
	}
}

func TestAProviderHasAHundredAudiences(t *testing.T) {
	f := newFederation(t, fakeaws.Options{}, "")
	arn := aws.String("arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com")
	for n := range 100 {
		want := ""
		if n == 99 {
			want = "LimitExceeded"
		}
		_, err := f.op.iam.AddClientIDToOpenIDConnectProvider(t.Context(), &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String(fmt.Sprint("client", n))})
		wantCode(t, fmt.Sprint("audience ", n+2), err, want)
	}
	_, err := f.op.iam.AddClientIDToOpenIDConnectProvider(t.Context(), &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String(audience)})
	wantCode(t, "one that is there already", err, "")
	for n := range 100 {
		want := ""
		if n == 99 {
			want = "LimitExceeded"
		}
		_, err := f.op.iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: aws.String(fmt.Sprintf("https://idp%d.example", n))})
		wantCode(t, fmt.Sprint("provider ", n+2), err, want)
	}
}

func TestCloudsCanShareAnIssuersKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	lend := func(string) *rsa.PrivateKey { return key }
	one, other := fakeaws.New(fakeaws.Options{IssuerKey: lend}), fakeaws.New(fakeaws.Options{IssuerKey: lend})
	modulus := func(c *fakeaws.Cloud) string { return between(string(c.JWKS(github)), `"n":"`, `"`) }
	if modulus(one) == "" || modulus(one) != modulus(other) {
		t.Errorf("got %s and %s, want the same key", one.JWKS(github), other.JWKS(github))
	}
	f := newFederation(t, fakeaws.Options{IssuerKey: lend}, "")
	_, err = f.assume("backup", f.IssueToken(github, subject, audience))
	wantCode(t, "a token", err, "")
}
