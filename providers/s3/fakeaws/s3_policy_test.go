// Bucket policies: who may be named, what is public, and who can always get back in.
package fakeaws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// bucketPolicy is a policy of acme-events with one statement.
func bucketPolicy(effect, principal, action, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"One","Effect":"` + effect + `","Principal":` + principal + `,"Action":"` + action +
		`","Resource":["arn:aws:s3:::acme-events","arn:aws:s3:::acme-events/*"]` + condition + `}]}`
}

func putPolicy(t *testing.T, c clients, text string) error {
	t.Helper()
	_, err := c.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("acme-events"), Policy: &text})
	return err
}

func TestBucketPoliciesAreChecked(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1")
	for _, v := range []struct{ name, text, want string }{
		{"TLS only", bucketPolicy("Deny", `"*"`, "s3:*", `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`), ""},
		{"another bucket's resource", strings.ReplaceAll(bucketPolicy("Deny", `"*"`, "s3:*", ""), "acme-events", "other"), "MalformedPolicy"},
		{"no principal", strings.Replace(bucketPolicy("Deny", `"*"`, "s3:*", ""), `"Principal":"*",`, "", 1), "MalformedPolicy"},
		{"missing user", bucketPolicy("Allow", `{"AWS":"arn:aws:iam::111122223333:user/missing"}`, "s3:GetObject", ""), "MalformedPolicy"},
		{"dead user's ID", bucketPolicy("Allow", `{"AWS":"AIDAEXAMPLEDELETED"}`, "s3:GetObject", ""), "MalformedPolicy"},
		{"own user", bucketPolicy("Allow", `{"AWS":"arn:aws:iam::111122223333:user/operator"}`, "s3:GetObject", ""), ""},
		{"another account", bucketPolicy("Allow", `{"AWS":"arn:aws:iam::444455556666:root"}`, "s3:GetObject", ""), ""},
		{"public", bucketPolicy("Allow", `"*"`, "s3:GetObject", ""), "AccessDenied"},
		{"public from everywhere", bucketPolicy("Allow", `"*"`, "s3:GetObject", `,"Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`), "AccessDenied"},
		{"everyone from one network", bucketPolicy("Allow", `"*"`, "s3:GetObject", `,"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`), ""},
		{"not JSON", "<xml>", "MalformedPolicy"},
		{"too long", bucketPolicy("Deny", `"*"`, "s3:*", `,"Condition":{"StringEquals":{"aws:x":"`+strings.Repeat("x", 20*1024)+`"}}`), "MalformedPolicy"},
	} {
		wantCode(t, v.name, putPolicy(t, op, v.text), v.want)
	}
}

func TestTheOwnersRootUserGetsBackIn(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1")
	if err := putPolicy(t, op, bucketPolicy("Deny", `"*"`, "s3:*", "")); err != nil {
		t.Fatal(err)
	}
	_, err := op.s3.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String("acme-events")})
	wantCode(t, "operator", err, "AccessDenied")
	id, secret := c.Root()
	_, err = connect(c, "eu-west-1", id, secret, "").s3.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String("acme-events")})
	wantCode(t, "root", err, "")
}

func TestPlainHTTPIsSeenByPolicies(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	if err := putPolicy(t, operator(c, "eu-west-1"), bucketPolicy("Deny", `"*"`, "s3:*", `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`)); err != nil {
		t.Fatal(err)
	}
	k := key{}
	k.id, k.secret = c.Operator()
	for scheme, want := range map[string]int{"https": 200, "http": 403} {
		r := request(t, "PUT", "/acme-events/x", "x", nil)
		r.URL.Scheme = scheme
		if a := send(t, c, signAt(t, r, k, now())); a.status != want {
			t.Errorf("%s: got %d %s, want %d", scheme, a.status, a.body, want)
		}
	}
}

func TestAPublicBucketIsPublicOnlyWhileNothingRestrictsIt(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1")
	k := key{}
	k.id, k.secret = c.Operator()
	call(t, c, k, "PUT", "/acme-events/x", "hello", nil)
	anonymous := func() int { return send(t, c, request(t, "GET", "/acme-events/x", "", nil)).status }
	if got := anonymous(); got != 403 {
		t.Errorf("private: got %d", got)
	}
	must(t)(op.s3.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String("acme-events")}))
	wantCode(t, "public policy", putPolicy(t, op, bucketPolicy("Allow", `"*"`, "s3:GetObject", "")), "")
	status, err := op.s3.GetBucketPolicyStatus(t.Context(), &s3.GetBucketPolicyStatusInput{Bucket: aws.String("acme-events")})
	if err != nil || !*status.PolicyStatus.IsPublic || anonymous() != 200 {
		t.Errorf("public: got %+v, %v, %d", status, err, anonymous())
	}
	a := call(t, c, k, "PUT", "/acme-events?publicAccessBlock", "<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>", nil)
	if got := anonymous(); a.status != 200 || got != 403 {
		t.Errorf("restricted: got %d and %d, want 403", a.status, got)
	}
}
