// What the schedule promises: order, bounds, and an end.
package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// made is a change that makes addr once needs are settled.
func made(addr string, needs ...string) Change { return Change{Action: Make, Addr: addr, Needs: needs} }

// working runs a schedule whose changes take a second each, and returns when each began.
func working(ctx context.Context, changes []Change, limit int, fail map[string]error) (map[string]time.Duration, error) {
	var mu sync.Mutex
	began := map[string]time.Duration{}
	start := time.Now()
	err := schedule(ctx, changes, limit, func(ctx context.Context, c Change) error {
		mu.Lock()
		began[c.Addr] = time.Since(start)
		mu.Unlock()
		defer Begin(ctx)()
		time.Sleep(time.Second)
		return fail[c.Addr]
	})
	return began, err
}

func TestChangesBeginAsSoonAsWhatTheyNeedIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, err := working(t.Context(), []Change{
			made("key", "bound", "policy"), made("bound", "bucket", "user"), made("policy", "bucket", "not in the plan"), made("bucket"), made("user"),
		}, 16, nil)
		if err != nil {
			t.Fatal(err)
		}
		for addr, want := range map[string]time.Duration{"bucket": 0, "user": 0, "bound": time.Second, "policy": time.Second, "key": 2 * time.Second} {
			if began[addr] != want {
				t.Errorf("%s: began after %s, want %s", addr, began[addr], want)
			}
		}
	})
}

func TestNoMoreThanTheLimitRunSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []Change
		for i := range 10 {
			changes = append(changes, made(fmt.Sprint(i)))
		}
		start := time.Now()
		if _, err := working(t.Context(), changes, 4, nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("ten changes, four at once: got %s, want 3s", took)
		}
	})
}

func TestFirstErrorStartsNothingMoreAndWaitsForWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := errors.New("one"), errors.New("two")
		began, err := working(t.Context(), []Change{made("a"), made("b"), made("c", "a"), made("d", "b")}, 16, map[string]error{"a": one, "b": two})
		if !errors.Is(err, one) || !errors.Is(err, two) {
			t.Errorf("every error is told: got %v", err)
		}
		if len(began) != 2 {
			t.Errorf("nothing is started after an error: got %v", began)
		}
	})
}

func TestErrorStopsWhatOnlyWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, err := working(t.Context(), []Change{made("a"), made("b"), made("c"), made("d")}, 2, map[string]error{"a": errors.New("no"), "b": errors.New("no")})
		if err == nil || len(began) != 2 {
			t.Errorf("got error %v and %v begun, want only a and b", err, began)
		}
	})
}

func TestCancelStartsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("the user has had enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(500*time.Millisecond, func() { cancel(why) })
		began, err := working(ctx, []Change{made("a"), made("b", "a")}, 16, nil)
		if !errors.Is(err, why) || len(began) != 1 {
			t.Errorf("got error %v and %v begun, want %v and only a", err, began, why)
		}
	})
}

func TestPlanThatCannotEndIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		changes []Change
		want    string
	}{
		"circle":  {[]Change{made("a", "b"), made("b", "a"), made("c")}, "circle"},
		"oneself": {[]Change{made("a", "a")}, "circle"},
		"twice":   {[]Change{made("a"), made("a")}, "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			err := schedule(t.Context(), c.changes, 4, func(context.Context, Change) error { return nil })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error that says %q", err, c.want)
			}
		})
	}
}

func TestDepthFollowsWhatWaitsForWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Meter
		ctx := atDepth(WithMeter(t.Context(), &m), 1)
		// The clock says three seconds, because only one runs at a time; nothing waits for more than one other.
		if _, err := working(ctx, []Change{made("a"), made("b"), made("c", "a")}, 1, nil); err != nil {
			t.Fatal(err)
		}
		if calls, depth := m.Read(); calls != 3 || depth != 3 {
			t.Errorf("got %d calls, %d deep, want 3 calls, 3 deep: 1 of the plan, a, c", calls, depth)
		}
		if got := depthOf(ctx); got != 3 {
			t.Errorf("what comes after waits for the schedule: got depth %d, want 3", got)
		}
	})
}

func TestMeterCountsCallsAndTheLongestChain(t *testing.T) {
	var m Meter
	ctx := WithMeter(t.Context(), &m)
	Begin(ctx)()
	left, joinLeft := Fork(ctx)
	right, joinRight := Fork(ctx)
	Begin(left)()
	Begin(left)()
	Begin(right)()
	joinLeft()
	joinRight()
	Begin(ctx)()
	if calls, depth := m.Read(); calls != 5 || depth != 4 {
		t.Errorf("got %d calls, %d deep, want 5 and 4: one, two on the left, one after both", calls, depth)
	}
}

func TestCallsSideBySideInOneLaneDoNotWaitForEachOther(t *testing.T) {
	var m Meter
	ctx := WithMeter(t.Context(), &m)
	one, two := Begin(ctx), Begin(ctx)
	one()
	two()
	if calls, depth := m.Read(); calls != 2 || depth != 1 {
		t.Errorf("got %d calls, %d deep, want 2 and 1", calls, depth)
	}
}

func TestWithoutMeterNothingIsCounted(t *testing.T) {
	fork, join := Fork(t.Context())
	Begin(fork)()
	join()
	if got := depthOf(fork); got != 0 {
		t.Errorf("got depth %d, want 0", got)
	}
}

func TestTogetherReturnsTheFirstErrorInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := errors.New("first"), errors.New("second")
		var ended []string
		var mu sync.Mutex
		wait := func(d time.Duration, err error) func(context.Context) error {
			return func(context.Context) error {
				time.Sleep(d)
				mu.Lock()
				defer mu.Unlock()
				ended = append(ended, err.Error())
				return err
			}
		}
		if err := Together(t.Context(), wait(time.Minute, first), wait(time.Second, second)); err != first {
			t.Errorf("got %v, want %v", err, first)
		}
		if !slices.Equal(ended, []string{"second", "first"}) {
			t.Errorf("all are waited for: got %q", ended)
		}
	})
}
