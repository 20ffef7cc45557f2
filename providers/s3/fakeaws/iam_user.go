// IAM users: their life, their tags, their boundary and their console password.
package fakeaws

import (
	"strings"
)

func userOps() map[string]iamOp {
	return map[string]iamOp{
		"CreateUser":                    {"user", true, createUser},
		"GetUser":                       {"user", false, getUser},
		"ListUsers":                     {"", false, listUsers},
		"UpdateUser":                    {"user", true, updateUser},
		"DeleteUser":                    {"user", true, deleteUser},
		"TagUser":                       {"user", true, tagUser},
		"UntagUser":                     {"user", true, untagUser},
		"ListUserTags":                  {"user", false, listUserTags},
		"PutUserPermissionsBoundary":    {"user", true, putUserBoundary},
		"DeleteUserPermissionsBoundary": {"user", true, deleteUserBoundary},
		"CreateLoginProfile":            {"user", true, createLogin},
		"GetLoginProfile":               {"user", false, getLogin},
		"DeleteLoginProfile":            {"user", true, deleteLogin},
	}
}

type userXML struct {
	Path                string
	UserName            string
	UserID              string `xml:"UserId"`
	Arn                 string
	CreateDate          string
	PermissionsBoundary *boundaryXML  `xml:",omitempty"`
	Tags                *members[tag] `xml:",omitempty"`
}

type boundaryXML struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

func boundaryOut(arn string) *boundaryXML {
	if arn == "" {
		return nil
	}
	return &boundaryXML{"Policy", arn}
}

// userOut is the short form of lists; the full form adds tags and boundary.
func (k *iamCall) userOut(u *user, full bool) userXML {
	x := userXML{Path: u.Path, UserName: u.Name, UserID: u.ID, Arn: k.arn(k.acct, "user", u.entity), CreateDate: stamp(u.Created)}
	if full {
		x.PermissionsBoundary = boundaryOut(u.Boundary.Seen())
		if len(u.Tags) > 0 {
			list := listOf(u.Tags)
			x.Tags = &list
		}
	}
	return x
}

// user finds the named user; readers do not find one that is too young to be seen.
func (k *iamCall) user(reading bool) (*user, error) {
	name, err := k.name("UserName", 64)
	if err != nil {
		return nil, err
	}
	u := k.acct.Users[strings.ToLower(name)]
	if u == nil || reading && !u.Exists.Seen() {
		return nil, noSuch("user", name)
	}
	return u, nil
}

func createUser(k *iamCall) (any, error) {
	name, err := k.name("UserName", 64)
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
		if err := k.may("iam:TagUser", k.target("user")); err != nil {
			return nil, err
		}
	}
	if k.acct.Users[strings.ToLower(name)] != nil {
		return nil, exists("User", name)
	}
	if err := k.checkBoundary(); err != nil {
		return nil, err
	}
	if err := k.room(len(k.acct.Users), "UsersQuota", "UsersPerAccount"); err != nil {
		return nil, err
	}
	u := &user{entity: k.newEntity("AIDA", name, path)}
	u.Tags = tags
	if b := k.form.Get("PermissionsBoundary"); b != "" {
		u.Boundary.Set(b, nil)
	}
	k.acct.Users[strings.ToLower(name)] = u
	return struct{ User userXML }{k.userOut(u, true)}, nil
}

func getUser(k *iamCall) (any, error) {
	if k.form.Get("UserName") == "" {
		if k.who.key.User == "" {
			if k.who.key.Session != nil {
				return nil, &apiError{Code: "ValidationError", Status: 400, Message: "Must specify userName when calling with non-User credentials"}
			}
			return struct{ User userXML }{userXML{Path: "/", UserID: k.acct.ID, Arn: k.who.ARN, CreateDate: stamp(k.who.key.Created)}}, nil
		}
		k.form.Set("UserName", k.who.key.User)
	}
	u, err := k.user(true)
	if err != nil {
		return nil, err
	}
	return struct{ User userXML }{k.userOut(u, true)}, nil
}

func listUsers(k *iamCall) (any, error) {
	var list []userXML
	for _, u := range sorted(k.acct.Users) {
		if u.Exists.Seen() && strings.HasPrefix(u.Path, k.form.Get("PathPrefix")) {
			list = append(list, k.userOut(u, false))
		}
	}
	cut, more, marker, err := page(k.form, list)
	if err != nil {
		return nil, err
	}
	return struct {
		Users members[userXML]
		paged
	}{listOf(cut), paged{more, marker}}, nil
}

func updateUser(k *iamCall) (any, error) {
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	name, path := u.Name, u.Path
	if n := k.form.Get("NewUserName"); n != "" {
		name = n
	}
	if p := k.form.Get("NewPath"); p != "" {
		path = p
	}
	if other := k.acct.Users[strings.ToLower(name)]; other != nil && other != u {
		return nil, exists("User", name)
	}
	for _, key := range k.state.Keys {
		if key.Account == k.acct.ID && key.Session == nil && key.User == strings.ToLower(u.Name) {
			key.User = strings.ToLower(name)
		}
	}
	delete(k.acct.Users, strings.ToLower(u.Name))
	u.Name, u.Path = name, path
	k.acct.Users[strings.ToLower(name)] = u
	return nil, nil
}

// deleteUser refuses while anything hangs on the user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
func deleteUser(k *iamCall) (any, error) {
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	switch {
	case u.Login != nil:
		return nil, conflict("delete login profile")
	case len(u.Doors) > 0:
		return nil, conflict("remove " + u.Doors[0].Kind + " of user")
	case len(k.keysOf(u.Name, false)) > 0:
		return nil, conflict("delete access keys")
	case len(u.Inline.Now) > 0:
		return nil, conflict("delete policies")
	case len(u.Attached.Now) > 0:
		return nil, conflict("detach all policies")
	case len(u.Groups.Now) > 0:
		return nil, conflict("remove users from group")
	}
	delete(k.acct.Users, strings.ToLower(u.Name))
	return nil, nil
}
