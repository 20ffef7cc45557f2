// Gate needs: what it takes to shut the doors of a grant and to open them.
package s3

import (
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// gateNeeds are the operator's permissions for the gate, and for what is left of a revocation.
func gateNeeds(d design) []core.Permission {
	p := permit{step: core.GateStep}
	doorNeeds(&p, d, core.ForRevoke)
	for _, other := range otherForms(d) {
		doorNeeds(&p, other, core.ForRepair)
	}
	return p.list
}

// doorNeeds are those for the doors that d has with one identity. What is there
// is always looked for; the rest is for when, if that is there.
func doorNeeds(p *permit, d design, when string) {
	account := d.accountOrNot("*")
	roles, ok := d.layout.step(&session{design: d, provider: New(Config{})}).(*assumeStep)
	if !ok {
		user := d.iamARN(account, "user")
		p.on("arn:"+d.partition.name+":iam::"+account+":user/"+d.userName(), verbs(core.ForRevoke), "iam:GetUser")
		p.because("tells whether there is such a user")
		p.on(user, verbs(when), "iam:GetUser", "iam:PutUserPolicy")
		p.on(user, slices.Compact(verbs(when, core.ForRepair)), "iam:GetUserPolicy")
		p.on(user, verbs(core.ForRepair), "iam:DeleteUserPolicy")
		p.because("takes out what is left of a revocation")
		return
	}
	for i, r := range roles.all() {
		p.on(d.roleARN(account, rootPath, r.name), verbs(core.ForRevoke), "iam:GetRole")
		p.because("tells whether there is such a role")
		if i >= len(roles.roles) { // of another form of the grant
			when = core.ForRepair
		}
		role := d.roleARN(account, r.path, r.name)
		p.on(role, verbs(when), "iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy")
		p.on(role, verbs(core.ForRepair), "iam:DeleteRolePolicy")
		p.because("takes out what is left of a revocation")
	}
}
