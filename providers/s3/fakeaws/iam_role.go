// IAM roles and who may take them on.
package fakeaws

import (
	"slices"
	"strconv"
	"strings"
)

func roleOps() map[string]iamOp {
	return map[string]iamOp{
		"CreateRole":                    {"role", true, createRole},
		"GetRole":                       {"role", false, getRole},
		"ListRoles":                     {"", false, listRoles},
		"DeleteRole":                    {"role", true, deleteRole},
		"UpdateAssumeRolePolicy":        {"role", true, updateTrust},
		"UpdateRole":                    {"role", true, updateRole},
		"TagRole":                       {"role", true, tagRole},
		"UntagRole":                     {"role", true, untagRole},
		"ListRoleTags":                  {"role", false, listRoleTags},
		"PutRolePermissionsBoundary":    {"role", true, putRoleBoundary},
		"DeleteRolePermissionsBoundary": {"role", true, deleteRoleBoundary},
		"ListInstanceProfilesForRole":   {"role", false, func(*iamCall) (any, error) { return emptyList{"InstanceProfiles"}, nil }},
	}
}

type roleXML struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string        `xml:",omitempty"`
	MaxSessionDuration       *int          `xml:",omitempty"`
	PermissionsBoundary      *boundaryXML  `xml:",omitempty"`
	Tags                     *members[tag] `xml:",omitempty"`
	RoleLastUsed             *roleUseXML   `xml:",omitempty"`
}

// roleUseXML is when a session of the role was last used; it is empty if none ever was.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleLastUsed.html
type roleUseXML struct {
	LastUsedDate string `xml:",omitempty"`
	Region       string `xml:",omitempty"`
}

func (k *iamCall) roleOut(r *role, full bool) roleXML {
	x := roleXML{
		Path: r.Path, RoleName: r.Name, RoleID: r.ID, Arn: k.arn(k.acct, "role", r.entity), CreateDate: stamp(r.Created),
		AssumeRolePolicyDocument: encode(k.text(r.Trust.Seen())), Description: r.Description, MaxSessionDuration: &r.MaxSession,
	}
	if full {
		x.PermissionsBoundary = boundaryOut(r.Boundary.Seen())
		if len(r.Tags) > 0 {
			list := listOf(r.Tags)
			x.Tags = &list
		}
		x.RoleLastUsed = &roleUseXML{}
		if r.Used != nil {
			x.RoleLastUsed = &roleUseXML{stamp(r.Used.At), r.Used.Region}
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
	if err := k.description(); err != nil {
		return nil, err
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
	longest, err := k.longest(3600)
	if err != nil {
		return nil, err
	}
	if err := k.room(len(k.acct.Roles), "RolesQuota", "RolesPerAccount"); err != nil {
		return nil, err
	}
	r := &role{entity: k.newEntity("AROA", name, path), Description: k.form.Get("Description"), MaxSession: longest}
	r.Tags = tags
	r.Trust.Set(trust, nil)
	if b := k.form.Get("PermissionsBoundary"); b != "" {
		r.Boundary.Set(b, nil)
	}
	k.acct.Roles[strings.ToLower(name)] = r
	return struct{ Role roleXML }{k.roleOut(r, true)}, nil
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

// longest reads the MaxSessionDuration of a call.
func (k *iamCall) longest(otherwise int) (int, error) {
	s := k.form.Get("MaxSessionDuration")
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 3600 || n > 43200 {
		return 0, invalid("maxSessionDuration", s, "Member must have value between 3600 and 43200")
	}
	return n, nil
}

func updateRole(k *iamCall) (any, error) {
	r, err := k.role(false)
	if err != nil {
		return nil, err
	}
	longest, err := k.longest(r.MaxSession)
	if err != nil {
		return nil, err
	}
	if err := k.description(); err != nil {
		return nil, err
	}
	r.MaxSession = longest
	if k.form.Has("Description") {
		r.Description = k.form.Get("Description")
	}
	return struct{}{}, nil
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
	r.Trust.Set(trust, k.lag())
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
	r.Boundary.Set(k.form.Get("PermissionsBoundary"), k.lag())
	return nil, nil
}

func deleteRoleBoundary(k *iamCall) (any, error) {
	r, err := k.role(false)
	if err != nil {
		return nil, err
	}
	if r.Boundary.Now == "" {
		return nil, noSuch("permissions boundary of role", r.Name)
	}
	r.Boundary.Set("", k.lag())
	return nil, nil
}
