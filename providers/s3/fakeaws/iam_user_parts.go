// What belongs to an IAM user besides policies and keys: tags, a boundary, a console password.
package fakeaws

import (
	"slices"
	"strings"
	"time"
)

func tagUser(k *iamCall) (any, error) {
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	tags, err := k.tags()
	if err != nil {
		return nil, err
	}
	merged := mergeTags(u.Tags, tags)
	if err := checkTags(merged); err != nil {
		return nil, err
	}
	u.Tags = merged
	return nil, nil
}

func untagUser(k *iamCall) (any, error) {
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	gone := formList(k.form, "TagKeys")
	u.Tags = slices.DeleteFunc(slices.Clone(u.Tags), func(t tag) bool {
		return slices.ContainsFunc(gone, func(g string) bool { return strings.EqualFold(g, t.Key) })
	})
	return nil, nil
}

func listUserTags(k *iamCall) (any, error) {
	u, err := k.user(true)
	if err != nil {
		return nil, err
	}
	return k.tagPage(u.Tags)
}

func (k *iamCall) tagPage(tags []tag) (any, error) {
	cut, more, marker, err := page(k.form, tags)
	if err != nil {
		return nil, err
	}
	return struct {
		Tags members[tag]
		paged
	}{listOf(cut), paged{more, marker}}, nil
}

func (k *iamCall) checkBoundary() error {
	arn := k.form.Get("PermissionsBoundary")
	if arn == "" {
		return nil
	}
	if _, ok := k.managed(k.acct, arn, false); !ok {
		return &apiError{Code: "NoSuchEntity", Status: 404, Message: "Scope ARN: " + arn + " does not exist or is not attachable."}
	}
	return nil
}

func putUserBoundary(k *iamCall) (any, error) {
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	if err := k.checkBoundary(); err != nil {
		return nil, err
	}
	u.Boundary.Set(k.form.Get("PermissionsBoundary"), k.lag())
	return nil, nil
}

func deleteUserBoundary(k *iamCall) (any, error) {
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	if u.Boundary.Now == "" {
		return nil, noSuch("permissions boundary of user", u.Name)
	}
	u.Boundary.Set("", k.lag())
	return nil, nil
}

type loginXML struct {
	UserName              string
	CreateDate            string
	PasswordResetRequired bool
}

func createLogin(k *iamCall) (any, error) {
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	if u.Login != nil {
		return nil, exists("Login Profile for User", u.Name)
	}
	now := time.Now().UTC().Truncate(time.Second)
	u.Login = &now
	return struct{ LoginProfile loginXML }{loginXML{UserName: u.Name, CreateDate: stamp(now)}}, nil
}

func getLogin(k *iamCall) (any, error) {
	u, err := k.user(true)
	if err != nil {
		return nil, err
	}
	if u.Login == nil {
		return nil, &apiError{Code: "NoSuchEntity", Status: 404, Message: "Login Profile for User " + u.Name + " cannot be found."}
	}
	return struct{ LoginProfile loginXML }{loginXML{UserName: u.Name, CreateDate: stamp(*u.Login)}}, nil
}

func deleteLogin(k *iamCall) (any, error) {
	u, err := k.user(false)
	if err != nil {
		return nil, err
	}
	if u.Login == nil {
		return nil, &apiError{Code: "NoSuchEntity", Status: 404, Message: "Login Profile for User " + u.Name + " cannot be found."}
	}
	u.Login = nil
	return nil, nil
}
