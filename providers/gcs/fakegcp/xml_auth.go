// The XML API's own credentials: requests signed with the HMAC key of a service account.
package fakegcp

import (
	"net/http"
	"strings"
	"time"
)

// signSkew is how far a request's time may be from the server's.
// https://cloud.google.com/storage/docs/xml-api/reference-status
const signSkew = 15 * time.Minute

// signedServices are how the two algorithms call Cloud Storage, and how they
// end their scopes. The region may be any.
// https://cloud.google.com/storage/docs/aws-simple-migration
var signedServices = map[string]string{algorithmAWS: "/s3/aws4_request", algorithmGOOG: "/storage/goog4_request"}

// authenticateHMAC makes the request that of the service account whose key
// signed it.
// https://cloud.google.com/storage/docs/authentication/hmackeys
func (q *request) authenticateHMAC(text string) error {
	s, ok := parseSigned(text)
	if !ok || !strings.HasSuffix(s.Scope, signedServices[s.Algorithm]) || !s.covers("host") {
		return xmlFault(403, "InvalidSecurity", "Incorrect Authorization header")
	}
	k := q.state.HMACKeys[s.KeyID]
	if k == nil || !k.Usable.Seen() {
		return xmlFault(403, "InvalidAccessKeyId", "")
	}
	caller := accountPrincipal(q.state.Accounts[k.Account])
	if caller == nil {
		return xmlFault(403, "InvalidAccessKeyId", "")
	}
	m := message{
		Method: q.Method, Path: q.URL.EscapedPath(), Query: q.query, Header: q.signedHeader,
		Payload: q.Header.Get(s.vendor() + "content-sha256"), Date: q.Header.Get(s.vendor() + "date"),
	}
	if f := q.checkPayload(m.Payload); f != nil {
		return f
	}
	if !s.verify(m, k.Secret) {
		f := xmlFault(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your Google secret key and signing method.")
		f.Signed = &xmlSigned{StringToSign: s.stringToSign(m), CanonicalRequest: s.canonical(m)}
		return f
	}
	if !fresh(m.Date, signSkew) {
		return xmlFault(403, "RequestTimeTooSkewed", "The request was signed at %s.", m.Date)
	}
	q.become(*caller)
	return nil
}

// signedHeader is a header as the server behind Google's front end sees it: the
// front end says in Accept-Encoding that it can compress, so that a signature
// over that header never matches. Amazon's SDK for Go signs it unless told not to.
// https://github.com/aws/aws-sdk-go-v2/issues/1816
func (q *request) signedHeader(name string) string {
	switch name {
	case "host":
		return q.Host
	case "content-length":
		if q.ContentLength > 0 && q.Header.Get(name) == "" {
			return itoa(int64(len(q.body)))
		}
	case "accept-encoding":
		return q.Header.Get(name) + ",gzip(gfe)"
	}
	return strings.Join(q.Header.Values(name), ",")
}

// checkPayload compares the body with the hash that was signed. A body in
// signed chunks, or with a checksum behind it, is not understood.
func (q *request) checkPayload(hash string) *fault {
	switch {
	case hash == "":
		return xmlFault(403, "InvalidSecurity", "Missing content hash")
	case strings.HasPrefix(hash, "STREAMING-"):
		return xmlFault(http.StatusBadRequest, "InvalidArgument", "Invalid content hash: %s", hash)
	case hash != "UNSIGNED-PAYLOAD" && hash != hashed(q.body):
		return xmlFault(http.StatusBadRequest, "BadDigest", "The provided content hash does not match the body.")
	}
	return nil
}

// vendor is by whose names the request calls its headers.
func (q *request) vendor() string {
	if strings.HasPrefix(q.Header.Get("Authorization"), algorithmAWS) {
		return "Amz"
	}
	return "Goog"
}
