// Binding: our role for our service account, in a bucket's policy that belongs to everybody.
package gcs

import (
	"context"
	"net/http"
	"slices"
	"strings"

	iamv3 "cloud.google.com/go/iam"
	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/api/iam/v1"
	"google.golang.org/genproto/googleapis/type/expr"

	"github.com/bucketgrant/bucketgrant/core"
)

// policy reads and writes the bucket's policy as version 3: at any lower
// version conditions are lost.
// https://cloud.google.com/iam/docs/policies#specifying-version-get
func (r *run) policy() (*iamv3.Handle3, error) {
	handle, err := r.handle()
	if err != nil {
		return nil, err
	}
	return handle.IAM().V3(), nil
}

// readBindings returns the bucket's bindings; none if there is no bucket, or
// if it is a stranger's, which the bucket step refuses.
func (r *run) readBindings(ctx context.Context) ([]*iampb.Binding, error) {
	h, err := r.policy()
	if err != nil {
		return nil, err
	}
	p, err := h.Policy(ctx)
	switch {
	case err == nil:
		return p.Bindings, nil
	case isMissing(err):
		return nil, nil
	case refused(err):
		if owned, lost := r.owned(ctx); lost == nil && !owned {
			return nil, nil
		}
	}
	return nil, err
}

// wantBinding is the change that makes the binding exact.
func (r *role) wantBinding(policy []*iampb.Binding, account *iam.ServiceAccount) core.Change {
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: r.bindingAddr(), Why: "gives the role to the service account on " + placeText(r.grant)}
	after, changed := merge(policy, r.run, true)
	switch {
	case account == nil, len(ourBindings(policy, r.run)) == 0:
		c.Action, c.Needs = core.Make, []string{r.bucketAddr(), r.roleAddr(), r.accountAddr()}
	case changed:
		c.Action, c.Needs = core.Alter, []string{r.bucketAddr(), r.roleAddr(), r.accountAddr()}
		c.Why, c.Before, c.After = "is not what the grant says", bindingText(policy, r.run), bindingText(after, r.run)
	}
	return c
}

func (r *role) endBinding(policy []*iampb.Binding) []core.Change {
	if len(ourBindings(policy, r.run)) == 0 {
		return nil
	}
	return []core.Change{{Step: core.RoleStep, Action: core.Drop, Addr: r.bindingAddr(), Why: "takes the role from the service account"}}
}

// bind writes the binding or removes it. Whoever changes the policy meanwhile
// wins: it is read again and the change made on top of theirs.
func (r *role) bind(ctx context.Context, a core.Action) error {
	h, err := r.policy()
	if err != nil {
		return err
	}
	// A member that is there by name may be a deleted account's; writing it again binds the account of today.
	force := a == core.Make
	var before []*iampb.Binding
	written := false
	err = until(ctx, r.passing, func() error {
		var p *iamv3.Policy3 // carries the etag, so it is this object that is written back
		err := core.Together(ctx,
			func(ctx context.Context) error {
				if a == core.Drop {
					return nil // our member in our role, wherever it is
				}
				return r.bindable(ctx)
			},
			func(ctx context.Context) (err error) { p, err = h.Policy(ctx); return },
		)
		if err != nil {
			if a == core.Drop && isMissing(err) {
				return nil
			}
			return err
		}
		bindings, changed := merge(p.Bindings, r.run, a != core.Drop)
		if !changed && !force {
			return nil
		}
		before, p.Bindings = p.Bindings, bindings
		err = h.SetPolicy(ctx, p)
		written = err == nil
		force = force && !isConflict(err)
		return err
	})
	if err != nil && !isConflict(err) && r.passing(err) {
		return &core.Error{Kind: core.ErrNotConverged, What: r.bindingAddr(), Err: quietly(err), Hint: "run the same command again"}
	}
	if err != nil || !written || r.made.any(&r.made.bucket) {
		return err
	}
	return r.checkPolicy(ctx, h, before, a != core.Drop)
}

// passing reports whether a refusal of the policy passes by itself: somebody
// else wrote it, or what this run has made is not known there yet.
func (r *role) passing(err error) bool {
	if isConflict(err) {
		return true
	}
	p := problemOf(err)
	return p != nil && p.code == http.StatusBadRequest && strings.Contains(p.message, "does not exist") &&
		p.constraint == "" && r.made.any(&r.made.role, &r.made.account)
}

// merge returns the policy's bindings with ours exact, or without it. Bindings
// are told apart by role and condition; those of others come back as they were.
func merge(policy []*iampb.Binding, r *run, present bool) (after []*iampb.Binding, changed bool) {
	want := bindingFor(r.grant, r.names)
	done := !present
	for _, b := range policy {
		if b.Role != want.Role {
			after = append(after, b)
			continue
		}
		here := !done && sameCondition(b, want)
		members := slices.DeleteFunc(slices.Clone(b.Members), func(m string) bool {
			return r.isOurs(m) && (!here || m != r.member())
		})
		if here {
			done = true
			if !slices.Contains(members, r.member()) {
				members = append(members, r.member())
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

// ourBindings are the bindings of our role that our service account is in.
func ourBindings(policy []*iampb.Binding, r *run) []*iampb.Binding {
	return slices.DeleteFunc(slices.Clone(policy), func(b *iampb.Binding) bool {
		return b.Role != r.roleName || !slices.ContainsFunc(b.Members, r.isOurs)
	})
}

// usedByOthers reports whether our role has members that are not ours.
func usedByOthers(policy []*iampb.Binding, r *run) bool {
	return slices.ContainsFunc(policy, func(b *iampb.Binding) bool {
		return b.Role == r.roleName && slices.ContainsFunc(b.Members, func(m string) bool { return !r.isOurs(m) })
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
