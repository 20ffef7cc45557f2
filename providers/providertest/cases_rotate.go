// Cases about replacing a key: two keys for a while, and the old one goes only when nobody needs it.
package providertest

import (
	"errors"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) RotationKeepsTheOldKeyUntilTheNewIsDelivered(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		old := t.last()
		failed := starting(g)
		failed.refuse = errFull
		if _, _, err := t.do(failed); !errors.Is(err, errFull) {
			t.Errorf("a failed delivery is the error: got %v, want %v", err, errFull)
		}
		t.holds("a failed delivery leaves exactly the old key", t.ring(g), []string{"first on"})
		if powers := t.Powers(blue); !g.Literal && len(powers) > 0 {
			unproven := starting(g)
			unproven.noProof, unproven.patient = false, briefly
			unproven.born = func() { t.Tamper(blue, powers[0], "") }
			if _, _, err := t.do(unproven); err == nil {
				t.Errorf("what cannot be proven is not handed over: got no error")
			}
			t.holds("a failed proof leaves exactly the old key", t.ring(g), []string{"first on"})
			t.must(job{grant: g, noProof: true})
		}
		t.holds("nothing of this is owed", ids(t.given), []string{old.ID})
		t.must(starting(g))
		fresh := t.last()
		t.holds("both keys are switched on", t.Keys(blue), on(old.ID, fresh.ID))
		t.works("beside the new key, with the old one", blue, old)
		t.works("with the new key", blue, fresh)
		t.rests(g)
	})
}

func (cases) RotationRefusesBeforeItStartsWhenThereIsNoRoom(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		id, _ := t.Provider().Info().Identity(g.Who)
		words := []string{t.last().ID, "issued " + time.Now().UTC().Format(time.DateOnly)}
		for len(t.Keys(blue)) < id.MostKeys {
			time.Sleep(time.Minute)
			words = append(words, t.makes(blue))
		}
		var plan *core.Plan
		var err error
		writes := t.writing(func() { plan, _, err = t.do(starting(g)) })
		t.holds("without room nothing is written", writes, nil)
		if err == nil {
			t.Fatalf("without room for a further key no rotation starts: got no error")
		}
		t.named("every key is named with its age", err.Error()+changes(plan), words...)
	})
}

func (cases) SecondStartIsRefused(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		t.must(starting(g))
		keys := t.Keys(blue)
		t.stops(starting(g), core.ErrInvalid)
		t.uses(blue, t.last())
		t.must(finishing(g, core.RotateOptions{}))
		t.stops(starting(g), core.ErrInvalid)
		t.holds("the key that was delivered last works", t.Keys(blue), []string{t.last().ID})
		if len(keys) != 2 || len(t.given) != 2 {
			t.Errorf("a refused start issues nothing: got keys %q, and %d deliveries", keys, len(t.given))
		}
	})
}

func (cases) FinishRefusesWhileTheOldKeyIsInUse(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		t.must(starting(g))
		if !t.showsUse(g) {
			t.must(finishing(g, core.RotateOptions{})) // it can be undone
			t.holds("the old key is switched off", t.ring(g), []string{"first off", "latest on"})
			return
		}
		time.Sleep(week)
		t.stops(finishing(g, core.RotateOptions{}), core.ErrInUse) // nobody has taken the new one yet
		t.uses(blue, t.last())
		t.uses(blue, t.given[0])
		t.stops(finishing(g, core.RotateOptions{}), core.ErrInUse)
		t.holds("both keys stay", t.ring(g), []string{"first on", "latest on"})
		time.Sleep(core.Quiet)
		t.must(finishing(g, core.RotateOptions{}))
		t.holds("what has been quiet for long is switched off", t.ring(g), []string{"first off", "latest on"})
	})
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		t.must(starting(g))
		t.uses(blue, t.given[0])
		t.must(finishing(g, core.RotateOptions{Force: true}))
		t.holds("whoever insists has it switched off", t.ring(g), []string{"first off", "latest on"})
	})
}

func (cases) FinishSwitchesOffThenDeletesAfterTheGrace(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		for range 2 { // there is room for the next one again
			was := t.last()
			t.must(starting(g))
			time.Sleep(week)
			t.uses(blue, t.last())
			t.must(finishing(g, core.RotateOptions{}))
			t.holds("only the new key is switched on", t.Keys(blue), []string{t.last().ID})
			t.tries("with the old key", blue, t.actor(blue, was), false)
			t.tries("with the new key", blue, t.actor(blue, t.last()), true)
			for _, wait := range []time.Duration{0, grace - 2*time.Minute} {
				time.Sleep(wait)
				writes := t.writing(func() { t.must(finishing(g, core.RotateOptions{})) })
				t.holds("before the grace is over nothing is deleted", writes, nil)
			}
			if ring := t.ring(g); len(ring) != 2 {
				t.Errorf("the old key is only switched off: got %q", ring)
			}
			time.Sleep(5 * time.Minute)
			t.must(finishing(g, core.RotateOptions{}))
			t.holds("after the grace only the new key is there", t.ring(g), []string{"latest on"})
			t.stops(finishing(g, core.RotateOptions{}), core.ErrInvalid)
			t.works("after its rotation", blue, t.last())
			t.rests(g)
		}
	})
}

func (cases) FinishNeverDeletesAKeyThatWasUsedSince(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		if !t.showsUse(g) {
			return
		}
		t.applied(g)
		old := t.last()
		t.must(starting(g))
		t.uses(blue, t.last())
		t.must(finishing(g, core.RotateOptions{}))
		time.Sleep(time.Hour)
		ring := t.steps(blue).Keyring
		for _, works := range []bool{true, false} { // somebody at the console
			if err := ring.Switch(t.Context(), old.ID, works); err != nil {
				t.Fatalf("switch %s to %t: got error %v, want success", old.ID, works, err)
			}
			if works {
				t.uses(blue, old)
			}
		}
		time.Sleep(grace + week)
		for _, force := range []bool{false, true} {
			t.stops(finishing(g, core.RotateOptions{Force: force}), core.ErrInUse)
		}
		t.holds("a key that was used since is not deleted", t.ring(g), []string{"first off", "latest on"})
	})
}

func (cases) AbortBringsTheOldKeyBack(b *bench) {
	for name, rests := range map[string]bool{"before a finish": false, "after a finish": true} {
		b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
			t.applied(g)
			old := t.last()
			t.must(starting(g))
			fresh := t.last()
			if rests {
				t.must(finishing(g, core.RotateOptions{Force: true}))
				t.holds("the old key is switched off", t.Keys(blue), []string{fresh.ID})
			}
			time.Sleep(time.Hour)
			t.must(aborting(g, core.RotateOptions{Force: !t.showsUse(g)}))
			t.holds(name+" an abort leaves exactly the old key", t.ring(g), []string{"first on"})
			t.works("after an abort", blue, old)
			t.tries("with the key that was taken back", blue, t.actor(blue, fresh), false)
			t.stops(aborting(g, core.RotateOptions{Force: true}), core.ErrInvalid)
			t.rests(g)
		})
	}
}

func (cases) AbortRefusesAUsedKey(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		start := starting(g)
		start.noProof = false // the proof's own use is none of its holder's
		t.must(start)
		if t.showsUse(g) {
			t.uses(blue, t.last())
		}
		t.stops(aborting(g, core.RotateOptions{}), core.ErrInUse)
		t.holds("both keys stay", t.ring(g), []string{"first on", "latest on"})
		t.must(aborting(g, core.RotateOptions{Force: true}))
		t.holds("whoever insists has it taken back", t.ring(g), []string{"first on"})
	})
}

func (cases) KeysOfUnknownOriginAreNotTouchedUnlessNamed(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		time.Sleep(time.Hour)
		strange := t.makes(blue)
		time.Sleep(week)
		both := []string{"first on", "other on"}
		for _, j := range []job{finishing(g, core.RotateOptions{Force: true}), aborting(g, core.RotateOptions{Force: true})} {
			t.stops(j, core.ErrNotOurs)
		}
		t.stops(reissuing(g, core.RotateOptions{}), core.ErrInvalid)
		t.holds("a key that was made by hand stays", t.ring(g), both)
		mine := core.RotateOptions{Keys: []string{strange}, Force: true}
		t.must(finishing(g, mine))
		t.holds("a key that is named is switched off", t.ring(g), []string{"first on", "other off"})
		time.Sleep(grace)
		t.must(finishing(g, mine))
		t.holds("and deleted", t.ring(g), []string{"first on"})
		t.works("after all that", blue, t.last())
	})
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		old := t.last()
		t.disk = &disk{settled: map[string]bool{}}
		time.Sleep(week)
		t.must(starting(g))
		t.uses(blue, t.last())
		t.stops(finishing(g, core.RotateOptions{Force: true}), core.ErrNotOurs)
		t.holds("what a lost journal knew is not touched", t.ring(g), []string{"first on", "latest on"})
		t.must(finishing(g, core.RotateOptions{Keys: []string{old.ID}}))
		t.holds("unless it is named", t.ring(g), []string{"first off", "latest on"})
	})
}

func (cases) ReissueReplacesALostSecret(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		time.Sleep(week)
		named := core.RotateOptions{Keys: []string{t.last().ID}}
		if !t.showsUse(g) {
			t.stops(reissuing(g, core.RotateOptions{}), core.ErrInUse) // nobody can tell
		}
		failed := reissuing(g, named)
		failed.refuse = errFull
		if _, _, err := t.do(failed); !errors.Is(err, errFull) {
			t.Errorf("a failed delivery is the error: got %v, want %v", err, errFull)
		}
		t.holds("while there is room the old key stays until the new one is delivered", t.ring(g), []string{"first on"})
		t.must(reissuing(g, named))
		t.holds("the new key takes the place of the old one", t.ring(g), []string{"latest on"})
		t.works("after a reissue", blue, t.last())
		t.rests(g)
		if t.showsUse(g) {
			t.uses(blue, t.last())
			t.stops(reissuing(g, core.RotateOptions{}), core.ErrInUse) // whoever uses it has its secret
		}
	})
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		lost, others := t.full(g, blue)
		t.stops(reissuing(g, core.RotateOptions{Keys: []string{"no-such-key"}}), core.ErrInvalid)
		t.must(reissuing(g, core.RotateOptions{Keys: []string{lost}}))
		t.holds("without room the lost key goes first, and no other", t.Keys(blue), on(append(others, t.last().ID)...))
		t.works("after a reissue", blue, t.last())
		t.rests(g)
	})
}

// full applies g and adds keys until there is no room for another one.
func (t *trial) full(g core.Grant, blue core.Blueprint) (handed string, others []string) {
	t.Helper()
	t.applied(g)
	id, _ := t.Provider().Info().Identity(g.Who)
	for len(t.Keys(blue)) < id.MostKeys {
		time.Sleep(time.Minute)
		others = append(others, t.makes(blue))
	}
	time.Sleep(week)
	return t.last().ID, others
}
