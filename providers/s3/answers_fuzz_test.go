// Hostile answers: whatever S3 or something in front of it says, only its own word for it is a refusal.
package s3

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
)

// said answers every request with the same.
type said struct {
	status int
	body   string
}

func (s said) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: s.status, Status: http.StatusText(s.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(s.body)), Request: r,
	}, nil
}

func FuzzAnswersOfS3(f *testing.F) {
	f.Add(403, `<Error><Code>AccessDenied</Code><Message>User is not authorized to perform: s3:PutObject because no identity-based policy allows the s3:PutObject action</Message></Error>`)
	f.Add(403, `<html>AccessDenied</html>`)
	f.Add(500, `<Error><Code>AccessDenied</Code></Error>`)
	f.Add(200, `<Error><Code>InternalError</Code></Error>`)
	f.Add(404, ``)
	f.Add(403, `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "AccessDenied">]><Error><Code>&a;</Code></Error>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		client := s3.NewFromConfig(aws.Config{
			Region: "eu-west-1", HTTPClient: newCaller(said{status, body}, nil), Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "x", ""),
			Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		})
		_, err := client.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String("acme")})
		got, why := outcome(core.Denied, err)
		switch {
		case got == core.Denied && (status != http.StatusForbidden || !strings.Contains(body, "AccessDenied")):
			t.Errorf("%d %q: got a refusal, which nobody has said", status, body)
		case got == core.Allowed && err == nil && status >= 300:
			t.Errorf("%d %q: got a consent, which nobody has said", status, body)
		case (got == core.Unclear) != (why != nil):
			t.Errorf("%d %q: got %s with error %v", status, body, got, why)
		}
		if wrapped := failed("s3:bucket/acme", "s3:GetBucketPolicy", err); (wrapped == nil) != (err == nil) || err != nil && wrapped.Error() == "" {
			t.Errorf("%d %q: got %v for %v", status, body, wrapped, err)
		}
	})
}
