// Opened: the proof of an access for which no secret is handed over.
package core

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ordered puts what must work before what must not, and keeps the order otherwise.
func ordered(probes []Probe) []Probe {
	slices.SortStableFunc(probes, func(a, b Probe) int { return rank(a) - rank(b) })
	return probes
}

func rank(p Probe) int {
	if p.Want == Allowed {
		return 0
	}
	return 1
}

// intendProof records that what this run opens is not proven yet, so that the
// next run proves it if this one ends too early.
func (e *Engine) intendProof(p *Plan) error {
	i := Intent{ID: e.RunID + "/prove", RunID: e.RunID, Account: p.Operator.Account, Verb: DoProve, Addr: p.Blueprint.Grant.Name, At: time.Now().UTC()}
	for _, c := range p.Changes {
		if c.Step == RoleStep && c.Action == Make {
			i.Opens = append(i.Opens, c.Addr)
		}
	}
	if err := e.Journal.Intend(i); err != nil {
		return err
	}
	p.unproven = append(p.unproven, i)
	return nil
}

// proveOpened proves what is open to a grantee that needs no secret of ours.
// There is nothing to hold back until the proof is done: if it shows more access
// than was granted, what was made for the grantee and never proven is taken back.
func (e *Engine) proveOpened(ctx context.Context, p *Plan, r *Receipt) error {
	proof, err := e.Prove(ctx, p.Blueprint, p.steps, Credential{})
	r.Proof = proof
	tooMuch := slices.ContainsFunc(proof.Rows, func(row Row) bool { return row.Got == Allowed && row.Want == Denied })
	if err != nil && tooMuch {
		return errors.Join(err, e.withdraw(ctx, p, r))
	}
	if err != nil {
		return err // it stays on record, and the next run proves again
	}
	p.hold.wait(ctx)
	for _, i := range p.unproven {
		if err := e.Journal.Settle(i.ID, true); err != nil {
			return err
		}
	}
	return nil
}

// withdraw takes back what was made for the grantee and never proven, whatever has become of ctx.
func (e *Engine) withdraw(ctx context.Context, p *Plan, r *Receipt) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), retireFor)
	defer cancel()
	drops, err := p.steps.Role.Diff(ctx, Absent)
	if err != nil {
		return err
	}
	made := func(addr string) bool {
		return slices.ContainsFunc(p.unproven, func(i Intent) bool { return slices.Contains(i.Opens, addr) })
	}
	drops = slices.DeleteFunc(drops, func(c Change) bool { return c.Action != Drop || !made(c.Addr) })
	err = schedule(ctx, drops, changesAtOnce, func(ctx context.Context, c Change) error {
		if err := e.do(ctx, p, c); err != nil {
			return about(c.Addr, err)
		}
		return nil
	})
	for _, c := range drops {
		r.Withdrawn = append(r.Withdrawn, c.Addr)
	}
	if err == nil && len(drops) > 0 {
		r.Changes = slices.DeleteFunc(r.Changes, func(c Change) bool { return slices.Contains(r.Withdrawn, c.Addr) })
		e.tell(Event{Kind: Warning, Text: "taken back, because it allowed too much"})
	}
	return err
}
