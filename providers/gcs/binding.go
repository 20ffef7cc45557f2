// Binding: our role for our grantee, in a policy that belongs to everybody.
package gcs

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/genproto/googleapis/type/expr"

	"github.com/bucketgrant/bucketgrant/core"
)

// binding is ours, for these members.
func (r *run) binding(members []string) bindingDocument { return bindingFor(r.design, members) }

// wantBinding is the change that makes the binding exact.
// A member that was there before its grantee is what is left of an earlier one.
func (r *role) wantBinding(policy []*iampb.Binding, want bindingDocument, fresh bool) core.Change {
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: r.bindingAddr(), Why: "gives the role to the grantee on " + placeText(r.grant)}
	after, changed := merge(policy, r.run, want)
	needs := slices.Concat([]string{r.bucketAddr(), r.roleAddr()}, r.whom.needs())
	if addr := r.where.addr(); addr != "" {
		needs = append(needs, addr)
	}
	switch {
	case fresh, len(ourBindings(policy, r.run)) == 0:
		c.Action, c.Needs = core.Make, needs
	case changed:
		c.Action, c.Needs = core.Alter, needs
		c.Why, c.Before, c.After = "is not what the grant says", bindingText(policy, r.run), bindingText(after, r.run)
	}
	return c
}

func (r *role) endBinding(policy []*iampb.Binding) []core.Change {
	if len(ourBindings(policy, r.run)) == 0 {
		return nil
	}
	return []core.Change{{Step: core.RoleStep, Action: core.Drop, Addr: r.bindingAddr(), Why: "takes the role from the grantee"}}
}

// bind writes the binding or removes it. Whoever changes the policy meanwhile
// wins: it is read again and the change made on top of theirs.
func (r *role) bind(ctx context.Context, a core.Action) error {
	// A member that is there by name may be a deleted account's; writing it again binds the account of today.
	force := a == core.Make
	var want bindingDocument
	var before []*iampb.Binding
	written := false
	err := until(ctx, r.passing, func() error {
		var p *policy
		err := core.Together(ctx,
			func(ctx context.Context) (err error) {
				if a == core.Drop {
					return nil // our member in our role, wherever it is
				}
				want, err = r.bindable(ctx)
				return err
			},
			func(ctx context.Context) (err error) { p, err = r.where.policy(ctx); return },
		)
		if err != nil {
			if a == core.Drop && isMissing(err) {
				return nil
			}
			return err
		}
		bindings, changed := merge(p.bindings, r.run, want)
		if !changed && !force {
			return nil
		}
		before, p.bindings = p.bindings, bindings
		err = r.where.write(ctx, p)
		written = err == nil
		force = force && !isConflict(err)
		return err
	})
	if err != nil && !isConflict(err) && r.passing(err) {
		return &core.Error{Kind: core.ErrNotConverged, What: r.bindingAddr(), Err: quietly(err), Hint: "run the same command again"}
	}
	if err != nil || !written || r.where.fresh() {
		return err
	}
	return r.checkPolicy(ctx, before, want)
}

// passing reports whether a refusal of the policy passes by itself: somebody
// else wrote it, or what this run has made is not known there yet.
func (r *role) passing(err error) bool {
	if isConflict(err) {
		return true
	}
	p := problemOf(err)
	return p != nil && p.code == http.StatusBadRequest && strings.Contains(p.message, "does not exist") &&
		p.constraint == "" && r.made.any(&r.made.role, &r.made.grantee)
}

// merge returns the policy's bindings with ours as want says, or without it if
// want has no members. Bindings are told apart by role and condition; those of
// others come back as they were.
func merge(policy []*iampb.Binding, r *run, want bindingDocument) (after []*iampb.Binding, changed bool) {
	done := len(want.Members) == 0
	for _, b := range policy {
		if b.Role != r.roleName {
			after = append(after, b)
			continue
		}
		here := !done && sameCondition(b, want)
		members := slices.DeleteFunc(slices.Clone(b.Members), func(m string) bool {
			return r.whom.owns(m) && (!here || !slices.Contains(want.Members, m))
		})
		if here {
			done = true
			for _, m := range want.Members {
				if !slices.Contains(members, m) {
					members = append(members, m)
				}
			}
		}
		if slices.Equal(members, b.Members) {
			after = append(after, b)
			continue
		}
		changed = true
		if len(members) > 0 {
			after = append(after, &iampb.Binding{Role: b.Role, Members: members, Condition: b.Condition})
		}
	}
	if done {
		return after, changed
	}
	ours := &iampb.Binding{Role: want.Role, Members: want.Members}
	if c := want.Condition; c != nil {
		ours.Condition = &expr.Expr{Title: c.Title, Description: c.Description, Expression: c.Expression}
	}
	return append(after, ours), true
}

// isOurs reports whether a member is our service account, or what is left of
// an earlier one of the same name.
func (n names) isOurs(member string) bool {
	return member == n.member() || strings.HasPrefix(member, "deleted:"+n.member()+"?uid=")
}

func sameCondition(b *iampb.Binding, want bindingDocument) bool {
	if want.Condition == nil {
		return b.Condition == nil
	}
	return b.Condition != nil && b.Condition.Expression == want.Condition.Expression
}

// ourBindings are the bindings of our role that our grantee is in.
func ourBindings(policy []*iampb.Binding, r *run) []*iampb.Binding {
	return slices.DeleteFunc(slices.Clone(policy), func(b *iampb.Binding) bool {
		return b.Role != r.roleName || !slices.ContainsFunc(b.Members, r.whom.owns)
	})
}

// usedByOthers reports whether our role has members that are not ours.
func usedByOthers(policy []*iampb.Binding, r *run) bool {
	return slices.ContainsFunc(policy, func(b *iampb.Binding) bool {
		return b.Role == r.roleName && slices.ContainsFunc(b.Members, func(m string) bool { return !r.whom.owns(m) })
	})
}

// bindingText says where our role is bound, for people.
func bindingText(policy []*iampb.Binding, r *run) string {
	var places []string
	for _, b := range ourBindings(policy, r) {
		place := "the whole bucket"
		if b.Condition != nil {
			place = b.Condition.Expression
		}
		places = append(places, place)
	}
	return strings.Join(places, "; ")
}
