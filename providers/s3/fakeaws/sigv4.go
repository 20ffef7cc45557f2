// Signature Version 4: the proof that a request comes from the holder of a secret.
package fakeaws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	amzTime   = "20060102T150405Z"
	maxSkew   = 15 * time.Minute
)

// scope is the credential scope of a signature: whose key, which day, which region, which service.
type scope struct {
	key, date, region, service string
}

// signature is what a request says about how it was signed.
type signature struct {
	scope
	headers   []string // names in lower case, sorted
	value     string   // hex
	time      time.Time
	rawTime   string
	expires   time.Duration // of a presigned URL
	presigned bool
	token     string
	payload   string // hash of the body, or one of the words that stand for it
}

// scopeOf reads the scope of a request without checking anything.
func scopeOf(r *http.Request) scope {
	cred := r.URL.Query().Get("X-Amz-Credential")
	if h := r.Header.Get("Authorization"); h != "" {
		cred = authField(h, "Credential")
	}
	f := strings.Split(cred, "/")
	if len(f) < 5 {
		return scope{}
	}
	n := len(f)
	return scope{strings.Join(f[:n-4], "/"), f[n-4], f[n-3], f[n-2]}
}

func authField(header, name string) string {
	_, fields, _ := strings.Cut(header, " ")
	for f := range strings.SplitSeq(fields, ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(f), name+"="); ok {
			return v
		}
	}
	return ""
}

// parseSignature returns nil for a request that is not signed.
func parseSignature(r *http.Request) (*signature, *apiError) {
	header, q := r.Header.Get("Authorization"), r.URL.Query()
	s := &signature{scope: scopeOf(r)}
	switch {
	case header != "":
		if !strings.HasPrefix(header, algorithm+" ") {
			return nil, malformedAuth("Unsupported Authorization Type")
		}
		s.headers = strings.Split(authField(header, "SignedHeaders"), ";")
		s.value = authField(header, "Signature")
		s.rawTime = r.Header.Get("X-Amz-Date")
		s.token = r.Header.Get("X-Amz-Security-Token")
		s.payload = r.Header.Get("X-Amz-Content-Sha256")
	case q.Get("X-Amz-Signature") != "":
		s.presigned = true
		s.headers = strings.Split(q.Get("X-Amz-SignedHeaders"), ";")
		s.value = q.Get("X-Amz-Signature")
		s.rawTime = q.Get("X-Amz-Date")
		s.token = q.Get("X-Amz-Security-Token")
		s.payload = unsignedPayload
		if h := r.Header.Get("X-Amz-Content-Sha256"); h != "" {
			s.payload = h
		}
		n, err := strconv.Atoi(q.Get("X-Amz-Expires"))
		if err != nil || n < 0 || n > 604800 {
			return nil, &apiError{Code: "AuthorizationQueryParametersError", Status: 400, Message: "X-Amz-Expires must be between 0 and 604800 seconds"}
		}
		s.expires = time.Duration(n) * time.Second
	default:
		return nil, nil
	}
	t, err := time.Parse(amzTime, s.rawTime)
	if err != nil {
		return nil, &apiError{Code: "AccessDenied", Status: 403, Message: "AWS authentication requires a valid Date or x-amz-date header"}
	}
	s.time = t
	if s.key == "" || s.service == "" || s.date != t.Format("20060102") || !slices.Contains(s.headers, "host") {
		return nil, malformedAuth("The authorization header is malformed; a credential, its scope, signed headers with host, and a signature are required.")
	}
	return s, nil
}

func malformedAuth(message string) *apiError {
	return &apiError{Code: "AuthorizationHeaderMalformed", Status: 400, Message: message}
}

// fresh says whether the request was signed just now, or is a presigned URL in its time.
func (s *signature) fresh() *apiError {
	now := time.Now()
	if s.presigned {
		if now.After(s.time.Add(s.expires)) {
			return &apiError{Code: "AccessDenied", Status: 403, Message: "Request has expired"}
		}
		if s.time.Sub(now) > maxSkew {
			return &apiError{Code: "AccessDenied", Status: 403, Message: "Request is not valid yet"}
		}
		return nil
	}
	if now.Sub(s.time).Abs() > maxSkew {
		return &apiError{Code: "RequestTimeTooSkewed", Status: 403, Message: "The difference between the request time and the current time is too large."}
	}
	return nil
}

// valid says whether secret made this signature over r.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (s *signature) valid(r *http.Request, secret string) bool {
	hash := sha256.Sum256([]byte(s.canonical(r)))
	want := mac(s.signingKey(secret), s.stringToSign(algorithm, hex.EncodeToString(hash[:])))
	got, err := hex.DecodeString(s.value)
	return err == nil && hmac.Equal(got, want)
}

func (s *signature) stringToSign(kind string, parts ...string) string {
	lines := append([]string{kind, s.rawTime, s.date + "/" + s.region + "/" + s.service + "/aws4_request"}, parts...)
	return strings.Join(lines, "\n")
}

func (s *signature) signingKey(secret string) []byte {
	k := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request"} {
		k = mac(k, part)
	}
	return k
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonical is the canonical request. S3 signs the path as it is on the wire;
// other services sign it encoded once more.
func (s *signature) canonical(r *http.Request) string {
	path := encodePath(r.URL.Path)
	if s.service != "s3" {
		path = encodePath(r.URL.EscapedPath())
	}
	if path == "" {
		path = "/"
	}
	var headers strings.Builder
	for _, name := range s.headers {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	payload := s.payload
	return strings.Join([]string{r.Method, path, canonicalQuery(r.URL.RawQuery), headers.String(), strings.Join(s.headers, ";"), payload}, "\n")
}

func headerValue(r *http.Request, name string) string {
	values := r.Header.Values(name)
	switch {
	case name == "host":
		values = []string{hostOf(r)}
	case name == "content-length" && len(values) == 0:
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ",")
}

// canonicalQuery sorts the parameters and leaves the signature itself out.
func canonicalQuery(raw string) string {
	var pairs []string
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		k, errK := url.QueryUnescape(k)
		v, errV := url.QueryUnescape(v)
		if errK != nil || errV != nil || k == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, encode(k)+"="+encode(v))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func encodePath(p string) string {
	parts := strings.Split(p, "/")
	for i, part := range parts {
		parts[i] = encode(part)
	}
	return strings.Join(parts, "/")
}

// encode escapes everything but RFC 3986's unreserved characters.
func encode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return b.String()
}
