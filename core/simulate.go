// Simulate: a proof by asking the cloud what it would do.
package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// askFor is how long asking may go on once the cloud has had its time to settle.
const askFor = 2 * time.Minute

// Simulate asks the cloud itself what the grantee may do. What is granted and
// not seen yet is asked for again, for as long as the cloud may need. Rows that
// the cloud does not answer are unclear, and no proof of anything.
func (e *Engine) Simulate(ctx context.Context, b Blueprint, steps *Steps) (Proof, error) {
	proof := Proof{How: Simulated}
	if steps.Simulator == nil {
		return Proof{How: Skipped}, &Error{Kind: ErrUnproven, Err: errors.New("this cloud cannot be asked; give the credential")}
	}
	info := e.Provider.Info()
	if id, _ := info.Identity(b.Grant.Who); len(id.Forgeries) > 0 {
		proof.Missing = append(proof.Missing, "passing for the grantee: only the grantee itself can show that others are refused")
	}
	probes := append(ProbesFor(b, info.Abilities, e.RunID, ""), b.Checks...)
	probes = append(probes, besideProbes(b, info.Abilities, e.RunID, e.Beside)...)
	start := time.Now()
	deadline := start.Add(cmp.Or(e.Patience, info.Settle))
	silence := &Error{Kind: ErrNotConverged, What: "simulator", Err: errors.New("does not answer")}
	ctx, cancel := context.WithDeadlineCause(ctx, deadline.Add(askFor), silence)
	defer cancel()
	for {
		rows, late, err := ask(ctx, steps.Simulator, probes)
		proof.Rows, proof.Waited = rows, time.Since(start)
		pace := cmp.Or(e.Pace, DefaultPace)
		if err == nil || !late || time.Now().Add(pace).After(deadline) {
			return proof, err
		}
		e.tell(Event{Kind: Proving, Text: "the cloud does not know yet of everything that is granted"})
		if err := sleep(ctx, pace); err != nil {
			return proof, err
		}
	}
}

// ask asks for every probe once. late reports whether the only thing wrong is
// that something granted is not there, which time can mend.
func ask(ctx context.Context, s Simulator, probes []Probe) (rows []Row, late bool, err error) {
	late = true
	for _, p := range probes {
		got, why := s.Simulate(ctx, p)
		if ctx.Err() != nil {
			return rows, false, context.Cause(ctx)
		}
		row := Row{Probe: p, Got: got, How: Simulated}
		if why != nil {
			row.Err, row.cause = why.Error(), why
		}
		rows = append(rows, row)
		if row.OK() {
			continue
		}
		if got == Allowed || errors.Is(why, ErrOperator) {
			late = false
		}
		if err == nil {
			reason := fmt.Errorf("the cloud says %s %s, the grant says %s", got, row.where(), p.Want)
			if why != nil {
				reason = fmt.Errorf("%w: %s", reason, row.Err)
			}
			err = &Error{Kind: ErrUnproven, What: cmp.Or(string(p.Ability), p.Action), Err: reason}
		}
	}
	return rows, late && err != nil, err
}
