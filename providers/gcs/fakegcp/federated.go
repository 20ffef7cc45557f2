// Federated identities: who an external credential becomes, and which members of policies mean it.
package fakegcp

import (
	"regexp"
	"slices"
	"strings"
)

// federated is an identity of a workload identity pool.
type federated struct {
	Pool       string            `json:"pool"` // the pool's full name
	Subject    string            `json:"subject"`
	Groups     []string          `json:"groups"`
	Attributes map[string]string `json:"attributes"`
}

const principalHost = "//iam.googleapis.com/"

// name is how policies and logs call the identity.
func (f *federated) name() string {
	return "principal:" + principalHost + f.Pool + "/subject/" + f.Subject
}

// inSet says whether a principalSet means the identity: the whole pool, a group
// of it, or everybody with an attribute.
// https://cloud.google.com/iam/docs/principal-identifiers
func (f *federated) inSet(set string) bool {
	rest, ok := strings.CutPrefix(set, principalHost+f.Pool+"/")
	if !ok {
		return false
	}
	if group, ok := strings.CutPrefix(rest, "group/"); ok {
		return slices.Contains(f.Groups, group)
	}
	if attribute, ok := strings.CutPrefix(rest, "attribute."); ok {
		name, value, _ := strings.Cut(attribute, "/")
		has, ok := f.Attributes[name]
		return ok && has == value
	}
	return rest == "*"
}

var (
	poolPrincipalRE = regexp.MustCompile(`^//iam\.googleapis\.com/(projects/[^/]+/locations/global/workloadIdentityPools/[^/]+)/subject/.+$`)
	poolSetRE       = regexp.MustCompile(`^//iam\.googleapis\.com/(projects/[^/]+/locations/global/workloadIdentityPools/[^/]+)/(\*|group/.+|attribute\.[a-z0-9_]+/.+)$`)
	workforceRE     = regexp.MustCompile(`^//iam\.googleapis\.com/locations/global/workforcePools/[^/]+/(\*|subject/.+|group/.+|attribute\.[a-z0-9_]+/.+)$`)
	resourceSetRE   = regexp.MustCompile(`^//cloudresourcemanager\.googleapis\.com/(projects|folders|organizations)/[0-9]+(/type/[A-Za-z]+)?$`)
)

// memberPool returns the pool that a principal or principalSet is of.
func memberPool(text string) (string, bool) {
	kind, value, _ := strings.Cut(text, ":")
	re := map[string]*regexp.Regexp{"principal": poolPrincipalRE, "principalSet": poolSetRE}[kind]
	if re == nil {
		return "", false
	}
	m := re.FindStringSubmatch(value)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// takePrincipal checks a principal or principalSet that a caller wants to name.
// A pool is known by its project's number only.
func (c *Cloud) takePrincipal(text string, was policy) (member, *fault) {
	kind, value, _ := strings.Cut(text, ":")
	name, ok := memberPool(text)
	switch {
	case ok && c.state.Pools[name] == nil:
		return member{}, failed(400, "Identity Pool does not exist (%s). "+
			"Please check that you specified a valid resource name as returned in the `name` attribute in the configuration API.", name)
	case !ok && !workforceRE.MatchString(value) && (kind != "principalSet" || !resourceSetRE.MatchString(value)):
		return member{}, failed(400, "Invalid principal: %s", text)
	}
	return c.permitted(member{Text: text}, was)
}

// alive returns the identity of a token if its pool still gives access. The
// provider by which it came may be gone.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/delete
func (c *Cloud) alive(f *federated) bool {
	p := c.state.Pools[f.Pool]
	if p == nil {
		return false
	}
	b := p.Body.Seen()
	return b != nil && !b.Deleted && !b.Disabled
}
