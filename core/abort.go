// Abort: taking back the key that a rotation has handed over.
package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// PlanAbort takes the new key back: the old one is made to work again if it was
// switched off, then the new one is deleted. It refuses (kind [ErrInUse]) if the
// new one has been used since it was handed over, or if nobody can tell.
func (e *Engine) PlanAbort(ctx context.Context, g Grant, o RotateOptions) (*Plan, Rotation, error) {
	p, r, err := e.keysToChange(ctx, g)
	if err == nil {
		err = noSuchKey(p.Keys, o.Keys)
	}
	switch {
	case err != nil:
		return nil, r, err
	case p.steps.ring() == nil:
		return nil, r, keyless(g)
	case len(r.Nobodys) > 0 && r.New != "": // the first phase has not got as far as handing the new one over
		p, err = e.keyPlan(p, KeyWant{Gone: r.Nobodys})
		return p, r, err
	case len(r.Old) == 0 || r.New == "":
		return nil, r, invalid("rotation", "none is under way", "rotate start")
	case p.steps.Credential == nil:
		return nil, r, invalid("rotation", "the grant names the certificate that is to stay", "apply, with the old certificate in the grant")
	}
	if last := r.last(); last != "" && last != r.New { // it was switched off meanwhile: nothing has to come back for it to go
		if k := r.key(last); k.Used.After(r.Handed(last).Off) {
			return nil, r, &Error{Kind: ErrInUse, What: p.steps.ring().Addr(last), Err: errors.New("was used after it had been switched off"), Hint: "look who has switched it on: nothing is deleted before that is known"}
		}
		p, err = e.keyPlan(p, KeyWant{Gone: []string{last}, Cause: Aborted})
		return p, r, err
	}
	fresh, since := r.key(r.New), r.Handed(r.New).At
	errs := []error{r.mayTouch(p, r.New, o)}
	back := slices.DeleteFunc(slices.Clone(r.Old), func(id string) bool {
		return r.mayTouch(p, id, o) != nil && !r.key(id).Created.Before(fresh.Created) // another machine may have handed an older one over
	})
	if len(back) == 0 { // or the only key that its holder has would go
		errs = append(errs, r.mayTouch(p, r.Old[len(r.Old)-1], o))
		return nil, r, errors.Join(errs...)
	}
	switch {
	case o.Force:
	case !r.shows:
		errs = append(errs, &Error{Kind: ErrInUse, What: p.steps.ring().Addr(r.New), Err: errors.New("may be: the cloud does not say when a key was used"), Hint: "ask its holder, then --force"})
	case fresh.Used.After(cmp.Or(since, fresh.Created)):
		errs = append(errs, &Error{Kind: ErrInUse, What: p.steps.ring().Addr(r.New), Err: fmt.Errorf("its holder has used it, at %s", fresh.Used.UTC().Format(time.RFC3339)), Hint: "rotate finish, or --force"})
	}
	w := KeyWant{Gone: []string{r.New}, Cause: Aborted}
	if r.Phase == Resting {
		w.On = back[len(back)-1:]
		errs = append(errs, r.mayWake(p, w.On[0], o))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, r, err
	}
	p, err = e.keyPlan(p, w)
	return p, r, err
}

// last is the key that was handed over last, whatever has become of it; "" if the
// journal knows of none.
func (r Rotation) last() string {
	for _, h := range slices.Backward(r.handed) {
		if !h.At.IsZero() && slices.ContainsFunc(r.keys, func(k Key) bool { return k.ID == h.Key }) {
			return h.Key
		}
	}
	return ""
}

// mayWake refuses to let a key work again that something else than a rotation has
// switched off, unless it is named; what is compromised is not woken at all.
func (r Rotation) mayWake(p *Plan, id string, o RotateOptions) error {
	switch cause := r.Handed(id).Cause; {
	case cause == Rotated:
		return nil
	case cause != Compromised && slices.Contains(o.Keys, id):
		return nil
	}
	return &Error{Kind: ErrNotOurs, What: p.steps.ring().Addr(id), Err: errors.New("was not switched off by a rotation on this machine, and would work again"), Hint: "reissue --key " + r.New + ", or restore --key " + id}
}
