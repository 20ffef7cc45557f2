// The suite: finds every case and runs it, each trial in a cloud and a time of its own.
package providertest

import (
	"context"
	"reflect"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// Run judges a provider: every case, each in a fresh world. There is nothing to
// configure and nothing to skip; what a cloud cannot do, it declares as a
// [core.Gap] or leaves out of [core.Info.Abilities], and the cases assert that.
func Run(t *testing.T, open Open) {
	records := &records{}
	for _, c := range every() {
		t.Run(c.name, func(t *testing.T) { c.run(benchOf(t, open, records)) })
	}
}

func benchOf(t *testing.T, open Open, records *records) *bench {
	now := func(t *testing.T, f func(*trial)) {
		synctest.Test(t, func(t *testing.T) { newTrial(t, open(t)).hear(f) })
	}
	over := &atomic.Bool{}
	return &bench{
		records: records,
		over:    over,
		now:     func(f func(*trial)) { now(t, f) },
		later: func(name string, f func(*trial)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if over.Load() {
					t.Skip("no time is left")
				}
				now(t, f)
			})
		},
		group: func(name string, f func(*bench)) {
			t.Run(name, func(t *testing.T) {
				if b := benchOf(t, open, records); soak {
					b.draw(t, f)
				} else {
					f(b)
				}
			})
		},
		quiet: func(f func(*trial)) string { return quietly(t, open, f) },
		suite: func(name string) { t.Attr("suite", name) },
		count: func(n int) { t.Attr("cases", strconv.Itoa(n)) },
		check: func(plays *rapid.Generator[play], try func(play) string) {
			rapid.Check(t, func(rt *rapid.T) {
				p := plays.Draw(rt, "play")
				if failure := try(p); failure != "" {
					rt.Fatalf("%s: %s", p.name(), failure)
				}
			})
		},
	}
}

// T is what a trial needs of a test.
type T interface {
	Helper()
	Context() context.Context
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// bench hands out trials. Each has a fresh world and runs in a bubble of
// virtual time, in which a goroutine left behind is a failure.
type bench struct {
	now   func(f func(*trial))              // returns when f has
	later func(name string, f func(*trial)) // may run f beside others
	group func(name string, f func(*bench)) // returns when f has, and everything that it has started
	quiet func(f func(*trial)) string       // runs f until its first failure, which it returns
	suite func(name string)                 // says of which test suite the trials to come are
	count func(n int)                       // says how many trials there were that are no subtests

	// check tries plays at random until one fails, and then smaller ones.
	check func(plays *rapid.Generator[play], try func(play) string)

	patient bool         // there is time for everything
	records *records     // of undisturbed runs
	over    *atomic.Bool // no time is left for what has not begun
}

// cases has one method for each case; its name is the promise.
type cases struct{}

type oneCase struct {
	name string
	run  func(*bench)
}

// every finds the cases by reflection, so that none can be forgotten.
func every() []oneCase {
	var all []oneCase
	v := reflect.ValueOf(cases{})
	for m, f := range v.Methods() {
		run, ok := f.Interface().(func(*bench))
		if !ok {
			panic("providertest: " + m.Name + " is not a case")
		}
		all = append(all, oneCase{m.Name, run})
	}
	return all
}
