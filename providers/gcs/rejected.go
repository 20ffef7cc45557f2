// Rejected: when Google does not accept a credential at all, which says nothing of its rights.
package gcs

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"cloud.google.com/go/auth"

	"github.com/bucketgrant/bucketgrant/core"
)

// unclear is why an attempt has no outcome, in a form that prints no answer's
// body; an [core.ErrRejected] if Google does not accept the credential.
func unclear(err error) error {
	why := quietly(err)
	if t, ok := errors.AsType[*tokenError](err); ok {
		why = t
	}
	if rejected(err) {
		return &core.Error{Kind: core.ErrRejected, Err: why}
	}
	return why
}

// rejected reports whether Google has clearly said that it knows no such
// credential, or no longer: its key or account is switched off or gone.
func rejected(err error) bool {
	if a, ok := errors.AsType[*auth.Error](err); ok {
		return rejectedExchange(a)
	}
	p := problemOf(err)
	switch {
	case p == nil:
		return false
	case p.code == http.StatusUnauthorized, p.reason == "ACCOUNT_STATE_INVALID":
		return true // a token that was good a moment ago
	}
	// https://cloud.google.com/storage/docs/xml-api/reference-status
	return p.code == http.StatusForbidden && p.reason == "InvalidAccessKeyId"
}

// lostKey is said of a key that is switched off or gone, or whose account is.
var lostKey = regexp.MustCompile(`(?i)^(Invalid JWT Signature|Invalid grant: account not found|Account has been (disabled|deleted)|Robot is disabled|Not a valid email)`)

// rejectedExchange reads the refusal of a token. A clock that is wrong, or an
// audience that is, says nothing of the key.
// https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
// https://cloud.google.com/iam/docs/troubleshooting-workload-identity-federation
func rejectedExchange(a *auth.Error) bool {
	var said struct {
		Error       any    `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(a.Body, &said)
	switch said.Error {
	case "invalid_grant":
		return lostKey.MatchString(said.Description)
	case "invalid_target", "disabled_client", "deleted_client":
		return true // the pool or its provider, or the client, is disabled or deleted
	}
	// Google finds no account behind the address of one that is disabled.
	status, _ := said.Error.(map[string]any)
	message, _ := status["message"].(string)
	return a.Response != nil && a.Response.StatusCode == http.StatusNotFound && strings.HasPrefix(message, "Not found; Gaia id not found for email")
}
