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
	can, not := triable(actor, info.Abilities)
	v := &prover{
		actor: actor, probes: ProbesFor(b, can, e.RunID, elsewhere),
		settle: cmp.Or(e.Patience, info.Settle), pace: cmp.Or(e.Pace, DefaultPace), tell: e.tell, keys: map[string]bool{},
	}
	v.probes = ordered(append(v.probes, besideProbes(b, can, e.RunID, e.Beside)...))
	var untried []string
	if c.Secret.Empty() {
		var doors []Probe
		id, _ := info.Identity(b.Grant.Who)
		doors, untried = doorProbes(b, id, actor)
		v.probes = ordered(append(doors, v.probes...))
	}
	if care != nil {
		v.plant, v.idle = care.Plant, !b.Grant.Allows(Create)
	}
	proof, err := v.prove(ctx)
	if err == nil {
		err = e.askRest(ctx, b, steps, not, &proof)
	}
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
