// Fleet: many grants in one run, each on its own.
package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Fleet plans and carries out many grants side by side. One that fails does
// not stop the others, and running the fleet again finishes the rest.
type Fleet struct {
	// Open returns the engine over the journal of one grant, and what closes it.
	// With write it holds the grant's lock until then.
	Open func(g Grant, write bool) (e *Engine, closer func() error, err error)

	AtOnce  int                     // members side by side; 0 is [MembersAtOnce]
	NoProof bool                    // as in [ApplyOptions]
	Observe func(m *Member, at int) // a member has ended, as the at-th; may be nil; calls do not overlap
}

// MembersAtOnce is how many members are under way side by side if nobody says
// otherwise: each waits for the cloud most of its time.
const MembersAtOnce = 48

// Member is one grant of a fleet, and what became of it.
type Member struct {
	Grant   Grant
	Deliver Deliverer // as in [ApplyOptions]
	Plan    *Plan     // what was shown to whoever agreed to it; nil if nobody was asked
	Receipt Receipt
	Err     error // why it failed; nil if it did not
}

// FleetFaults returns what is wrong with grants that are fine one by one: two
// of the same name, prefixes inside each other, and buckets of which one grant
// says something else than another.
func FleetFaults(grants []Grant) Faults {
	var f Faults
	names := map[string]bool{}
	targets := map[string]Target{}
	prefixes := map[string][]string{}
	for _, g := range grants {
		if names[g.Name] && !slices.Contains(prefixes[g.Target.Bucket], g.Target.Prefix) {
			f = append(f, Fault{"name", g.Name, "is the name of two grants", "a name for each"})
		}
		names[g.Name] = true
		t := g.Target
		for _, other := range prefixes[t.Bucket] {
			if t.Prefix == other {
				f = append(f, Fault{"prefix", t.Prefix, fmt.Sprintf("is there twice in bucket %q", t.Bucket), "each folder once"})
				continue
			}
			if strings.HasPrefix(t.Prefix, other) || strings.HasPrefix(other, t.Prefix) {
				f = append(f, Fault{"prefix", t.Prefix, fmt.Sprintf("and %q are inside each other in bucket %q: one grantee would reach what is another's", other, t.Bucket), "prefixes that do not begin with each other"})
			}
		}
		prefixes[t.Bucket] = append(prefixes[t.Bucket], t.Prefix)
		if first, again := targets[t.Bucket]; !again {
			targets[t.Bucket] = t
		} else if first.Prefix = t.Prefix; first != t {
			f = append(f, Fault{"bucket", t.Bucket, "is described differently by two grants", "the same region, shared and adopt for each grant of a bucket"})
		} else if !t.Shared && !t.Adopt {
			f = append(f, Fault{"bucket", t.Bucket, "is used by two grants and belongs to one", "shared: true"})
		}
	}
	return f
}

// Plan plans every member. It writes nothing. Members that cannot be planned say so in Err.
func (f *Fleet) Plan(ctx context.Context, members []*Member, want Want) error {
	return f.each(ctx, members, func(ctx context.Context, m *Member) error {
		return f.with(m, members, false, func(e *Engine) (err error) {
			m.Plan, err = e.Plan(ctx, m.Grant, want)
			return err
		})
	})
}

// Apply carries every member out. Buckets that members share are settled first,
// once each. The error is of kind [ErrSomeFailed] if a member has failed; what
// became of each is in the member.
func (f *Fleet) Apply(ctx context.Context, members []*Member, want Want) error {
	if want.Present {
		if err := f.buckets(ctx, members); err != nil {
			return err
		}
	}
	return f.each(ctx, members, func(ctx context.Context, m *Member) error {
		return f.with(m, members, true, func(e *Engine) error { return f.apply(ctx, e, m, want) })
	})
}

func (f *Fleet) apply(ctx context.Context, e *Engine, m *Member, want Want) error {
	p, err := e.Plan(ctx, m.Grant, want)
	if err != nil {
		return err
	}
	if m.Plan != nil {
		if err := within(p, m.Plan); err != nil {
			return err
		}
	}
	m.Plan = p
	m.Receipt, err = e.Apply(ctx, p, ApplyOptions{Deliver: m.Deliver, NoProof: f.NoProof})
	return err
}

// within reports an error if p writes anything that was not in the plan that somebody agreed to.
func within(p, agreed *Plan) error {
	for _, c := range p.Changes {
		known := func(a Change) bool { return a.Addr == c.Addr && a.Action == c.Action }
		if c.Action.Writes() && !slices.ContainsFunc(agreed.Changes, known) {
			return &Error{Kind: ErrMoved, What: c.Addr, Err: errors.New("nothing of this grant has been written"), Hint: "run the same command again and look at the plan"}
		}
	}
	return nil
}

// buckets settles each bucket that several members share, led by the first
// member that can be planned. If it fails, so do all members of that bucket.
func (f *Fleet) buckets(ctx context.Context, members []*Member) error {
	shared := map[string][]*Member{}
	for _, m := range members {
		if m.Grant.Target.Shared {
			shared[m.Grant.Target.Bucket] = append(shared[m.Grant.Target.Bucket], m)
		}
	}
	var leaders []func(context.Context) error
	for _, of := range shared {
		leaders = append(leaders, func(ctx context.Context) error {
			if err := f.bucket(ctx, of); err != nil {
				for _, m := range of {
					m.Err = err
				}
			}
			return nil
		})
	}
	return Together(ctx, leaders...)
}

func (f *Fleet) bucket(ctx context.Context, of []*Member) error {
	var failed error
	for _, m := range of {
		planned := false
		err := f.with(m, nil, true, func(e *Engine) error {
			p, err := e.Plan(ctx, m.Grant, Present)
			if err != nil {
				return err
			}
			if planned = true; m.Plan != nil {
				if err := within(p, m.Plan); err != nil {
					return err
				}
			}
			_, err = e.Apply(ctx, p.only(BucketStep), ApplyOptions{NoProof: true})
			return err
		})
		if planned || ctx.Err() != nil {
			return err
		}
		failed = err
	}
	return failed
}

// only is the part of p that one step makes up. What the journal has open stays open.
func (p *Plan) only(step StepName) *Plan {
	part := *p
	part.Changes = slices.DeleteFunc(slices.Clone(p.Changes), func(c Change) bool { return c.Step != step })
	part.stale, part.unseen, part.pending = nil, nil, nil
	steps := *p.steps
	steps.Outputs = nil
	part.steps = &steps
	return &part
}

// with opens m's engine, uses it and closes it.
func (f *Fleet) with(m *Member, members []*Member, write bool, use func(*Engine) error) (err error) {
	e, closer, err := f.Open(m.Grant, write)
	if err != nil {
		return err
	}
	defer func() {
		if failed := closer(); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	e.Beside = beside(m.Grant.Target, members)
	return guarded(func() error { return use(e) })
}

// each does something for every member, bounded, and notes what came of it.
func (f *Fleet) each(ctx context.Context, members []*Member, do func(context.Context, *Member) error) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		ended int
		bad   int
		room  = make(chan struct{}, cmp.Or(f.AtOnce, MembersAtOnce))
	)
	for _, m := range members {
		room <- struct{}{}
		fork, join := Fork(ctx)
		wg.Go(func() {
			defer func() { join(); <-room }()
			if m.Err = cmp.Or(m.Err, context.Cause(ctx)); m.Err == nil {
				m.Err = do(fork, m)
			}
			mu.Lock()
			defer mu.Unlock()
			if ended++; m.Err != nil {
				bad++
			}
			if f.Observe != nil {
				f.Observe(m, ended)
			}
		})
	}
	wg.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case bad > 0:
		return &Error{Kind: ErrSomeFailed, Err: fmt.Errorf("%d of %d", bad, len(members)), Hint: "mend what the report names, then run the same command again: what is done is kept"}
	}
	return nil
}

// beside are the prefixes of the members that are most easily mistaken for t's,
// in the same bucket: those next to it in the order of their names, and those
// that begin with the same text.
func beside(t Target, members []*Member) []string {
	const most = 2
	var others []string
	for _, m := range members {
		if o := m.Grant.Target; o.Bucket == t.Bucket && o.Prefix != t.Prefix && o.Prefix != "" {
			others = append(others, o.Prefix)
		}
	}
	own := strings.TrimSuffix(t.Prefix, "/")
	alike := func(p string) int {
		n := 0
		for n < len(p) && n < len(own) && p[n] == own[n] {
			n++
		}
		return n
	}
	slices.SortFunc(others, func(a, b string) int { return cmp.Or(alike(b)-alike(a), strings.Compare(a, b)) })
	return others[:min(most, len(others))]
}
