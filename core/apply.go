// Apply: carrying a plan out, and handing over what it makes.
package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Engine plans, applies, proves and destroys grants in one cloud.
type Engine struct {
	Provider Provider
	Journal  Journal
	RunID    string        // unique for each run; part of probe keys
	Host     string        // names this machine to people on others
	Pace     time.Duration // between two rounds of a proof; 0 is [DefaultPace]
	Patience time.Duration // how long a proof waits for what is granted to work; 0 is as long as the cloud may need
	Beside   []string      // prefixes of other grants in the same bucket, which a proof must be refused at
	Observe  func(Event)   // progress for people; may be nil; changes call it side by side
}

// EventKind says what an event is about.
type EventKind string

// The kinds of events.
const (
	Started EventKind = "started" // a change begins
	Done    EventKind = "done"    // a change is settled
	Failed  EventKind = "failed"  // a change failed
	Proving EventKind = "proving" // the proof goes on
	Waiting EventKind = "waiting" // something takes its time
	Warning EventKind = "warning" // something that the user must know
)

// Event is a moment of a run. It never holds a secret.
type Event struct {
	Kind EventKind
	Addr string
	Text string
}

func (e *Engine) tell(v Event) {
	if e.Observe != nil {
		e.Observe(v)
	}
}

// Deliverer puts a credential into its holder's hands.
type Deliverer interface {
	// Rehearse does with a dummy whatever could fail: formats, seals, checks the
	// place where files will go. It leaves nothing behind.
	Rehearse() error

	// Deliver returns when the delivery is durable. If it fails, the credential
	// is retired and nothing that Deliver wrote remains.
	Deliver(c Credential, r Receipt) (Delivery, error)
}

// ApplyOptions are the choices of one apply.
type ApplyOptions struct {
	Deliver Deliverer // may be nil only if the plan issues nothing
	NoProof bool      // deliver unproven; the receipt says so
}

const (
	changesAtOnce = 16
	retireFor     = 2 * time.Minute // a retirement must end even after a cancel
)

// Apply carries p out. What has been done so far is in the receipt even if
// there is an error. Running it again after any failure converges.
func (e *Engine) Apply(ctx context.Context, p *Plan, o ApplyOptions) (Receipt, error) {
	r := Receipt{RunID: e.RunID, Account: p.Operator.Account, PlanDigest: p.Digest, Started: time.Now().UTC(), Proof: Proof{How: Skipped}}
	info := e.Provider.Info()
	r.Describe(p.Blueprint, info.Abilities)
	r.Trusts = info.Trusts(p.Blueprint.Grant)
	err := e.apply(ctx, p, o, &r)
	if r.Calls == 0 {
		r.Calls, r.Depth = p.Calls, p.Depth
	}
	r.Ended = time.Now().UTC()
	return r, err
}

func (e *Engine) apply(ctx context.Context, p *Plan, o ApplyOptions, r *Receipt) error {
	if err := e.mayStart(p, o); err != nil {
		return err
	}
	p, err := e.renewed(ctx, p)
	if err != nil {
		return err
	}
	if err := e.settlePending(ctx, p); err != nil {
		return err
	}
	meter := Meter{calls: p.Calls, depth: p.Depth}
	ctx = atDepth(WithMeter(ctx, &meter), p.Depth)
	if err := e.claim(ctx, p); err != nil {
		return err
	}
	defer p.hold.wait(ctx)
	keysOnly := p.Want.Keys.only()
	if err := e.intendLost(p); err != nil {
		return err
	}
	opens := p.steps.Credential == nil && p.Want.Present && !keysOnly && !o.NoProof && (p.Changed() || len(p.unproven) > 0)
	if opens {
		if err := e.intendProof(p); err != nil {
			return err
		}
	}
	var credential Credential
	var handing string   // the journal's entry for the delivery under way
	var settled sync.Map // the addresses of the changes that are done
	todo := slices.DeleteFunc(slices.Clone(p.Changes), func(c Change) bool { return !c.Action.Writes() })
	carry := func(ctx context.Context, c Change) error {
		e.tell(Event{Kind: Started, Addr: c.Addr, Text: c.Action.String()})
		if len(p.late) == 0 && !p.Issues() && p.Want.Present {
			p.hold.starts(ctx, len(todo))
		}
		err := guardedAs(ErrUnknown, func() (err error) { // it may have been sent
			if c.Step == CredentialStep && c.Action == Make {
				credential, handing, err = e.issue(ctx, p, c)
				return err
			}
			return e.do(ctx, p, c)
		})
		if err != nil {
			e.tell(Event{Kind: Failed, Addr: c.Addr, Text: err.Error()})
			return about(c.Addr, err)
		}
		settled.Store(c.Addr, true)
		e.tell(Event{Kind: Done, Addr: c.Addr, Text: c.Action.String()})
		return nil
	}
	late := func(c Change) bool { return slices.Contains(p.late, c.Addr) }
	if p.Want.Keys.Shut {
		err = errors.Join(everyOne(ctx, todo, carry), p.unlisted)
	} else {
		err = p.hold.noting(ctx, func(ctx context.Context) error {
			return schedule(ctx, slices.DeleteFunc(slices.Clone(todo), late), changesAtOnce, carry)
		})
	}
	if !p.Want.Present && err == nil {
		p.hold.drop() // with what bore it
	}
	if len(p.late) == 0 {
		p.hold.end(ctx) // beside the proof
	}
	for _, c := range todo { // in the plan's order, whatever was done first
		if _, done := settled.Load(c.Addr); done {
			r.Changes = append(r.Changes, c)
		}
	}
	r.Calls, r.Depth = meter.Read()
	if !opens && len(p.late) == 0 {
		p.hold.wait(ctx)
		calls, depth := p.hold.meter.Read()
		r.Calls, r.Depth = r.Calls+calls, max(r.Depth, depth)
	}
	if !credential.Secret.Empty() {
		defer credential.Secret.Clear()
		if err := e.conclude(ctx, p, o, credential, handing, err, r); err != nil {
			return err
		}
	}
	if err == nil && opens {
		err = e.proveOpened(ctx, p, r)
	}
	if err == nil && len(p.late) > 0 {
		lost := slices.DeleteFunc(slices.Clone(todo), func(c Change) bool { return !late(c) })
		err = schedule(ctx, lost, changesAtOnce, carry)
		for _, c := range lost {
			if _, done := settled.Load(c.Addr); done {
				r.Changes = append(r.Changes, c)
			}
		}
	}
	if err == nil && !keysOnly {
		err = tellGrantee(ctx, p, r)
	}
	if err != nil {
		return err
	}
	p.hold.wait(ctx) // before this run forgets what it would go on with
	p.stale = append(p.stale, p.lost...)
	return e.closeStale(p)
}

// everyOne carries out all changes side by side, whatever becomes of the others:
// what can be cut is cut.
func everyOne(ctx context.Context, todo []Change, carry func(context.Context, Change) error) error {
	errs := make([]error, len(todo))
	all := make([]func(context.Context) error, len(todo))
	for i, c := range todo {
		all[i] = func(ctx context.Context) error {
			errs[i] = carry(ctx, c)
			return nil
		}
	}
	return errors.Join(Together(ctx, all...), errors.Join(errs...))
}

// mayStart checks everything that can be known before the first write.
func (e *Engine) mayStart(p *Plan, o ApplyOptions) error {
	if p.Offline || p.steps == nil {
		return &Error{Kind: ErrInvalid, What: "plan", Err: errors.New("was made without looking at the cloud")}
	}
	if err := p.Stopped(); err != nil {
		return err
	}
	if !p.Issues() {
		return nil
	}
	if o.Deliver == nil {
		return &Error{Kind: ErrInvalid, What: "hand-off", Err: errors.New("a credential would be issued, but nobody is there to receive it")}
	}
	return o.Deliver.Rehearse()
}

// renewAfter is how old a plan may be that is carried out as it is.
const renewAfter = 30 * time.Second

// renewed is p itself while it is young. A plan that somebody has thought about
// for longer is made again, and must still say the same.
func (e *Engine) renewed(ctx context.Context, p *Plan) (*Plan, error) {
	if time.Since(p.Made) < renewAfter {
		return p, nil
	}
	again, err := e.Plan(ctx, p.Blueprint.Grant, p.Want)
	if err != nil {
		return nil, err
	}
	if again.Digest != p.Digest {
		return nil, &Error{Kind: ErrMoved, What: "plan", Err: errors.New("nothing has been written"), Hint: "run the same command again and look at the plan"}
	}
	again.Calls, again.Depth = again.Calls+p.Calls, again.Depth+p.Depth
	return again, nil
}

// do carries one change out, between its two lines in the journal.
func (e *Engine) do(ctx context.Context, p *Plan, c Change) error {
	if err := p.hold.mayWrite(); err != nil {
		return err
	}
	i := Intent{ID: e.RunID + "/" + c.Addr, RunID: e.RunID, Account: p.Operator.Account, Verb: DoChange, Addr: c.Addr, At: time.Now().UTC()}
	if c.Step == CredentialStep {
		i.Key = p.keyAt(c.Addr)
	}
	switch w := p.Want.Keys; {
	case c.Step == CredentialStep && c.After == keyOff:
		i.Cause = cmp.Or(w.Cause, Revoked)
	case c.Step == CredentialStep && c.Action == Drop && w.Cause == Aborted:
		i.Cause = w.Cause // a retirement may switch it off first
	}
	if err := e.Journal.Intend(i); err != nil {
		return err
	}
	var err error
	switch c.Step {
	case BucketStep:
		err = p.steps.Bucket.Do(ctx, c)
	case RoleStep:
		err = p.steps.Role.Do(ctx, c)
	case CredentialStep:
		err = e.turn(ctx, p, c)
	case GateStep:
		err = p.steps.Gate.Do(ctx, c)
	default:
		err = fmt.Errorf("no such step %q", c.Step)
	}
	if errors.Is(err, ErrUnknown) || err != nil && i.Cause != "" {
		return err // stays pending; doing it again, or the key's state, decides
	}
	return errors.Join(err, e.Journal.Settle(i.ID, err == nil))
}

// keyAt is the ID of the key with that address.
func (p *Plan) keyAt(addr string) string {
	for _, k := range p.Keys {
		if p.steps.ring().Addr(k.ID) == addr {
			return k.ID
		}
	}
	return ""
}

// about adds the address to an error that does not name it yet.
func about(addr string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.What != "" {
		return err
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // only err itself is renamed; what wraps one keeps its own text
		named := *e
		named.What = addr
		return &named
	}
	return fmt.Errorf("%s: %w", addr, err)
}
