// The policy engine: pure decisions from policies, roles, a principal and a resource.
package fakegcp

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// principal is who asks, as policies may name them.
type principal struct {
	Email string     // "" for an anonymous caller
	UID   string     // unique ID of a service account
	User  bool       // a Google account rather than a service account
	Pool  *federated // an identity from elsewhere: it has no email address
}

func (p principal) anonymous() bool { return p.Email == "" && p.Pool == nil }

// name is how messages and the ledger call the principal; "" for an anonymous caller.
func (p principal) name() string {
	if p.Pool != nil {
		return p.Pool.name()
	}
	return p.Email
}

// resource is what a permission is asked for. Conditions see the attributes
// that its service provides; the others are empty.
// https://cloud.google.com/iam/docs/conditions-resource-attributes
type resource struct {
	Label   string // names the resource in the ledger
	Name    string // "projects/_/buckets/B/objects/O"
	Type    string // "storage.googleapis.com/Object"
	Service string // "storage.googleapis.com"
}

// question is one request for one permission.
type question struct {
	Who        principal
	Permission string
	Resource   resource
	Time       time.Time
}

// source is a policy that applies to the resource: its own or that of a parent.
type source struct {
	Where    string // "bucket acme-events", for the ledger
	Policy   policy
	NoPublic bool // public access prevention: public members count for nothing
}

// directory answers what the engine must know about the rest of the cloud.
type directory struct {
	Role func(name string) ([]string, bool)           // permissions of a role; false if it gives nothing
	Team func(p principal, kind, project string) bool // whether p holds "owner", "editor" or "viewer" of a project
}

// verdict is the engine's answer.
type verdict struct {
	Allowed bool
	Because string
}

// decide says whether any binding of any policy allows what q asks. Allow
// policies only add: no binding takes away what another gives.
func decide(q question, sources []source, dir directory) verdict {
	near := ""
	for _, s := range sources {
		for _, b := range s.Policy.Bindings {
			permissions, ok := dir.Role(b.Role)
			if !ok || !slices.Contains(permissions, q.Permission) {
				continue
			}
			who, ok := matchAny(b.Members, q.Who, dir, s.NoPublic)
			if !ok {
				continue
			}
			if b.Condition == nil {
				return verdict{true, fmt.Sprintf("%s: %s has %s", s.Where, who, b.Role)}
			}
			holds, err := evaluate(b.Condition.Expression, q)
			switch {
			case err != nil:
				near = fmt.Sprintf("; %s: condition of %s cannot be evaluated: %v", s.Where, b.Role, err)
			case holds:
				return verdict{true, fmt.Sprintf("%s: %s has %s if %s", s.Where, who, b.Role, b.Condition.Expression)}
			default:
				near = fmt.Sprintf("; %s: condition of %s does not hold", s.Where, b.Role)
			}
		}
	}
	return verdict{false, "no binding allows it" + near}
}

// matchAny returns the first member that means p.
func matchAny(members []member, p principal, dir directory, noPublic bool) (string, bool) {
	for _, m := range members {
		if m.matches(p, dir, noPublic) {
			return m.Text, true
		}
	}
	return "", false
}

// matches says whether the member means p. Groups have no members here.
// https://cloud.google.com/iam/docs/principal-identifiers
func (m member) matches(p principal, dir directory, noPublic bool) bool {
	kind, value, _ := strings.Cut(m.Text, ":")
	switch kind {
	case "allUsers":
		return !noPublic
	case "allAuthenticatedUsers":
		return !noPublic && !p.anonymous() && p.Pool == nil // who comes in by federation is not meant
	case "serviceAccount":
		return !p.User && m.UID != "" && m.UID == p.UID
	case "user":
		return p.User && strings.EqualFold(value, p.Email)
	case "domain":
		return p.User && strings.HasSuffix(strings.ToLower(p.Email), "@"+strings.ToLower(value))
	case "principal":
		return p.Pool != nil && m.Text == p.Pool.name()
	case "principalSet":
		return p.Pool != nil && p.Pool.inSet(value)
	case "projectOwner", "projectEditor", "projectViewer":
		return dir.Team(p, strings.ToLower(strings.TrimPrefix(kind, "project")), value)
	}
	return false
}
