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
func guarded(f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("internal error at %s", panicked())
		}
	}()
	return f()
}

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
