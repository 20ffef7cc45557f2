// Verify: a proof of a grant that is there already, and its cleaning up.
package core

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// sweepFor bounds the removal of probe objects, which goes on after a cancel.
const sweepFor = time.Minute

// Prove tries everything that b decides with c. steps may be nil for a holder
// of the credential who is not the operator: then nothing is tried in other
// buckets, and the probe objects stay and are named in [Proof.Left].
// Its error is of kind [ErrUnproven] or [ErrNotConverged].
func (e *Engine) Prove(ctx context.Context, b Blueprint, steps *Steps, c Credential) (Proof, error) {
	info := e.Provider.Info()
	var care Caretaker
	if steps != nil {
		care = steps.Caretaker
	}
	elsewhere := ""
	if care != nil {
		var err error
		if elsewhere, err = care.Elsewhere(ctx); err != nil {
			e.tell(Event{Kind: Warning, Text: "no other bucket is tried: " + err.Error()})
		} else if elsewhere == "" {
			e.tell(Event{Kind: Warning, Text: "no other bucket is tried: its owner has none"})
		}
	}
	actor, err := e.Provider.Act(ctx, b, c)
	if err != nil {
		return Proof{How: Skipped}, err
	}
	v := &prover{
		actor: actor, probes: ProbesFor(b, info.Abilities, e.RunID, elsewhere),
		settle: info.Settle, pace: cmp.Or(e.Pace, DefaultPace), tell: e.tell, keys: map[string]bool{},
	}
	proof, err := v.prove(ctx)
	keys := slices.Sorted(maps.Keys(v.keys))
	if care == nil {
		proof.Left = keys
		return proof, err
	}
	sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepFor)
	defer cancel()
	if swept := care.Sweep(sctx, keys); swept != nil {
		proof.Left = keys
		e.tell(Event{Kind: Warning, Text: "probe objects could not be removed: " + swept.Error()})
	}
	return proof, err
}

// Simulate asks the cloud itself what the grantee may do. Rows that the cloud
// does not answer are unclear, and no proof of anything.
func (e *Engine) Simulate(ctx context.Context, b Blueprint, steps *Steps) (Proof, error) {
	proof := Proof{How: Simulated}
	if steps.Simulator == nil {
		return Proof{How: Skipped}, &Error{Kind: ErrUnproven, Err: errors.New("this cloud cannot be asked; give the credential")}
	}
	var unproven error
	for _, p := range ProbesFor(b, e.Provider.Info().Abilities, e.RunID, "") {
		got, err := steps.Simulator.Simulate(ctx, p)
		row := Row{Probe: p, Got: got, How: Simulated}
		if err != nil {
			row.Err = err.Error()
		}
		proof.Rows = append(proof.Rows, row)
		if !row.OK() && unproven == nil {
			unproven = &Error{Kind: ErrUnproven, What: string(p.Ability), Err: errors.New("the cloud says " + string(got) + " " + row.where() + ", the grant says " + string(p.Want))}
		}
	}
	return proof, unproven
}
