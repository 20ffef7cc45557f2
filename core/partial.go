// Partial: proofs with a credential that opens only some of the cloud's doors.
package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Partial is an [Actor] that can try only some of [Info.Abilities], because what
// it holds is not known to all of the cloud.
type Partial interface {
	Tries() []Ability
}

// triable are the abilities that actor can try, of those that the cloud knows, and the rest.
func triable(actor Actor, known []Ability) (can, not []Ability) {
	p, ok := actor.(Partial)
	if !ok {
		return known, nil
	}
	tries := p.Tries()
	for _, a := range known {
		if slices.Contains(tries, a) {
			can = append(can, a)
		} else {
			not = append(not, a)
		}
	}
	return can, not
}

// askRest asks the simulator about what the credential cannot try. What the
// cloud does not say either is noted as not tried; what it allows and the grant does not, is an error.
func (e *Engine) askRest(ctx context.Context, b Blueprint, steps *Steps, rest []Ability, proof *Proof) error {
	if steps == nil || steps.Simulator == nil {
		for _, a := range rest {
			proof.Missing = append(proof.Missing, fmt.Sprintf("%s: this kind of credential cannot try it", a))
		}
		return nil
	}
	if len(rest) == 0 {
		return nil
	}
	rows, _, err := ask(ctx, steps.Simulator, ProbesFor(b, rest, e.RunID, ""))
	for _, r := range rows {
		if r.Got == Unclear {
			missing := fmt.Sprintf("%s %s: this kind of credential cannot try it, and the cloud does not say: %s", r.Ability, r.where(), r.Err)
			proof.Missing = append(proof.Missing, missing)
			if errors.Is(r.cause, ErrOperator) {
				e.tell(Event{Kind: Warning, Text: "not tried: " + missing})
			}
			continue
		}
		if proof.Rows = append(proof.Rows, r); !r.OK() {
			return err
		}
	}
	return ctx.Err()
}
