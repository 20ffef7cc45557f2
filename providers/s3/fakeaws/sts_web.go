// Roles for the holders of a token from an identity provider.
package fakeaws

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// claims are what a token says, as far as STS looks.
type claims struct {
	Issuer    string         `json:"iss"`
	Subject   string         `json:"sub"`
	Audience  audience       `json:"aud"`
	Party     string         `json:"azp"`
	IssuedAt  *float64       `json:"iat"`
	NotBefore float64        `json:"nbf"`
	Expires   *float64       `json:"exp"`
	All       map[string]any `json:"-"`
}

// audience is one audience or a list.
type audience []string

// UnmarshalJSON reads a string or a list of strings.
func (a *audience) UnmarshalJSON(b []byte) error { return (*Strings)(a).UnmarshalJSON(b) }

// webToken is a token taken apart.
type webToken struct {
	claims
	alg, kid  string
	signed    string // what the signature is over
	signature []byte
}

// skew is how long STS takes a token after it has expired.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html
const skew = 5 * time.Minute

func badToken(message string) *apiError {
	return &apiError{Code: "InvalidIdentityToken", Status: 400, Message: message}
}

// parseToken reads a token and believes nothing yet.
func parseToken(text string) (webToken, *apiError) {
	var t webToken
	broken := badToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return t, broken
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.DecodeString(p)
		if err != nil {
			return t, broken
		}
		raw[i] = b
	}
	var header tokenHeader
	if json.Unmarshal(raw[0], &header) != nil || json.Unmarshal(raw[1], &t.claims) != nil || json.Unmarshal(raw[1], &t.All) != nil {
		return t, broken
	}
	t.alg, t.kid, t.signed, t.signature = header.Alg, header.Kid, parts[0]+"."+parts[1], raw[2]
	for _, c := range []struct {
		name    string
		missing bool
	}{
		{"iss", t.Issuer == ""}, {"sub", t.Subject == ""}, {"aud", len(t.Audience) == 0}, {"iat", t.IssuedAt == nil}, {"exp", t.Expires == nil},
	} {
		if c.missing {
			return t, badToken("Missing a required claim: " + c.name)
		}
	}
	return t, nil
}

// genuine says whether the issuer of the token signed it, and whether its time
// is now. STS takes RS256 and other asymmetric algorithms, and never "none".
func (c *Cloud) genuine(t webToken) *apiError {
	i := c.state.Issuers[t.Issuer]
	switch now := float64(time.Now().Unix()); {
	case i == nil || t.kid != "" && t.kid != i.Name:
		return badToken("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	case t.alg != "RS256" || !i.signed(t.signed, t.signature):
		return badToken("The web identity token that was passed could not be validated by AWS. Get a new identity token from the identity provider and then retry the request.")
	case now > *t.Expires+skew.Seconds():
		return &apiError{Code: "ExpiredTokenException", Status: 400, Message: "Token expired: current date/time must be before the expiration date/time"}
	case *t.IssuedAt > now+skew.Seconds(), t.NotBefore > now+skew.Seconds():
		return badToken("Token must be issued in the past")
	}
	return nil
}

// assumeWithToken is AssumeRoleWithWebIdentity, which nobody signs.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func assumeWithToken(k *stsCall) (any, error) {
	arn, name := k.form.Get("RoleArn"), k.form.Get("RoleSessionName")
	if !sessionName.MatchString(name) {
		return nil, invalid("roleSessionName", name, `Member must satisfy regular expression pattern: [\w+=,.@-]* and have length between 2 and 64`)
	}
	token, bad := parseToken(k.form.Get("WebIdentityToken"))
	if bad != nil {
		return nil, bad
	}
	refused := &apiError{Code: "AccessDenied", Status: http.StatusForbidden, Message: "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	a := k.state.Accounts[accountOf(arn)]
	if a == nil {
		return nil, refused
	}
	host := strings.TrimPrefix(token.Issuer, "https://")
	provider := a.OIDC["arn:"+k.state.Partition+":iam::"+a.ID+":oidc-provider/"+strings.TrimSuffix(host, "/")]
	if provider == nil || !provider.Exists.Seen() || provider.URL != host {
		return nil, badToken("No OpenIDConnect provider found in your account for " + token.Issuer)
	}
	if err := k.genuine(token); err != nil {
		return nil, err
	}
	// With an authorized party the client ID is that, not the audience.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
	client, keys := token.Audience, map[string][]string{host + ":sub": {token.Subject}}
	if token.Party != "" {
		keys[host+":oaud"] = token.Audience
		client = audience{token.Party}
	}
	keys[host+":aud"] = client
	if !slices.ContainsFunc(client, func(id string) bool { return slices.Contains(provider.Clients.Seen(), id) }) {
		return nil, badToken("Incorrect token audience")
	}
	r := k.findRole(arn)
	if r == nil {
		return nil, refused
	}
	q := Request{Action: "sts:AssumeRoleWithWebIdentity", Resource: arn, ResourceAccount: a.ID, Demand: true, Context: trustKeys(token, host, keys)}
	q.Context["sts:RoleSessionName"] = []string{name}
	q.Attached = &Policy{"trust policy of " + r.Name, k.document(r.Trust.Seen())}
	if v := k.authorize(&caller{Principal: Principal{Federated: provider.ARN}}, k.r, q); !v.Allowed {
		return nil, refused
	}
	keys["aws:FederatedProvider"] = []string{provider.ARN}
	out, failed := k.newSession(a, r, name, keys)
	if failed != nil {
		return nil, failed
	}
	return struct {
		assumeXML
		SubjectFromWebIdentityToken string
		Provider                    string
		Audience                    string
	}{out, token.Subject, provider.ARN, client[0]}, nil
}

// githubIssuer is the host of the one issuer that all of GitHub's repositories share.
const githubIssuer = "token.actions.githubusercontent.com"

// trustKeys are the condition keys of a trust policy: the session's, and of
// GitHub's tokens the claims that STS knows by name. Those end with the call.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
func trustKeys(t webToken, host string, session map[string][]string) map[string][]string {
	keys := map[string][]string{}
	for k, v := range session {
		keys[k] = v
	}
	if host != githubIssuer {
		return keys
	}
	for _, name := range []string{
		"actor", "actor_id", "job_workflow_ref", "repository", "repository_id", "workflow", "ref", "environment", "enterprise_id",
	} {
		if v, ok := t.All[name].(string); ok {
			keys[host+":"+name] = []string{v}
		}
	}
	return keys
}
