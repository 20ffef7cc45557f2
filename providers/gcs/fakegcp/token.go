// The token endpoint: a signed assertion for an access token.
package fakegcp

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

func tokenRoutes() []route {
	rt := func(path string) route {
		return route{Method: "POST", Path: path, Op: "oauth2.token", Service: "oauth2.googleapis.com", Open: true, Handle: (*request).token}
	}
	return []route{rt("/token"), rt("/oauth2/v4/token")}
}

const grantJWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
	TokenType   string `json:"token_type"`
}

type tokenError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func refuseToken(code int, kind, description string) (any, error) {
	return reply{Code: code, JSON: tokenError{kind, description}}, nil
}

// token exchanges an assertion that the caller has signed with a service
// account's key for an access token of one hour.
// https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
func (q *request) token() (any, error) {
	form, err := url.ParseQuery(string(q.body))
	if err != nil {
		return refuseToken(400, "invalid_request", "Bad Request")
	}
	if g := form.Get("grant_type"); g != grantJWT {
		return refuseToken(400, "unsupported_grant_type", "Invalid grant_type: "+g)
	}
	claims, a, err := q.verifyJWT(form.Get("assertion"))
	switch {
	case errors.Is(err, errMalformedJWT):
		return refuseToken(400, "invalid_grant", "Invalid JWT: Failed to parse the JWT.")
	case errors.Is(err, errUnknownIss):
		return refuseToken(400, "invalid_grant", "Invalid grant: account not found")
	case errors.Is(err, errDisabledIss):
		return refuseToken(400, "invalid_grant", "Account has been disabled")
	case errors.Is(err, errSignature):
		return refuseToken(400, "invalid_grant", "Invalid JWT Signature.")
	case errors.Is(err, errTimeframe):
		return refuseToken(400, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "+
			"Check your iat and exp values in the JWT claim.")
	case claims.Aud != q.state.Settings.TokenURI && claims.Aud != DefaultTokenURI:
		return refuseToken(400, "invalid_grant", "Invalid JWT: Failed audience check. The right audience is "+q.state.Settings.TokenURI)
	case claims.Scope == "":
		return refuseToken(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
	case claims.Sub != "" && claims.Sub != claims.Iss:
		return refuseToken(http.StatusUnauthorized, "unauthorized_client", "Client is unauthorized to retrieve access tokens using this method, "+
			"or client not authorized for any of the scopes requested.")
	}
	text := "ya29.c." + rand.Text() + rand.Text()
	q.state.Tokens[text] = &token{Account: a.UniqueID, Scopes: strings.Fields(claims.Scope), Expires: time.Now().Add(time.Hour)}
	return tokenAnswer{text, 3599, "Bearer"}, nil
}
