// Guard: what journal, lock and claim cost a run that nothing disturbs, in real time.
package providertest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// Disk opens a journal with its lock in an empty directory, until end.
type Disk func(dir string) (j core.Journal, end func() error, err error)

// mostGuard is how much longer a guarded run may take than one without a guard.
const mostGuard = 0.10

// guardRounds is how many pairs of runs are compared; the median counts.
const guardRounds = 9

// Guard applies a grant with and without journal, lock and claim, in turns, as far away
// from the cloud as a region of a neighbour country is, and prints what the guard
// costs. It fails above a tenth.
func Guard(t *testing.T, open Open, disk Disk) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond} {
		var bare, guarded []time.Duration
		for range guardRounds {
			bare = append(bare, once(t, open, latency, nil))
			guarded = append(guarded, once(t, open, latency, disk))
		}
		without, with := median(bare), median(guarded)
		more := float64(with-without) / float64(without)
		t.Logf("latency %5s: apply without a guard %7.1f ms, with journal, lock and claim %7.1f ms, %+.1f %%",
			latency, milliseconds(without), milliseconds(with), 100*more)
		if latency > 0 && more > mostGuard {
			t.Errorf("latency %s: got %+.1f %% with journal, lock and claim, want at most %+.0f %%", latency, 100*more, 100*mostGuard)
		}
	}
}

// once is how long one fresh apply takes, proof and hand-over included.
func once(t *testing.T, open Open, latency time.Duration, disk Disk) time.Duration {
	t.Helper()
	w := open(t)
	w.Transport().Latency = latency
	dir := t.TempDir()
	start := time.Now()
	e := &core.Engine{Provider: unclaimed{w.Provider()}, Journal: unguarded{}, RunID: "run", Pace: 100 * time.Millisecond}
	if disk != nil {
		e.Provider = w.Provider()
		j, end, err := disk(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := end(); err != nil {
				t.Error(err)
			}
		}()
		e.Journal = j
	}
	plan, err := e.Plan(t.Context(), w.Grant(), core.Present)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Apply(t.Context(), plan, core.ApplyOptions{Deliver: &desk{life: &life{seen: map[moment]int{}}}}); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}

// unclaimed is a provider whose grants nobody claims.
type unclaimed struct{ core.Provider }

func (u unclaimed) Open(ctx context.Context, b core.Blueprint) (*core.Steps, error) {
	steps, err := u.Provider.Open(ctx, b)
	if err != nil {
		return nil, err
	}
	own := *steps
	own.Claimer = nil
	return &own, nil
}

// unguarded is a journal that keeps nothing.
type unguarded struct{}

func (unguarded) Intend(core.Intent) error        { return nil }
func (unguarded) Settle(string, bool) error       { return nil }
func (unguarded) Pending() ([]core.Intent, error) { return nil, nil }

func median(list []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(list))[len(list)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
