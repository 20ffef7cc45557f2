// The examples that Amazon publishes, and what is hard to escape.
package sigv4

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSignaturesAreThoseOfThePublishedExamples takes the examples of
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func TestSignaturesAreThoseOfThePublishedExamples(t *testing.T) {
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	key := Key{"AKIAIOSFODNN7EXAMPLE", []byte("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")}
	for name, c := range map[string]struct {
		method, address, body, want string
		header                      http.Header
	}{
		"get object": {"GET", "/test.txt", "", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", http.Header{"Range": {"bytes=0-9"}}},
		"put object": {"PUT", "/test$file.text", "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
			http.Header{"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"}}},
		"get lifecycle": {"GET", "/?lifecycle", "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", nil},
		"list objects":  {"GET", "/?max-keys=2&prefix=J", "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", nil},
	} {
		r, err := http.NewRequest(c.method, "https://examplebucket.s3.amazonaws.com"+c.address, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.header != nil {
			r.Header = c.header
		}
		Sign(r, []byte(c.body), key, AWS(), Scope{"us-east-1", "s3"}, now)
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+c.want) {
			t.Errorf("%s: got %s, want the signature %s", name, got, c.want)
		}
	}
}

func TestGooglesSignatureHasItsOwnNames(t *testing.T) {
	r, err := http.NewRequest("GET", "https://storage.googleapis.com/acme/key", nil)
	if err != nil {
		t.Fatal(err)
	}
	Sign(r, nil, Key{"GOOG1EXAMPLE", []byte("secret")}, Google(), Scope{"auto", "storage"}, time.Unix(0, 0))
	got := r.Header.Get("Authorization")
	const want = "GOOG4-HMAC-SHA256 Credential=GOOG1EXAMPLE/19700101/auto/storage/goog4_request,SignedHeaders=host;x-goog-content-sha256;x-goog-date,Signature="
	if !strings.HasPrefix(got, want) || r.Header.Get("X-Amz-Date") != "" {
		t.Errorf("got %s and %v, want %s…", got, r.Header, want)
	}
}

func TestPathsAreEscapedAsTheyAreSigned(t *testing.T) {
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"acme"}, "/acme"},
		{[]string{"acme", "a b/c+d/é~.txt"}, "/acme/a%20b/c%2Bd/%C3%A9~.txt"},
		{[]string{"acme", "dir/"}, "/acme/dir/"},
	} {
		if got := Path(c.parts...); got != c.want {
			t.Errorf("%q: got %q, want %q", c.parts, got, c.want)
		}
	}
}
