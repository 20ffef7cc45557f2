// Package sigv4 signs requests with a shared secret: Signature Version 4, by
// Amazon's names and by Google's.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// https://cloud.google.com/storage/docs/authentication/signatures
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Key is a shared secret and its public ID.
type Key struct {
	ID     string
	Secret []byte
}

// Scheme is by whose names a request is signed. Its headers of the other one
// are signed too, but Cloud Storage refuses a request that mixes them.
type Scheme struct {
	algorithm string // "AWS4-HMAC-SHA256"
	prefix    string // before the secret: "AWS4"
	end       string // of the scope: "aws4_request"
	Vendor    string // of the headers: "x-amz-"
}

// AWS is what clients of Amazon S3 sign by.
func AWS() Scheme { return Scheme{"AWS4-HMAC-SHA256", "AWS4", "aws4_request", "X-Amz-"} }

// Google is what Cloud Storage knows beside it.
func Google() Scheme { return Scheme{"GOOG4-HMAC-SHA256", "GOOG4", "goog4_request", "X-Goog-"} }

// Scope is where a signature holds.
type Scope struct {
	Region  string // "auto" on Cloud Storage
	Service string // "s3", "storage"
}

const dateTime = "20060102T150405Z"

// Sign adds to r the headers that date and authenticate it. Every header that r
// has by then is signed; body is what will be sent. The query must hold
// parameters that [url.Values.Encode] would write in the same way.
func Sign(r *http.Request, body []byte, k Key, s Scheme, at Scope, now time.Time) {
	date := now.UTC().Format(dateTime)
	payload := hexSum(body)
	r.Header.Set(s.Vendor+"Date", date)
	r.Header.Set(s.Vendor+"Content-Sha256", payload)
	names, headers := canonicalHeaders(r)
	request := strings.Join([]string{r.Method, canonicalPath(r.URL), canonicalQuery(r.URL.Query()), headers, names, payload}, "\n")
	scope := strings.Join([]string{date[:8], at.Region, at.Service, s.end}, "/")
	text := strings.Join([]string{s.algorithm, date, scope, hexSum([]byte(request))}, "\n")
	key := append([]byte(s.prefix), k.Secret...)
	defer clear(key)
	derived := key
	for _, part := range []string{date[:8], at.Region, at.Service, s.end, text} {
		derived = sum(derived, part)
	}
	r.Header.Set("Authorization", s.algorithm+" Credential="+k.ID+"/"+scope+",SignedHeaders="+names+",Signature="+hex.EncodeToString(derived))
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexSum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// canonicalHeaders are the names of all headers, and the headers themselves, a
// line each.
func canonicalHeaders(r *http.Request) (names, lines string) {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	all := map[string]string{"host": host}
	for name, values := range r.Header {
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		all[strings.ToLower(name)] = strings.Join(trimmed, ",")
	}
	sorted := slices.Sorted(maps.Keys(all))
	var b strings.Builder
	for _, name := range sorted {
		b.WriteString(name + ":" + all[name] + "\n")
	}
	return strings.Join(sorted, ";"), b.String()
}

// canonicalPath is the path with everything escaped but the slashes and what
// never needs it. It is escaped once, as storage services want it.
func canonicalPath(u *url.URL) string {
	if u.Path == "" {
		return "/"
	}
	parts := strings.Split(u.Path, "/")
	for i, p := range parts {
		parts[i] = escape(p)
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(q url.Values) string {
	var list []string
	for name, values := range q {
		for _, v := range values {
			list = append(list, escape(name)+"="+escape(v))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "&")
}

// escape is percent encoding of all but A-Z, a-z, 0-9, "-", ".", "_" and "~".
func escape(s string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(s))
}

// Path is the escaped path of a request, in the form that is signed.
func Path(parts ...string) string {
	return canonicalPath(&url.URL{Path: "/" + strings.Join(parts, "/")})
}
