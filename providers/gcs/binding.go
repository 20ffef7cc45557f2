// Binding: our role for our grantee, in a policy that belongs to everybody.
package gcs

import (
	"context"
	"fmt"
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
func (r *role) wantBinding(at seen, want bindingDocument, fresh bool) core.Change {
	policy := at.bindings
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: r.bindingAddr(), Why: "gives the role to the grantee on " + placeText(r.grant)}
	after, changed := merge(policy, r.run, want)
	needs := slices.Concat([]string{r.bucketAddr(), r.roleAddr()}, r.whom.needs())
	if r.folder != "" {
		needs = append(needs, r.folderAddr())
	}
	switch {
	case fresh, len(ourBindings(policy, r.run)) == 0:
		c.Action, c.Needs = core.Make, needs
	case at.stale:
		c.Action, c.Needs, c.Why = core.Alter, needs, "is on the whole bucket as well, from an earlier shape of the grant: removed there"
	case changed:
		c.Action, c.Needs = core.Alter, needs
		c.Why, c.Before, c.After = "is not what the grant says", bindingText(policy, r.run), bindingText(after, r.run)
	}
	if n := len(orphans(after)); n > 0 {
		c.Why += fmt.Sprintf("; left as they are: %d of others that give nothing, since whom they name is deleted: %s", n, orphans(after)[0])
	}
	if left := otherMembers(policy, r.run); len(left) > 0 {
		c = r.refuseMembers(left)
	}
	if n := principals(after); c.Action.Writes() && n > mostPrincipals {
		c.Action, c.Needs = core.Refuse, nil
		c.Why = fmt.Sprintf("would be the policy's principal number %d, and a policy holds %d", n, mostPrincipals)
		c.Hint = "gcloud storage buckets get-iam-policy gs://" + r.bucket
	}
	return c
}

// orphans are the members whom nobody can be any more. Those of this grant are
// replaced with its binding; the others' are their owners' to remove.
// https://cloud.google.com/iam/docs/policies#handle-deleted-members
func orphans(policy []*iampb.Binding) []string {
	var found []string
	for _, b := range policy {
		for _, m := range b.Members {
			if strings.HasPrefix(m, "deleted:") {
				found = append(found, m)
			}
		}
	}
	return found
}

// mostPrincipals is how many a policy of Cloud Storage holds.
// https://cloud.google.com/storage/quotas#iam
const mostPrincipals = 1500

// principals counts every appearance, as the quota does.
func principals(policy []*iampb.Binding) (n int) {
	for _, b := range policy {
		n += len(b.Members)
	}
	return n
}

func (r *role) endBinding(at seen) []core.Change {
	if len(ourBindings(at.bindings, r.run)) == 0 && !at.stale {
		return nil
	}
	return []core.Change{{Step: core.RoleStep, Action: core.Drop, Addr: r.bindingAddr(), Why: "takes the role from the grantee"}}
}

// bind writes the binding or removes it. Whoever changes the policy meanwhile
// wins: it is read again and the change made on top of theirs.
func (r *role) bind(ctx context.Context, a core.Action) error {
	err := r.edit(ctx, r.where, r.policyKey(r.folder), a)
	if err != nil || !r.stale.Load() {
		return err
	}
	return r.edit(ctx, bucketPolicy{r.run}, r.policyKey(""), core.Drop)
}

// edit has the binding written into the policy of one place.
func (r *role) edit(ctx context.Context, at place, key string, a core.Action) error {
	// A member that is there by name may be a deleted account's; writing it again binds the account of today.
	force := a == core.Make
	err := until(ctx, r.passing, func() error {
		e := edit{role: r, force: force}
		if a != core.Drop { // what goes is our member in our role, wherever it is
			var err error
			if e.want, err = r.bindable(ctx); err != nil {
				return err
			}
		}
		err := r.desks.edit(ctx, key, at, &e)
		force = force && !isConflict(err)
		return err
	})
	if err != nil && !isConflict(err) && r.passing(err) {
		return &core.Error{Kind: core.ErrNotConverged, What: r.bindingAddr(), Err: quietly(err), Hint: "run the same command again"}
	}
	return err
}

// passing reports whether a refusal of the policy passes by itself: somebody
// else wrote it, or what this run has made, or has found, is not known there yet.
func (r *role) passing(err error) bool {
	if isConflict(err) {
		return true
	}
	p := problemOf(err)
	if p == nil || p.code != http.StatusBadRequest || p.constraint != "" || !strings.Contains(p.message, "does not exist") {
		return false
	}
	if m := missingMember.FindStringSubmatch(p.message); m != nil {
		return r.isOurs("serviceAccount:" + m[1]) // an account of somebody else's will not turn up
	}
	return strings.Contains(p.message, r.roleName) || r.made.any(&r.made.role, &r.made.grantee)
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
