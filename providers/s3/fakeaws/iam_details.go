// The account in one listing: every user, group, role and policy.
package fakeaws

import (
	"slices"
	"strings"
)

func detailOps() map[string]iamOp {
	return map[string]iamOp{
		"GetAccountAuthorizationDetails": {"", false, getAuthorizationDetails},
	}
}

type inlineXML struct{ PolicyName, PolicyDocument string }

type attachedXML struct{ PolicyName, PolicyArn string }

func inlineOut(h holder) members[inlineXML] {
	var list []inlineXML
	for _, p := range h.Inline.Seen() {
		list = append(list, inlineXML{p.Name, encode(p.Document)})
	}
	return listOf(list)
}

func attachedOut(h holder) members[attachedXML] {
	var list []attachedXML
	for _, arn := range h.Attached.Seen() {
		list = append(list, attachedXML{arn[strings.LastIndex(arn, "/")+1:], arn})
	}
	return listOf(list)
}

type userDetail struct {
	userXML
	GroupList               members[string]
	UserPolicyList          members[inlineXML]
	AttachedManagedPolicies members[attachedXML]
}

type groupDetail struct {
	groupXML
	GroupPolicyList         members[inlineXML]
	AttachedManagedPolicies members[attachedXML]
}

type roleDetail struct {
	roleXML
	RolePolicyList          members[inlineXML]
	AttachedManagedPolicies members[attachedXML]
}

type policyDetail struct {
	policyXML
	PolicyVersionList members[versionXML]
}

// getAuthorizationDetails pages through users, groups, roles and policies as one list.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
func getAuthorizationDetails(k *iamCall) (any, error) {
	filter := formList(k.form, "Filter")
	wants := func(kind string, exists bool) bool {
		return exists && (len(filter) == 0 || slices.Contains(filter, kind))
	}
	var all []any
	for _, u := range sorted(k.acct.Users) {
		if wants("User", u.Exists.Seen()) {
			all = append(all, u)
		}
	}
	for _, g := range sorted(k.acct.Groups) {
		if wants("Group", g.Exists.Seen()) {
			all = append(all, g)
		}
	}
	for _, r := range sorted(k.acct.Roles) {
		if wants("Role", r.Exists.Seen()) {
			all = append(all, r)
		}
	}
	for _, p := range sorted(k.acct.Policies) {
		if wants("LocalManagedPolicy", p.Exists.Seen()) {
			all = append(all, p)
		}
	}
	cut, more, marker, err := page(k.form, all)
	if err != nil {
		return nil, err
	}
	var out struct {
		UserDetailList  members[userDetail]
		GroupDetailList members[groupDetail]
		RoleDetailList  members[roleDetail]
		Policies        members[policyDetail]
		paged
	}
	out.paged = paged{more, marker}
	for _, item := range cut { // the listing has less of roles and policies than their own calls have
		switch e := item.(type) {
		case *user:
			out.UserDetailList.Member = append(out.UserDetailList.Member, userDetail{k.userOut(e, true), listOf(k.groupNames(e)), inlineOut(e.holder), attachedOut(e.holder)})
		case *group:
			out.GroupDetailList.Member = append(out.GroupDetailList.Member, groupDetail{k.groupOut(e), inlineOut(e.holder), attachedOut(e.holder)})
		case *role:
			r := k.roleOut(e, true)
			r.Description, r.MaxSessionDuration = "", nil
			out.RoleDetailList.Member = append(out.RoleDetailList.Member, roleDetail{r, inlineOut(e.holder), attachedOut(e.holder)})
		case *policy:
			p := k.policyOut(e, true)
			p.Tags = nil
			out.Policies.Member = append(out.Policies.Member, policyDetail{p, listOf(versionsOut(e))})
		}
	}
	return out, nil
}

func (k *iamCall) groupNames(u *user) []string {
	var names []string
	for _, name := range u.Groups.Seen() {
		if g := k.acct.Groups[name]; g != nil {
			names = append(names, g.Name)
		}
	}
	return names
}

func versionsOut(p *policy) []versionXML {
	var list []versionXML
	for _, v := range slices.Backward(p.Versions) {
		list = append(list, versionXML{encode(v.Document), v.ID, v.ID == p.Default.Seen(), stamp(v.Created)})
	}
	return list
}
