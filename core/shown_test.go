// What a proof says of itself: what it could not try, what it left behind, how far it is.
package core

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// keeper is a caretaker with one other bucket, and with what goes wrong.
type keeper struct {
	other       string
	lost, swept error
}

func (k *keeper) Elsewhere(context.Context) (string, error) { return k.other, k.lost }
func (k *keeper) Plant(context.Context, []string) error     { return nil }
func (k *keeper) Sweep(context.Context, []string) error     { return k.swept }

func TestWhatIsNotTriedElsewhereIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		steps  *Steps
		tried  bool
		reason string
		told   bool
	}{
		"there is another bucket":    {steps: &Steps{Caretaker: &keeper{other: "other"}}, tried: true},
		"the owner has none":         {steps: &Steps{Caretaker: &keeper{}}, reason: "the owner has none", told: true},
		"nobody can say":             {steps: &Steps{Caretaker: &keeper{lost: errDown}}, reason: errDown.Error(), told: true},
		"the holder is not an owner": {reason: "only the owner's side"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, told := newGate(), ""
				b, err := g.Compile(openGrant)
				if err != nil {
					t.Fatal(err)
				}
				e := &Engine{Provider: g, RunID: "run", Observe: func(v Event) {
					if v.Kind == Warning {
						told += v.Text
					}
				}}
				proof, err := e.Prove(t.Context(), b, c.steps, Credential{Secret: NewSecret([]byte(dummy))})
				if err != nil {
					t.Fatal(err)
				}
				if tried := slices.ContainsFunc(proof.Rows, func(r Row) bool { return r.Where == Elsewhere && r.Bucket == "other" }); tried != c.tried {
					t.Errorf("got another bucket tried %v, want %v", tried, c.tried)
				}
				missing := strings.Join(proof.Missing, "\n")
				if !strings.Contains(missing, c.reason) || (missing == "") != (c.reason == "") || (told != "") != c.told || c.told && !strings.Contains(told, c.reason) {
					t.Errorf("got %q missing, %q told, want the reason %q", missing, told, c.reason)
				}
			})
		})
	}
}

func TestWhatAProofLeavesIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		steps *Steps
		left  bool
	}{
		"it is swept":          {&Steps{Caretaker: &keeper{}}, false},
		"it cannot be swept":   {&Steps{Caretaker: &keeper{swept: errDown}}, true},
		"nobody is there to":   {nil, true},
		"nobody takes care of": {&Steps{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				b, err := g.Compile(openGrant)
				if err != nil {
					t.Fatal(err)
				}
				proof, err := (&Engine{Provider: g, RunID: "run"}).Prove(t.Context(), b, c.steps, Credential{Secret: NewSecret([]byte(dummy))})
				if err != nil || (len(proof.Left) == steady) != c.left || !c.left && len(proof.Left) > 0 || !slices.IsSorted(proof.Left) {
					t.Errorf("got %q left and %v, want each object that was put: %v", proof.Left, err, c.left)
				}
			})
		})
	}
}

func TestAProofThatCannotBeginProvesNothing(t *testing.T) {
	g := newGate()
	b, err := g.Compile(openGrant)
	if err != nil {
		t.Fatal(err)
	}
	g.absent = true
	for name, steps := range map[string]*Steps{"nobody asks": nil, "nobody answers": {}} {
		proof, err := (&Engine{Provider: g, RunID: "run"}).Prove(t.Context(), b, steps, Credential{})
		if err == nil || proof.How != Skipped || len(proof.Rows) > 0 {
			t.Errorf("%s: got proof %q and %v, want none and an error", name, proof.How, err)
		}
	}
}

func TestHowFarAProofIsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		c := &cloud{wrote: map[string]bool{}, answer: func(p Probe, n int) (Outcome, error) {
			if n == 1 && (p.Ability == Abort && p.Where == Inside || p.Ability == Read && p.Where == Sibling) {
				return Unclear, errDown
			}
			return p.Want, nil
		}}
		b := plain()
		b.Grant.Can = []Ability{Create, Abort}
		v := &prover{actor: c, probes: ProbesFor(b, []Ability{Create, Abort, Read}, "run", ""), settle: time.Minute, pace: time.Second, keys: map[string]bool{},
			tell: func(e Event) { said = append(said, e.Text) }}
		if _, err := v.prove(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"1 of 2 granted abilities work (0 of 3 times in a row)", "2 of 2 granted abilities work (1 of 3 times in a row)",
			"2 of 2 granted abilities work (2 of 3 times in a row)", "2 of 2 granted abilities work (3 of 3 times in a row)",
			"6 of 7 abilities outside the grant tried", "7 of 7 abilities outside the grant tried",
		}
		if !slices.Equal(said, want) {
			t.Errorf("got %q, want %q", said, want)
		}
	})
}

func TestAGrantOfEverythingAndOneOfNothingAreProven(t *testing.T) {
	for name, can := range map[string][]Ability{"everything": {Create, Read}, "nothing": nil} {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{wrote: map[string]bool{}, answer: kept}
			b := plain()
			b.Grant.Target.Prefix, b.Probes, b.Grant.Can = "", ".probe/", can
			v := &prover{actor: c, probes: ProbesFor(b, []Ability{Create, Read}, "run", ""), settle: time.Minute, pace: time.Second, keys: map[string]bool{}, tell: func(Event) {}}
			proof, err := v.prove(t.Context())
			if want := map[bool]int{true: steady, false: 1}[can != nil]; err != nil || len(proof.Rows) != 2 || len(proof.Failures()) > 0 || c.tries["read inside"] != want {
				t.Errorf("%s: got %d rows and %v after %d tries, want 2 after %d", name, len(proof.Rows), err, c.tries["read inside"], want)
			}
		})
	}
}

func TestWhatFailsOnTheWayEndsAProof(t *testing.T) {
	for name, c := range map[string]struct {
		at  Ability
		try int
	}{"what is granted": {Create, 1}, "what is put again": {Create, steady + 1}, "what is not granted": {Overwrite, 1}} {
		synctest.Test(t, func(t *testing.T) {
			a := &cloud{wrote: map[string]bool{}, answer: func(p Probe, n int) (Outcome, error) {
				if p.Ability == c.at && p.Where == Inside && n == c.try {
					panic("a bug")
				}
				return p.Want, nil
			}}
			b := plain()
			b.Grant.Can = []Ability{Create, Delete}
			v := &prover{actor: a, probes: ProbesFor(b, []Ability{Create, Overwrite, Delete}, "run", ""), settle: time.Minute, pace: time.Second, keys: map[string]bool{}, tell: func(Event) {}}
			if _, err := v.prove(t.Context()); err == nil || !strings.Contains(err.Error(), "internal error") {
				t.Errorf("%s: got %v, want what happened", name, err)
			}
		})
	}
}

func TestACancelBetweenTwoRoundsEndsAProofWithItsReason(t *testing.T) {
	enough := errors.New("enough")
	for name, when := range map[string]time.Duration{"of what is granted": 500 * time.Millisecond, "before what is not granted": 2500 * time.Millisecond, "of what is not granted": 3500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(when, func() { cancel(enough) })
				b := plain()
				b.Grant.Can = []Ability{Create, Delete}
				c := &cloud{wrote: map[string]bool{}, answer: func(p Probe, n int) (Outcome, error) {
					if n > steady && p.Ability == Create && p.Where == Inside && n < steady+2 || p.Want == Denied && p.Where == Sibling {
						return Unclear, errDown
					}
					return p.Want, nil
				}}
				v := &prover{actor: c, probes: ProbesFor(b, everything(), "run", ""), settle: time.Minute, pace: time.Second, keys: map[string]bool{}, tell: func(Event) {}}
				start := time.Now()
				if _, err := v.prove(ctx); !errors.Is(err, enough) || time.Since(start) != when {
					t.Errorf("got %v after %s, want %v after %s", err, time.Since(start), enough, when)
				}
			})
		})
	}
}

func TestAnObjectIsPutAgainUnderAKeyThatWasNeverUsed(t *testing.T) {
	for failures := range 6 {
		synctest.Test(t, func(t *testing.T) {
			b := plain()
			b.Grant.Can = []Ability{Create, Delete}
			puts := map[string]int{}
			c := &cloud{wrote: map[string]bool{}, answer: func(p Probe, n int) (Outcome, error) {
				if p.Ability == Create && p.Where == Inside {
					puts[p.Key]++
					if n > steady && n <= steady+failures {
						return Unclear, errDown
					}
				}
				return p.Want, nil
			}}
			v := &prover{actor: c, probes: ProbesFor(b, everything(), "run", ""), settle: time.Minute, pace: time.Second, keys: map[string]bool{}, tell: func(Event) {}}
			_, err := v.prove(t.Context())
			if late := failures > steady+1; errors.Is(err, ErrNotConverged) != late || (err == nil) == late {
				t.Errorf("%d failures: got %v, want not converged %v", failures, err, late)
			}
			for key, n := range puts {
				if n > 1 {
					t.Errorf("%d failures: got %d puts of %q, want one: some clouds refuse to put an object twice", failures, n, key)
				}
			}
		})
	}
}

func TestAbilityThatWasSeenToWorkIsLateAndNotMissing(t *testing.T) {
	always := func(got Outcome) func(int) Outcome { return func(int) Outcome { return got } }
	from := func(round int) func(int) Outcome { // 31 rounds fit into a minute
		return func(n int) Outcome { return map[bool]Outcome{true: Allowed, false: Unclear}[n >= round] }
	}
	once := func(n int) Outcome { return map[bool]Outcome{true: Allowed, false: Denied}[n == 2] }
	for name, c := range map[string]struct {
		create, abort, read func(n int) Outcome
		what                Ability
		want                error
	}{
		"one works steadily, one never":           {always(Allowed), always(Denied), always(Unclear), Abort, ErrUnproven},
		"one worked three times at the end":       {from(29), always(Denied), always(Unclear), Abort, ErrUnproven},
		"one worked only twice at the end":        {from(30), always(Denied), always(Unclear), Abort, ErrNotConverged},
		"one works steadily, one did once":        {always(Allowed), once, always(Allowed), Abort, ErrNotConverged},
		"everything is unclear":                   {always(Unclear), always(Unclear), always(Unclear), Create, ErrNotConverged},
		"one is denied, one is unclear all along": {always(Unclear), always(Denied), always(Allowed), Abort, ErrUnproven},
		"all that is clear is a refusal":          {always(Unclear), always(Denied), always(Unclear), Create, ErrNotConverged},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := plain()
			b.Grant.Can = []Ability{Create, Abort, Read}
			a := &cloud{wrote: map[string]bool{}, answer: func(p Probe, n int) (Outcome, error) {
				return map[Ability]func(int) Outcome{Create: c.create, Abort: c.abort, Read: c.read}[p.Ability](n), nil
			}}
			v := &prover{actor: a, probes: ProbesFor(b, b.Grant.Can, "run", "")[:3], settle: time.Minute, pace: 2 * time.Second, keys: map[string]bool{}, tell: func(Event) {}}
			_, err := v.prove(t.Context())
			if e, ok := errors.AsType[*Error](err); !ok || e.Kind != c.want || c.want == ErrUnproven && e.What != string(c.what) {
				t.Errorf("%s: got %v after %d rounds, want %v of %s", name, err, a.tries["abort inside"], c.want, c.what)
			}
		})
	}
}

func TestWhatWasPlantedIsNotPlantedAgainAndFailsTheProofIfItCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var planted []string
		b := plain()
		b.Grant.Can = []Ability{Create, Read, Delete}
		busy := func(p Probe, n int) (Outcome, error) { // some are tried twice
			return map[bool]Outcome{true: Unclear, false: p.Want}[p.Where == Sibling && n == 1], nil
		}
		with := func(plant func(context.Context, []string) error) *prover {
			return &prover{actor: &cloud{wrote: map[string]bool{}, answer: busy}, probes: ProbesFor(b, everything(), "run", ""), settle: time.Minute, pace: time.Second, keys: map[string]bool{}, tell: func(Event) {}, plant: plant}
		}
		v := with(func(_ context.Context, keys []string) error {
			if planted = append(planted, keys...); !slices.IsSorted(keys) {
				t.Errorf("got %q, want the same order in every run", keys)
			}
			return nil
		})
		if _, err := v.prove(t.Context()); err != nil || len(planted) != 4 {
			t.Errorf("got %q and %v, want four objects beside the grant", planted, err)
		}
		for _, key := range planted {
			if n := len(slices.DeleteFunc(slices.Clone(planted), func(k string) bool { return k != key })); n != 1 || !v.keys[key] {
				t.Errorf("got %q planted %d times and known %v, want it once and swept", key, n, v.keys[key])
			}
		}
		if _, err := with(func(context.Context, []string) error { return errDown }).prove(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("got %v, want %v: a refusal of what is not there proves nothing", err, errDown)
		}
	})
}
