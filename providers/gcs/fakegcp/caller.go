// Who calls: a bearer token, opaque or self-signed, resolved to a live account; and what the caller may do.
package fakegcp

import (
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// authenticate resolves the request's bearer token. Cloud Storage serves
// anonymous callers; they hold what allUsers holds.
func (q *request) authenticate() error {
	text := q.Header.Get("Authorization")
	if text == "" && q.query.Get("access_token") != "" {
		text = "Bearer " + q.query.Get("access_token")
	}
	if text == "" {
		if q.route.Style == styleOnePlatform {
			f := failed(401, "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential. "+
				"See https://developers.google.com/identity/sign-in/web/devconsole-project.")
			f.Details = []any{info("CREDENTIALS_MISSING", "googleapis.com", map[string]string{"service": q.route.Service, "method": q.route.Op})}
			return f
		}
		return nil
	}
	if q.route.Style == styleXML && (strings.HasPrefix(text, algorithmAWS) || strings.HasPrefix(text, algorithmGOOG)) {
		return q.authenticateHMAC(text)
	}
	scheme, credential, _ := strings.Cut(text, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return q.invalidCredentials()
	}
	caller, scopes := q.bearer(strings.TrimSpace(credential))
	if caller == nil {
		return q.invalidCredentials()
	}
	q.become(*caller)
	if !q.scopeAllows(scopes) {
		f := failed(403, "Request had insufficient authentication scopes.")
		f.Reason, f.ShowBoth = "insufficientPermissions", true
		f.Details = []any{info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "googleapis.com", map[string]string{"service": q.route.Service, "method": q.route.Op})}
		return f
	}
	return nil
}

func (q *request) invalidCredentials() error {
	if q.route.Style == styleOnePlatform {
		f := failed(401, "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. "+
			"See https://developers.google.com/identity/sign-in/web/devconsole-project.")
		f.Details = []any{info("ACCESS_TOKEN_EXPIRED", "googleapis.com", map[string]string{"service": q.route.Service, "method": q.route.Op})}
		return f
	}
	f := failed(401, "Invalid Credentials")
	f.Where, f.WhereIn = "Authorization", "header"
	return f
}

// become makes the request a principal's, and of the project that it is from.
func (q *request) become(p principal) {
	q.caller = p
	if a := q.state.Accounts[p.UID]; a != nil {
		q.home = q.state.Projects[a.Project]
	}
	if p.Pool != nil {
		q.home = q.state.Projects[q.state.Pools[p.Pool.Pool].Project]
	}
}

// bearer returns the principal and scopes of a credential, or nil. A
// self-signed JWT names the API as its audience, or the scopes that it claims.
// https://google.aip.dev/auth/4111
func (q *request) bearer(credential string) (*principal, []string) {
	if t := q.state.Tokens[credential]; t != nil {
		if !time.Now().Before(t.Expires) {
			return nil, nil
		}
		if t.Federated != nil {
			if !q.alive(t.Federated) {
				return nil, nil
			}
			return &principal{Pool: t.Federated}, t.Scopes
		}
		return accountPrincipal(q.state.Accounts[t.Account]), t.Scopes
	}
	claims, a, err := q.verifyJWT(credential)
	if err != nil || claims.Sub != claims.Iss {
		return nil, nil
	}
	if claims.Scope != "" {
		return accountPrincipal(a), strings.Fields(claims.Scope)
	}
	if strings.TrimSuffix(claims.Aud, "/") != "https://"+q.route.Service {
		return nil, nil
	}
	return accountPrincipal(a), []string{scopeCloud}
}

// accountPrincipal is a service account as a caller; nil unless it lives and is enabled.
func accountPrincipal(a *account) *principal {
	if a == nil || a.Disabled || !a.Deleted.IsZero() {
		return nil
	}
	return &principal{Email: a.Email, UID: a.UniqueID}
}

const (
	scopePrefix = "https://www.googleapis.com/auth/"
	scopeCloud  = scopePrefix + "cloud-platform"
)

// scopeAllows says whether the token's scopes cover the method.
func (q *request) scopeAllows(scopes []string) bool {
	if slices.Contains(scopes, scopeCloud) {
		return true
	}
	if q.route.Service != "storage.googleapis.com" {
		return strings.HasPrefix(q.route.Service, "iam") && slices.Contains(scopes, scopePrefix+"iam")
	}
	full := slices.Contains(scopes, scopePrefix+"devstorage.full_control")
	write := full || slices.Contains(scopes, scopePrefix+"devstorage.read_write")
	read := write || slices.Contains(scopes, scopePrefix+"devstorage.read_only") || slices.Contains(scopes, scopePrefix+"cloud-platform.read-only")
	switch {
	case strings.HasSuffix(q.route.Op, "IamPolicy"):
		return full
	case q.route.Write:
		return write
	}
	return read
}

// may decides whether the caller holds a permission, and records the decision.
func (q *request) may(permission string, r resource, sources []source) bool {
	return q.decideFor(q.caller, permission, r, sources, time.Now(), true).Allowed
}

// decideFor is [request.may] for any principal and time.
func (c *Cloud) decideFor(who principal, permission string, r resource, sources []source, at time.Time, record bool) verdict {
	v := decide(question{Who: who, Permission: permission, Resource: r, Time: at}, sources, directory{Role: c.roleSeen, Team: c.onTeam})
	if record {
		c.ledger.Add(cloudsim.Decision{Principal: who.name(), Action: permission, Resource: r.Label, Allowed: v.Allowed, Because: v.Because})
	}
	return v
}

// roleSeen returns what authorization knows of a role's permissions.
func (c *Cloud) roleSeen(name string) ([]string, bool) {
	if r := c.state.Roles[name]; r != nil {
		return r.Body.Seen().gives()
	}
	permissions, ok := loadCatalogue().Roles[name]
	return permissions, ok
}

// gives is what a role's bindings give: nothing while it is disabled or deleted.
// https://cloud.google.com/iam/docs/creating-custom-roles#disabling_a_custom_role
func (b roleBody) gives() ([]string, bool) {
	var short []string
	for _, p := range b.Permissions {
		s, _ := abbreviated(p)
		short = append(short, s)
	}
	return short, !b.Deleted && b.Stage != "DISABLED"
}

// onTeam says whether a principal holds a basic role on a project: that is
// what the members projectOwner, projectEditor and projectViewer mean.
func (c *Cloud) onTeam(p principal, kind, projectName string) bool {
	pr := c.projectNamed(projectName)
	if pr == nil {
		return false
	}
	for _, b := range pr.Policy.Policy.Seen().Bindings {
		if b.Role != "roles/"+kind || b.Condition != nil {
			continue
		}
		if _, ok := matchAny(b.Members, p, directory{Role: c.roleSeen, Team: func(principal, string, string) bool { return false }}, false); ok {
			return true
		}
	}
	return false
}

// projectSource is the project's policy as authorization sees it.
func projectSource(p *project) source {
	return source{Where: "project " + p.ID, Policy: p.Policy.Policy.Seen()}
}

// projectResource is a project as conditions see it: without a name.
func projectResource(p *project) resource {
	return resource{Label: "projects/" + p.ID, Type: "cloudresourcemanager.googleapis.com/Project", Service: "cloudresourcemanager.googleapis.com"}
}

// mayOnProject decides on a permission whose resource is the project.
func (q *request) mayOnProject(permission string, p *project) bool {
	return q.may(permission, projectResource(p), []source{projectSource(p)})
}
