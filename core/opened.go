// Opened: the proof of an access for which no secret is handed over.
package core

import (
	"context"
	"errors"
	"slices"
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

// proveOpened proves what this run has opened to a grantee that needs no secret of
// ours. There is nothing to hold back until the proof is done: if it shows more
// access than was granted, what this run has made for the grantee is taken back.
func (e *Engine) proveOpened(ctx context.Context, p *Plan, r *Receipt) error {
	proof, err := e.Prove(ctx, p.Blueprint, p.steps, Credential{})
	r.Proof = proof
	tooMuch := slices.ContainsFunc(proof.Rows, func(row Row) bool { return row.Got == Allowed && row.Want == Denied })
	if err == nil || !tooMuch {
		return err
	}
	return errors.Join(err, e.withdraw(ctx, p, r))
}

// withdraw takes back what this run has made for the grantee, whatever has become of ctx.
func (e *Engine) withdraw(ctx context.Context, p *Plan, r *Receipt) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), retireFor)
	defer cancel()
	drops, err := p.steps.Role.Diff(ctx, Absent)
	if err != nil {
		return err
	}
	made := func(addr string) bool {
		return slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Addr == addr && c.Step == RoleStep && c.Action == Make })
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
