// User: the layout of a user without policies and without a group, whom the bucket's policy names.
package s3

import (
	"context"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// userLayout is a user, and a statement about it in the bucket's policy.
type userLayout struct{}

func (userLayout) faults(d design) core.Faults {
	var f core.Faults
	if d.kmsKey != "" {
		f = append(f, core.Fault{Field: setKMSKey, Value: d.kmsKey, Rule: "cannot be granted to this user: its permissions stand in the bucket's policy, which says nothing of keys", Accepts: "no kms-key, or who: account, whose role carries its permissions itself"})
	}
	if d.common != "" {
		f = append(f, core.Fault{Field: setGroup, Value: d.common, Rule: "is of no use to a user without a group", Accepts: "a profile whose users are in groups, such as site-backup"})
	}
	return f
}

func (userLayout) resources(d design) []core.Resource {
	role := func(addr, what string) core.Resource {
		return core.Resource{Step: core.RoleStep, Addr: addr, What: what}
	}
	return []core.Resource{
		role(d.userAddr(), "user without console login, without policies and without a group"),
		role(d.statementAddr(), "the bucket's policy allows the user "+d.reachWords()),
		keyResource(d),
	}
}

// reachWords says where the grant's statements hold.
func (d design) reachWords() string {
	if len(d.native.Statements) > 0 {
		return "what the document says"
	}
	return "what the grant says, for " + d.objectsARN()
}

// ownAccount stands for the account in documents that are made before anybody has asked whose it is.
const ownAccount = "ACCOUNT"

// accountOrNot is the account if it was given.
func (d design) accountOrNot(otherwise string) string {
	if d.account == "" {
		return otherwise
	}
	return d.account
}

func (u userLayout) documents(p *Provider, d design) []core.Document {
	why := "what the grantee may do: merged into the bucket's policy, by Sid"
	if d.account == "" {
		why += "; " + ownAccount + " stands for the account of whoever runs this"
	}
	doc := policy{Version: policyVersion, Statement: p.bucketStatements(d, u.grantee(d, d.accountOrNot(ownAccount)))}
	return []core.Document{document("policy", d.statementAddr(), why, doc)}
}

func (userLayout) operator(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	account := d.accountOrNot("*")
	user := d.iamARN(account, "user")
	p.on("arn:"+d.partition.name+":iam::"+account+":user/"+d.userName(), verbs(core.ForPlan, core.ForApply, core.ForDestroy), "iam:GetUser")
	p.because("a user that does not exist is asked for without its path")
	p.on(user, verbs(core.ForPlan, core.ForApply, core.ForDestroy), "iam:GetUser", "iam:ListGroupsForUser", "iam:ListAttachedUserPolicies", "iam:ListUserPolicies", "iam:GetLoginProfile")
	p.on(user, verbs(core.ForApply), "iam:CreateUser")
	claimNeeds(&p, user, "iam:TagUser", core.ForApply, core.ForDestroy, core.ForRotate)
	if d.boundary != "" {
		p.on(user, verbs(core.ForRepair), "iam:PutUserPermissionsBoundary")
	}
	p.on(user, verbs(core.ForDestroy), "iam:DeleteUser")
	return slices.Concat(p.list, statementPermissions(d), keyPermissions(d))
}

// statementPermissions are what it takes to keep statements in the bucket's policy.
func statementPermissions(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	p.on(d.bucketARN(), verbs(core.ForPlan, core.ForApply, core.ForDestroy), "s3:GetBucketPolicy")
	p.on(d.bucketARN(), verbs(core.ForApply, core.ForDestroy), "s3:PutBucketPolicy")
	if d.grant.Target.Adopt {
		p.on(d.bucketARN(), verbs(core.ForDestroy), "s3:DeleteBucketPolicy")
		p.because("if nothing but the grant's statements is in it")
	}
	return p.list
}

func (userLayout) grantee(d design, account string) string { return d.iamARN(account, "user") }

func (userLayout) step(s *session) piece {
	return &userStep{roleStep{s}, policyPiece{s, s.userAddr()}}
}

func (userLayout) issuer(s *session) core.Issuer { return newIssuer(s) }

func (userLayout) outputs(s *session) func(context.Context) ([]core.Output, error) {
	return keyOutputs(s.design)
}

// userStep is the user and its statements.
type userStep struct {
	user   roleStep
	policy policyPiece
}

// Diff reads the user and the bucket's policy side by side.
func (u *userStep) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	v := &roleView{}
	var shown policyView
	err := gather(ctx,
		func(ctx context.Context) error { return u.read(ctx, v) },
		func(ctx context.Context) (err error) { shown, err = u.policy.read(ctx); return })
	if err != nil {
		return nil, err
	}
	if !want.Present {
		return append(u.policy.absent(shown), u.user.absentUser(v, u.policy.statementAddr())...), nil
	}
	u.user.seen.user.Store(v)
	user := u.user.presentUser(v)
	list := append([]core.Change{user}, v.shut.leftover(u.user.userAddr(), userSession)...)
	return append(list, u.policy.present(shown, user.Action == core.Make)), nil
}

// read asks for the user and what hangs on it. It belongs in no group at all.
func (u *userStep) read(ctx context.Context, v *roleView) (err error) {
	if v.user, err = u.user.userOnce(&u.user.diffed)(ctx); err != nil || v.user == nil || !u.user.ownUser(v.user) {
		return err
	}
	if err := u.user.contested(iamTags(v.user.Tags)); err != nil {
		return err
	}
	err = u.user.readUserInside(ctx, v)
	for _, g := range v.groups {
		v.direct = append(v.direct, "those of the group "+g)
	}
	v.groups = nil
	return err
}

func (u *userStep) owns(addr string) bool {
	return addr == u.user.userAddr() || addr == shutAddr(u.user.userAddr()) || u.policy.owns(addr)
}

// Do writes one change.
func (u *userStep) Do(ctx context.Context, c core.Change) error {
	if u.policy.owns(c.Addr) {
		return u.policy.do(ctx, c)
	}
	return u.user.Do(ctx, c)
}
