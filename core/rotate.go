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
	p, r, err := e.Keys(ctx, g)
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
	return e.planFurther(ctx, g, KeyWant{Fresh: true})
}

// planFurther plans a further key on a grant that is as it should be.
func (e *Engine) planFurther(ctx context.Context, g Grant, w KeyWant) (*Plan, error) {
	p, err := e.Plan(ctx, g, Want{Present: true, Keys: w})
	if err != nil {
		return nil, err
	}
	for _, c := range p.Changes {
		handsIn := p.steps.Credential == nil && c.Action == Make // a certificate
		if c.Step != CredentialStep && c.Action.Writes() && !handsIn {
			return nil, &Error{Kind: ErrMoved, What: c.Addr, Err: errors.New("is not as the grant wants it"), Hint: "apply: it mends what differs"}
		}
	}
	return p, nil
}

// PlanFinish is the second phase: what is old is switched off, and deleted once it
// has rested for the grace. It refuses (kind [ErrInUse]) while an old key is in
// use or the new one is not, and (kind [ErrNotOurs]) keys that no run on this
// machine has handed over, unless they are named.
func (e *Engine) PlanFinish(ctx context.Context, g Grant, o RotateOptions) (*Plan, Rotation, error) {
	p, r, err := e.Keys(ctx, g)
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

// PlanAbort takes the new key back: the old one is made to work again if it was
// switched off, then the new one is deleted. It refuses (kind [ErrInUse]) if the
// new one has been used since it was handed over, or if nobody can tell.
func (e *Engine) PlanAbort(ctx context.Context, g Grant, o RotateOptions) (*Plan, Rotation, error) {
	p, r, err := e.Keys(ctx, g)
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

// PlanReissue replaces keys whose secrets are lost: a fresh one is issued and
// delivered, and the lost ones go. With more than one key the lost ones must be
// named. What an earlier reissue has begun is gone on with. It refuses (kind
// [ErrInUse]) a key that was used lately: its secret is not lost.
func (e *Engine) PlanReissue(ctx context.Context, g Grant, o RotateOptions) (*Plan, error) {
	p, r, err := e.Keys(ctx, g)
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
		return e.planFurther(ctx, g, KeyWant{Fresh: true})
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
	return e.planFurther(ctx, g, KeyWant{Fresh: true, Gone: lost})
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
