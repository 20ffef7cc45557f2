// Requests by hand, signed by the real signer.
package fakeaws_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// key is an access key.
type key struct{ id, secret, token string }

// request builds an unsigned S3 request in eu-west-1.
func request(t *testing.T, method, target, body string, header map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://s3.eu-west-1.amazonaws.com"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	sum := sha256.Sum256([]byte(body))
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	return r
}

func signAt(t *testing.T, r *http.Request, k key, at time.Time) *http.Request {
	t.Helper()
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	cred := aws.Credentials{AccessKeyID: k.id, SecretAccessKey: k.secret, SessionToken: k.token}
	if err := signer.SignHTTP(t.Context(), cred, r, r.Header.Get("X-Amz-Content-Sha256"), "s3", "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

// answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
}

func send(t *testing.T, h http.Handler, r *http.Request) answer {
	t.Helper()
	resp := cloudsim.Serve(h, r)
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(b), resp.Header}
}

// call signs and sends a request in one go.
func call(t *testing.T, h http.Handler, k key, method, target, body string, header map[string]string) answer {
	t.Helper()
	return send(t, h, signAt(t, request(t, method, target, body, header), k, time.Now()))
}

// between returns the text between two marks.
func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

func withBody(r *http.Request, body string) *http.Request {
	r.Body = io.NopCloser(strings.NewReader(body))
	return r
}

func readAll(t *testing.T, r *http.Request) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
