// Reissue: replacing keys whose secrets are lost.
package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// PlanReissue replaces keys whose secrets are lost: a fresh one is issued and
// delivered, and the lost ones go. With more than one key the lost ones must be
// named. What an earlier reissue has begun is gone on with. It refuses (kind
// [ErrInUse]) a key that was used lately: its secret is not lost.
func (e *Engine) PlanReissue(ctx context.Context, g Grant, o RotateOptions) (*Plan, error) {
	p, r, err := e.keysToChange(ctx, g)
	if err != nil {
		return nil, err
	}
	begun, err := e.losing(p)
	if err != nil {
		return nil, err
	}
	lost, again := r.lost(o.Keys, begun)
	mayGo := func() error {
		var errs []error
		for _, id := range lost {
			errs = append(errs, r.mayTouch(p, id, o), r.isLost(p, id, o))
		}
		return errors.Join(errs...)
	}
	switch {
	case p.steps.Credential == nil:
		return nil, invalid("key", "no secret was handed over that could be lost", "apply")
	case again && r.handedSince(begun):
		if err := mayGo(); err != nil {
			return nil, err
		}
		p, err = e.keyPlan(p, KeyWant{Gone: append(lost, r.Nobodys...)})
		return p, err
	case again && len(lost) == 0: // it is gone already
		return e.planFurther(ctx, g, KeyWant{Fresh: true}, p.Keys)
	case len(r.keys) == 0:
		return nil, invalid("key", "there is none", "apply")
	case len(lost) == 0 && len(r.keys) > 1:
		return nil, invalid("key", "there are several: "+r.String(), "reissue --key, with the ID of the one whose secret is lost")
	case len(lost) == 0:
		lost = []string{r.keys[0].ID}
	}
	if err := mayGo(); err != nil {
		return nil, err
	}
	return e.planFurther(ctx, g, KeyWant{Fresh: true, Gone: lost}, p.Keys)
}

// isLost refuses a key whose secret somebody has, and one that was revoked.
func (r Rotation) isLost(p *Plan, id string, o RotateOptions) error {
	k, h := r.key(id), r.Handed(id)
	switch {
	case o.Force:
	case k.Active && !r.shows && !slices.Contains(o.Keys, id):
		return &Error{Kind: ErrInUse, What: p.steps.ring().Addr(id), Err: errors.New("may be: the cloud does not say when a key was used"), Hint: "ask its holder, then reissue --key " + id}
	case k.Active && r.now.Sub(k.Used) < Quiet && k.Used.After(h.At):
		return &Error{Kind: ErrInUse, What: p.steps.ring().Addr(id), Err: fmt.Errorf("it was used at %s, so somebody has its secret", k.Used.UTC().Format(time.RFC3339)),
			Hint: "rotate start, which keeps it until its successor is in use; revoke --compromised, if a stranger has it; or --force"}
	case !k.Active && h.Cause == Revoked:
		return &Error{Kind: ErrNotOurs, What: p.steps.ring().Addr(id), Err: errors.New("was revoked: a new one would give the access back"), Hint: "restore first; or --force"}
	}
	return nil
}

// losing are the journal's entries of keys that an earlier run did not live to replace.
func (e *Engine) losing(p *Plan) ([]Intent, error) {
	pending, err := e.Journal.Pending()
	return slices.DeleteFunc(slices.Clone(pending), func(i Intent) bool { return i.Verb != DoLose || i.Account != p.Operator.Account }), err
}

// lost are the keys that are to be replaced: those that are named, and those that
// an earlier run has begun to replace, if it is the same wish. A key that such a
// run has retired is not among them.
func (r Rotation) lost(named []string, begun []Intent) (lost []string, again bool) {
	was := func(id string) bool { return slices.ContainsFunc(begun, func(i Intent) bool { return i.Key == id }) }
	if len(begun) == 0 || slices.ContainsFunc(named, func(id string) bool { return !was(id) }) {
		return named, false
	}
	for _, k := range r.keys {
		if was(k.ID) {
			lost = append(lost, k.ID)
		}
	}
	return lost, true
}

// handedSince reports whether a key that works was handed over since the replacement began.
func (r Rotation) handedSince(begun []Intent) bool {
	return slices.ContainsFunc(r.keys, func(k Key) bool {
		replaced := slices.ContainsFunc(begun, func(i Intent) bool { return i.Key == k.ID })
		at := r.Handed(k.ID).At
		return k.Active && !replaced && !at.IsZero() && !at.Before(begun[0].At)
	})
}
