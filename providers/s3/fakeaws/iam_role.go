// IAM roles and who may take them on.
package fakeaws

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func roleOps() map[string]iamOp {
	return map[string]iamOp{
		"CreateRole":                  {"role", true, createRole},
		"GetRole":                     {"role", false, getRole},
		"ListRoles":                   {"", false, listRoles},
		"DeleteRole":                  {"role", true, deleteRole},
		"UpdateAssumeRolePolicy":      {"role", true, updateTrust},
		"TagRole":                     {"role", true, tagRole},
		"UntagRole":                   {"role", true, untagRole},
		"ListRoleTags":                {"role", false, listRoleTags},
		"PutRolePermissionsBoundary":  {"role", true, putRoleBoundary},
		"ListInstanceProfilesForRole": {"role", false, func(*iamCall) (any, error) { return emptyList{"InstanceProfiles"}, nil }},
	}
}

type roleXML struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	PermissionsBoundary      *boundaryXML  `xml:",omitempty"`
	Tags                     *members[tag] `xml:",omitempty"`
}

func (k *iamCall) roleOut(r *role, full bool) roleXML {
	x := roleXML{
		Path: r.Path, RoleName: r.Name, RoleID: r.ID, Arn: k.arn(k.acct, "role", r.entity), CreateDate: stamp(r.Created),
		AssumeRolePolicyDocument: encode(k.text(r.Trust.Seen())), Description: r.Description, MaxSessionDuration: r.MaxSession,
	}
	if full {
		x.PermissionsBoundary = boundaryOut(r.Boundary.Seen())
		if len(r.Tags) > 0 {
			list := listOf(r.Tags)
			x.Tags = &list
		}
	}
	return x
}

func (k *iamCall) role(reading bool) (*role, error) {
	name, err := k.name("RoleName", 64)
	if err != nil {
		return nil, err
	}
	r := k.acct.Roles[strings.ToLower(name)]
	if r == nil || reading && !r.Exists.Seen() {
		return nil, noSuch("role", name)
	}
	return r, nil
}

func createRole(k *iamCall) (any, error) {
	name, err := k.name("RoleName", 64)
	if err != nil {
		return nil, err
	}
	path, err := k.path()
	if err != nil {
		return nil, err
	}
	tags, err := k.tags()
	if err != nil {
		return nil, err
	}
	if len(tags) > 0 {
		if err := k.may("iam:TagRole", k.target("role")); err != nil {
			return nil, err
		}
	}
	trust, err := k.trust(k.form.Get("AssumeRolePolicyDocument"))
	if err != nil {
		return nil, err
	}
	if k.acct.Roles[strings.ToLower(name)] != nil {
		return nil, exists("Role", name)
	}
	if err := k.checkBoundary(); err != nil {
		return nil, err
	}
	longest := 3600
	if s := k.form.Get("MaxSessionDuration"); s != "" {
		if longest, err = strconv.Atoi(s); err != nil || longest < 3600 || longest > 43200 {
			return nil, invalid("maxSessionDuration", s, "Member must have value between 3600 and 43200")
		}
	}
	r := &role{entity: k.newEntity("AROA", name, path), Description: k.form.Get("Description"), MaxSession: longest}
	r.Tags = tags
	r.Trust.Set(trust, 0)
	if b := k.form.Get("PermissionsBoundary"); b != "" {
		r.Boundary.Set(b, 0)
	}
	k.acct.Roles[strings.ToLower(name)] = r
	return struct{ Role roleXML }{k.roleOut(r, true)}, nil
}

// maxTrust is the size of a trust policy, white space not counted.
const maxTrust = 2048

// trust checks a role's trust policy. A trust in GitHub's shared issuer
// has to say which subject it means.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
func (k *iamCall) trust(text string) (pinned, error) {
	d, err := checkDocument(text)
	if err != nil {
		return pinned{}, err
	}
	if countedSize(text) > maxTrust {
		return pinned{}, &apiError{Code: "LimitExceeded", Status: 409, Message: "Cannot exceed quota for ACLSizePerRole: " + itoa(maxTrust)}
	}
	for _, s := range d.Statement {
		if s.Resource != nil || s.NotResource != nil {
			return pinned{}, malformed("Has prohibited field Resource")
		}
		if s.Principal == nil {
			return pinned{}, malformed("AssumeRole policy must contain principals.")
		}
		for _, name := range s.Principal.AWS {
			if !k.principalExists(name) {
				return pinned{}, malformed(`Invalid principal in policy: "AWS":"` + name + `"`)
			}
		}
		for _, name := range s.Principal.Federated {
			host := name[strings.LastIndex(name, "oidc-provider/")+len("oidc-provider/"):]
			if s.Effect == "Allow" && host == "token.actions.githubusercontent.com" && !evaluatesKey(s, host+":sub") {
				return pinned{}, malformed("Missing required condition key " + host + ":sub in the role trust policy")
			}
		}
	}
	return k.pin(d, text), nil
}

func evaluatesKey(s Statement, key string) bool {
	for _, keys := range s.Condition {
		for k, values := range keys {
			if strings.EqualFold(k, key) && !slices.Contains(values, "*") {
				return true
			}
		}
	}
	return false
}

var accountID = regexp.MustCompile(`^\d{12}$`)

// principalExists says whether a policy may name this AWS principal: an
// account, or a user or role that readers see. Other accounts' identities are
// known as well if this cloud holds the account.
func (c *Cloud) principalExists(name string) bool {
	if name == "*" || accountID.MatchString(name) {
		return true
	}
	f := strings.SplitN(name, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] != c.state.Partition || !accountID.MatchString(f[4]) {
		return false
	}
	if f[5] == "root" {
		return true
	}
	a := c.state.Accounts[f[4]]
	if a == nil {
		return false
	}
	return c.idOf(a, name) != ""
}

// idOf returns the unique ID of a user or role that readers see, by its ARN.
func (c *Cloud) idOf(a *account, arn string) string {
	last := strings.ToLower(arn[strings.LastIndex(arn, "/")+1:])
	if u := a.Users[last]; u != nil && u.Exists.Seen() && c.arn(a, "user", u.entity) == arn {
		return u.ID
	}
	if r := a.Roles[last]; r != nil && r.Exists.Seen() && c.arn(a, "role", r.entity) == arn {
		return r.ID
	}
	if rest, ok := strings.CutPrefix(arn, "arn:"+c.state.Partition+":sts::"+a.ID+":assumed-role/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		if r := a.Roles[strings.ToLower(name)]; r != nil {
			return r.ID
		}
	}
	return ""
}

func getRole(k *iamCall) (any, error) {
	r, err := k.role(true)
	if err != nil {
		return nil, err
	}
	return struct{ Role roleXML }{k.roleOut(r, true)}, nil
}

func listRoles(k *iamCall) (any, error) {
	var list []roleXML
	for _, r := range sorted(k.acct.Roles) {
		if r.Exists.Seen() && strings.HasPrefix(r.Path, k.form.Get("PathPrefix")) {
			list = append(list, k.roleOut(r, false))
		}
	}
	cut, more, marker, err := page(k.form, list)
	if err != nil {
		return nil, err
	}
	return struct {
		Roles members[roleXML]
		paged
	}{listOf(cut), paged{more, marker}}, nil
}

func deleteRole(k *iamCall) (any, error) {
	r, err := k.role(false)
	if err != nil {
		return nil, err
	}
	switch {
	case len(r.Attached.Now) > 0:
		return nil, conflict("detach all policies")
	case len(r.Inline.Now) > 0:
		return nil, conflict("delete policies")
	}
	delete(k.acct.Roles, strings.ToLower(r.Name))
	return nil, nil
}

func updateTrust(k *iamCall) (any, error) {
	r, err := k.role(false)
	if err != nil {
		return nil, err
	}
	trust, err := k.trust(k.form.Get("PolicyDocument"))
	if err != nil {
		return nil, err
	}
	r.Trust.Set(trust, k.state.Delay)
	return nil, nil
}

func tagRole(k *iamCall) (any, error) {
	r, err := k.role(false)
	if err != nil {
		return nil, err
	}
	tags, err := k.tags()
	if err != nil {
		return nil, err
	}
	merged := mergeTags(r.Tags, tags)
	if err := checkTags(merged); err != nil {
		return nil, err
	}
	r.Tags = merged
	return nil, nil
}

func untagRole(k *iamCall) (any, error) {
	r, err := k.role(false)
	if err != nil {
		return nil, err
	}
	gone := formList(k.form, "TagKeys")
	r.Tags = slices.DeleteFunc(slices.Clone(r.Tags), func(t tag) bool {
		return slices.ContainsFunc(gone, func(g string) bool { return strings.EqualFold(g, t.Key) })
	})
	return nil, nil
}

func listRoleTags(k *iamCall) (any, error) {
	r, err := k.role(true)
	if err != nil {
		return nil, err
	}
	return k.tagPage(r.Tags)
}

func putRoleBoundary(k *iamCall) (any, error) {
	r, err := k.role(false)
	if err != nil {
		return nil, err
	}
	if err := k.checkBoundary(); err != nil {
		return nil, err
	}
	r.Boundary.Set(k.form.Get("PermissionsBoundary"), k.state.Delay)
	return nil, nil
}
