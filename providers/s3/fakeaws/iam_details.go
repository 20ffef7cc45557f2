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

// getAuthorizationDetails answers in one page.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
func getAuthorizationDetails(k *iamCall) (any, error) {
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
	var out struct {
		UserDetailList  members[userDetail]
		GroupDetailList members[groupDetail]
		RoleDetailList  members[roleDetail]
		Policies        members[policyDetail]
		paged
	}
	filter := formList(k.form, "Filter")
	wants := func(kind string) bool { return len(filter) == 0 || slices.Contains(filter, kind) }
	for _, u := range sorted(k.acct.Users) {
		if !wants("User") || !u.Exists.Seen() {
			continue
		}
		var groups []string
		for _, name := range u.Groups.Seen() {
			if g := k.acct.Groups[name]; g != nil {
				groups = append(groups, g.Name)
			}
		}
		out.UserDetailList.Member = append(out.UserDetailList.Member, userDetail{k.userOut(u, true), listOf(groups), inlineOut(u.holder), attachedOut(u.holder)})
	}
	for _, g := range sorted(k.acct.Groups) {
		if wants("Group") && g.Exists.Seen() {
			out.GroupDetailList.Member = append(out.GroupDetailList.Member, groupDetail{k.groupOut(g), inlineOut(g.holder), attachedOut(g.holder)})
		}
	}
	for _, r := range sorted(k.acct.Roles) {
		if wants("Role") && r.Exists.Seen() {
			out.RoleDetailList.Member = append(out.RoleDetailList.Member, roleDetail{k.roleOut(r, true), inlineOut(r.holder), attachedOut(r.holder)})
		}
	}
	for _, p := range sorted(k.acct.Policies) {
		if !wants("LocalManagedPolicy") || !p.Exists.Seen() {
			continue
		}
		var versions []versionXML
		for _, v := range slices.Backward(p.Versions) {
			versions = append(versions, versionXML{encode(v.Document), v.ID, v.ID == p.Default.Seen(), stamp(v.Created)})
		}
		out.Policies.Member = append(out.Policies.Member, policyDetail{k.policyOut(p, true), listOf(versions)})
	}
	return out, nil
}
