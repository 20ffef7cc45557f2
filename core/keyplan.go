// Key plans: what is done to keys and the gate alone, without a look at bucket and role.
package core

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// ring is every key of the grantee, whoever made it; nil if no key opens the grant.
func (s *Steps) ring() interface {
	Addr(id string) string
	List(ctx context.Context) ([]Key, error)
	Retire(ctx context.Context, id string) error
} {
	switch {
	case s.Keyring != nil:
		return s.Keyring
	case s.Credential != nil:
		return s.Credential
	}
	return nil
}

// readKeys reads what a plan of keys alone is about, side by side.
func (p *Plan) readKeys(ctx context.Context) error {
	var gate []Change
	errs := make([]error, 3)
	w := p.Want.Keys
	err := Together(ctx,
		func(ctx context.Context) error { p.Operator, errs[0] = p.steps.Whoami(ctx); return nil },
		func(ctx context.Context) error {
			if ring := p.steps.ring(); ring != nil {
				p.Keys, errs[1] = ring.List(ctx)
			}
			return nil
		},
		func(ctx context.Context) error {
			if p.steps.Gate != nil && (w.Shut || w.Open) {
				gate, errs[2] = p.steps.Gate.Diff(ctx, Want{Present: w.Open})
			}
			return nil
		},
		func(ctx context.Context) error { p.readClaim(ctx); return nil },
	)
	if w.Shut && p.steps.Gate != nil && errs[0] == nil && errs[2] == nil {
		p.unlisted, errs[1] = errs[1], nil // a cut does not wait for a list of what it cuts
	}
	if err == nil {
		err = telling(errs)
	}
	p.Changes = gate
	return err
}

// turnKeys adds what becomes of each key.
func (p *Plan) turnKeys() error {
	w := p.Want.Keys
	for _, id := range w.On {
		if !slices.ContainsFunc(p.Keys, func(k Key) bool { return k.ID == id }) {
			return &Error{Kind: ErrMoved, What: p.steps.ring().Addr(id), Err: fmt.Errorf("is not there any more")}
		}
	}
	if p.steps.Keyring == nil && len(w.On)+len(w.Off) > 0 {
		return &Error{Kind: ErrInvalid, What: "keys", Err: fmt.Errorf("cannot be switched off and on here")}
	}
	var on []string // addresses of keys that must work before others go
	for _, k := range p.Keys {
		if slices.Contains(w.On, k.ID) && !k.Active {
			on = append(on, p.steps.ring().Addr(k.ID))
		}
	}
	for _, k := range p.Keys {
		c := Change{Step: CredentialStep, Action: Keep, Addr: p.steps.ring().Addr(k.ID), Why: k.age(p.Made)}
		switch {
		case slices.Contains(w.Gone, k.ID):
			c.Action, c.Needs = Drop, on
		case slices.Contains(w.Off, k.ID):
			c.Action, c.After = Alter, keyOff
		case slices.Contains(w.On, k.ID) && !k.Active:
			c.Action, c.After = Alter, keyOn
		}
		p.Changes = append(p.Changes, c)
	}
	return nil
}

// age says how old a key is, whether it works and when it was used.
func (k Key) age(now time.Time) string {
	text := fmt.Sprintf("issued %s", k.Created.UTC().Format(time.DateOnly))
	if !k.Active {
		text += ", switched off"
	}
	if k.Off != "" {
		text += " (" + k.Off + ")"
	}
	if !k.Used.IsZero() {
		text += ", last used " + k.Used.UTC().Format(time.DateOnly)
	}
	if !k.Expires.IsZero() {
		text += ", ends " + k.Expires.UTC().Format(time.DateOnly)
		if !k.Expires.After(now) {
			text += ": over"
		}
	}
	return text
}

// resume notes which entries of the journal this plan's changes will settle.
func (e *Engine) resume(p *Plan) error {
	pending, err := e.Journal.Pending()
	for _, i := range pending {
		again := slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Addr == i.Addr })
		gone := i.Key != "" && !slices.ContainsFunc(p.Keys, func(k Key) bool { return k.ID == i.Key })
		retired := slices.ContainsFunc(p.Keys, func(k Key) bool { return i.owes(k) != "" && slices.Contains(p.Want.Keys.Gone, k.ID) })
		switch {
		case i.Account != p.Operator.Account:
		case i.Verb == DoChange && (again || gone), retired:
			p.stale = append(p.stale, i)
		case i.Verb == DoLose && (gone || slices.Contains(p.Want.Keys.Gone, i.Key)):
			p.lost = append(p.lost, i)
		}
	}
	return err
}

// turn carries out one change of a key.
func (e *Engine) turn(ctx context.Context, p *Plan, c Change) error {
	id := p.keyAt(c.Addr)
	var err error
	switch {
	case c.Action == Drop:
		err = p.steps.ring().Retire(ctx, id)
	case c.Action == Alter && p.steps.Keyring != nil:
		err = p.steps.Keyring.Switch(ctx, id, c.After == keyOn)
	default:
		err = fmt.Errorf("no such action %q", c.Action)
	}
	if err != nil {
		return err
	}
	return e.turned(p, id, c)
}
