// Who may say that a request is theirs.
package fakeaws_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const anything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func TestOnlyTheHolderOfTheSecretGetsIn(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	good := newKey(t, c, "alice", anything)
	now := time.Now()
	put := func() *http.Request { return request(t, "PUT", "/acme-events/a%20b/%2B%3D~%C3%A9", "body", nil) }
	for _, v := range []struct {
		name   string
		r      func() *http.Request
		status int
		code   string
	}{
		{"rightly signed", func() *http.Request { return signAt(t, put(), good, now) }, 200, ""},
		{"14 minutes late", func() *http.Request { return signAt(t, put(), good, now.Add(-14*time.Minute)) }, 200, ""},
		{"16 minutes late", func() *http.Request { return signAt(t, put(), good, now.Add(-16*time.Minute)) }, 403, "RequestTimeTooSkewed"},
		{"16 minutes early", func() *http.Request { return signAt(t, put(), good, now.Add(16*time.Minute)) }, 403, "RequestTimeTooSkewed"},
		{"wrong secret", func() *http.Request { return signAt(t, put(), key{id: good.id, secret: "wrong"}, now) }, 403, "SignatureDoesNotMatch"},
		{"unknown key", func() *http.Request { return signAt(t, put(), key{id: "AKIAIOSFODNN7EXAMPLE", secret: "wrong"}, now) }, 403, "InvalidAccessKeyId"},
		{"a token for a long-term key", func() *http.Request { return signAt(t, put(), key{good.id, good.secret, "token"}, now) }, 400, "InvalidToken"},
		{"unsigned", put, 403, "AccessDenied"},
		{"another body", func() *http.Request {
			r := signAt(t, put(), good, now)
			r.Body = http.NoBody
			return r
		}, 400, "XAmzContentSHA256Mismatch"},
		{"another path", func() *http.Request {
			r := signAt(t, put(), good, now)
			r.URL.Path, r.URL.RawPath = "/acme-events/other", ""
			return r
		}, 403, "SignatureDoesNotMatch"},
		{"another query", func() *http.Request {
			r := signAt(t, put(), good, now)
			r.URL.RawQuery = "versionId=1"
			return r
		}, 403, "SignatureDoesNotMatch"},
		{"another signed header", func() *http.Request {
			r := signAt(t, put(), good, now)
			r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			return r
		}, 403, "SignatureDoesNotMatch"},
		{"garbage", func() *http.Request {
			r := put()
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 nonsense")
			r.Header.Set("X-Amz-Date", now.UTC().Format("20060102T150405Z"))
			return r
		}, 400, "AuthorizationHeaderMalformed"},
	} {
		a := send(t, c, v.r())
		if a.status != v.status || between(a.body, "<Code>", "</Code>") != v.code {
			t.Errorf("%s: got %d %s, want %d %s", v.name, a.status, a.body, v.status, v.code)
		}
	}
}

func TestInactiveKeysAreTurnedAway(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	alice := newUser(t, c, "alice", anything)
	list, err := alice.iam.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{})
	if err != nil || len(list.AccessKeyMetadata) != 1 {
		t.Fatal(list, err)
	}
	must(t)(operator(c, "eu-west-1").iam.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{
		UserName: aws.String("alice"), AccessKeyId: list.AccessKeyMetadata[0].AccessKeyId, Status: iamtypes.StatusTypeInactive,
	}))
	_, err = alice.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, "identity", err, "InvalidClientTokenId")
	_, err = alice.s3.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	wantCode(t, "list buckets", err, "InvalidAccessKeyId")
}

func TestPresignedURLsWorkInTheirTime(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1")
	must(t)(op.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("a b"), Body: strings.NewReader("hello")}))
	k := key{}
	k.id, k.secret = c.Operator()
	presign := func(at time.Time) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://acme-events.s3.eu-west-1.amazonaws.com/a%20b?X-Amz-Expires=60", nil)
		if err != nil {
			t.Fatal(err)
		}
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		u, _, err := signer.PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: k.id, SecretAccessKey: k.secret}, r, "UNSIGNED-PAYLOAD", "s3", "eu-west-1", at)
		if err != nil {
			t.Fatal(err)
		}
		r, err = http.NewRequestWithContext(t.Context(), "GET", u, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if a := send(t, c, presign(time.Now())); a.status != 200 || a.body != "hello" {
		t.Errorf("in time: got %d %s, want the object", a.status, a.body)
	}
	if a := send(t, c, presign(time.Now().Add(-2*time.Minute))); a.status != 403 || !strings.Contains(a.body, "Request has expired") {
		t.Errorf("too late: got %d %s, want a refusal", a.status, a.body)
	}
	r := presign(time.Now())
	r.URL.Path = "/other"
	r.URL.RawPath = ""
	if a := send(t, c, r); a.status != 403 {
		t.Errorf("another key: got %d %s, want a refusal", a.status, a.body)
	}
}

func TestStreamedBodiesAreDecodedAndChecked(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1")
	// A body that cannot be rewound makes the client send aws-chunked with a trailing checksum.
	body := strings.Repeat("0123456789", 30_000)
	must(t)(op.s3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("acme-events"), Key: aws.String("streamed"), Body: onlyReader{bytes.NewBufferString(body)}, ContentLength: aws.Int64(int64(len(body))),
	}, s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)))
	got, err := op.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("streamed")})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(got.Body); err != nil || b.String() != body {
		t.Errorf("got %d bytes and %v, want %d", b.Len(), err, len(body))
	}
	k := key{}
	k.id, k.secret = c.Operator()
	a := call(t, c, k, "PUT", "/acme-events/x", "body", map[string]string{"X-Amz-Checksum-Crc32": "AAAAAA=="})
	if a.status != 400 || between(a.body, "<Code>", "</Code>") != "BadDigest" {
		t.Errorf("wrong checksum: got %d %s, want BadDigest", a.status, a.body)
	}
}

type onlyReader struct{ r *bytes.Buffer }

func (o onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }

func TestOneAddressStandsForAllServices(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	server := httptest.NewServer(c)
	defer server.Close()
	id, secret := c.Operator()
	cl := connect(c, "eu-west-1", id, secret, "")
	s3c := s3.New(cl.s3.Options(), func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle, o.HTTPClient = &server.URL, true, server.Client()
	})
	must(t)(s3c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("a/b c"), Body: strings.NewReader("x")}))
	iamc := iam.New(cl.iam.Options(), func(o *iam.Options) { o.BaseEndpoint, o.HTTPClient = &server.URL, server.Client() })
	must(t)(iamc.GetUser(t.Context(), &iam.GetUserInput{}))
	stsc := sts.New(cl.sts.Options(), func(o *sts.Options) { o.BaseEndpoint, o.HTTPClient = &server.URL, server.Client() })
	must(t)(stsc.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
}
