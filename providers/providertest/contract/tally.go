// Tally: what was judged in many worlds.
package contract

import (
	"maps"
	"slices"
	"sync"
)

// Tally counts exchanges by operation. It is safe for concurrent use.
type Tally struct {
	mu   sync.Mutex
	seen map[string]int
}

// Add counts what w has judged.
func (t *Tally) Add(w *Witness) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = map[string]int{}
	}
	for o, n := range w.Judged() {
		t.seen[o] += n
	}
}

// Print says what was judged, and complains if it was less than so many operations.
func (t *Tally) Print(test interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}, least int,
) {
	test.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range slices.Sorted(maps.Keys(t.seen)) {
		test.Logf("%-75s %7d exchanges", o, t.seen[o])
	}
	if len(t.seen) < least {
		test.Errorf("%d operations were judged: is all traffic still seen?", len(t.seen))
	}
}
