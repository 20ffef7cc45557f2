// Issue: the one write that must never be repeated blindly.
package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// decideAfter is how old an intent must be before a key that nobody can see is
// taken never to have been made. Identity services need less to show a key.
const decideAfter = 5 * time.Minute

// clockSlack is how much the cloud's clock and ours may differ. Clouds refuse
// requests of clocks that are further off.
const clockSlack = 15 * time.Minute

// issue makes the credential of the plan. On success the delivery is already
// noted as pending under handing, so that a crash from here on retires the key.
func (e *Engine) issue(ctx context.Context, p *Plan, c Change) (cred Credential, handing string, err error) {
	known, err := e.knownKeys(ctx, p)
	if err == nil {
		err = e.closeStale(p) // what earlier runs left is dealt with: the key to come must not be taken for theirs
	}
	if err != nil {
		return cred, "", err
	}
	if err := p.hold.mayWrite(); err != nil {
		return cred, "", err
	}
	i := Intent{ID: e.RunID + "/issue", RunID: e.RunID, Account: p.Operator.Account, Verb: DoIssue, Addr: c.Addr, At: time.Now().UTC(), Known: known}
	if err := e.Journal.Intend(i); err != nil {
		return cred, "", err
	}
	if len(p.late) == 0 {
		p.hold.end(ctx) // beside the last of the changes
	}
	// A cancel must not cut the answer off: the key would exist and its secret be lost.
	cred, err = p.steps.Credential.Issue(context.WithoutCancel(ctx))
	if errors.Is(err, ErrUnknown) {
		return cred, "", e.forgetUnknown(ctx, p, i, err)
	}
	if err != nil {
		return cred, "", errors.Join(err, e.Journal.Settle(i.ID, false))
	}
	handing = e.RunID + "/deliver"
	err = e.Journal.Intend(Intent{ID: handing, RunID: e.RunID, Account: p.Operator.Account, Verb: DoHand, Addr: p.steps.Credential.Addr(cred.ID), At: time.Now().UTC(), Key: cred.ID})
	if err == nil {
		err = e.Journal.Settle(i.ID, true)
	}
	if err != nil {
		err = errors.Join(err, e.retire(ctx, p.steps.Credential, cred.ID))
		cred.Secret.Clear()
		return Credential{}, "", err
	}
	return cred, handing, nil
}

// knownKeys are the IDs of the keys that exist before an issue. A grantee that
// was there before this run is asked again, because somebody else may have made
// a key since the plan.
func (e *Engine) knownKeys(ctx context.Context, p *Plan) ([]string, error) {
	var known []string
	for _, k := range p.Keys {
		known = append(known, k.ID)
	}
	for _, i := range p.unseen {
		known = append(known, i.Key)
	}
	if !slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Step == RoleStep && c.Action != Make }) {
		return known, nil
	}
	keys, err := p.steps.Credential.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if !slices.Contains(known, k.ID) {
			return nil, &Error{Kind: ErrMoved, What: p.steps.Credential.Addr(k.ID), Err: errors.New("somebody else has made this key meanwhile"), Hint: "run the same command again and look at the plan"}
		}
	}
	return known, nil
}

// forgetUnknown looks once for a key that an issue of unknown outcome may have
// made, and retires it. The intent stays pending if none is seen: the next run decides.
func (e *Engine) forgetUnknown(ctx context.Context, p *Plan, i Intent, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), retireFor)
	defer cancel()
	keys, err := p.steps.Credential.List(ctx)
	if err != nil {
		return errors.Join(cause, err)
	}
	found := false
	for _, k := range keys {
		if !i.mayHaveMade(k) {
			continue
		}
		found = true
		if err := e.retire(ctx, p.steps.Credential, k.ID); err != nil {
			return errors.Join(cause, err)
		}
		e.tell(Event{Kind: Warning, Addr: p.steps.Credential.Addr(k.ID), Text: "retired: its secret was lost on the way"})
	}
	if found {
		return errors.Join(cause, e.Journal.Settle(i.ID, false))
	}
	return cause
}

// mayHaveMade reports whether k can be the key of the intent, and was never used.
func (i Intent) mayHaveMade(k Key) bool {
	return !slices.Contains(i.Known, k.ID) && k.Used.IsZero() &&
		!k.Created.Before(i.At.Add(-clockSlack).Truncate(time.Second)) && !k.Created.After(i.At.Add(decideAfter+clockSlack))
}

// owes is why k is ours and in nobody's hands, if the intent says so; else "".
func (i Intent) owes(k Key) string {
	switch {
	case i.Verb == DoHand && i.Key == k.ID:
		return "an earlier run ended before its delivery"
	case i.Verb == DoIssue && i.mayHaveMade(k):
		return "an earlier run lost its secret"
	}
	return ""
}

// intendLost records which keys the fresh one of p replaces, so that the next
// run goes on if this one ends too early, whichever of them is gone by then.
func (e *Engine) intendLost(p *Plan) error {
	if !p.Want.Keys.Fresh {
		return nil
	}
	for _, id := range p.Want.Keys.Gone {
		i := Intent{ID: e.RunID + "/lose/" + id, RunID: e.RunID, Account: p.Operator.Account, Verb: DoLose, Addr: p.steps.Credential.Addr(id), At: time.Now().UTC(), Key: id}
		if err := e.Journal.Intend(i); err != nil {
			return err
		}
		p.lost = append(p.lost, i)
	}
	return nil
}

// isHeld reports whether the key of a delivery is on record as being in its holder's hands.
func isHeld(pending []Intent, delivery Intent) bool {
	return slices.ContainsFunc(pending, func(i Intent) bool {
		return i.Verb == DoHold && i.Account == delivery.Account && i.Key == delivery.Key
	})
}

// orphans tells which keys the journal proves to be ours and undelivered, with
// the reason. It also notes which intents the plan will settle.
func (e *Engine) orphans(p *Plan) (map[string]string, error) {
	found := map[string]string{}
	pending, err := e.Journal.Pending()
	if err != nil {
		return nil, err
	}
	for _, i := range pending {
		if i.Account != p.Operator.Account || i.Verb == DoPlan || i.Verb == DoClaim {
			continue
		}
		switch i.Verb {
		case DoHand:
			if p.steps.Credential == nil {
				continue // a key of another identity of this grant; its own plan deals with it
			}
			if isHeld(pending, i) {
				p.stale = append(p.stale, i) // it was delivered, and only that could not be noted
				continue
			}
			p.undelivered = append(p.undelivered, i.Key)
			if n := slices.IndexFunc(p.Keys, func(k Key) bool { return i.owes(k) != "" }); n >= 0 {
				found[i.Key] = i.owes(p.Keys[n])
			} else if time.Since(i.At) < decideAfter {
				p.unseen = append(p.unseen, i)
				continue
			}
			p.stale = append(p.stale, i)
		case DoIssue:
			if p.steps.Credential == nil {
				continue
			}
			made := false
			for _, k := range p.Keys {
				if why := i.owes(k); why != "" {
					found[k.ID] = why
					made = true
				}
			}
			if made || time.Since(i.At) >= decideAfter || !p.Want.Present {
				p.stale = append(p.stale, i)
			} else {
				p.pending = &i
			}
		case DoHold, DoRest:
			// What is known of a key that is there, or was handed over so short a time ago that lists may lag, is kept.
			there := slices.ContainsFunc(p.Keys, func(k Key) bool { return k.ID == i.Key })
			switch old := time.Since(i.At) >= decideAfter; {
			case p.steps.Credential == nil || there:
			case old:
				p.stale = append(p.stale, i)
			case i.Verb == DoHold && i.Addr == p.steps.Credential.Addr(i.Key):
				p.young = append(p.young, i)
			}
		case DoLose:
			p.lost = append(p.lost, i)
		case DoProve:
			if p.Want.Present {
				p.unproven = append(p.unproven, i)
			} else {
				p.stale = append(p.stale, i)
			}
		default:
			p.stale = append(p.stale, i) // the plan has looked at the resource itself
		}
	}
	return found, nil
}

// handedUnseen refuses to issue a key where one was handed over so short a time
// ago that lists may lag: it would be a second one. Whoever is made anew has no keys.
func (p *Plan) handedUnseen() error {
	anew := slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Step == RoleStep && c.Action == Make })
	if len(p.young) == 0 || anew {
		return nil
	}
	i := p.young[0]
	return &Error{Kind: ErrNotConverged, What: i.Addr, Err: fmt.Errorf("was handed over at %s, and is not visible yet", i.At.UTC().Format(time.RFC3339)),
		Hint: fmt.Sprintf("run the same command again after %s: if it is not visible then, it is taken to be gone", i.At.Add(decideAfter).UTC().Format(time.RFC3339))}
}

// settlePending waits for an issue of unknown outcome until its key is seen, and
// retired, or the issue is old enough to be taken never to have happened.
func (e *Engine) settlePending(ctx context.Context, p *Plan) error {
	for _, i := range p.unseen { // it stays pending: that nobody knows the key may only mean that nobody knows it yet
		if err := e.retire(ctx, p.steps.Credential, i.Key); err != nil {
			return err
		}
	}
	if i := p.pending; i != nil && p.Issues() {
		left := decideAfter - time.Since(i.At)
		e.tell(Event{Kind: Waiting, Addr: i.Addr, Text: fmt.Sprintf("an earlier run does not know whether it made a key; deciding in %s", left.Round(time.Second))})
		for time.Since(i.At) < decideAfter {
			keys, err := p.steps.Credential.List(ctx)
			if err != nil {
				return err
			}
			for _, k := range keys {
				if i.mayHaveMade(k) {
					if err := e.retire(ctx, p.steps.Credential, k.ID); err != nil {
						return err
					}
					return e.Journal.Settle(i.ID, false)
				}
			}
			if err := sleep(ctx, min(15*time.Second, decideAfter-time.Since(i.At))); err != nil {
				return err
			}
		}
		p.stale = append(p.stale, *i)
	}
	return nil
}

// closeStale settles what earlier runs left open, once this plan has dealt with it.
func (e *Engine) closeStale(p *Plan) error {
	for _, i := range p.stale {
		if err := errors.Join(e.noted(p, i), e.Journal.Settle(i.ID, false)); err != nil {
			return err
		}
	}
	p.stale = nil
	return nil
}

// retire makes a credential useless, whatever has become of ctx.
func (e *Engine) retire(ctx context.Context, issuer Issuer, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), retireFor)
	defer cancel()
	err := issuer.Retire(ctx, id)
	if err != nil {
		return &Error{Kind: ErrUnknown, What: issuer.Addr(id), Err: fmt.Errorf("could not be retired: %w", err), Hint: "run the same command again: it is retired first"}
	}
	return nil
}
