// Hostile input: whatever arrives is answered, and a stranger gets nowhere.
package fakeaws_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func FuzzStrangersAreAnsweredAndGetNowhere(f *testing.F) {
	f.Add("GET", "/acme-events/events/x", "", "")
	f.Add("PUT", "/acme-events?policy", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=00", "{")
	f.Add("POST", "/", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00", "Action=CreateUser&UserName=eve")
	f.Add("POST", "/", "", "Action=AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::111122223333:role/x&RoleSessionName=ab&WebIdentityToken=a.b.c")
	f.Add("GET", "/acme-events/x?X-Amz-Signature=0&X-Amz-Expires=1&X-Amz-Credential=a/20260101/b/s3/d&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host", "", "")
	f.Fuzz(func(t *testing.T, method, target, auth, body string) {
		c := fakeaws.New(fakeaws.Options{})
		before, err := c.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(method, "https://s3.eu-west-1.amazonaws.com"+target, strings.NewReader(body))
		if err != nil {
			return // not a request
		}
		r.Header.Set("Authorization", auth)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		c.Classify(r)
		if resp := cloudsim.Serve(c, r); resp.StatusCode < 300 {
			t.Errorf("%s %s: got %d for a stranger", method, target, resp.StatusCode)
		}
		after, err := c.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if len(after) < len(before) { // a key for tokens may be born, nothing else
			t.Errorf("%s %s: a stranger removed something", method, target)
		}
	})
}

func FuzzPolicyDocumentsAreReadOrRefused(f *testing.F) {
	f.Add(putOnly, "arn:aws:s3:::acme-events/events/x")
	f.Add(`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["a"]},"NotAction":"*","NotResource":"arn:aws:s3:::${aws:username}*","Condition":{"ForAnyValue:StringNotLikeIfExists":{"a:b":[1,true,"x"]}}}}`, "*")
	f.Fuzz(func(t *testing.T, text, resource string) {
		d, err := fakeaws.ParseDocument(text)
		if err != nil {
			return
		}
		p := fakeaws.Policy{Document: d}
		v := fakeaws.Evaluate(fakeaws.Request{
			Principal: fakeaws.Principal{ARN: "arn:aws:iam::111122223333:user/alice"}, Action: "s3:PutObject", Resource: resource,
			Identity: []fakeaws.Policy{p}, Attached: &p, Boundary: &p,
		})
		if v.Allowed && v.Explicit {
			t.Errorf("%s: allowed by an explicit denial", text)
		}
	})
}
