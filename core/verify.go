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
	elsewhere, missing := e.elsewhere(ctx, care)
	actor, err := e.Provider.Act(ctx, b, c)
	if errors.Is(err, ErrNotHere) && steps != nil {
		return e.Simulate(ctx, b, steps)
	}
	if err != nil {
		return Proof{How: Skipped}, err
	}
	v := &prover{
		actor: actor, probes: ProbesFor(b, info.Abilities, e.RunID, elsewhere),
		settle: cmp.Or(e.Patience, info.Settle), pace: cmp.Or(e.Pace, DefaultPace), tell: e.tell, keys: map[string]bool{},
	}
	v.probes = append(v.probes, besideProbes(b, info.Abilities, e.RunID, e.Beside)...)
	var untried []string
	if c.Secret.Empty() {
		var doors []Probe
		id, _ := info.Identity(b.Grant.Who)
		doors, untried = doorProbes(b, id, actor)
		v.probes = ordered(append(doors, v.probes...))
	}
	if care != nil && !b.Grant.Allows(Create) {
		v.plant = care.Plant
	}
	proof, err := v.prove(ctx)
	proof.Missing = append(proof.Missing, untried...)
	if missing != "" {
		proof.Missing = append(proof.Missing, missing)
	}
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

// elsewhere names another bucket to be refused in, or says why none is tried.
func (e *Engine) elsewhere(ctx context.Context, care Caretaker) (bucket, missing string) {
	if care == nil {
		return "", "another bucket: only the owner's side can name one"
	}
	bucket, err := care.Elsewhere(ctx)
	switch {
	case err != nil:
		missing = "another bucket: " + err.Error()
	case bucket == "":
		missing = "another bucket: the owner has none"
	default:
		return bucket, ""
	}
	e.tell(Event{Kind: Warning, Text: "not tried: " + missing})
	return "", missing
}

// Simulate asks the cloud itself what the grantee may do. Rows that the cloud
// does not answer are unclear, and no proof of anything.
func (e *Engine) Simulate(ctx context.Context, b Blueprint, steps *Steps) (Proof, error) {
	proof := Proof{How: Simulated}
	if steps.Simulator == nil {
		return Proof{How: Skipped}, &Error{Kind: ErrUnproven, Err: errors.New("this cloud cannot be asked; give the credential")}
	}
	var unproven error
	if id, _ := e.Provider.Info().Identity(b.Grant.Who); len(id.Forgeries) > 0 {
		proof.Missing = append(proof.Missing, "passing for the grantee: only the grantee itself can show that others are refused")
	}
	for _, p := range append(ProbesFor(b, e.Provider.Info().Abilities, e.RunID, ""), b.Checks...) {
		got, err := steps.Simulator.Simulate(ctx, p)
		row := Row{Probe: p, Got: got, How: Simulated}
		if err != nil {
			row.Err = err.Error()
		}
		proof.Rows = append(proof.Rows, row)
		if !row.OK() && unproven == nil {
			unproven = &Error{Kind: ErrUnproven, What: cmp.Or(string(p.Ability), p.Action), Err: errors.New("the cloud says " + string(got) + " " + row.where() + ", the grant says " + string(p.Want))}
		}
	}
	return proof, unproven
}
