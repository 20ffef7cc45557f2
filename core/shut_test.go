// What an open door promises when something fails: it is on record before it opens, and whoever cannot shut it says so.
package core

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is a gate whose role can be made, but not looked at or dropped.
type stuck struct {
	*gate
	diff, do error
}

func (s stuck) Open(ctx context.Context, b Blueprint) (*Steps, error) {
	steps, err := s.gate.Open(ctx, b)
	steps.Role = stuckPost{steps.Role, s}
	return steps, err
}

type stuckPost struct {
	Step
	stuck
}

func (p stuckPost) Diff(ctx context.Context, want Want) ([]Change, error) {
	if !want.Present && p.diff != nil {
		return nil, p.diff
	}
	return p.Step.Diff(ctx, want)
}

func (p stuckPost) Do(ctx context.Context, c Change) error {
	if c.Action == Drop && p.do != nil {
		return p.do
	}
	return p.Step.Do(ctx, c)
}

// applied plans and applies in that cloud, and returns what was warned of.
func applied(t *testing.T, g Provider, j Journal) (Receipt, string, error) {
	t.Helper()
	var warned []string
	e := &Engine{Provider: g, Journal: j, RunID: "one", Observe: func(v Event) {
		if v.Kind == Warning {
			warned = append(warned, v.Text)
		}
	}}
	p, err := e.Plan(t.Context(), openGrant, Present)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Apply(t.Context(), p, ApplyOptions{})
	return r, strings.Join(warned, "\n"), err
}

func TestADoorThatCannotBeRecordedIsNotOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		if _, _, err := applied(t, g, &diary{full: "one/prove"}); !errors.Is(err, errFull) || g.there["role"] {
			t.Errorf("got %v, role %v, want %v and none", err, g.there["role"], errFull)
		}
	})
}

func TestAProvenDoorIsSettledAndThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &diary{}
		if _, _, err := applied(t, newGate(), j); err != nil || !j.said["one/prove"] || len(j.open) > 0 {
			t.Errorf("got %v, said %v, %q on record, want it proven and off the record", err, j.said, j.ids())
		}
		if _, _, err := applied(t, newGate(), &diary{ledger: ledger{fail: "one/prove"}}); err == nil {
			t.Error("a proof that could not be noted: got no error")
		}
	})
}

func TestADoorThatAllowsTooMuchAndCannotBeShutIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		diff, do error
		older    bool
		told     bool
		want     error // beyond that it is unproven
	}{
		"it is shut":               {told: true},
		"it is older than the run": {older: true},
		"it cannot be looked at":   {diff: errDown, want: errDown},
		"it cannot be dropped":     {do: errDown, want: errDown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				g.answer, g.there["role"] = tooMuch, c.older
				_, warned, err := applied(t, stuck{g, c.diff, c.do}, &diary{})
				if !errors.Is(err, ErrUnproven) || c.want != nil && !errors.Is(err, c.want) || c.do != nil && !strings.Contains(err.Error(), "role: "+errDown.Error()) {
					t.Errorf("got %v, want %v, with %v and the address", err, ErrUnproven, c.want)
				}
				if told := strings.Contains(warned, "taken back"); told != c.told || g.there["role"] == c.told {
					t.Errorf("got told %q, role %v, want told that it is taken back just if it is", warned, g.there["role"])
				}
			})
		})
	}
}

func TestAskingTheCloudIsToldAndCanBeCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, told := newGate(), 0
		b, err := g.Compile(openGrant)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := g.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		e := &Engine{Provider: g, RunID: "run", Observe: func(v Event) {
			if v.Kind == Proving {
				told++
			}
		}}
		g.says = func(p Probe, n int) (Outcome, error) {
			return map[bool]Outcome{true: Denied, false: p.Want}[n == 1], nil
		}
		if proof, err := e.Simulate(t.Context(), b, steps); err != nil || told != 1 || len(proof.Missing) != 1 {
			t.Errorf("got %v, told %d times, %q missing, want told once that it is not known yet, and that no forgery was tried", err, told, proof.Missing)
		}
		b.Grant.Who = WhoKey
		if proof, err := e.Simulate(t.Context(), b, steps); err != nil || len(proof.Missing) > 0 {
			t.Errorf("got %v and %q missing, want nothing: there is no way to pass for the holder of a key", err, proof.Missing)
		}
		enough := errors.New("enough")
		for name, during := range map[string]bool{"between two rounds": false, "in an answer": true} {
			ctx, cancel := context.WithCancelCause(t.Context())
			if !during {
				time.AfterFunc(time.Second, func() { cancel(enough) })
			}
			asked := 0
			g.says = func(Probe, int) (Outcome, error) {
				if asked++; during {
					cancel(enough)
				}
				return Denied, nil
			}
			if _, err := e.Simulate(ctx, b, steps); !errors.Is(err, enough) || during && asked != 1 {
				t.Errorf("%s: got %v after %d answers, want %v", name, err, asked, enough)
			}
		}
	})
}
