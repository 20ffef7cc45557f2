// Cases about runs that are cut short: at every call, before and after it takes effect.
package providertest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) ResumeAfterDyingInTheProof(b *bench) {
	var last, proven int
	b.now(func(t *trial) { last = t.count(job{grant: t.Grant(), noProof: true}) })
	b.now(func(t *trial) { proven = t.count(job{grant: t.Grant()}) })
	for _, n := range spread(last+1, proven, 6) {
		for _, how := range []trouble{killed, canceled} {
			m := mishap{how, beforeCall, n}
			b.later(m.String(), func(t *trial) {
				_, _, err := t.do(job{grant: t.Grant(), mishap: m})
				if err == nil && how == killed {
					t.Errorf("a run that died is no success: got no error, %s", m)
				}
				if how == canceled {
					t.holds("a canceled proof removes what it has put", t.Objects(t.Grant().Target.Bucket), nil)
				}
				t.accounted("after " + m.String())
				t.converges(t.Grant())
			})
		}
	}
}

func (cases) LostResponseAtEveryWrite(b *bench) {
	want, mishaps := b.everywhere(lost, beforeCall, afterCall, cutCall)
	for _, m := range mishaps {
		b.later(m.String(), func(t *trial) {
			_, _, err := t.do(job{grant: t.Grant(), noProof: true, mishap: m})
			if err == nil {
				t.holds("a run that reports success has delivered the key that works", t.Keys(t.blueprint(t.Grant())), []string{t.last().ID})
			}
			t.accounted("after " + m.String())
			t.resumes(want)
		})
	}
}

func (cases) CancelAnywhere(b *bench) {
	want, mishaps := b.everywhere(canceled, beforeCall, afterCall, recorded, beforeDelivery, afterDelivery)
	for _, m := range mishaps {
		b.later(m.String(), func(t *trial) {
			start := time.Now()
			_, _, err := t.do(job{grant: t.Grant(), noProof: true, mishap: m})
			if took := time.Since(start); took > 5*time.Minute {
				t.Errorf("a cancel ends a run soon: got %s, want at most 5m", took)
			}
			if err != nil && !errors.Is(err, errCanceled) && !errors.Is(err, context.Canceled) {
				t.Errorf("a canceled run says so: got error %v, want one that is %v", err, errCanceled)
			}
			t.accounted("after " + m.String())
			t.resumes(want)
		})
	}
}

// outcome is what an undisturbed apply leaves behind.
type outcome struct{ ours []string }

// everywhere lists a mishap for each of the moments of an undisturbed apply.
func (b *bench) everywhere(how trouble, moments ...moment) (want outcome, all []mishap) {
	b.now(func(t *trial) {
		calls := t.count(job{grant: t.Grant(), noProof: true})
		want.ours = t.Ours(t.blueprint(t.Grant()))
		for _, at := range moments {
			most := t.life.seen[at]
			if at.ofCall() {
				most = calls
			}
			for n := 1; n <= most; n++ {
				all = append(all, mishap{how, at, n})
			}
		}
	})
	return want, all
}

// resumes reruns a disturbed apply.
func (t *trial) resumes(want outcome) {
	t.Helper()
	t.converges(t.Grant())
	t.holds("a rerun makes what an undisturbed run makes", t.Ours(t.blueprint(t.Grant())), want.ours)
}

// accounted checks that every working key was delivered or is known to the
// journal as a debt, so that the next run finds it.
func (t *trial) accounted(when string) {
	t.Helper()
	t.accountedFor(t.blueprint(t.Grant()), when)
}

func (t *trial) accountedFor(b core.Blueprint, when string) {
	t.Helper()
	known := map[string]bool{}
	issuing := false
	for _, id := range slices.Concat(ids(t.given), t.byHand) {
		known[id] = true
	}
	for _, i := range t.disk.debts() {
		known[i.Key] = true
		issuing = issuing || i.Verb == core.DoIssue
	}
	for _, id := range t.Keys(b) {
		if !known[id] && !issuing {
			t.Errorf("%s every working key was delivered or is on record: got %q, which is neither", when, id)
		}
	}
}

// spread is at most n numbers from lo to hi, evenly.
func spread(lo, hi, n int) []int {
	var list []int
	for i := range n {
		if at := lo + i*(hi-lo)/max(1, n-1); len(list) == 0 || at > list[len(list)-1] {
			list = append(list, at)
		}
	}
	return list
}
