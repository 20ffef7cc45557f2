// The schedule: changes run as soon as what they need is settled.
package core

import (
	"context"
	"errors"
	"fmt"
)

// schedule runs do for every change, each as soon as all changes that it needs
// have succeeded; at most limit run side by side. What is not in the list
// counts as settled. After the first error nothing more is started; what runs is waited
// for. The errors are joined.
func schedule(ctx context.Context, changes []Change, limit int, do func(context.Context, Change) error) error {
	waits := make(map[string]int, len(changes)) // changes that this one still waits for
	next := map[string][]Change{}               // changes that wait for this one
	listed := map[string]bool{}
	for _, c := range changes {
		if listed[c.Addr] {
			return fmt.Errorf("%s: twice in one plan", c.Addr)
		}
		listed[c.Addr] = true
	}
	var ready []Change
	for _, c := range changes {
		for _, n := range c.Needs {
			if listed[n] {
				waits[c.Addr]++
				next[n] = append(next[n], c)
			}
		}
		if waits[c.Addr] == 0 {
			ready = append(ready, c)
		}
	}
	type result struct {
		change Change
		depth  int
		err    error
	}
	var (
		results = make(chan result)
		depth   = map[string]int{} // how deep the calls before this change went
		running int
		done    int
		errs    []error
		base    = depthOf(ctx)
		deepest = base
	)
	for {
		for len(ready) > 0 && running < limit && len(errs) == 0 && ctx.Err() == nil {
			c := ready[0]
			ready = ready[1:]
			running++
			cctx := atDepth(ctx, max(base, depth[c.Addr]))
			go func() {
				err := guarded(func() error { return do(cctx, c) })
				results <- result{c, depthOf(cctx), err}
			}()
		}
		if running == 0 {
			break
		}
		r := <-results
		running--
		deepest = max(deepest, r.depth)
		if r.err != nil {
			errs = append(errs, r.err)
			continue
		}
		done++
		for _, c := range next[r.change.Addr] {
			depth[c.Addr] = max(depth[c.Addr], r.depth)
			if waits[c.Addr]--; waits[c.Addr] == 0 {
				ready = append(ready, c)
			}
		}
	}
	if l, _ := ctx.Value(laneKey{}).(*lane); l != nil {
		l.reach(deepest)
	}
	switch {
	case len(errs) > 0:
		return errors.Join(errs...)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case done < len(changes):
		return errors.New("the plan's changes wait for each other in a circle")
	}
	return nil
}
