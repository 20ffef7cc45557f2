// Rejections: told from refusals, and from everything that says nothing of the credential.
package gcs

import (
	"errors"
	"net/http"
	"testing"

	"cloud.google.com/go/auth"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestOnlyClearRejectionsAreToldAsSuch(t *testing.T) {
	exchange := func(code int, body string) error {
		return &tokenError{&auth.Error{Response: &http.Response{StatusCode: code, Status: http.StatusText(code)}, Body: []byte(body)}}
	}
	grant := func(said string) error {
		return exchange(400, `{"error": "invalid_grant", "error_description": "`+said+`"}`)
	}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		// https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
		"key switched off or deleted":  {grant("Invalid JWT Signature."), true},
		"account gone":                 {grant("Invalid grant: account not found"), true},
		"account disabled":             {grant("Account has been disabled"), true},
		"account disabled, for short":  {grant("Robot is disabled."), true},
		"clock is wrong":               {grant("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."), false},
		"wrong audience":               {grant("Invalid JWT: Failed audience check. The right audience is x"), false},
		"issuer cannot be reached":     {grant("Error connecting to the given credential's issuer."), false},
		"scope":                        {exchange(400, `{"error": "invalid_scope"}`), false},
		"endpoint is down":             {exchange(503, `{"error": "internal_failure"}`), false},
		"pool or provider disabled":    {exchange(400, `{"error": "invalid_target", "error_description": "The target service indicated by the \"audience\" parameters is invalid."}`), true},
		"condition does not hold":      {exchange(401, `{"error": "unauthorized_client"}`), false},
		"account to act as disabled":   {exchange(404, `{"error": {"code": 404, "message": "Not found; Gaia id not found for email a@p.iam.gserviceaccount.com"}}`), true},
		"token of a disabled account":  {answered(401, "authError", "Invalid Credentials"), true},
		"state of the account":         {answered(403, "", "x", dict{"reason": "ACCOUNT_STATE_INVALID"}), true},
		"no right":                     {answered(403, "forbidden", "a does not have storage.objects.create access to the Google Cloud Storage object."), false},
		"too fast":                     {answered(429, "rateLimitExceeded", "x"), false},
		"inactive HMAC key":            {answered(403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records."), true},
		"HMAC key with another secret": {answered(403, "SignatureDoesNotMatch", "x"), false},
		"HMAC clock":                   {answered(403, "RequestTimeTooSkewed", "x"), false},
		"no connection":                {errors.New("connection reset by peer"), false},
	} {
		got := unclear(c.err)
		if errors.Is(got, core.ErrRejected) != c.want || got.Error() == "" {
			t.Errorf("%s: got %v, want it rejected: %v", name, got, c.want)
		}
	}
}

func TestReasonsOfGoogleAreRead(t *testing.T) {
	const by, found = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_", "SERVICE_ACCOUNT_KEY_EXTENDED_STATUS_KEY_"
	for _, c := range []struct {
		key  iam.ServiceAccountKey
		want string
	}{
		{iam.ServiceAccountKey{Disabled: true, DisableReason: by + "USER_INITIATED"}, ""},
		{iam.ServiceAccountKey{Disabled: true, DisableReason: by + "EXPOSED"}, exposed},
		{iam.ServiceAccountKey{Disabled: true, DisableReason: by + "COMPROMISE_DETECTED"}, compromised},
		{iam.ServiceAccountKey{Disabled: true, DisableReason: by + "USER_INITIATED", ExtendedStatus: []*iam.ExtendedStatus{{Key: found + "EXPOSED"}}}, exposed},
		{iam.ServiceAccountKey{Disabled: true, ExtendedStatus: []*iam.ExtendedStatus{{Key: found + "EXPOSED"}, {Key: found + "COMPROMISE_DETECTED"}}}, compromised},
		{iam.ServiceAccountKey{ExtendedStatus: []*iam.ExtendedStatus{{Key: found + "EXPOSED"}}}, ""}, // somebody has switched it on again
	} {
		if got := offReason(&c.key); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.key, got, c.want)
		}
	}
}
