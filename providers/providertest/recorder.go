// Recorder: a trial whose failure is told instead of reported.
package providertest

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// quietly runs f in a fresh world until its first failure and returns it, "" for none.
func quietly(t *testing.T, open Open, f func(*trial)) (failure string) {
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
	return failure
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
