// Revoke: ending an access at once, and giving it back.
package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// RevokeOptions are the choices of a revocation or a restoration.
type RevokeOptions struct {
	Keys        []string // these keys only; none is the whole access
	Compromised bool     // somebody else may have the secret: it is not switched on again without Force
	Force       bool     // restore although something that was made with a compromised key may still work; and such a key, if it is named
}

// PlanRevoke shuts the grantee out: its keys are switched off, and the gate is
// shut, which also cuts what was made with them. Bucket and role are not looked
// at, so nothing that somebody has done to them is in the way.
func (e *Engine) PlanRevoke(ctx context.Context, g Grant, o RevokeOptions) (*Plan, error) {
	p, err := e.Plan(ctx, g, Want{Present: true, Keys: KeyWant{Shut: len(o.Keys) == 0, Look: true}})
	if err != nil {
		return nil, err
	}
	if p.steps.Gate == nil && p.steps.Keyring == nil {
		return nil, invalid("access", "nothing of it can be switched off", "destroy")
	}
	w := KeyWant{Shut: len(o.Keys) == 0, Cause: Revoked}
	if o.Compromised {
		w.Cause = Compromised
	}
	if err := noSuchKey(p.Keys, o.Keys); err != nil {
		return nil, err
	}
	handed, err := e.Handed(p.Operator.Account)
	if err != nil {
		return nil, err
	}
	for _, k := range p.Keys {
		again := o.Compromised && find(handed, k.ID).Cause != Compromised // it was off, and must not come on by itself
		if (w.Shut || slices.Contains(o.Keys, k.ID)) && (k.Active || again) {
			w.Off = append(w.Off, k.ID)
		}
	}
	return e.keyPlan(p, w)
}

// PlanRestore gives back what was only switched off: the gate is opened, and those keys
// work again that a revocation on this machine had switched off, or that
// are named. What was revoked as compromised stays off unless it is named with Force, and the
// gate stays shut without Force (kind [ErrInUse]) for as long as what was made with such a key may go on.
func (e *Engine) PlanRestore(ctx context.Context, g Grant, o RevokeOptions) (*Plan, error) {
	p, err := e.Plan(ctx, g, Want{Present: true, Keys: KeyWant{Open: true, Look: true}})
	if err != nil {
		return nil, err
	}
	if err := noSuchKey(p.Keys, o.Keys); err != nil {
		return nil, err
	}
	handed, err := e.Handed(p.Operator.Account)
	if err != nil {
		return nil, err
	}
	w := KeyWant{Open: true}
	id, _ := e.Provider.Info().Identity(g.Who)
	opens := slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Step == GateStep && c.Action.Writes() })
	for _, h := range handed { // those that are deleted by now included
		until := h.Off.Add(id.Outlives)
		if h.Cause == Compromised && !o.Force && opens && !id.StaysOut && time.Now().Before(until) {
			return nil, &Error{Kind: ErrInUse, What: "key " + h.Key, Err: fmt.Errorf("was revoked as compromised: what somebody has made with it may work until %s", until.UTC().Format(time.RFC3339)),
				Hint: "restore after that; or --force, which leaves the key itself off: reissue replaces it"}
		}
	}
	for _, k := range p.Keys {
		h, named := find(handed, k.ID), slices.Contains(o.Keys, k.ID)
		switch cause := h.Cause; {
		case k.Active:
		case cause == Compromised && !o.Force && named:
			return nil, &Error{Kind: ErrNotOurs, What: p.steps.ring().Addr(k.ID), Err: errors.New("was revoked as compromised: whoever has its secret would come in again"),
				Hint: "reissue --key " + k.ID + ", which replaces it; or --force"}
		case named, len(o.Keys) == 0 && cause == Revoked:
			w.On = append(w.On, k.ID)
		}
	}
	return e.keyPlan(p, w)
}

// noSuchKey names the keys that are not there.
func noSuchKey(keys []Key, named []string) error {
	var f Faults
	for _, id := range named {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.ID == id }) {
			f = append(f, Fault{Field: "key", Value: id, Rule: "is no key of this grant", Accepts: "one of those that status lists"})
		}
	}
	return f.Err()
}

// AwaitRefusal tries what was granted with a credential that was revoked, until it
// is clearly refused some times in a row. waited is how long that took. Its
// error is of kind [ErrNotConverged] if it still works when the cloud's time to
// settle is over. What the tries have put there meanwhile is removed again.
func (e *Engine) AwaitRefusal(ctx context.Context, p *Plan, c Credential) (waited time.Duration, err error) {
	b := p.Blueprint
	info := e.Provider.Info()
	actor, err := e.Provider.Act(ctx, b, c)
	if err != nil {
		return 0, err
	}
	can, _ := triable(actor, info.Abilities)
	try := func(probe Probe) (Outcome, error) {
		ctx, cancel := context.WithTimeout(ctx, tryFor)
		defer cancel()
		if c.Secret.Empty() { // whoever does not get in is refused everything
			door := Probe{Ability: Enter, Where: Door, Bucket: b.Grant.Target.Bucket, Want: Denied}
			if got, _ := actor.Try(ctx, door); got == Denied {
				return got, nil
			}
		}
		return actor.Try(ctx, probe)
	}
	probes := slices.DeleteFunc(ProbesFor(b, can, e.RunID, ""), func(p Probe) bool { return p.Want != Allowed })
	if len(probes) == 0 {
		return 0, &Error{Kind: ErrUnproven, Err: errors.New("nothing that was granted can be tried")}
	}
	start := time.Now()
	deadline := start.Add(cmp.Or(e.Patience, info.Settle))
	var left []string
	defer func() { err = errors.Join(err, e.sweep(ctx, p.steps, left)) }()
	for good, n := 0, 0; good < steady; n++ {
		probe := probes[n%len(probes)]
		if probe.Ability != List {
			probe.Key = fmt.Sprintf("%s-%d", probe.Key, n)
		}
		got, why := try(probe)
		if got != Denied && (probe.Ability == Create || probe.Ability == Overwrite || probe.Ability == Abort) {
			left = append(left, probe.Key)
		}
		switch {
		case ctx.Err() != nil:
			return time.Since(start), context.Cause(ctx)
		case got == Denied, errors.Is(why, ErrRejected):
			if good++; good == steady {
				return time.Since(start), nil
			}
		default:
			good = 0
		}
		e.tell(Event{Kind: Proving, Text: fmt.Sprintf("refused %d of %d times in a row", good, steady)})
		pace := cmp.Or(e.Pace, DefaultPace)
		if good == 0 && time.Now().Add(pace).After(deadline) {
			return time.Since(start), &Error{Kind: ErrNotConverged, What: "credential", Err: fmt.Errorf("is not refused steadily after %s", time.Since(start).Round(time.Second))}
		}
		if err := sleep(ctx, pace); err != nil {
			return time.Since(start), err
		}
	}
	return time.Since(start), nil
}

// sweep removes objects of tries, whatever has become of ctx.
func (e *Engine) sweep(ctx context.Context, steps *Steps, keys []string) error {
	if len(keys) == 0 || steps == nil || steps.Caretaker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepFor)
	defer cancel()
	return steps.Caretaker.Sweep(ctx, keys)
}
