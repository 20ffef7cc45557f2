// IAM groups and who is in them.
package fakeaws

import (
	"slices"
	"strings"
)

func groupOps() map[string]iamOp {
	return map[string]iamOp{
		"CreateGroup":         {"group", true, createGroup},
		"GetGroup":            {"group", false, getGroup},
		"ListGroups":          {"", false, listGroups},
		"DeleteGroup":         {"group", true, deleteGroup},
		"AddUserToGroup":      {"group", true, addUserToGroup},
		"RemoveUserFromGroup": {"group", true, removeUserFromGroup},
		"ListGroupsForUser":   {"user", false, listGroupsForUser},
	}
}

type groupXML struct {
	Path       string
	GroupName  string
	GroupID    string `xml:"GroupId"`
	Arn        string
	CreateDate string
}

func (k *iamCall) groupOut(g *group) groupXML {
	return groupXML{g.Path, g.Name, g.ID, k.arn(k.acct, "group", g.entity), stamp(g.Created)}
}

func (k *iamCall) group(reading bool) (*group, error) {
	name, err := k.name("GroupName", 128)
	if err != nil {
		return nil, err
	}
	g := k.acct.Groups[strings.ToLower(name)]
	if g == nil || reading && !g.Exists.Seen() {
		return nil, noSuch("group", name)
	}
	return g, nil
}

func createGroup(k *iamCall) (any, error) {
	name, err := k.name("GroupName", 128)
	if err != nil {
		return nil, err
	}
	path, err := k.path()
	if err != nil {
		return nil, err
	}
	if k.acct.Groups[strings.ToLower(name)] != nil {
		return nil, exists("Group", name)
	}
	if err := k.room(len(k.acct.Groups), "GroupsQuota", "GroupsPerAccount"); err != nil {
		return nil, err
	}
	g := &group{entity: k.newEntity("AGPA", name, path)}
	k.acct.Groups[strings.ToLower(name)] = g
	return struct{ Group groupXML }{k.groupOut(g)}, nil
}

func getGroup(k *iamCall) (any, error) {
	g, err := k.group(true)
	if err != nil {
		return nil, err
	}
	inside := map[string]*user{}
	for name, u := range k.acct.Users {
		if slices.Contains(u.Groups.Seen(), strings.ToLower(g.Name)) {
			inside[name] = u
		}
	}
	var list []userXML
	for _, u := range sorted(inside) {
		list = append(list, k.userOut(u, false))
	}
	cut, more, marker, bad := page(k.form, list)
	if bad != nil {
		return nil, bad
	}
	return struct {
		Group groupXML
		Users members[userXML]
		paged
	}{k.groupOut(g), listOf(cut), paged{more, marker}}, nil
}

func listGroups(k *iamCall) (any, error) {
	var list []groupXML
	for _, g := range sorted(k.acct.Groups) {
		if g.Exists.Seen() && strings.HasPrefix(g.Path, k.form.Get("PathPrefix")) {
			list = append(list, k.groupOut(g))
		}
	}
	return k.groupPage(list)
}

func (k *iamCall) groupPage(list []groupXML) (any, error) {
	cut, more, marker, err := page(k.form, list)
	if err != nil {
		return nil, err
	}
	return struct {
		Groups members[groupXML]
		paged
	}{listOf(cut), paged{more, marker}}, nil
}

func deleteGroup(k *iamCall) (any, error) {
	g, err := k.group(false)
	if err != nil {
		return nil, err
	}
	for _, u := range k.acct.Users {
		if slices.Contains(u.Groups.Now, strings.ToLower(g.Name)) {
			return nil, conflict("remove users from group")
		}
	}
	switch {
	case len(g.Attached.Now) > 0:
		return nil, conflict("detach all policies")
	case len(g.Inline.Now) > 0:
		return nil, conflict("delete policies")
	}
	delete(k.acct.Groups, strings.ToLower(g.Name))
	return nil, nil
}

func addUserToGroup(k *iamCall) (any, error) {
	g, err := k.group(false)
	if err != nil {
		return nil, err
	}
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(g.Name)
	if slices.Contains(u.Groups.Now, name) {
		return nil, nil
	}
	if err := k.room(len(u.Groups.Now), "GroupsPerUserQuota", "GroupsPerUser"); err != nil {
		return nil, err
	}
	u.Groups.Set(append(slices.Clone(u.Groups.Now), name), k.lag())
	return nil, nil
}

func removeUserFromGroup(k *iamCall) (any, error) {
	g, err := k.group(false)
	if err != nil {
		return nil, err
	}
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	i := slices.Index(u.Groups.Now, strings.ToLower(g.Name))
	if i < 0 {
		return nil, noSuch("user in group "+g.Name, u.Name)
	}
	u.Groups.Set(slices.Delete(slices.Clone(u.Groups.Now), i, i+1), k.lag())
	return nil, nil
}

func listGroupsForUser(k *iamCall) (any, error) {
	u, err := k.user(true)
	if err != nil {
		return nil, err
	}
	var list []groupXML
	for _, name := range u.Groups.Seen() {
		if g := k.acct.Groups[name]; g != nil {
			list = append(list, k.groupOut(g))
		}
	}
	return k.groupPage(list)
}
