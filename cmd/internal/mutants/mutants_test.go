// The promise: whatever decides something is held by a test.
package mutants

import (
	"flag"
	"testing"
)

var (
	update = flag.Bool("update", false, "write the list anew; mutants that are new on it wait for a reason")
	only   = flag.String("only", "", "break this package alone, and do not compare the whole list")
)

func TestEveryMutantIsNoticedOrListed(t *testing.T) {
	if !full {
		t.Log("breaking everything takes minutes: make mutants")
		return
	}
	known := reasons(t)
	all, lived := survivors(t)
	if t.Failed() {
		return // the tests do not even pass a sound program
	}
	if len(lived) == 0 && len(all) > 0 {
		t.Error("every mutant was noticed, even those that change nothing: are they planted at all?")
	}
	alive := map[string]bool{}
	for _, m := range lived {
		alive[m.String()] = true
		if known[m.String()] == "" {
			t.Errorf("no test notices that %s", m)
		}
	}
	for name := range known {
		if !alive[name] && *only == "" {
			t.Errorf("%s names a mutant that a test notices, or that is none any more: %s", listed, name)
		}
	}
	killed := 100 * float64(len(all)-len(lived)) / float64(len(all))
	t.Logf("%d mutants, %d noticed by a test, %d alive: %.1f %%", len(all), len(all)-len(lived), len(lived), killed)
	if killed < least {
		t.Errorf("%.1f %% of the mutants are noticed, want at least %d %%", killed, least)
	}
	if *update && *only == "" {
		rewrite(t, lived, known)
	}
}
