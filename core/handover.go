// Hand-over: what becomes of a credential once it is issued.
package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// conclude hands over the credential c that this run has issued, or retires it: if
// the run has failed already, if the proof fails, or if the delivery does. handing is
// the journal's entry for the delivery, which stays pending for the next run where
// this one cannot end it.
func (e *Engine) conclude(ctx context.Context, p *Plan, o ApplyOptions, c Credential, handing string, failed error, r *Receipt) error {
	r.Key = &KeyInfo{c.ID, c.Holder, c.Created.UTC(), rotateBy(c.Created, p.Blueprint.Grant.Limits.Expires), c.Revoke}
	if failed == nil {
		failed = guarded(func() error { return e.handOver(ctx, p, o, c, r) })
	}
	if failed != nil {
		r.Key = nil
		r.Changes = slices.DeleteFunc(r.Changes, func(c Change) bool { return c.Step == CredentialStep && c.Action == Make })
		if err := e.retire(ctx, p.steps.Credential, c.ID); err != nil {
			return errors.Join(failed, err)
		}
		r.Retired = c.ID
		return errors.Join(failed, e.Journal.Settle(handing, false))
	}
	unnoted := func(what, hint string, err error) error {
		return &Error{Kind: ErrUnknown, What: p.steps.Credential.Addr(c.ID), Err: fmt.Errorf("delivered, but the journal %s: %w", what, err), Hint: hint}
	}
	if err := e.hold(p, c, r.Delivery); err != nil {
		return unnoted("could not note it, so the next run replaces it", "run the same command again and use the hand-off of that run", err)
	}
	if err := e.Journal.Settle(handing, true); err != nil {
		return unnoted("could not close its entry; the delivery is on record", "run the same command again: it keeps the key and closes the entry", err)
	}
	return nil
}

// handOver proves c and delivers it. A cancel stops the proof; a delivery that
// has begun is finished.
func (e *Engine) handOver(ctx context.Context, p *Plan, o ApplyOptions, c Credential, r *Receipt) error {
	if !o.NoProof {
		proof, err := e.Prove(ctx, p.Blueprint, p.steps, c)
		r.Proof = proof
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := tellGrantee(ctx, p, r); err != nil {
		return err
	}
	if err := p.forget(o.Deliver); err != nil { // their keys are retired by now
		return fmt.Errorf("hand-off: %w", err)
	}
	d, err := o.Deliver.Deliver(c, *r)
	if err != nil {
		return fmt.Errorf("hand-off: %w", err)
	}
	r.Delivery = &d
	return nil
}

// tellGrantee fills in what the grantee must be told, once.
func tellGrantee(ctx context.Context, p *Plan, r *Receipt) (err error) {
	if p.Want.Present && p.steps.Outputs != nil && r.Outputs == nil {
		r.Outputs, err = p.steps.Outputs(ctx)
	}
	return err
}
