// Signature Version 4: requests signed with a shared secret, by Amazon's names and by Google's.
package fakegcp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"
)

// signed is what an Authorization header of Signature Version 4 says.
type signed struct {
	Algorithm string // "AWS4-HMAC-SHA256" or "GOOG4-HMAC-SHA256"
	KeyID     string
	Scope     string // "20261122/auto/s3/aws4_request"
	Headers   []string
	Signature string
}

const (
	algorithmAWS  = "AWS4-HMAC-SHA256"
	algorithmGOOG = "GOOG4-HMAC-SHA256"
	signTime      = "20060102T150405Z"
)

// parseSigned reads an Authorization header.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
// https://cloud.google.com/storage/docs/authentication/signatures
func parseSigned(text string) (signed, bool) {
	algorithm, rest, _ := strings.Cut(text, " ")
	s := signed{Algorithm: algorithm}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "Credential":
			s.KeyID, s.Scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			s.Headers = strings.Split(value, ";")
		case "Signature":
			s.Signature = value
		}
	}
	ok := (algorithm == algorithmAWS || algorithm == algorithmGOOG) && s.KeyID != "" && strings.Count(s.Scope, "/") == 3 && len(s.Headers) > 0 && s.Signature != ""
	return s, ok
}

// covers says whether the signature covers a header.
func (s signed) covers(header string) bool { return slices.Contains(s.Headers, header) }

// vendor is how the signature calls its own headers: "x-amz-date", "x-goog-date".
func (s signed) vendor() string {
	if s.Algorithm == algorithmGOOG {
		return "x-goog-"
	}
	return "x-amz-"
}

// message is the request that a signature is over.
type message struct {
	Method  string
	Path    string // as it was sent
	Query   url.Values
	Header  func(name string) string
	Payload string // hash of the body, in hexadecimal
	Date    string // "20261122T120000Z"
}

// canonical is the text that is hashed and signed.
func (s signed) canonical(m message) string {
	var headers strings.Builder
	for _, h := range s.Headers {
		headers.WriteString(h + ":" + strings.Join(strings.Fields(m.Header(h)), " ") + "\n")
	}
	return strings.Join([]string{m.Method, canonicalPath(m.Path), canonicalQuery(m.Query), headers.String(), strings.Join(s.Headers, ";"), m.Payload}, "\n")
}

// stringToSign is what the key signs.
func (s signed) stringToSign(m message) string {
	return strings.Join([]string{s.Algorithm, m.Date, s.Scope, hashed([]byte(s.canonical(m)))}, "\n")
}

// verify says whether the secret made the signature over the message.
func (s signed) verify(m message, secret string) bool {
	day, _, _ := strings.Cut(s.Scope, "/")
	if !strings.HasPrefix(m.Date, day) {
		return false
	}
	prefix := "AWS4"
	if s.Algorithm == algorithmGOOG {
		prefix = "GOOG4"
	}
	key := []byte(prefix + secret)
	for part := range strings.SplitSeq(s.Scope, "/") {
		key = hmacSHA256(key, part)
	}
	return hmac.Equal([]byte(hex.EncodeToString(hmacSHA256(key, s.stringToSign(m)))), []byte(s.Signature))
}

// fresh says whether a signing time is close enough to the present.
func fresh(date string, skew time.Duration) bool {
	t, err := time.Parse(signTime, date)
	return err == nil && time.Since(t).Abs() <= skew
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hashed(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonicalPath encodes a path once, all but its slashes.
func canonicalPath(path string) string {
	if path == "" {
		return "/"
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = encoded(unescape(p))
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(q url.Values) string {
	var out []string
	for k, values := range q {
		for _, v := range values {
			out = append(out, encoded(k)+"="+encoded(v))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "&")
}

// encoded is percent-encoding of everything but RFC 3986's unreserved characters.
func encoded(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
