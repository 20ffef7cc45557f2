// What a managed policy is attached to.
package fakeaws

import (
	"slices"
	"strings"
)

// holderOf is one entity that a policy is attached to.
type holderOf struct {
	kind string
	entity
}

// holdersOf lists what a managed policy is attached to.
func (k *iamCall) holdersOf(arn string, seen bool) []holderOf {
	var list []holderOf
	look := func(kind string, e entity, h holder) {
		attached := h.Attached.Now
		if seen {
			attached = h.Attached.Seen()
		}
		if slices.Contains(attached, arn) {
			list = append(list, holderOf{kind, e})
		}
	}
	for _, g := range sorted(k.acct.Groups) {
		look("group", g.entity, g.holder)
	}
	for _, u := range sorted(k.acct.Users) {
		look("user", u.entity, u.holder)
	}
	for _, r := range sorted(k.acct.Roles) {
		look("role", r.entity, r.holder)
	}
	return list
}

// attachments counts what a managed policy is attached to, as readers see it.
func (k *iamCall) attachments(arn string) int {
	n := 0
	for _, g := range k.acct.Groups {
		n += countOf(g.Attached.Seen(), arn)
	}
	for _, u := range k.acct.Users {
		n += countOf(u.Attached.Seen(), arn)
	}
	for _, r := range k.acct.Roles {
		n += countOf(r.Attached.Seen(), arn)
	}
	return n
}

func countOf(list []string, arn string) int {
	if slices.Contains(list, arn) {
		return 1
	}
	return 0
}

func listEntitiesForPolicy(k *iamCall) (any, error) {
	arn := k.form.Get("PolicyArn")
	if _, ok := k.managed(k.acct, arn, true); !ok {
		return nil, &apiError{Code: "NoSuchEntity", Status: 404, Message: "Policy " + arn + " was not found."}
	}
	cut, more, marker, err := page(k.form, k.holdersOf(arn, true))
	if err != nil {
		return nil, err
	}
	type groupRef struct {
		GroupName string
		GroupID   string `xml:"GroupId"`
	}
	type userRef struct {
		UserName string
		UserID   string `xml:"UserId"`
	}
	type roleRef struct {
		RoleName string
		RoleID   string `xml:"RoleId"`
	}
	out := struct {
		PolicyGroups members[groupRef]
		PolicyUsers  members[userRef]
		PolicyRoles  members[roleRef]
		paged
	}{paged: paged{more, marker}}
	for _, h := range cut {
		if f := k.form.Get("EntityFilter"); f != "" && !strings.EqualFold(f, h.kind) {
			continue
		}
		switch h.kind {
		case "group":
			out.PolicyGroups.Member = append(out.PolicyGroups.Member, groupRef{h.Name, h.ID})
		case "user":
			out.PolicyUsers.Member = append(out.PolicyUsers.Member, userRef{h.Name, h.ID})
		case "role":
			out.PolicyRoles.Member = append(out.PolicyRoles.Member, roleRef{h.Name, h.ID})
		}
	}
	return out, nil
}
