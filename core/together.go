// Together: work side by side, in which a panic is an error like any other.
package core

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// Together runs all of them side by side, each in a lane of its own (see
// [Fork]), and waits for all. It returns the first error in their order.
func Together(ctx context.Context, all ...func(context.Context) error) error {
	errs := make([]error, len(all))
	forks, joins := make([]context.Context, len(all)), make([]func(), len(all))
	for i := range all { // all before the first begins: none waits for another that happens to be quick
		forks[i], joins[i] = Fork(ctx)
	}
	var wg sync.WaitGroup
	for i, f := range all {
		wg.Go(func() {
			defer joins[i]()
			errs[i] = guarded(func() error { return f(forks[i]) })
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// guarded turns a panic of f into an error, so that what was begun is cleaned
// up. It says where, never with what: the value may hold a secret.
func guarded(f func() error) error { return guardedAs(nil, f) }

// guardedAs is guarded for what leaves something of that kind behind if it panics.
func guardedAs(kind error, f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = &Error{Kind: kind, What: "internal error at " + panicked(), Hint: "run the same command again: it goes on from there; an internal error is worth a report"}
		}
	}()
	return f()
}

// Guarded is f, a panic of which is an error that says where and never with what.
// Whatever runs beside the engine's own work is to be wrapped in it.
func Guarded(f func() error) error { return guarded(f) }

// panicked is the place in which the panic that is being recovered arose.
func panicked() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", f.Function, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
