// The judge on trial: running a case so that its failures are recorded instead of reported.
package providertest

import (
	"fmt"
	"testing"
	"testing/synctest"
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
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{T: t}
				defer func() {
					if v := recover(); v != nil && v != any(convicted{}) {
						panic(v)
					}
					failure = r.first
				}()
				newTrial(r, open(t)).hear(f)
			})
			if failure != "" {
				panic(convicted{})
			}
		}
		defer func() {
			if v := recover(); v != nil && v != any(convicted{}) {
				panic(v)
			}
		}()
		b := &bench{now: hear, later: func(_ string, f func(*trial)) { hear(f) }, suite: func(string) {}, records: &records{}}
		b.group = func(_ string, f func(*bench)) { f(b) }
		c.run(b)
		return failure
	}
	t.Fatalf("no case is called %q", name)
	return ""
}

// convicted unwinds a trial that has failed.
type convicted struct{}

// recorder is a test whose failures are only noted.
type recorder struct {
	T
	first string
}

func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Errorf(format string, args ...any) {
	if r.first == "" {
		r.first = fmt.Sprintf(format, args...)
	}
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(convicted{})
}
