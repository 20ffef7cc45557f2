// Assume: the layout of one role that the grantee takes on, from an account of its own or with a token of its own.
package s3

import (
	"context"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// assumeLayout is a role, what it may do inside of it, and who may take it on.
// A workflow's role is named in the bucket's policy as well.
type assumeLayout struct{ who core.Who }

// wantedRole is one role as a grant wants it.
type wantedRole struct {
	name, path string
	about      string // for people, in the role's own description
	trust      func(account string) policy
	inline     []inlinePolicy
	lends      bool   // a role of that name that is not ours is used as it is, and gets our policies only
	grantee    string // the account that it is for; "" if it is for no account
	goodbye    string // what a reader of its end must know; "" if nothing
}

// inlinePolicy is a policy inside of a role.
type inlinePolicy struct {
	name   string
	body   any
	former bool // another form of the grant has it, and this one has not: it goes if it is there
}

// wanted are the policies that belong into the role.
func (r wantedRole) wanted() []inlinePolicy {
	return slices.DeleteFunc(slices.Clone(r.inline), func(p inlinePolicy) bool { return p.former })
}

const (
	// rolePath marks what is ours, together with the tags. The grant's name is not
	// in it: RudderStack takes an ARN of at most 100 characters.
	// https://www.rudderstack.com/docs/dev-tools/rudder-cli/destination-types/amazon-s3/
	rolePath = ownPath

	// rootPath is where a role of a workflow stands: workflows that put its ARN
	// together from the account and its name know of no path.
	// https://neon.com/docs/manage/backups-aws-s3-backup-part-2
	rootPath = "/"

	// mostRoleName keeps ARNs within 100 characters in all partitions.
	mostRoleName = 50

	// inlineName is what our policy is called inside of a role.
	inlineName = "bucketgrant"
)

// roleName is the name of the role that a grantee takes on.
func (d design) roleName() string { return core.Stem(d.grant.Name, mostRoleName) }

func roleAddr(name string) string           { return "iam:role/" + name }
func inlineAddr(role, policy string) string { return roleAddr(role) + "/" + policy }

// roleARN is the ARN of a role in an account.
func (d design) roleARN(account, path, name string) string {
	return "arn:" + d.partition.name + ":iam::" + account + ":role" + path + name
}

// federated reports whether the grantee proves who it is with a token.
func (l assumeLayout) federated() bool { return l.who == core.WhoOIDC }

// inPolicyOnly reports whether the source document's own way is wanted, in which
// the role holds no permissions and the bucket's policy has them all.
func (l assumeLayout) inPolicyOnly(d design) bool { return l.federated() && d.grant.Literal }

func (l assumeLayout) path() string {
	if l.federated() {
		return rootPath
	}
	return rolePath
}

func (l assumeLayout) grantee(d design, account string) string {
	return d.roleARN(account, l.path(), d.roleName())
}

func (l assumeLayout) faults(d design) core.Faults {
	var f core.Faults
	if l.federated() {
		_, f = d.workflow()
	} else {
		_, f = d.vendor()
	}
	if l.inPolicyOnly(d) && d.grant.Target.Prefix != "" {
		f = append(f, core.Fault{Field: "prefix", Value: d.grant.Target.Prefix, Rule: "is not in the document's recipe, which is about the whole bucket", Accepts: "no prefix, or the sound form without --as-documented"})
	}
	if l.inPolicyOnly(d) && d.kmsKey != "" {
		f = append(f, core.Fault{Field: setKMSKey, Value: d.kmsKey, Rule: "is of no use to the document's role, whose permissions stand in the bucket's policy, which says nothing of keys: every dump would be refused", Accepts: "no kms-key, or the sound form without --as-documented"})
	}
	return f
}

// shape is the one role of the grant, but for what may be done as it. What is
// wrong with the settings has been told before.
func (l assumeLayout) shape(d design) wantedRole {
	r := wantedRole{name: d.roleName(), path: l.path(), about: "What the grant " + d.grant.Name + " allows. Made by bucketgrant."}
	e := d.grant.Limits.Expires
	if l.federated() {
		w, _ := d.workflow()
		r.trust = func(account string) policy { return workflowTrust(w, d.providerARN(account), e) }
	} else {
		v, _ := d.vendor()
		r.grantee, r.trust = v.account, func(string) policy { return vendorTrust(v, e) }
	}
	r.inline = []inlinePolicy{{name: inlineName, former: l.inPolicyOnly(d)}}
	return r
}

// role is the whole role.
func (l assumeLayout) role(p *Provider, d design) wantedRole {
	r := l.shape(d)
	r.inline[0].body = p.grantPolicy(d)
	return r
}

func (l assumeLayout) resources(d design) []core.Resource {
	role := func(addr, what string) core.Resource {
		return core.Resource{Step: core.RoleStep, Addr: addr, What: what}
	}
	var list []core.Resource
	name := d.roleName()
	if l.federated() {
		w, _ := d.workflow()
		list = append(list,
			role(d.providerAddr(), "identity provider for GitHub's tokens, shared by all roles of the account"),
			role(roleAddr(name), "role for workflows of "+w.Name()+", taken on with a token of GitHub's"))
	} else {
		v, _ := d.vendor()
		list = append(list, role(roleAddr(name), "role for "+v.principal+" with the external ID"))
	}
	if !l.inPolicyOnly(d) {
		list = append(list, role(inlineAddr(name, inlineName), "policy inside of the role for "+d.objectsARN()))
	}
	if l.federated() {
		list = append(list, role(d.statementAddr(), "statements for the role in the bucket's policy"))
	}
	return list
}

func (l assumeLayout) documents(p *Provider, d design) []core.Document {
	r := l.role(p, d)
	why := "who may take the role on: nobody else"
	if l.federated() && d.account == "" {
		why += "; " + ownAccount + " stands for the account of whoever runs this"
	}
	list := []core.Document{document("trust", roleAddr(r.name), why, r.trust(d.accountOrNot(ownAccount)))}
	for _, i := range r.wanted() {
		list = append(list, document("policy", inlineAddr(r.name, i.name), "what the grantee may do: nothing but this", i.body))
	}
	if l.federated() {
		list = append(list, document("statements", d.statementAddr(), "what the bucket's policy says of the role", policy{Version: policyVersion, Statement: p.bucketStatements(d, l.grantee(d, d.accountOrNot(ownAccount)))}))
	}
	return list
}

func (l assumeLayout) step(s *session) piece {
	r := l.role(s.provider, s.design)
	step := &assumeStep{session: s, roles: []wantedRole{r}}
	if l.federated() {
		step.provider, step.policy = &provider{s}, &policyPiece{s, roleAddr(r.name)}
	}
	return step
}

func (assumeLayout) issuer(*session) core.Issuer { return nil }

func (l assumeLayout) outputs(s *session) func(context.Context) ([]core.Output, error) {
	return func(ctx context.Context) ([]core.Output, error) {
		o, err := s.operator(ctx)
		if err != nil {
			return nil, err
		}
		arn := l.grantee(s.design, o.Account)
		if l.federated() {
			w, _ := s.workflow()
			return workflowOutputs(s.design, w, o.Account, arn), nil
		}
		v, _ := s.vendor()
		return vendorOutputs(s.design, v, arn), nil
	}
}

func (l assumeLayout) notes(d design) []string {
	if l.federated() {
		w, _ := d.workflow()
		list := w.notes(d.region)
		if !d.grant.Literal {
			list = append(list, "nothing can be deleted: a step of the workflow that empties the bucket of old dumps fails; the bucket's lifecycle rules are the place for that")
		}
		return list
	}
	if v, _ := d.vendor(); v.account == rudderStack {
		return []string{rudderStack + " is RudderStack's account: right for RudderStack's service, and for nobody else"}
	}
	return nil
}

func (assumeLayout) checks(*Provider, design) []core.Probe { return nil }
