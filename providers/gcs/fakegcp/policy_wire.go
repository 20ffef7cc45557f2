// Policies on the wire: reading and writing them, and what Google checks when one is written.
package fakegcp

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// wirePolicy is a policy in a request or an answer.
type wirePolicy struct {
	Kind       string        `json:"kind,omitempty"`
	ResourceID string        `json:"resourceId,omitempty"`
	Version    int           `json:"version,omitempty"`
	Bindings   []wireBinding `json:"bindings,omitempty"`
	Etag       string        `json:"etag,omitempty"`
	Audit      []auditConfig `json:"auditConfigs,omitempty"`
}

type wireBinding struct {
	Role      string   `json:"role"`
	Members   []string `json:"members,omitempty"`
	Condition *expr    `json:"condition,omitempty"`
}

type auditConfig struct {
	Service string     `json:"service,omitempty"`
	Configs []auditLog `json:"auditLogConfigs,omitempty"`
}

type auditLog struct {
	LogType string   `json:"logType,omitempty"`
	Exempt  []string `json:"exemptedMembers,omitempty"`
}

// show renders a policy for a caller that asked for a version. A caller that
// knows no conditions gets a role name that cannot be bound in their place, so
// that it cannot write the binding back without its condition.
// https://cloud.google.com/iam/docs/policies#specifying-version-get
func (c *Cloud) show(p policy, version int) wirePolicy {
	out := wirePolicy{Version: 1}
	for _, b := range p.Bindings {
		w := wireBinding{Role: b.Role, Condition: b.Condition}
		for _, m := range b.Members {
			w.Members = append(w.Members, c.showMember(m))
		}
		if b.Condition != nil && version < 3 {
			w.Role, w.Condition = b.Role+"_withcond_"+fingerprint(b.Role, b.Condition.Title, b.Condition.Expression)[:20], nil
		} else if b.Condition != nil {
			out.Version = 3
		}
		out.Bindings = append(out.Bindings, w)
	}
	return out
}

// showMember renders a member: a deleted service account with its unique ID.
func (c *Cloud) showMember(m member) string {
	if a := c.state.Accounts[m.UID]; a != nil && !a.Deleted.IsZero() {
		return fmt.Sprintf("deleted:serviceAccount:%s?uid=%s", a.Email, a.UniqueID)
	}
	return m.Text
}

// limits of an allow policy, https://cloud.google.com/iam/quotas
const (
	maxPrincipals    = 1500
	maxLegacyMembers = 100 // https://cloud.google.com/storage/quotas#buckets
	maxSameBinding   = 20
)

// knownAfter is how long it takes at most until other services know a new
// service account or role.
// https://cloud.google.com/iam/docs/service-accounts-create
const knownAfter = 60 * time.Second

// take checks a policy that a caller wants to write on a resource of a
// project, and resolves its members.
func (c *Cloud) take(w wirePolicy, was policy, p *project) (policy, *fault) {
	switch w.Version {
	case 0, 1, 3:
	default:
		return policy{}, failed(400, "Invalid policy version: %d", w.Version)
	}
	out := policy{Version: w.Version}
	counted, legacy, same := 0, 0, map[string]int{}
	for _, b := range w.Bindings {
		next := binding{Role: b.Role, Condition: b.Condition}
		if f := c.checkRole(b.Role, p, was); f != nil {
			return policy{}, f
		}
		if b.Condition != nil {
			if f := checkCondition(b, w.Version); f != nil {
				return policy{}, f
			}
		}
		for _, text := range b.Members {
			m, f := c.takeMember(text, was)
			if f != nil {
				return policy{}, f
			}
			if b.Condition != nil && isPublic(text) {
				return policy{}, failed(400, "Conditions cannot be used with the member %s.", text)
			}
			next.Members = append(next.Members, m)
			counted++
			if strings.HasPrefix(b.Role, "roles/storage.legacy") {
				legacy++
			}
			if key := b.Role + "\x00" + m.Text; b.Condition != nil {
				if same[key]++; same[key] > maxSameBinding {
					return policy{}, failed(400, "The policy has more than %d bindings with the same role and member but different conditions.", maxSameBinding)
				}
			}
		}
		if len(next.Members) > 0 {
			out.add(next)
		}
	}
	// Without an etag the conditions of the stored policy are lost silently.
	// https://cloud.google.com/iam/docs/reference/rest/v1/Policy
	if was.conditional() && w.Version < 3 && w.Etag != "" {
		return policy{}, failed(400, "The existing policy has conditional role bindings: the version (%d) must be at least 3.", w.Version)
	}
	if counted > maxPrincipals || legacy > maxLegacyMembers {
		return policy{}, failed(400, "The number of members in the policy (%d) is larger than the maximum allowed size %d.", counted, maxPrincipals)
	}
	return out, nil
}

// add merges a binding into one with the same role and condition, as Google
// does before it stores a policy.
func (p *policy) add(b binding) {
	for i := range p.Bindings {
		o := &p.Bindings[i]
		if o.Role == b.Role && sameCondition(o.Condition, b.Condition) {
			for _, m := range b.Members {
				if !slices.Contains(o.Members, m) {
					o.Members = append(o.Members, m)
				}
			}
			return
		}
	}
	p.Bindings = append(p.Bindings, b)
}

func sameCondition(a, b *expr) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func checkCondition(b wireBinding, version int) *fault {
	switch {
	case version < 3:
		return failed(400, "The policy has conditional role bindings: its version (%d) must be at least 3.", version)
	case strings.HasPrefix(b.Role, "roles/storage.legacy") || b.Role == "roles/owner" || b.Role == "roles/editor" || b.Role == "roles/viewer":
		// https://cloud.google.com/storage/docs/access-control/iam#conditions
		return failed(400, "Conditions cannot be used with the role %s.", b.Role)
	case b.Condition.Title == "":
		return failed(400, "The condition of role %s must have a title.", b.Role)
	case len(b.Condition.Title) > 100 || len(b.Condition.Description) > 256:
		return failed(400, "The title or description of a condition is too long.")
	}
	if err := checkExpression(b.Condition.Expression); err != nil {
		return failed(400, "The condition expression of role %s is not valid: %v", b.Role, err)
	}
	return nil
}

var customRoleRE = regexp.MustCompile(`^(projects|organizations)/[^/]+/roles/[A-Za-z0-9_.]{3,64}$`)

// checkRole refuses a role that is not Google's, the project's or the
// organisation's, that is deleted, or that is too new to be known. A deleted
// role may stay where it is bound: it gives nothing.
func (c *Cloud) checkRole(name string, p *project, was policy) *fault {
	if _, ok := loadCatalogue().Roles[name]; ok {
		return nil
	}
	r := c.state.Roles[name]
	if r != nil && r.Known.Seen() && (strings.HasPrefix(name, "organizations/") || strings.HasPrefix(name, "projects/"+p.ID+"/")) {
		if !r.Body.Now.Deleted || slices.ContainsFunc(was.Bindings, func(b binding) bool { return b.Role == name }) {
			return nil
		}
	}
	if !strings.HasPrefix(name, "roles/") && !customRoleRE.MatchString(name) {
		return failed(400, "Invalid role: %s", name)
	}
	return failed(400, "Role (%s) does not exist in the resource's hierarchy.", name)
}

func isPublic(text string) bool { return text == "allUsers" || text == "allAuthenticatedUsers" }

// takeMember resolves a member. https://cloud.google.com/iam/docs/principal-identifiers
func (c *Cloud) takeMember(text string, was policy) (member, *fault) {
	if isPublic(text) {
		return c.permitted(member{Text: text}, was)
	}
	kind, value, ok := strings.Cut(text, ":")
	if !ok || value == "" {
		return member{}, failed(400, "The member %s is of an unknown type. Please set a valid type prefix for the member.", text)
	}
	switch kind {
	case "serviceAccount":
		a := c.accountByEmail(value)
		if a == nil || !a.Known.Seen() {
			return member{}, failed(400, "Service account %s does not exist.", value)
		}
		return c.permitted(a.member(), was)
	case "deleted":
		return c.takeDeleted(text, value)
	case "user", "group":
		if !strings.Contains(value, "@") {
			return member{}, failed(400, "Invalid member: %s", text)
		}
		return c.permitted(member{Text: kind + ":" + strings.ToLower(value)}, was)
	case "domain":
		return c.permitted(member{Text: text}, was)
	case "principal", "principalSet":
		return c.takePrincipal(text, was)
	case "projectOwner", "projectEditor", "projectViewer":
		if c.projectNamed(value) == nil {
			return member{}, failed(400, "Unknown project id: %s", value)
		}
		return member{Text: text}, nil
	}
	return member{}, failed(400, "The member %s is of an unknown type. Please set a valid type prefix for the member.", text)
}

// takeDeleted accepts a deleted service account by its unique ID, and a deleted
// federated identity by its name. If the account has been restored the member
// means the restored account.
// https://cloud.google.com/iam/docs/reference/rest/v1/Policy#Binding
func (c *Cloud) takeDeleted(text, value string) (member, *fault) {
	if kind, identity, _ := strings.Cut(value, ":"); kind == "principal" && (workforceRE.MatchString(identity) || poolPrincipalRE.MatchString(identity)) {
		return member{Text: text}, nil
	}
	_, uid, ok := strings.Cut(value, "?uid=")
	if !ok {
		return member{}, failed(400, "Invalid member: %s", text)
	}
	if a := c.state.Accounts[uid]; a != nil {
		return a.member(), nil
	}
	return member{Text: text}, nil
}

// permitted applies domain restricted sharing: without an organisation's
// domain here, only principals of the cloud's first project and the service
// accounts of its own organisation are permitted. What the policy already has
// may stay.
// https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains
func (c *Cloud) permitted(m member, was policy) (member, *fault) {
	constraint := ""
	for _, k := range []string{"constraints/iam.allowedPolicyMemberDomains", "constraints/iam.managed.allowedPolicyMembers"} {
		if c.enforced(k) {
			constraint = k
		}
	}
	if constraint == "" || was.hasMember(m.Text) {
		return m, nil
	}
	if slices.Contains(c.allowedBy(constraint), m.Text) || c.ownOrganisation(m) {
		return m, nil
	}
	f := failed(412, "One or more users named in the policy do not belong to a permitted customer, perhaps due to an organization policy.")
	f.ShowBoth = true
	f.Details = []any{preconditionFailure{"type.googleapis.com/google.rpc.PreconditionFailure", []violation{{
		Type: constraint, Subject: "orgpolicy:projects/" + c.state.Settings.Project, Description: "User " + m.Text + " is not in permitted organization.",
	}}}}
	return member{}, f
}

// ownOrganisation says whether a member is an identity of the first project's
// organisation: one of its service accounts, or one of its pools'.
func (c *Cloud) ownOrganisation(m member) bool {
	project := ""
	if a := c.state.Accounts[m.UID]; a != nil {
		project = a.Project
	}
	if name, ok := memberPool(m.Text); ok && c.state.Pools[name] != nil {
		project = c.state.Pools[name].Project
	}
	return project == c.state.Settings.Project || project == c.state.Settings.Project+"-staff"
}
