// Security Token Service: an external credential for a federated access token.
package fakegcp

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const stsService = "sts.googleapis.com"

func stsRoutes() []route {
	return []route{{Method: "POST", Path: "/v1/token", Op: "sts.token", Service: stsService, Open: true, Handle: (*request).exchangeToken}}
}

const (
	grantExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token" //nolint:gosec // a name, no secret
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"          //nolint:gosec // as above
	typeIDToken     = "urn:ietf:params:oauth:token-type:id_token"     //nolint:gosec // as above
	typeAWS         = "urn:ietf:params:aws:token-type:aws4_request"
)

// exchangeBody is the request, as JSON; in a form the names have underscores.
type exchangeBody struct {
	GrantType          string `json:"grantType"`
	Audience           string `json:"audience"`
	Scope              string `json:"scope"`
	RequestedTokenType string `json:"requestedTokenType"`
	SubjectToken       string `json:"subjectToken"`
	SubjectTokenType   string `json:"subjectTokenType"`
	Options            string `json:"options"`
}

type exchangeAnswer struct {
	AccessToken     string `json:"access_token"`
	IssuedTokenType string `json:"issued_token_type"`
	TokenType       string `json:"token_type"`
	ExpiresIn       int    `json:"expires_in"`
}

// refusal is why no token is given. Google documents the kinds, which are
// RFC 8693's, and not the descriptions: those are from people's reports.
type refusal struct{ kind, description string }

func (r *refusal) Error() string { return r.kind + ": " + r.description }

func refused(kind, format string, args ...any) *refusal {
	return &refusal{kind, fmt.Sprintf(format, args...)}
}

// exchangeToken serves https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
func (q *request) exchangeToken() (any, error) {
	in, r := q.exchangeBody()
	if r != nil {
		return r.reply()
	}
	identity, r := q.exchange(in)
	if r != nil {
		return r.reply()
	}
	text := "ya29.d." + rand.Text() + rand.Text()
	q.state.Tokens[text] = &token{Federated: identity, Scopes: strings.Fields(in.Scope), Expires: time.Now().Add(time.Hour)}
	return exchangeAnswer{text, typeAccessToken, "Bearer", 3599}, nil
}

func (r *refusal) reply() (any, error) {
	code := http.StatusBadRequest
	if r.kind == "unauthorized_client" {
		code = http.StatusUnauthorized
	}
	return refuseToken(code, r.kind, r.description)
}

func (q *request) exchangeBody() (exchangeBody, *refusal) {
	var in exchangeBody
	if strings.HasPrefix(q.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(q.body, &in); err != nil {
			return in, refused("invalid_request", "Invalid JSON payload received.")
		}
		return in, nil
	}
	form, err := url.ParseQuery(string(q.body))
	if err != nil {
		return in, refused("invalid_request", "Bad Request")
	}
	return exchangeBody{
		form.Get("grant_type"), form.Get("audience"), form.Get("scope"), form.Get("requested_token_type"),
		form.Get("subject_token"), form.Get("subject_token_type"), form.Get("options"),
	}, nil
}

var providerAudienceRE = regexp.MustCompile(`^//iam\.googleapis\.com/(projects/[^/]+/locations/global/workloadIdentityPools/[^/]+)/providers/([^/]+)$`)

// exchange returns the identity that a credential stands for.
func (q *request) exchange(in exchangeBody) (*federated, *refusal) {
	switch {
	case in.GrantType != grantExchange:
		return nil, refused("unsupported_grant_type", "Invalid grant_type: %s", in.GrantType)
	case in.RequestedTokenType != typeAccessToken:
		return nil, refused("invalid_request", "Invalid value for \"requested_token_type\".")
	case in.SubjectToken == "":
		return nil, refused("invalid_request", "Missing required parameter: subject_token")
	case in.Scope == "":
		return nil, refused("invalid_scope", "Missing required parameter: scope")
	}
	m := providerAudienceRE.FindStringSubmatch(in.Audience)
	if m == nil {
		return nil, refused("invalid_request", "Invalid value for \"audience\". This value should be the full resource name of the Identity Provider. "+
			"See https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible formats.")
	}
	v := q.liveProvider(m[1], m[2])
	if v == nil {
		return nil, refused("invalid_target", "The target service indicated by the \"audience\" parameters is invalid. "+
			"This might either be because the pool or provider is disabled or deleted or because it doesn't exist.")
	}
	b := v.Body.Seen()
	var assertion map[string]any
	var r *refusal
	switch {
	case b.OIDC != nil && (in.SubjectTokenType == typeJWT || in.SubjectTokenType == typeIDToken):
		assertion, r = q.verifyOIDC(in.SubjectToken, b.OIDC, v.Name)
	case b.AWS != nil && in.SubjectTokenType == typeAWS:
		assertion, r = q.verifyAWS(in.SubjectToken, b.AWS, v.Name)
	default:
		return nil, refused("invalid_request", "Invalid value for \"subject_token_type\" for the given identity provider.")
	}
	if r != nil {
		return nil, r
	}
	return b.admit(assertion, m[1])
}

// liveProvider returns a provider that gives tokens, as the service sees it.
func (c *Cloud) liveProvider(poolName, id string) *provider {
	p := c.state.Pools[poolName]
	if p == nil || !c.alive(&federated{Pool: poolName}) {
		return nil
	}
	v := p.Providers[id]
	if v == nil || !v.Deleted.IsZero() {
		return nil
	}
	if b := v.Body.Seen(); b == nil || b.Disabled {
		return nil
	}
	return v
}

const (
	maxSubject = 127     // bytes
	maxMapped  = 8 << 10 // bytes of all mapped attributes
)

// admit maps a verified credential to an identity and applies the condition.
// https://cloud.google.com/iam/docs/workload-identity-federation#mapping
func (b *providerBody) admit(assertion map[string]any, poolName string) (*federated, *refusal) {
	out := &federated{Pool: poolName, Attributes: map[string]string{}}
	size := 0
	mapping := b.mapping()
	for _, key := range slices.Sorted(maps.Keys(mapping)) {
		v, err := evaluateClaims(mapping[key], map[string]any{"assertion": assertion})
		if err != nil {
			return nil, refused("invalid_grant", "The mapped attribute %s could not be evaluated: %v", key, err)
		}
		if list, ok := v.([]any); ok && key == "google.groups" {
			for _, g := range list {
				out.Groups = append(out.Groups, fmt.Sprint(g))
				size += len(fmt.Sprint(g))
			}
			continue
		}
		s, ok := v.(string)
		if !ok {
			return nil, refused("invalid_grant", "The mapped attribute %s must be of type STRING", key)
		}
		size += len(s)
		switch name, custom := strings.CutPrefix(key, "attribute."); {
		case custom:
			out.Attributes[name] = s
		case key == "google.groups":
			out.Groups = []string{s}
		default:
			out.Subject = s
		}
	}
	switch {
	case out.Subject == "":
		return nil, refused("invalid_grant", "The mapped attribute google.subject must not be empty")
	case len(out.Subject) > maxSubject:
		// https://github.com/google-github-actions/auth/blob/main/docs/TROUBLESHOOTING.md#subject-exceeds-the-127-byte-limit
		return nil, refused("invalid_grant", "The size of mapped attribute google.subject exceeds the %d bytes limit. "+
			"Either modify your attribute mapping or the incoming assertion to produce a mapped attribute that is less than %d bytes.", maxSubject, maxSubject)
	case size > maxMapped:
		return nil, refused("invalid_grant", "The total size of all mapped attributes exceeds 8 KB.")
	}
	if b.Condition == "" {
		return out, nil
	}
	v, err := evaluateClaims(b.Condition, map[string]any{"assertion": assertion, "google": out.google(), "attribute": out.custom()})
	if holds, ok := v.(bool); err != nil || !ok || !holds {
		return nil, refused("unauthorized_client", "The given credential is rejected by the attribute condition.")
	}
	return out, nil
}

// google is what a condition calls google.
func (f *federated) google() map[string]any {
	groups := []any{}
	for _, g := range f.Groups {
		groups = append(groups, g)
	}
	return map[string]any{"subject": f.Subject, "groups": groups}
}

// custom is what a condition calls attribute.
func (f *federated) custom() map[string]any {
	out := map[string]any{}
	for k, v := range f.Attributes {
		out[k] = v
	}
	return out
}

func evaluateClaims(text string, claims map[string]any) (any, error) {
	n, _, err := parseExpression(text)
	if err != nil {
		return nil, err
	}
	return evaluator{claims: claims}.eval(n)
}
