// Rotate: replacing a key in two phases, between which weeks may pass.
package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Phase is where a rotation stands. Nothing but the cloud and the journal says so.
type Phase string

// The phases.
const (
	NoRotation Phase = "none"    // at most one key is there
	Rotating   Phase = "open"    // the new key is handed over, an old one still works
	Resting    Phase = "resting" // the old ones are switched off and not deleted yet
)

// Rotation is where the replacement of a grantee's key stands.
type Rotation struct {
	Phase   Phase    `json:"phase"`
	New     string   `json:"new,omitempty"`     // the ID of the key that is to stay; "" if nobody can tell
	Old     []string `json:"old,omitempty"`     // those that are to go, oldest first
	Strange []string `json:"strange,omitempty"` // those that no run on this machine has handed over
	Nobodys []string `json:"nobodys,omitempty"` // those that an earlier run has made and not handed over, or begun to take back: whatever is done next, they go

	keys   []Key
	handed []Handed
	shows  bool // the cloud says when a key was used
	now    time.Time
}

// The times of a rotation.
const (
	DefaultGrace = 24 * time.Hour // how long an old key is only switched off before it is deleted
	Quiet        = 24 * time.Hour // how long a key must not have been used to be out of use
)

// RotateOptions are the choices of one step of a rotation.
type RotateOptions struct {
	Keys  []string      // named by the user: consent to touch them whatever the journal knows
	Grace time.Duration // how long old keys are only switched off; 0 deletes at once
	Force bool          // although a key is in use, or nobody can tell
}

// Keys looks at the grantee's keys and at nothing else.
func (e *Engine) Keys(ctx context.Context, g Grant) (*Plan, Rotation, error) {
	p, err := e.Plan(ctx, g, Want{Present: true, Keys: KeyWant{Look: true}})
	if err != nil {
		return nil, Rotation{}, err
	}
	r, err := e.rotation(p)
	return p, r, err
}

// rotation tells from the keys of p where the rotation stands. The key that is to
// stay is the one that the grant names, or the one that was handed over last;
// without a journal the youngest.
func (e *Engine) rotation(p *Plan) (Rotation, error) {
	id, _ := e.Provider.Info().Identity(p.Blueprint.Grant.Who)
	handed, err := e.Handed(p.Operator.Account)
	r := Rotation{Phase: NoRotation, keys: p.Keys, handed: handed, shows: id.ShowsUse, now: time.Now()}
	if err == nil {
		err = e.nobodys(p, &r)
	}
	if err != nil || p.steps.ring() == nil {
		return r, err
	}
	stays := func(k Key) int {
		switch {
		case k.Named:
			return 3
		case !find(handed, k.ID).At.IsZero() && k.Active:
			return 2
		case k.Active:
			return 1
		}
		return 0
	}
	since := func(k Key) int { // clouds tell the age of a key in whole seconds; the journal knows which came later
		return slices.IndexFunc(handed, func(h Handed) bool { return h.Key == k.ID })
	}
	best := -1
	for i, k := range r.keys {
		if best < 0 || cmp.Or(stays(k)-stays(r.keys[best]), since(k)-since(r.keys[best]), 1) > 0 {
			best = i
		}
		if !k.Named && find(handed, k.ID).At.IsZero() && p.steps.Credential != nil {
			r.Strange = append(r.Strange, k.ID)
		}
	}
	if best < 0 {
		return r, nil
	}
	if stays(r.keys[best]) > 0 {
		r.New = r.keys[best].ID
	}
	for i, k := range r.keys {
		if i == best {
			continue
		}
		if r.Old = append(r.Old, k.ID); k.Active {
			r.Phase = Rotating
		}
	}
	if len(r.Old) > 0 && r.Phase == NoRotation {
		r.Phase = Resting
	}
	return r, nil
}

// nobodys takes the keys out of r that an earlier run did not live to hand over, or to take back.
func (e *Engine) nobodys(p *Plan, r *Rotation) error {
	pending, err := e.Journal.Pending()
	r.keys = slices.DeleteFunc(slices.Clone(p.Keys), func(k Key) bool {
		made := find(r.handed, k.ID).At.IsZero() && slices.ContainsFunc(pending, func(i Intent) bool { return i.Account == p.Operator.Account && i.owes(k) != "" })
		taken := !k.Active && find(r.handed, k.ID).Cause == Aborted
		if made || taken {
			r.Nobodys = append(r.Nobodys, k.ID)
		}
		return made || taken
	})
	return err
}

// Handed is what the journal knows of a key of the rotation.
func (r Rotation) Handed(id string) Handed { return find(r.handed, id) }

func (r Rotation) key(id string) Key {
	i := slices.IndexFunc(r.keys, func(k Key) bool { return k.ID == id })
	if i < 0 {
		return Key{ID: id}
	}
	return r.keys[i]
}

// PlanRotation is the first phase: a further key, beside the one that works. It
// is carried out by [Engine.Apply], which delivers it. The bucket and the role
// must be as the grant wants them, or the proof would judge something else.
func (e *Engine) PlanRotation(ctx context.Context, g Grant) (*Plan, error) {
	p, r, err := e.keysToChange(ctx, g)
	if err != nil {
		return nil, err
	}
	switch {
	case p.steps.ring() == nil:
		return nil, keyless(g)
	case len(r.keys) == 0:
		return nil, invalid("rotation", "there is no key to replace", "apply")
	case r.New == "":
		return nil, invalid("rotation", "no key works that could be replaced: "+r.String(), "restore, or reissue")
	case r.Phase != NoRotation:
		return nil, invalid("rotation", "one is under way: "+r.String(), "rotate finish, or rotate abort")
	}
	return e.planFurther(ctx, g, KeyWant{Fresh: true}, p.Keys)
}

// planFurther plans a further key on a grant that is as it should be. What was decided
// on the keys that were seen must hold for those that the plan sees.
func (e *Engine) planFurther(ctx context.Context, g Grant, w KeyWant, seen []Key) (*Plan, error) {
	p, err := e.Plan(ctx, g, Want{Present: true, Keys: w})
	if err != nil {
		return nil, err
	}
	if p.steps.Credential != nil && !alike(p.Keys, seen) {
		return nil, &Error{Kind: ErrMoved, What: p.steps.Credential.Addr(""), Err: errors.New("shows other keys than a moment ago"), Hint: "look at them with status, then run the same command again"}
	}
	for _, c := range p.Changes {
		handsIn := p.steps.Credential == nil && c.Action == Make // a certificate
		if c.Step != CredentialStep && c.Action.Writes() && !handsIn {
			return nil, &Error{Kind: ErrMoved, What: c.Addr, Err: errors.New("is not as the grant wants it"), Hint: "apply: it mends what differs"}
		}
	}
	return p, nil
}

// alike reports whether both are the same keys, each as switched as in the other.
func alike(a, b []Key) bool {
	notIn := func(all []Key) func(Key) bool {
		return func(k Key) bool {
			return !slices.ContainsFunc(all, func(o Key) bool { return o.ID == k.ID && o.Active == k.Active })
		}
	}
	return !slices.ContainsFunc(a, notIn(b)) && !slices.ContainsFunc(b, notIn(a))
}

// PlanFinish is the second phase: what is old is switched off, and deleted once it
// has rested for the grace. It refuses (kind [ErrInUse]) while an old key is in
// use or the new one is not, and (kind [ErrNotOurs]) keys that no run on this
// machine has handed over, unless they are named.
func (e *Engine) PlanFinish(ctx context.Context, g Grant, o RotateOptions) (*Plan, Rotation, error) {
	p, r, err := e.keysToChange(ctx, g)
	if err == nil {
		err = noSuchKey(p.Keys, o.Keys)
	}
	if err != nil {
		return nil, r, err
	}
	w := KeyWant{Cause: Rotated, Gone: slices.Clone(r.Nobodys)}
	var errs []error
	for _, id := range r.Old {
		k, h := r.key(id), r.Handed(id)
		errs = append(errs, r.mayTouch(p, id, o))
		switch {
		case !k.Active && !h.Off.IsZero() && k.Used.After(h.Off):
			errs = append(errs, &Error{Kind: ErrInUse, What: p.steps.ring().Addr(id), Err: errors.New("was used after it had been switched off"), Hint: "look who has switched it on: nothing is deleted before that is known"})
		case o.Grace <= 0, !k.Active && !h.Off.IsZero() && !r.now.Before(h.Off.Add(o.Grace)):
			w.Gone = append(w.Gone, id)
		case k.Active || h.Off.IsZero():
			w.Off = append(w.Off, id)
		}
		if k.Active && !o.Force {
			errs = append(errs, r.inUse(p, k, o.Grace))
		}
	}
	switch {
	case p.steps.ring() == nil:
		return nil, r, keyless(g)
	case len(r.Old)+len(r.Nobodys) == 0:
		return nil, r, invalid("rotation", "none is under way", "rotate start")
	case r.New == "":
		return nil, r, invalid("rotation", "no key works that could stay", "restore, or reissue")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, r, err
	}
	p, err = e.keyPlan(p, w)
	return p, r, err
}

// inUse is why an active old key must not be switched off yet, if the cloud shows
// use, or deleted at once, if it does not.
func (r Rotation) inUse(p *Plan, k Key, grace time.Duration) error {
	since := cmp.Or(r.Handed(r.New).At, r.key(r.New).Created)
	switch {
	case !r.shows && grace <= 0:
		return &Error{Kind: ErrInUse, What: p.steps.ring().Addr(k.ID), Err: errors.New("may be: the cloud does not say when a key was used, and what is deleted cannot come back"), Hint: "give it a grace, or --force"}
	case !r.shows:
		return nil // switching off can be undone
	case !r.key(r.New).Used.After(since):
		return &Error{Kind: ErrInUse, What: p.steps.ring().Addr(k.ID), Err: fmt.Errorf("its successor %s has not been used since it was handed over", r.New),
			Hint: "wait until its holder has taken the new one, or --force"}
	case k.Used.After(since) && r.now.Sub(k.Used) < Quiet:
		return &Error{Kind: ErrInUse, What: p.steps.ring().Addr(k.ID), Err: fmt.Errorf("it was used at %s", k.Used.UTC().Format(time.RFC3339)),
			Hint: fmt.Sprintf("wait until it has not been used for %d hours, or --force", int(Quiet.Hours()))}
	}
	return nil
}

// mayTouch refuses a key that is not there, and one that no run on this machine
// has handed over, unless the user has named it.
func (r Rotation) mayTouch(p *Plan, id string, o RotateOptions) error {
	switch {
	case !slices.ContainsFunc(r.keys, func(k Key) bool { return k.ID == id }):
		return Faults{{Field: "key", Value: id, Rule: "is no key of this grant", Accepts: r.String()}}
	case slices.Contains(r.Strange, id) && !slices.Contains(o.Keys, id):
		return &Error{Kind: ErrNotOurs, What: p.steps.ring().Addr(id), Err: errors.New("no run on this machine has handed it over"), Hint: "name it, if it is meant: --key " + id}
	}
	return nil
}

// keyPlan is p with what becomes of its keys, from what p has read.
func (e *Engine) keyPlan(p *Plan, w KeyWant) (*Plan, error) {
	gate := slices.DeleteFunc(p.Changes, func(c Change) bool { return c.Step != GateStep })
	w.Look = true // even if there is nothing to do, nothing else is looked at
	p.Want.Keys, p.Changes, p.stale = w, gate, nil
	if err := errors.Join(p.turnKeys(), e.resume(p)); err != nil {
		return nil, err
	}
	p.Digest = p.digest()
	return p, nil
}

// String names every key with its age.
func (r Rotation) String() string {
	text := ""
	for i, k := range r.keys {
		if i > 0 {
			text += "; "
		}
		text += k.ID + " " + k.age(r.now)
	}
	return text
}

// RestsUntil is when the old keys may be deleted; zero if they need not rest.
func (r Rotation) RestsUntil(grace time.Duration) time.Time {
	var until time.Time
	for _, id := range r.Old {
		if off := r.Handed(id).Off; !off.IsZero() && off.Add(grace).After(until) {
			until = off.Add(grace)
		}
	}
	return until
}

// keyless says that no key opens g.
func keyless(g Grant) error {
	return invalid("rotation", "there is nothing to rotate: no key opens it (who: "+string(g.Who)+")", "")
}

func invalid(what, rule, hint string) error {
	return &Error{Kind: ErrInvalid, What: what, Err: errors.New(rule), Hint: hint}
}
