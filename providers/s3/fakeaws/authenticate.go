// From a request to its caller, or to the error that the service gives a stranger.
package fakeaws

import (
	"net/http"
	"time"
)

// apiError is an error of any of the services.
type apiError struct {
	Code    string
	Message string
	Status  int
	Extra   map[string]string // further elements of an S3 error
	Header  map[string]string
}

// Error makes apiError an error.
func (e *apiError) Error() string { return e.Code + ": " + e.Message }

// authenticate returns the caller and the decoded body of r. The error codes
// are S3's; the query services translate the one that they name differently.
func (c *Cloud) authenticate(r *http.Request, body []byte) (*caller, []byte, http.Header, *apiError) {
	s, err := parseSignature(r)
	if err != nil {
		return nil, nil, nil, err
	}
	if s == nil {
		body, trailer, err := payload(r, nil, "", body)
		return &caller{}, body, trailer, err
	}
	k := c.state.Keys[s.key]
	if k == nil || k.Status.Seen() == "" || k.Status.Seen() == "Inactive" {
		return nil, nil, nil, &apiError{Code: "InvalidAccessKeyId", Status: 403, Message: "The AWS Access Key Id you provided does not exist in our records.", Extra: map[string]string{"AWSAccessKeyId": s.key}}
	}
	if err := s.fresh(); err != nil {
		return nil, nil, nil, err
	}
	if s.payload == "" || s.service != "s3" { // the query services sign the body's hash, mostly without sending it
		s.payload = hashHex(body)
	}
	if !s.valid(r, k.Secret) {
		return nil, nil, nil, &apiError{Code: "SignatureDoesNotMatch", Status: 403, Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.", Extra: map[string]string{"AWSAccessKeyId": s.key}}
	}
	if err := checkToken(k, s.token); err != nil {
		return nil, nil, nil, err
	}
	who := c.callerOf(k)
	if who == nil {
		return nil, nil, nil, &apiError{Code: "InvalidAccessKeyId", Status: 403, Message: "The AWS Access Key Id you provided does not exist in our records.", Extra: map[string]string{"AWSAccessKeyId": s.key}}
	}
	who.region = s.region
	plain, trailer, err := payload(r, s, k.Secret, body)
	if err != nil {
		return nil, nil, nil, err
	}
	k.Used = &keyUse{At: time.Now().UTC().Truncate(time.Second), Service: s.service, Region: s.region}
	if k.Session != nil && k.Session.Role != "" {
		who.account.Roles[k.Session.Role].Used = k.Used
	}
	return who, plain, trailer, nil
}

func checkToken(k *accessKey, token string) *apiError {
	switch {
	case k.Session == nil && token == "":
		return nil
	case k.Session != nil && token == "": // a session's key alone is nobody's
		return &apiError{Code: "InvalidAccessKeyId", Status: 403, Message: "The AWS Access Key Id you provided does not exist in our records.", Extra: map[string]string{"AWSAccessKeyId": k.ID}}
	case k.Session == nil || token != k.Session.Token:
		return &apiError{Code: "InvalidToken", Status: 400, Message: "The provided token is malformed or otherwise invalid."}
	case time.Now().After(k.Session.Expires):
		return &apiError{Code: "ExpiredToken", Status: 400, Message: "The provided token has expired."}
	}
	return nil
}
