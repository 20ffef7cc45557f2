// Acting as: a service account of ours that a guest may act as, by a binding in the account's own policy.
package gcs

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// workloadUser lets its members act as a service account.
// https://cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds#impersonation
const workloadUser = "roles/iam.workloadIdentityUser"

func (n names) trustAddr() string { return n.accountAddr() + "/binding/workloadIdentityUser" }

const trustText = "binding of " + workloadUser + " on the service account, for the one identity that may act as it"

// trustFor is the binding in the account's policy.
func trustFor(d design, member string) core.Document {
	return core.Document{Name: "trust", Of: d.trustAddr(), Why: "on the one service account; it gives nothing else",
		Body: body(bindingDocument{Role: workloadUser, Members: []string{member}})}
}

// behind puts a service account between a guest and the role.
func (p parts) behind(trust core.Document, account parts) parts {
	p.members = account.members
	p.resources = slices.Concat(p.resources, account.resources, []core.Resource{{Step: core.RoleStep, Addr: trust.Of, What: trustText}})
	p.documents = append(p.documents, trust)
	p.operator = slices.Concat(p.operator, account.operator, []core.Permission{
		{Action: "iam.serviceAccounts.getIamPolicy", Resource: account.operator[0].Resource, Step: core.RoleStep, Verbs: []string{core.ForPlan, core.ForApply}},
		{Action: "iam.serviceAccounts.setIamPolicy", Resource: account.operator[0].Resource, Step: core.RoleStep, Verbs: []string{core.ForApply}},
	})
	return p
}

// readTrust returns the account's policy; nil if there is no account.
func (g *guest) readTrust(ctx context.Context) (*iam.Policy, error) {
	service, err := g.cloud.iam()
	if err != nil {
		return nil, err
	}
	have, err := repeat(ctx, func() (*iam.Policy, error) {
		return service.Projects.ServiceAccounts.GetIamPolicy(g.accountName).OptionsRequestedPolicyVersion(3).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil, nil
	}
	return have, err
}

// diffTrust compares who may act as the account. The policy goes with the
// account, so nothing of it is dropped.
func (g *guest) diffTrust(ctx context.Context, want core.Want) ([]core.Change, error) {
	if !want.Present {
		return nil, nil
	}
	have, err := g.readTrust(ctx)
	if err != nil {
		return nil, explain(g.trustAddr(), err)
	}
	number, err := g.number(ctx)
	if err != nil {
		return nil, explain(g.federation.poolAddr(), err)
	}
	if others := impostors(have, g.federation.comesIn); len(others) > 0 {
		return []core.Change{g.refuseImpostors(g.trustAddr(), others)}, nil
	}
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: g.trustAddr(), Why: "lets the grantee act as the service account"}
	if have == nil || number == "" || len(trusted(have)) == 0 {
		c.Action = core.Make
	} else if _, changed := g.trustWanted(have, g.member(number)); changed {
		c.Action, c.Why, c.Before, c.After = core.Alter, "others may act as it, or not the grantee", fmt.Sprint(trusted(have)), g.member(number)
	}
	if c.Action != core.Keep {
		c.Needs = []string{g.federation.providerAddr(), g.accountAddr()}
	}
	return []core.Change{c}, nil
}

// trusted are the members who may act as the account by our role.
func trusted(p *iam.Policy) []string {
	var list []string
	for _, b := range p.Bindings {
		if b.Role == workloadUser {
			list = append(list, b.Members...)
		}
	}
	slices.Sort(list)
	return list
}

// trustWanted returns the policy's bindings with the member's exact: it alone of
// our pool's identities, without a condition. Those of others stay as they were.
func (g *guest) trustWanted(p *iam.Policy, member string) (after []*iam.Binding, changed bool) {
	done := false
	for _, b := range p.Bindings {
		if b.Role != workloadUser {
			after = append(after, b)
			continue
		}
		here := b.Condition == nil && slices.Contains(b.Members, member) && !done
		members := slices.DeleteFunc(slices.Clone(b.Members), func(m string) bool {
			return g.federation.comesIn(m) && (!here || m != member)
		})
		done = done || here
		if len(members) != len(b.Members) {
			changed = true
			b = &iam.Binding{Role: b.Role, Members: members, Condition: b.Condition}
		}
		if len(members) > 0 {
			after = append(after, b)
		}
	}
	if done {
		return after, changed
	}
	return append(after, &iam.Binding{Role: workloadUser, Members: []string{member}}), true
}

// trust writes the binding. Whoever changes the policy meanwhile wins: it is
// read again and the change made on top of theirs.
func (g *guest) trust(ctx context.Context) error {
	service, err := g.cloud.iam()
	if err != nil {
		return err
	}
	passing := func(err error) bool { return isConflict(err) || isMissing(err) || (&role{g.run}).passing(err) }
	return until(ctx, passing, func() error {
		account, err := g.usableAccount(ctx)
		if err != nil {
			return err
		}
		number, err := g.number(ctx)
		if err != nil {
			return err
		}
		if number == "" {
			return moved(g.federation.poolAddr(), isGone)
		}
		p, err := service.Projects.ServiceAccounts.GetIamPolicy(g.only(account)).OptionsRequestedPolicyVersion(3).Context(ctx).Do()
		if err != nil {
			return err
		}
		if others := impostors(p, g.federation.comesIn); len(others) > 0 {
			return moved(g.trustAddr(), "others may act as the account now: "+others[0].text())
		}
		bindings, changed := g.trustWanted(p, g.member(number))
		if !changed {
			return nil
		}
		// At any lower version conditions of others are lost.
		next := &iam.Policy{Version: 3, Etag: p.Etag, Bindings: bindings, AuditConfigs: p.AuditConfigs}
		_, err = service.Projects.ServiceAccounts.SetIamPolicy(g.only(account), &iam.SetIamPolicyRequest{Policy: next}).Context(ctx).Do()
		return err
	})
}
