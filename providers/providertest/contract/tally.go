// Tally: what was judged in many worlds.
package contract

import (
	"flag"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Tally counts exchanges by operation. It is safe for concurrent use.
type Tally struct {
	mu   sync.Mutex
	seen map[string]int
}

func (t *Tally) add(w *Witness) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = map[string]int{}
	}
	for o, n := range w.Judged() {
		t.seen[o] += n
	}
}

// Print says what was judged, and complains if it was less than so many operations,
// unless only a part of the tests was asked for.
func (t *Tally) Print(test T, least int) {
	test.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range slices.Sorted(maps.Keys(t.seen)) {
		test.Logf("%-75s %7d exchanges", o, t.seen[o])
	}
	if whole := !strings.Contains(flag.Lookup("test.run").Value.String(), "/"); whole && len(t.seen) < least {
		test.Errorf("%d operations were judged: is all traffic still seen?", len(t.seen))
	}
}
