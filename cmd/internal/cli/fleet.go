// Fleet: plan, apply and destroy for a file of many grants.
package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// fleetOptions are the choices of a command that make sense for many grants only.
type fleetOptions struct {
	Parallel int
}

func (o *fleetOptions) add(flags *pflag.FlagSet) {
	flags.IntVar(&o.Parallel, "parallel", core.MembersAtOnce, "with a file of many grants: how many are under way side by side, `N` from 1 to 256")
}

// fleet is one run for many grants.
type fleet struct {
	app      *app
	session  *session
	requests []request
	members  []*core.Member
	core     core.Fleet
}

// fleetOf returns the fleet of the grant file, nil if the file is one grant's or there is none.
func (a *app) fleetOf(s *session, g *grantFlags, o fleetOptions, journal string) (*fleet, core.Faults, error) {
	words, faults := a.fleetFile(g)
	if words == nil {
		return nil, nil, nil
	}
	if o.Parallel < 1 || o.Parallel > 256 {
		faults = append(faults, core.Fault{Field: "parallel", Value: fmt.Sprint(o.Parallel), Rule: "is out of bounds", Accepts: "1 to 256"})
	}
	f := &fleet{app: a, session: s}
	if len(faults) == 0 {
		requests, found, err := a.fleetRequests(s.provider, g, words)
		if err != nil {
			return nil, nil, err
		}
		f.requests, faults = requests, found
	}
	for _, r := range f.requests {
		f.members = append(f.members, &core.Member{Grant: r.Grant})
	}
	f.core = core.Fleet{AtOnce: o.Parallel, Observe: f.progress(), Open: func(g core.Grant, write bool) (*core.Engine, func() error, error) {
		how := reading
		if write {
			how = writing
		}
		e, closer, err := s.opened(g.Name, journal, how, f.warnings(g.Name))
		if closer == nil {
			closer = func() error { return nil }
		}
		return e, closer, err
	}}
	return f, faults, nil
}

// warnings passes on what the user must know of one grant, and nothing else.
func (f *fleet) warnings(grant string) func(core.Event) {
	var mu sync.Mutex
	out := f.app.paper(f.app.env.Stderr, f.app.env.Terminal.Err)
	return func(e core.Event) {
		if e.Kind != core.Warning {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		f.app.warn(out, grant+": "+about(e))
	}
}

// progress tells how many members have ended.
func (f *fleet) progress() func(*core.Member, int) {
	out := f.app.paper(f.app.env.Stderr, f.app.env.Terminal.Err)
	last := time.Now()
	return func(m *core.Member, at int) {
		f.app.env.Doing.Set(fmt.Sprintf("%d of %d grants have ended; run the same command again to finish the rest", at, len(f.members)))
		if f.app.talks() && (time.Since(last) >= time.Second || at == len(f.members)) {
			last = time.Now()
			out.line("  %d of %d", at, len(f.members))
		}
	}
}

// deliver gives every member its hand-off, and names what is wrong with any.
func (f *fleet) deliver(o handoffOptions) (core.Faults, error) {
	var faults core.Faults
	for i, r := range f.requests {
		var found core.Faults
		h, err := f.app.handoff(r, o, &found)
		if err != nil {
			return nil, err
		}
		f.app.mustReach(r, o, &found)
		f.app.mustAccept(r, &found)
		if f.app.info.Form(r.Grant.Who) != "" {
			f.members[i].Deliver = &marked{h, f.session.sandbox != nil}
		}
		found = append(found, mustLast(r.Grant, time.Now())...)
		for _, one := range append(found, f.app.unusable("out", orDefault(r.Out, defaultOut))...) {
			if !slices.Contains(faults, one) {
				faults = append(faults, one)
			}
		}
	}
	return faults, nil
}

// holdDirs makes the directories that members write to, until release.
func (f *fleet) holdDirs() (release func() error, err error) {
	held := map[string]func() error{}
	release = func() (err error) {
		for _, one := range held {
			err = errors.Join(err, one())
		}
		return err
	}
	for _, r := range f.requests {
		dir := f.app.env.path(orDefault(r.Out, defaultOut))
		if held[dir] != nil {
			continue
		}
		if held[dir], err = handoff.HoldDir(dir); err != nil {
			delete(held, dir)
			return nil, errors.Join(fmt.Errorf("directory %q: %s", orDefault(r.Out, defaultOut), cause(err)), release())
		}
	}
	return release, nil
}

// plan looks at every member without writing.
func (f *fleet) plan(ctx context.Context, want core.Want) error {
	f.app.env.Doing.Set("reading the cloud; nothing has been written")
	err := f.core.Plan(ctx, f.members, want)
	if errors.Is(err, core.ErrSomeFailed) {
		return nil // each says so itself
	}
	return err
}

// planFleet is the command plan for many grants.
func (a *app) planFleet(ctx context.Context, f *fleet, o planOptions) error {
	var faults core.Faults
	if o.Out != "" {
		faults = append(faults, core.Fault{Field: "out", Value: o.Out, Rule: "cannot keep the plans of many grants", Accepts: "apply -f FILE, which shows them and asks"})
	}
	if o.Operator != "" {
		faults = append(faults, core.Fault{Field: operatorKey, Value: o.Operator, Rule: "is of one grant", Accepts: "the flags that the file says of one of its grants"})
	}
	accepted := true
	for _, r := range f.requests {
		accepted = accepted && r.AcceptRisk
		for _, one := range mustLast(r.Grant, time.Now()) {
			if !slices.Contains(faults, one) {
				faults = append(faults, one)
			}
		}
	}
	if err := faults.Err(); err != nil {
		return err
	}
	if o.Offline {
		for _, m := range f.members {
			m.Plan, m.Err = (&core.Engine{Provider: f.session.provider}).Offline(m.Grant)
		}
	} else if err := f.plan(ctx, core.Present); err != nil {
		return err
	}
	if err := a.printFleetPlan(f, planView{Sandbox: f.session.sandbox != nil, Documents: o.Documents, Prove: true, Accepted: accepted}); err != nil {
		return err
	}
	bad, refused, changes := 0, 0, 0
	for _, m := range f.members {
		switch {
		case m.Err != nil:
			bad++
		case len(m.Plan.Refused()) > 0:
			refused++
		case m.Plan.Changed():
			changes++
		}
	}
	switch {
	case bad > 0:
		return f.some(bad)
	case o.ExitCode && refused > 0:
		return &core.Error{Kind: core.ErrNotOurs, Err: fmt.Errorf("%d of %d grants", refused, len(f.members))}
	case o.ExitCode && changes > 0:
		return errChanges
	}
	return nil
}

// applyFleet is the command apply for many grants.
func (a *app) applyFleet(ctx context.Context, f *fleet, o applyOptions) error {
	faults, err := f.deliver(o.Handoff)
	if err != nil {
		return err
	}
	if err := faults.Err(); err != nil {
		return err
	}
	f.core.NoProof = o.NoVerify
	question := fmt.Sprintf("Carry this out for %d grants? [y/N]", len(f.members))
	if err := f.agreed(ctx, core.Present, o.Yes, question, "y"); err != nil {
		return err
	}
	release, err := f.holdDirs()
	if err != nil {
		return err
	}
	return join(f.carryOut(ctx, core.Present), release())
}

// destroyFleet is the command destroy for many grants.
func (a *app) destroyFleet(ctx context.Context, f *fleet, o destroyOptions) error {
	if o.DropBucket != "" {
		return core.Faults{{Field: "drop-bucket", Value: o.DropBucket, Rule: "is given for many grants", Accepts: "destroy for the last grant of the bucket alone"}}
	}
	wanted := fmt.Sprintf("end %d grants", len(f.members))
	if err := f.agreed(ctx, core.Absent, o.Yes, "This ends the access of all of them. Type \""+wanted+"\" to go on:", wanted); err != nil {
		return err
	}
	return f.carryOut(ctx, core.Absent)
}

// agreed shows the plans and asks. With yes nothing is asked, and each member is
// planned only right before it is carried out.
func (f *fleet) agreed(ctx context.Context, want core.Want, yes bool, question, wanted string) error {
	if yes {
		return nil
	}
	if !f.app.asks(false) {
		return f.app.confirm(ctx, question, wanted) // says that there is nobody to ask
	}
	if err := f.plan(ctx, want); err != nil {
		return err
	}
	w := f.app.paper(f.app.env.Stderr, f.app.env.Terminal.Err)
	f.app.fleetPlan(w, f, planView{Sandbox: f.session.sandbox != nil, Prove: true, Accepted: true})
	if w.err != nil {
		return w.err
	}
	return f.app.confirm(ctx, question, wanted)
}

func (f *fleet) carryOut(ctx context.Context, want core.Want) error {
	failed := f.core.Apply(ctx, f.members, want)
	for i, m := range f.members {
		m.Receipt.Sandbox = f.session.sandbox != nil
		if m.Err == nil && want.Present {
			m.Receipt = f.app.aside(m.Receipt, f.requests[i].Out)
			_, m.Err = f.app.publish(m.Receipt, f.requests[i].Out)
		}
		m.Err = f.app.unsecret(m.Err, m.Receipt)
	}
	return join(failed, f.app.printFleet(f, want))
}

// some is the error of a fleet of which some members failed.
func (f *fleet) some(bad int) error {
	return &core.Error{Kind: core.ErrSomeFailed, Err: fmt.Errorf("%d of %d", bad, len(f.members))}
}

// reason is the first line of why a member failed.
func (f *fleet) reason(m *core.Member) string {
	p := describe(m.Err, f.app.cloud.Program)
	line, _, _ := strings.Cut(p.Error, "\n")
	if p.Hint != "" {
		line += " (" + strings.ReplaceAll(p.Hint, "--name", "name:") + ")" // in a file, names are keys
	}
	return line
}
