// Service account credentials: access tokens for those who may act as a service account.
package fakegcp

import (
	"crypto/rand"
	"strings"
	"time"
)

const credentialsService = "iamcredentials.googleapis.com"

func credentialRoutes() []route {
	return []route{{
		Method: "POST", Path: "/v1/projects/{project}/serviceAccounts/{id}:generateAccessToken", Op: "iamcredentials.projects.serviceAccounts.generateAccessToken",
		Service: credentialsService, Handle: (*request).generateAccessToken,
	}}
}

type generateBody struct {
	Delegates []string `json:"delegates"`
	Scope     []string `json:"scope"`
	Lifetime  string   `json:"lifetime"`
}

type generateAnswer struct {
	AccessToken string `json:"accessToken"`
	ExpireTime  string `json:"expireTime"`
}

// generateAccessToken serves
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
func (q *request) generateAccessToken() (any, error) {
	var in generateBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if q.params["project"] != "-" {
		return nil, failed(400, "Request contains an invalid argument.") // the project is always the wildcard
	}
	if len(in.Scope) == 0 {
		return nil, failed(400, "The scope must not be empty.")
	}
	life := time.Hour
	if in.Lifetime != "" {
		d, err := time.ParseDuration(in.Lifetime)
		if err != nil || !strings.HasSuffix(in.Lifetime, "s") || d <= 0 || d > q.longestLife() {
			return nil, failed(400, "The access token lifetime cannot exceed %d seconds.", int(q.longestLife().Seconds()))
		}
		life = d
	}
	a, err := q.impersonated(in.Delegates)
	if err != nil {
		return nil, err
	}
	if a.Disabled {
		return nil, failed(404, "Not found; Gaia id not found for email %s", a.Email)
	}
	text := "ya29.c." + rand.Text() + rand.Text()
	expires := time.Now().Add(life)
	q.state.Tokens[text] = &token{Account: a.UniqueID, Scopes: in.Scope, Expires: expires}
	return generateAnswer{text, expires.UTC().Format(time.RFC3339)}, nil
}

// longestLife is an hour, or twelve where an organisation policy says so.
func (q *request) longestLife() time.Duration {
	if q.enforced("constraints/iam.allowServiceAccountCredentialLifetimeExtension") {
		return 12 * time.Hour
	}
	return time.Hour
}

// impersonated returns the account in the path if the caller may act as it,
// itself or by a chain of delegates.
func (q *request) impersonated(delegates []string) (*account, error) {
	who := q.caller
	for _, name := range delegates {
		email, ok := strings.CutPrefix(name, "projects/-/serviceAccounts/")
		if !ok {
			return nil, failed(400, "Invalid delegate: %q", name)
		}
		next := q.accountByEmail(email)
		if next == nil || !q.mayAs(who, "iam.serviceAccounts.implicitDelegation", next) {
			return nil, q.forbidden("iam.serviceAccounts.implicitDelegation", "")
		}
		who = principal{Email: next.Email, UID: next.UniqueID}
	}
	a := q.accountByEmail(q.params["id"])
	if b := q.state.Accounts[q.params["id"]]; b != nil && b.Deleted.IsZero() {
		a = b
	}
	if a == nil || !q.mayAs(who, "iam.serviceAccounts.getAccessToken", a) {
		return nil, q.forbidden("iam.serviceAccounts.getAccessToken", "")
	}
	return a, nil
}

// mayAs decides on a permission on an account for somebody in the chain.
func (q *request) mayAs(who principal, permission string, a *account) bool {
	return q.decideFor(who, permission, resource{Label: a.name()}, q.accountPolicySources(a), time.Now(), true).Allowed
}
