// Claimed: how a run minds the claims of others, makes its own, and gives it back.
package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// releaseFor is how long giving a claim back may take: others wait less than
// for one that was left behind.
const releaseFor = 30 * time.Second

// readClaim notes who is at work on the grant of p. What cannot be read is no claim.
func (p *Plan) readClaim(ctx context.Context) {
	if p.steps.Claimer == nil || p.Want.Keys.cuts() {
		return
	}
	if text, err := p.steps.Claimer.Claimed(ctx); err == nil {
		p.claimed = text
	}
}

// cuts reports whether w ends an access for the time being, or gives it back:
// that waits for nobody, and holds nobody up.
func (w KeyWant) cuts() bool {
	return w.Shut || w.Open || w.Cause == Revoked || w.Cause == Compromised
}

// heed fills in who else is at work, as far as p has seen it.
func (e *Engine) heed(p *Plan) error {
	found, ok := ReadClaim(p.claimed)
	if !ok || !found.Holds() {
		return nil
	}
	ours, err := e.ownRuns(p)
	if err == nil && !ours(found.Run) {
		p.Claimed = &found
	}
	return err
}

// Held is the refusal (kind [ErrLocked]) of a plan that would change what a run on
// another machine is changing. Nothing holds a revocation up, nor a plan with
// nothing to do.
func (p *Plan) Held() error {
	if !p.Changed() && len(p.Refused()) == 0 {
		return nil
	}
	return p.taken()
}

// Stopped is why p cannot be carried out: a run on another machine is at work, or
// something of the plan is refused.
func (p *Plan) Stopped() error {
	if err := p.Held(); err != nil {
		return err
	}
	return p.Refusal()
}

// taken is why nothing can be changed here now: a run on another machine is at work.
func (p *Plan) taken() error {
	if p.Claimed == nil || !p.Claimed.Holds() || p.Want.Keys.cuts() {
		return nil
	}
	return p.Claimed.locked(p.Blueprint.Grant.Name)
}

// keysToChange are the keys of g for a plan that changes them: nobody else must be at work.
func (e *Engine) keysToChange(ctx context.Context, g Grant) (*Plan, Rotation, error) {
	p, r, err := e.Keys(ctx, g)
	if err == nil {
		err = p.taken()
	}
	return p, r, err
}

// ownRuns tells the runs of this journal that have claimed the grant. They have
// ended: the journal's lock is this run's.
func (e *Engine) ownRuns(p *Plan) (func(string) bool, error) {
	pending, err := e.Journal.Pending()
	return func(run string) bool {
		return run == e.RunID || slices.ContainsFunc(pending, func(i Intent) bool {
			return i.Verb == DoClaim && i.RunID == run && i.Account == p.Operator.Account
		})
	}, err
}

// hold is a claim of this run's, from its first change to its last.
type hold struct {
	claim   Claim
	claimer Claimer       // nil if nothing was claimed
	warn    func(error)   // that its end could not be noted
	untold  func(error)   // that it could not be noted itself
	meter   Meter         // of giving it back
	noted   chan struct{} // closed once the claim stands there
	started atomic.Int32  // changes
	not     bool          // what bears the claim was not there yet
	release sync.Once
	ended   sync.WaitGroup
}

// claim claims the grant of p for this run, if the run changes anything. The
// journal remembers it for as long as a claim lasts, whatever becomes of the runs
// after this one: until one of them has written its own, this one's may stand there.
func (e *Engine) claim(ctx context.Context, p *Plan) error {
	p.hold = &hold{}
	if p.steps.Claimer == nil || !p.Changed() || p.Want.Keys.cuts() {
		return nil
	}
	ours, err := e.ownRuns(p)
	if err != nil {
		return err
	}
	pending, err := e.Journal.Pending()
	if err != nil {
		return err
	}
	c := Claim{Run: e.RunID, Who: cmp.Or(p.Operator.Identity, p.Operator.Principal) + " @ " + e.Host, Since: time.Now().UTC().Truncate(time.Second)}
	i := Intent{ID: e.RunID + "/claim", RunID: e.RunID, Account: p.Operator.Account, Verb: DoClaim, Addr: p.Blueprint.Grant.Name, At: c.Since}
	if err := e.Journal.Intend(i); err != nil {
		return err
	}
	for _, old := range pending {
		if old.Verb == DoClaim && old.Account == i.Account && time.Since(old.At) >= ClaimLasts {
			if err := e.Journal.Settle(old.ID, true); err != nil {
				return err
			}
		}
	}
	if err := p.steps.Claimer.Claim(ctx, Claiming{c, p.Blueprint.Grant.Name, p.claimed, ours}); err != nil {
		return err
	}
	p.hold = &hold{claim: c, claimer: p.steps.Claimer, noted: make(chan struct{}), untold: func(err error) {
		e.tell(Event{Kind: Warning, Text: fmt.Sprintf("other machines are not told that this run is at work: %v", err)})
	}, warn: func(err error) {
		e.tell(Event{Kind: Warning, Text: fmt.Sprintf("other machines wait until %s, because it could not be noted that this run has ended: %v", c.Until().Format(time.RFC3339), err)})
	}}
	return nil
}

// noting carries do out, and beside it notes the claim where that was not done yet.
func (h *hold) noting(ctx context.Context, do func(context.Context) error) error {
	if h.claimer == nil {
		return do(ctx)
	}
	var failed error
	err := Together(ctx,
		func(ctx context.Context) error { failed = do(ctx); return nil },
		func(ctx context.Context) error {
			defer close(h.noted)
			if err := guarded(func() error { return h.claimer.Note(ctx) }); err != nil {
				h.untold(err)
			}
			return nil
		},
	)
	return errors.Join(err, failed)
}

// mayWrite refuses a write after the claim's time, when another run may have begun.
func (h *hold) mayWrite() error {
	if h == nil || h.claimer == nil || time.Since(h.claim.Since) < ClaimLasts {
		return nil
	}
	return &Error{Kind: ErrLocked, Err: fmt.Errorf("this run's own claim on the grant has ended at %s", h.claim.Until().Format(time.RFC3339)), Hint: "run the same command again: it goes on where this one has stopped"}
}

// end gives the claim back, once, beside what comes after, whatever has become of ctx.
func (h *hold) end(ctx context.Context) {
	if h == nil || h.claimer == nil {
		return
	}
	h.release.Do(func() {
		ctx := atDepth(WithMeter(ctx, &h.meter), depthOf(ctx))
		h.ended.Go(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseFor)
			defer cancel()
			select {
			case <-h.noted:
			case <-ctx.Done():
			}
			h.giveBack(ctx)
		})
	})
}

// drop forgets a claim that nothing bears any more.
func (h *hold) drop() {
	if h != nil {
		h.release.Do(func() {})
	}
}

func (h *hold) giveBack(ctx context.Context) {
	err := guarded(func() (err error) { h.not, err = h.claimer.Release(ctx); return })
	if err != nil {
		h.warn(err)
	}
}

// starts counts the changes that begin: beside the last of all of them, but for
// an issue, which has a moment of its own, the claim is given back.
func (h *hold) starts(ctx context.Context, all int) {
	if int(h.started.Add(1)) == all {
		h.end(ctx)
	}
}

// wait is end, and returns once it is done.
func (h *hold) wait(ctx context.Context) {
	h.end(ctx)
	h.ended.Wait()
	if h != nil && h.not {
		h.not = false
		ctx, cancel := context.WithTimeout(atDepth(WithMeter(context.WithoutCancel(ctx), &h.meter), depthOf(ctx)), releaseFor)
		defer cancel()
		h.giveBack(ctx)
		h.not = false
	}
}
