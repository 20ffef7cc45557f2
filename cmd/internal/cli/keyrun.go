// Key runs: what turns keys and the gate, and nothing else.
package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// planner makes the plan of one verb.
type planner func(context.Context, *core.Engine, core.Grant) (*core.Plan, error)

// keyOptions are the choices that all key runs have.
type keyOptions struct {
	grant     *grantFlags
	Yes       bool
	Journal   string
	needsKeys bool // there is nothing to do where no key opens the grant
}

// keyRunJSON is what a key run did, as machines read it.
type keyRunJSON struct {
	SchemaVersion int           `json:"schema_version"`
	RunID         string        `json:"run_id"`
	Sandbox       bool          `json:"sandbox,omitempty"`
	Grant         string        `json:"grant"`
	Account       string        `json:"account"`
	Changes       []core.Change `json:"changes"`
	RestsUntil    time.Time     `json:"rests_until,omitzero"`
	Refused       *bool         `json:"refused,omitempty"`          // the revoked credential was tried, and is refused
	Waited        time.Duration `json:"refused_after_ns,omitempty"` // until it was
	Says          []string      `json:"says,omitempty"`             // what to know and to do next
}

// say adds something to know.
func (d *keyRunJSON) say(format string, args ...any) {
	d.Says = append(d.Says, fmt.Sprintf(format, args...))
}

// keyRun plans, shows, asks, carries out and prints. after, if there is one, adds to what is printed.
func (a *app) keyRun(ctx context.Context, o keyOptions, plan planner, after func(*keyRunJSON, *core.Engine, *core.Plan) error) (err error) {
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	r, faults, err := a.request(s.provider, o.grant)
	if err != nil {
		return err
	}
	if o.needsKeys {
		if none, err := a.nothingToRotate(r.Grant, faults); none || err != nil {
			return err
		}
	}
	if o.Journal != "" {
		faults = append(faults, a.unusable("journal", o.Journal)...)
	}
	if err := faults.Err(); err != nil {
		return err
	}
	progress := a.progress()
	e, err := s.engine(r.Grant.Name, o.Journal, writing, progress.observe)
	if err != nil {
		return err
	}
	p, err := a.reading(func() (*core.Plan, error) { return plan(ctx, e, r.Grant) })
	if err != nil {
		return err
	}
	if len(p.Changes) == 0 {
		return &core.Error{What: "grant " + r.Grant.Name, Err: errors.New("there is no such grant here: nothing was done"), Hint: "name the grant by the same --name, or the same --profile, --bucket and --prefix, as apply"}
	}
	if a.talks() || a.asks(o.Yes) {
		w := a.paper(a.env.Stderr, a.env.Terminal.Err)
		if s.sandbox != nil {
			w.loud(sandboxBanner)
		}
		w.line("grant %s, %s %s", r.Grant.Name, a.info.Nouns.Account, p.Operator.Account)
		a.changes(w, p.Changes)
	}
	if err := p.Stopped(); err != nil {
		return err
	}
	if p.Changed() && !o.Yes {
		if err := a.confirm(ctx, fmt.Sprintf("Carry this out in %s %s? [y/N]", a.info.Nouns.Account, p.Operator.Account), "y"); err != nil {
			return err
		}
	}
	receipt, err := e.Apply(ctx, p, core.ApplyOptions{})
	d := keyRunJSON{SchemaVersion: 1, RunID: e.RunID, Sandbox: s.sandbox != nil, Grant: r.Grant.Name, Account: p.Operator.Account, Changes: receipt.Changes}
	if err == nil && after != nil {
		err = after(&d, e, p)
	}
	if err != nil {
		for _, c := range p.Changes {
			if c.Action.Writes() && !slices.ContainsFunc(receipt.Changes, func(done core.Change) bool { return done.Addr == c.Addr }) {
				d.say("NOT done: %s %s", c.Action, c.Addr)
			}
		}
	}
	progress.done()
	return join(err, a.printKeyRun(d))
}

// printKeyRun prints what was done.
func (a *app) printKeyRun(d keyRunJSON) error {
	if a.global.JSON {
		return printJSON(a.env.Stdout, d)
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if len(d.Changes) == 0 {
		w.line("grant %s: nothing to do", d.Grant)
	} else {
		w.line("grant %s: %d changes done", d.Grant, len(d.Changes))
		a.changes(w, d.Changes)
	}
	for _, text := range d.Says {
		w.line("%s", text)
	}
	return w.err
}

// reading makes a plan while saying that this takes a while.
func (a *app) reading(plan func() (*core.Plan, error)) (*core.Plan, error) {
	a.env.Doing.Set("reading the cloud; nothing has been written")
	defer a.unlessQuick("reading what is there …")()
	return plan()
}

// unlessQuick says text to a person if something has not ended within a second.
func (a *app) unlessQuick(text string) (ended func()) {
	slow := time.AfterFunc(time.Second, func() {
		if a.talks() {
			say(a.env.Stderr, text)
		}
	})
	return func() { slow.Stop() }
}
