// The operator's permissions for roles that a grantee takes on.
package s3

import (
	"github.com/bucketgrant/bucketgrant/core"
)

// roleNeeds are what it takes to look after one role and what is inside of it;
// bears is whether it is the one that bears the claims of its grant.
func roleNeeds(p *permit, d design, r wantedRole, bears bool) {
	look, settle, drop := verbs(core.ForPlan, core.ForApply, core.ForDestroy), verbs(core.ForApply), verbs(core.ForDestroy)
	role := d.rootNeeds(p, r)
	p.on(role, look, "iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
	p.on(role, settle, "iam:CreateRole")
	when := settle
	if bears {
		when = verbs(core.ForApply, core.ForDestroy)
	}
	claimNeeds(p, role, "iam:TagRole", when...)
	p.on(role, verbs(core.ForRepair), "iam:UpdateAssumeRolePolicy")
	p.because("a trust policy that somebody changed, or whose principal was made anew, is written again")
	if d.boundary != "" {
		p.on(role, verbs(core.ForRepair), "iam:PutRolePermissionsBoundary")
	}
	if r.lends {
		p.on(role, verbs(core.ForRepair), "iam:TagRole", "iam:UntagRole")
		p.because("notes on a role of another grant that this one uses it too, and passes its own on")
	}
	p.on(role, look, "iam:GetRolePolicy")
	if len(r.wanted()) > 0 {
		p.on(role, settle, "iam:PutRolePolicy")
		p.on(role, drop, "iam:DeleteRolePolicy")
	} else {
		p.on(role, verbs(core.ForRepair, core.ForDestroy), "iam:DeleteRolePolicy")
		p.because("takes out what another form of the grant has put into the role")
	}
	p.on(role, drop, "iam:DeleteRole")
	p.on(role, verbs(core.ForProve), "iam:SimulatePrincipalPolicy")
	p.because("asks what the role may do, where nobody can take it on from here")
	bucketsWord(p, d)
	when = verbs(core.ForRepair)
	if l, ok := d.layout.(assumeLayout); ok && l.federated() {
		when = verbs(core.ForProve)
	}
	p.on("*", when, "iam:SimulateCustomPolicy")
	p.because("asks what the bucket's policy gives the role if it names it, where nobody can take it on from here")
}

// bucketsWord is what it takes to hear what the bucket's policy gives.
func bucketsWord(p *permit, d design) {
	p.on(d.bucketARN(), verbs(core.ForProve), "s3:GetBucketPolicy")
}

// rootNeeds finds out whether a role is there; it returns the role's ARN.
func (d design) rootNeeds(p *permit, r wantedRole) string {
	account := d.accountOrNot("*")
	if r.path != rootPath {
		p.on(d.roleARN(account, rootPath, r.name), verbs(core.ForPlan, core.ForApply, core.ForDestroy), "iam:GetRole")
		p.because("a role that does not exist is asked for without its path")
	}
	return d.roleARN(account, r.path, r.name)
}

// formerNeeds are what it takes to let a role go that another form of the grant has made.
func formerNeeds(p *permit, d design, r wantedRole) {
	role := d.rootNeeds(p, r)
	p.on(role, verbs(core.ForRepair), "iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole")
	p.because("only if another form of the grant has made it")
}

// providerNeeds are what it takes to look after the identity provider.
func providerNeeds(p *permit, d design) {
	arn := d.providerARN(d.accountOrNot("*"))
	p.on(arn, verbs(core.ForPlan, core.ForApply, core.ForDestroy), "iam:GetOpenIDConnectProvider")
	p.on(arn, verbs(core.ForApply), "iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider")
	p.because("only if the account has none for GitHub")
	p.on(arn, verbs(core.ForRepair), "iam:AddClientIDToOpenIDConnectProvider")
	p.because("only if the account has one that does not know AWS as an audience")
	p.on(arn, verbs(core.ForDestroy), "iam:DeleteOpenIDConnectProvider")
	p.because("only if it is ours and no other role trusts it")
	p.on("*", verbs(core.ForDestroy), "iam:ListRoles")
	p.because("tells whether another role trusts it")
}

func (l assumeLayout) operator(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	r := l.shape(d)
	roleNeeds(&p, d, r, bearsClaims(r, r))
	if l.federated() {
		providerNeeds(&p, d)
		return append(p.list, statementPermissions(d)...)
	}
	return p.list
}
