// Roles for the holders of a token from an identity provider.
package fakeaws

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// claims are what a token says.
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// IssueToken returns a web identity token of the issuer ("https://…"), valid
// for an hour. The cloud plays every identity provider of its world: it
// believes the tokens that it issued itself, and no others.
func (c *Cloud) IssueToken(issuer, subject, audience string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	part := func(v any) string {
		b, _ := json.Marshal(v) // strings and numbers only
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]string{"alg": "HS256", "typ": "JWT"}) + "." +
		part(claims{issuer, subject, audience, now.Unix(), now.Add(time.Hour).Unix()})
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(c.issuerKey(), text))
}

func (c *Cloud) issuerKey() []byte {
	if len(c.state.IssuerKey) == 0 {
		c.state.IssuerKey = random(32)
	}
	return c.state.IssuerKey
}

// readToken returns the claims of a token that this cloud issued.
func (c *Cloud) readToken(token string) (claims, *apiError) {
	broken := &apiError{Code: "InvalidIdentityToken", Status: 400, Message: "The web identity token that was passed could not be validated by Amazon Web Services."}
	var out claims
	i := strings.LastIndex(token, ".")
	if i < 0 {
		return out, broken
	}
	_, body, _ := strings.Cut(token[:i], ".")
	sum, err := base64.RawURLEncoding.DecodeString(token[i+1:])
	if err != nil || !hmac.Equal(sum, mac(c.issuerKey(), token[:i])) {
		return out, broken
	}
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(b, &out) != nil {
		return out, broken
	}
	if time.Now().Unix() > out.Expires {
		return out, &apiError{Code: "ExpiredTokenException", Status: 400, Message: "Token expired: current date/time must be before the expiration date/time"}
	}
	return out, nil
}

// assumeWithToken is AssumeRoleWithWebIdentity, which nobody signs.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func assumeWithToken(k *stsCall) (any, error) {
	arn, name := k.form.Get("RoleArn"), k.form.Get("RoleSessionName")
	if !sessionName.MatchString(name) {
		return nil, invalid("roleSessionName", name, `Member must satisfy regular expression pattern: [\w+=,.@-]* and have length between 2 and 64`)
	}
	token, err := k.readToken(k.form.Get("WebIdentityToken"))
	if err != nil {
		return nil, err
	}
	refused := &apiError{Code: "AccessDenied", Status: http.StatusForbidden, Message: "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	a := k.state.Accounts[accountOf(arn)]
	if a == nil {
		return nil, refused
	}
	host := strings.TrimPrefix(token.Issuer, "https://")
	provider := a.OIDC["arn:"+k.state.Partition+":iam::"+a.ID+":oidc-provider/"+host]
	switch {
	case provider == nil:
		return nil, &apiError{Code: "InvalidIdentityToken", Status: 400, Message: "No OpenIDConnect provider found in your account for " + token.Issuer}
	case !slices.Contains(provider.Clients, token.Audience):
		return nil, &apiError{Code: "InvalidIdentityToken", Status: 400, Message: "Incorrect token audience"}
	}
	keys := map[string][]string{host + ":aud": {token.Audience}, host + ":sub": {token.Subject}}
	q := Request{Action: "sts:AssumeRoleWithWebIdentity", Resource: arn, ResourceAccount: a.ID, Demand: true, Context: map[string][]string{
		host + ":aud": {token.Audience}, host + ":sub": {token.Subject}, "sts:RoleSessionName": {name},
	}}
	r := k.findRole(arn)
	if r == nil {
		return nil, refused
	}
	q.Attached = &Policy{"trust policy of " + r.Name, k.document(r.Trust.Seen())}
	if v := k.authorize(&caller{Principal: Principal{Federated: provider.ARN}}, k.r, q); !v.Allowed {
		return nil, refused
	}
	out, failed := k.newSession(a, r, name, r.MaxSession, keys)
	if failed != nil {
		return nil, failed
	}
	return struct {
		assumeXML
		SubjectFromWebIdentityToken string
		Provider                    string
		Audience                    string
	}{out, token.Subject, provider.ARN, token.Audience}, nil
}
