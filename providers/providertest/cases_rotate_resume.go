// Cases about a step of a key's life that is cut short: run again, it ends as if it had not been.
package providertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// stage is one step of a key's life: what has happened before, and the step itself.
type stage struct {
	name  string
	setup func(t *trial, g core.Grant, blue core.Blueprint) // returns with the keys as the step finds them
	step  func(t *trial, g core.Grant) job
	lost  bool // the secret that was delivered before is lost anyway
}

func stages() []stage {
	applied := func(t *trial, g core.Grant, _ core.Blueprint) {
		t.applied(g)
		time.Sleep(week)
	}
	rotating := func(t *trial, g core.Grant, blue core.Blueprint) {
		applied(t, g, blue)
		t.must(starting(g))
		time.Sleep(week)
	}
	resting := func(t *trial, g core.Grant, blue core.Blueprint) {
		rotating(t, g, blue)
		t.must(finishing(g, core.RotateOptions{Force: true}))
		time.Sleep(grace)
	}
	finish := func(_ *trial, g core.Grant) job { return finishing(g, core.RotateOptions{Force: true}) }
	abort := func(t *trial, g core.Grant) job { return aborting(g, core.RotateOptions{Force: !t.showsUse(g)}) }
	return []stage{
		{"start", applied, func(_ *trial, g core.Grant) job { return starting(g) }, false},
		{"finish", rotating, finish, false},
		{"finish after the grace", resting, finish, false},
		{"abort", rotating, abort, false},
		{"abort after a finish", resting, abort, false},
		{"reissue", applied, func(_ *trial, g core.Grant) job { return reissuing(g, core.RotateOptions{Force: true}) }, true},
		{"reissue without room", func(t *trial, g core.Grant, blue core.Blueprint) { t.full(g, blue) }, func(t *trial, g core.Grant) job {
			return reissuing(g, core.RotateOptions{Keys: []string{t.given[0].ID}})
		}, true},
	}
}

// EveryStepOfARotationResumes breaks each step at every one of its calls, writes and records.
func (cases) EveryStepOfARotationResumes(b *bench) {
	able := false
	b.now(func(t *trial) { able = t.replaceable(t.Grant()) })
	for _, s := range stages() {
		if !able {
			continue
		}
		var want []string
		var mishaps []mishap
		b.now(func(t *trial) {
			g := t.Grant()
			s.setup(t, g, t.ready(g))
			mishaps = t.mishaps(func() { t.must(s.step(t, g)) })
			want = t.ring(g)
		})
		for _, m := range mishaps {
			b.later(s.name+" "+m.String(), func(t *trial) {
				g := t.Grant()
				blue := t.ready(g)
				s.setup(t, g, blue)
				j := s.step(t, g)
				j.mishap = m
				_, _, err := t.do(j)
				if err == nil && m.how == killed {
					t.Errorf("a run that died is no success: got no error, %s", m)
				}
				t.accountedFor(blue, "after "+m.String())
				if !s.lost {
					t.helped(blue, "after "+m.String())
				}
				t.goesOn(s.step(t, g))
				t.helped(blue, "after a rerun")
				t.holds("a rerun leaves what an undisturbed run leaves", t.ring(g), want)
				t.rests(g)
			})
		}
	}
}

// mishaps lists what can go wrong in f, which runs one job in an undisturbed world.
func (t *trial) mishaps(f func()) (all []mishap) {
	t.Helper()
	before := len(t.Transport().Calls())
	writes := t.writing(f)
	calls := len(t.Transport().Calls()) - before
	add := func(how trouble, at moment, most int) {
		for n := 1; n <= most; n++ {
			all = append(all, mishap{how, at, n})
		}
	}
	add(killed, beforeCall, calls)
	add(lost, beforeCall, calls)
	add(killed, afterWrite, len(writes))
	add(lost, afterWrite, len(writes))
	add(canceled, afterWrite, len(writes))
	for _, at := range []moment{recorded, beforeDelivery, afterDelivery} {
		add(killed, at, t.life.seen[at])
	}
	return all
}

// goesOn runs a job again that was disturbed. It may be told that nothing is left to do.
func (t *trial) goesOn(j job) {
	t.Helper()
	plan, _, err := t.do(j)
	if err != nil && !errors.Is(err, core.ErrInvalid) {
		t.Errorf("%s, run again, goes on: got error %v%s", j.name(), err, changes(plan))
	}
}

// helped checks that the holder has a key that works.
func (t *trial) helped(b core.Blueprint, when string) {
	t.Helper()
	works := t.Keys(b)
	if !slices.ContainsFunc(t.given, func(c core.Credential) bool { return slices.Contains(works, c.ID) }) {
		t.Errorf("%s a key that was delivered works: got %s of those delivered: %s", when, strings.Join(works, " "), fmt.Sprint(ids(t.given)))
	}
}
