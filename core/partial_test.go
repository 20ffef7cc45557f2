// What a proof with a credential promises that opens only some doors.
package core

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// half is an actor that allows what is granted and can try some abilities only.
type half struct {
	tries []Ability
	tried []Ability
}

func (h *half) Tries() []Ability { return h.tries }
func (h *half) Try(_ context.Context, p Probe) (Outcome, error) {
	h.tried = append(h.tried, p.Ability)
	return p.Want, nil
}

// augur is a simulator that answers like the grant but for one ability.
type augur struct {
	odd Ability
	got Outcome
}

func (o augur) Simulate(_ context.Context, p Probe) (Outcome, error) {
	if p.Ability != o.odd {
		return p.Want, nil
	}
	if o.got == Unclear {
		return Unclear, errors.New("it does not say")
	}
	return o.got, nil
}

func TestWhatACredentialCannotTryIsAskedOrNamed(t *testing.T) {
	known := []Ability{Create, Read, Inspect, Administer}
	for name, c := range map[string]struct {
		steps   *Steps
		rows    int
		missing int
		bad     bool
	}{
		"nobody can be asked":      {&Steps{}, 0, 2, false},
		"the cloud says it":        {&Steps{Simulator: augur{}}, 2, 0, false},
		"the cloud does not say":   {&Steps{Simulator: augur{Inspect, Unclear}}, 1, 1, false},
		"the cloud says too much":  {&Steps{Simulator: augur{Administer, Allowed}}, 2, 0, true},
		"the holder is not theirs": {nil, 0, 2, false},
	} {
		can, not := triable(&half{tries: []Ability{Read, Create}}, known)
		if !slices.Equal(can, known[:2]) || !slices.Equal(not, known[2:]) {
			t.Fatalf("got %v and %v", can, not)
		}
		var proof Proof
		err := (&Engine{RunID: "run"}).askRest(t.Context(), plain(), c.steps, not, &proof)
		if len(proof.Rows) != c.rows || len(proof.Missing) != c.missing || errors.Is(err, ErrUnproven) != c.bad {
			t.Errorf("%s: got %d rows, %q missing and %v; want %d, %d and unproven %v", name, len(proof.Rows), proof.Missing, err, c.rows, c.missing, c.bad)
		}
	}
	if can, not := triable(nil, known); len(can) != 4 || not != nil {
		t.Errorf("an actor that tries all: got %v and %v", can, not)
	}
}

func TestOperatorWhoMayNotAskForTheRestIsWarned(t *testing.T) {
	g, warned := newGate(), 0
	g.says = func(Probe, int) (Outcome, error) {
		return Unclear, &Error{Kind: ErrOperator, Err: errors.New("may not ask")}
	}
	var proof Proof
	e := &Engine{RunID: "run", Observe: func(v Event) {
		if v.Kind == Warning {
			warned++
		}
	}}
	if err := e.askRest(t.Context(), plain(), &Steps{Simulator: oracle{g}}, []Ability{Inspect}, &proof); err != nil || warned != 1 || len(proof.Missing) != 1 {
		t.Errorf("got error %v, %d warnings, missing %q, want one of each and no error", err, warned, proof.Missing)
	}
}
