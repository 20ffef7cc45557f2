// What is promised where no secret is handed over: an open door is proven, stays on record until it is, or is shut again.
package core

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gate is an imaginary cloud with one bucket and one role, whose grantee has no key.
type gate struct {
	mu      sync.Mutex
	there   map[string]bool // what exists, by address
	answer  func(p Probe) Outcome
	forges  []string
	absent  bool // nobody can be the grantee here
	says    func(p Probe, n int) (Outcome, error)
	asked   int
	planted []string
	swept   []string
}

func newGate() *gate {
	return &gate{there: map[string]bool{}, answer: func(p Probe) Outcome { return p.Want }, forges: []string{"wrong-word"}}
}

func (g *gate) Info() Info {
	return Info{Name: "gate", Settle: time.Minute, Abilities: []Ability{Create, Read, List, Delete}, Identities: []Identity{
		{Who: WhoAccount, Forgeries: []Forgery{{"wrong-word", "a guesser"}, {"other-account", "a neighbour"}}},
		{Who: WhoKey, Form: PairForm},
	}, Settings: []Setting{{Name: "word", Only: []Who{WhoAccount}}, {Name: "deep", Flag: true}}}
}

func (g *gate) Compile(grant Grant) (Blueprint, error) {
	return Blueprint{Cloud: "gate", Grant: grant, Probes: grant.Target.Prefix + ".probe/", Checks: []Probe{{Action: "backup:Start", Where: Whole, Want: Allowed}}}, nil
}

func (g *gate) Act(context.Context, Blueprint, Credential) (Actor, error) {
	if g.absent {
		return nil, &Error{Kind: ErrNotHere, Err: errors.New("nobody is here")}
	}
	return &guest{g}, nil
}

func (g *gate) Open(context.Context, Blueprint) (*Steps, error) {
	return &Steps{
		Whoami: func(context.Context) (Operator, error) { return Operator{Account: "one"}, nil },
		Bucket: post{g, BucketStep, "bucket"}, Role: post{g, RoleStep, "role"}, Caretaker: post{gate: g}, Simulator: oracle{g},
		Outputs: func(context.Context) ([]Output, error) { return []Output{{Name: "ROLE", Value: "role"}}, nil },
	}, nil
}

type post struct {
	*gate
	step StepName
	addr string
}

func (p post) Diff(_ context.Context, want Want) ([]Change, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := Change{Step: p.step, Addr: p.addr, Action: Keep}
	switch {
	case want.Present && !p.there[p.addr]:
		c.Action = Make
	case !want.Present && (p.step == BucketStep || !p.there[p.addr]):
		return nil, nil
	case !want.Present:
		c.Action = Drop
	}
	return []Change{c}, nil
}

func (p post) Do(ctx context.Context, c Change) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.there[c.Addr] = true; c.Action == Drop {
		delete(p.there, c.Addr)
	}
	return nil
}

func (p post) Elsewhere(context.Context) (string, error) { return "other", nil }
func (p post) Sweep(_ context.Context, keys []string) error {
	p.swept = append(p.swept, keys...)
	return nil
}

func (p post) Plant(_ context.Context, keys []string) error {
	p.planted = append(p.planted, keys...)
	return nil
}

type oracle struct{ *gate }

func (o oracle) Simulate(_ context.Context, p Probe) (Outcome, error) {
	o.asked++
	return o.says(p, o.asked)
}

type guest struct{ *gate }

func (g *guest) Forgeries() []string { return g.forges }
func (g *guest) Try(_ context.Context, p Probe) (Outcome, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answer(p), nil
}

var openGrant = Grant{Name: "acme", Who: WhoAccount, Can: []Ability{Create}, Target: Target{Bucket: "b", Prefix: "events/"}}

// pass runs one process: plan and apply.
func (g *gate) pass(t *testing.T, ctx context.Context, j Journal, id string, want Want) (Receipt, error) {
	t.Helper()
	e := &Engine{Provider: g, Journal: j, RunID: id}
	p, err := e.Plan(ctx, openGrant, want)
	if err != nil {
		t.Fatal(err)
	}
	return e.Apply(ctx, p, ApplyOptions{})
}

// tooMuch allows what only the grant's own may.
func tooMuch(p Probe) Outcome {
	if p.Ability == Read && p.Where == Inside {
		return Allowed
	}
	return p.Want
}

// tooLittle refuses what was granted.
func tooLittle(p Probe) Outcome {
	if p.Ability == Create {
		return Denied
	}
	return p.Want
}

func TestDoorIsProvenWithForgeriesAndThenOffTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, j := newGate(), &ledger{}
		r, err := g.pass(t, t.Context(), j, "one", Present)
		if err != nil || r.How != Tried || len(j.open) != 0 || r.Key != nil || len(r.Outputs) != 1 {
			t.Fatalf("got error %v, proof %q, pending %v, key %v, outputs %v", err, r.How, j.open, r.Key, r.Outputs)
		}
		var doors []string
		for _, row := range r.Rows {
			if row.Where == Door {
				doors = append(doors, row.Key+" "+string(row.Want))
			}
		}
		if want := []string{" allowed", "wrong-word denied"}; !slices.Equal(doors, want) {
			t.Errorf("got doors %q, want %q", doors, want)
		}
		if missing := strings.Join(r.Missing, "\n"); !strings.Contains(missing, "other-account") || strings.Contains(missing, "wrong-word") {
			t.Errorf("what cannot be tried is named: got %q", missing)
		}
		r, err = g.pass(t, t.Context(), j, "two", Present)
		if err != nil || r.How != Skipped || len(r.Outputs) != 1 {
			t.Errorf("nothing is proven twice, and the grantee is told again: got error %v, proof %q, outputs %v", err, r.How, r.Outputs)
		}
	})
}

func TestWhatAllowsTooMuchIsTakenBackAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		before []string
		left   []string
	}{
		"all is new":          {left: []string{"bucket"}},
		"the role is older":   {before: []string{"role"}, left: []string{"bucket", "role"}},
		"the bucket is older": {before: []string{"bucket"}, left: []string{"bucket"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, j := newGate(), &ledger{}
				for _, addr := range c.before {
					g.there[addr] = true
				}
				g.answer = tooMuch
				r, err := g.pass(t, t.Context(), j, "one", Present)
				if left := slices.Sorted(maps.Keys(g.there)); !errors.Is(err, ErrUnproven) || !slices.Equal(left, c.left) {
					t.Errorf("got error %v and %q left, want %v and %q", err, left, ErrUnproven, c.left)
				}
				for _, addr := range r.Withdrawn {
					if g.there[addr] || slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Addr == addr }) {
						t.Errorf("%s was taken back: got it there, or among %+v", addr, r.Changes)
					}
				}
				if len(r.Outputs) > 0 {
					t.Errorf("nobody is told of what allows too much: got %+v", r.Outputs)
				}
			})
		})
	}
}

func TestWhatAllowsTooLittleStaysAndIsProvenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, j := newGate(), &ledger{}
		g.answer = tooLittle
		for _, id := range []string{"one", "two"} {
			r, err := g.pass(t, t.Context(), j, id, Present)
			if !errors.Is(err, ErrUnproven) || !g.there["role"] || len(r.Withdrawn) > 0 {
				t.Fatalf("%s: got error %v, role %v, withdrawn %q, want %v and the role", id, err, g.there["role"], r.Withdrawn, ErrUnproven)
			}
		}
		g.answer = func(p Probe) Outcome { return p.Want }
		if r, err := g.pass(t, t.Context(), j, "three", Present); err != nil || r.How != Tried || len(j.open) > 0 {
			t.Errorf("once it works it is off the record: got error %v, proof %q, pending %v", err, r.How, j.open)
		}
		if r, err := g.pass(t, t.Context(), j, "four", Present); err != nil || r.How != Skipped {
			t.Errorf("got error %v, proof %q, want nothing left to prove", err, r.How)
		}
	})
}

func TestDoorThatADeadRunOpenedIsProvenOrShutByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		died := Intent{ID: "dead/prove", RunID: "dead", Account: "one", Verb: DoProve, Opens: []string{"role"}}
		g, j := newGate(), &ledger{open: []Intent{died}}
		g.there["bucket"], g.there["role"] = true, true
		if r, err := g.pass(t, t.Context(), j, "one", Present); err != nil || r.How != Tried || len(j.open) > 0 {
			t.Errorf("got error %v, proof %q, pending %v, want it proven although nothing changed", err, r.How, j.open)
		}
		j.open, g.answer = []Intent{died}, tooMuch
		if r, err := g.pass(t, t.Context(), j, "two", Present); !errors.Is(err, ErrUnproven) || g.there["role"] || !slices.Equal(r.Withdrawn, []string{"role"}) {
			t.Errorf("got error %v, role %v, withdrawn %q, want it shut", err, g.there["role"], r.Withdrawn)
		}
	})
}

func TestDestroyClosesWhatWasNeverProven(t *testing.T) {
	g, j := newGate(), &ledger{open: []Intent{{ID: "dead/prove", Account: "one", Verb: DoProve}}}
	g.there["role"] = true
	if _, err := g.pass(t, t.Context(), j, "one", Absent); err != nil || len(j.open) > 0 || g.there["role"] {
		t.Errorf("got error %v, pending %v, role %v, want nothing left", err, j.open, g.there["role"])
	}
}

func TestCancelDoesNotLeaveTheDoorOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g, j := newGate(), &ledger{}
		g.answer = func(p Probe) Outcome {
			if p.Key == "wrong-word" {
				cancel()
				return Allowed
			}
			return p.Want
		}
		r, err := g.pass(t, ctx, j, "one", Present)
		if err == nil || g.there["role"] || len(r.Withdrawn) != 1 {
			t.Errorf("got error %v, role %v, withdrawn %q, want it shut in spite of the cancel", err, g.there["role"], r.Withdrawn)
		}
	})
}

func TestShutDoorIsUnprovenOnceItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		g.answer = func(p Probe) Outcome {
			if p.Where == Door {
				return Denied
			}
			return Unclear
		}
		start := time.Now()
		if _, err := g.pass(t, t.Context(), &ledger{}, "one", Present); !errors.Is(err, ErrUnproven) || time.Since(start) < 30*time.Second {
			t.Errorf("got %v after %s, want %v after a while", err, time.Since(start), ErrUnproven)
		}
	})
}

func TestObjectsArePlantedForWhoeverMayNotPutThem(t *testing.T) {
	for _, can := range [][]Ability{{Read}, {Read, Delete}} {
		synctest.Test(t, func(t *testing.T) { plants(t, can) })
	}
}

func plants(t *testing.T, can []Ability) {
	t.Helper()
	g := newGate()
	b, err := g.Compile(openGrant)
	if err != nil {
		t.Fatal(err)
	}
	b.Grant.Can = can
	steps, err := g.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	g.answer = func(p Probe) Outcome {
		for _, key := range g.planted {
			there[key] = true
		}
		g.planted = nil
		switch {
		case p.Where != Inside || p.Ability == List:
		case p.Ability == Create && there[p.Key]:
			t.Errorf("what is not granted is tried where nothing stands in its way: got %s of %q, which is there", p.Ability, p.Key)
		case p.Ability != Create && !there[p.Key]:
			t.Errorf("a try is aimed at an object that is there: got %s of %q", p.Ability, p.Key)
		case p.Ability == Delete:
			delete(there, p.Key)
		}
		return p.Want
	}
	proof, err := (&Engine{Provider: g, RunID: "run"}).Prove(t.Context(), b, steps, Credential{})
	if err != nil || len(proof.Left) > 0 {
		t.Errorf("got error %v, left %q", err, proof.Left)
	}
	for key := range there {
		if !slices.Contains(g.swept, key) {
			t.Errorf("what was planted is swept: got %q, want %q among it", g.swept, key)
		}
	}
}

func TestRefusalOfWhatDoesNotExistProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, excess := range []Ability{Read, Delete} {
			for _, where := range []Where{Sibling, Outside} {
				g := newGate()
				b, err := g.Compile(openGrant)
				if err != nil {
					t.Fatal(err)
				}
				b.Grant.Can = []Ability{Create, Read, Delete}
				steps, err := g.Open(t.Context(), b)
				if err != nil {
					t.Fatal(err)
				}
				g.answer = func(p Probe) Outcome {
					if p.Ability == excess && p.Where == where && slices.Contains(g.planted, p.Key) {
						return Allowed // the cloud says "forbidden" only of what is not there
					}
					return p.Want
				}
				proof, err := (&Engine{Provider: g, RunID: "run"}).Prove(t.Context(), b, steps, Credential{})
				if !errors.Is(err, ErrUnproven) {
					t.Errorf("%s %s: got error %v, want %v", excess, where, err, ErrUnproven)
				}
				for _, key := range g.planted {
					known := slices.ContainsFunc(Plants(b.Grant, b.Probes), func(stem string) bool { return strings.HasPrefix(key, stem) })
					if !known || !slices.Contains(g.swept, key) || strings.HasPrefix(key, b.Grant.Target.Prefix) {
						t.Errorf("what is put beside the grant is announced and swept: got %q, announced %q, swept %q", key, Plants(b.Grant, b.Probes), g.swept)
					}
				}
				if len(g.planted) != 4 {
					t.Errorf("got %q, want an object for each ability in each place", g.planted)
				}
				if len(proof.Left) > 0 {
					t.Errorf("got %q left", proof.Left)
				}
			}
		}
	})
}

func TestNothingIsPutBesideWhoeverOnlyPuts(t *testing.T) {
	for _, can := range [][]Ability{{Create}, {Create, Abort, List}} {
		g := sound()
		g.Can = can
		if got := Plants(g, "events/.probe/"); len(got) > 0 {
			t.Errorf("%v: got %q, want nothing", can, got)
		}
	}
}

func TestFaultsOfIdentities(t *testing.T) {
	g := newGate()
	for name, c := range map[string]struct {
		who      Who
		settings map[string]string
		field    string
	}{
		"sound":                     {WhoAccount, map[string]string{"word": "x", "deep": "true"}, ""},
		"unknown identity":          {"telepathy", nil, "who"},
		"setting of another":        {WhoKey, map[string]string{"word": "x"}, "word"},
		"flag that is neither":      {WhoKey, map[string]string{"deep": "perhaps"}, "deep"},
		"identity of another cloud": {WhoHMAC, nil, "who"},
	} {
		grant := openGrant
		grant.Who, grant.Settings = c.who, c.settings
		_, err := Compile(g, grant)
		faults, _ := errors.AsType[Faults](err)
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: got %v, want no fault", name, err)
		case c.field != "" && (len(faults) != 1 || faults[0].Field != c.field || faults[0].Accepts == ""):
			t.Errorf("%s: got %v, want one fault of %q that says what is accepted", name, err, c.field)
		}
	}
}
