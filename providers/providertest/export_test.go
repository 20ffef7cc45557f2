// The judge on trial: running a case so that its failures are recorded instead of reported.
package providertest

import (
	"testing"

	"pgregory.net/rapid"
)

// CaseNames are the names of all cases.
func CaseNames() []string {
	var names []string
	for _, c := range every() {
		names = append(names, c.name)
	}
	return names
}

// Verdict runs one case until its first failure and returns it, "" for none.
func Verdict(t *testing.T, name string, open Open) (failure string) {
	for _, c := range every() {
		if c.name != name {
			continue
		}
		hear := func(f func(*trial)) {
			failure = quietly(t, open, f)
			if failure != "" {
				panic(convicted{})
			}
		}
		defer func() {
			if v := recover(); v != nil && v != any(convicted{}) {
				panic(v)
			}
		}()
		b := &bench{quiet: func(f func(*trial)) string { hear(f); return "" }, now: hear, later: func(_ string, f func(*trial)) { hear(f) }, suite: func(string) {}, count: func(int) {}, patient: true, records: &records{}}
		b.check = func(plays *rapid.Generator[play], try func(play) string) {
			for seed := range 500 {
				try(plays.Example(seed))
			}
		}
		b.group = func(_ string, f func(*bench)) { f(b) }
		c.run(b)
		return failure
	}
	t.Fatalf("no case is called %q", name)
	return ""
}
