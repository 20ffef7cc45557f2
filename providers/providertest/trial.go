// A trial: one fresh cloud, and the runs of the program in it, one process after the other.
package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// trial is one fresh cloud and what the runs of the program leave in it. Each
// run is a new process: a new provider and a new engine over the same disk.
type trial struct {
	T
	World
	disk    *disk
	given   []core.Credential // everything that was ever delivered, with working secrets
	born    []core.Credential // everything that was ever issued, with working secrets
	issues  int               // how often a provider was asked to issue
	issuing map[string]bool   // if not nil, the operations that an issue consists of are noted in it

	byHand   []string // the keys that [World.AddKey] has made
	attempts int      // to do something as the grantee, each at another key
	runs     int
	life     *life
	late     *late
	afar     bool // nobody can act as a grantee without a key: only the cloud can be asked

	mu    sync.Mutex
	said  strings.Builder // everything that anybody could read: plans, receipts, events, errors, journal, addresses of calls
	warns []string        // the warnings of the latest run
}

func newTrial(t T, w World) *trial {
	tr := &trial{T: t, World: w, disk: &disk{settled: map[string]bool{}}}
	transport := w.Transport()
	transport.Handler = tr.tap(transport.Handler)
	transport.Classify = named(transport.Classify)
	return tr
}

// hear runs one case's part and then, whatever came of it, hunts for secrets.
func (t *trial) hear(f func(*trial)) {
	defer t.hunt()
	f(t)
}

// tap tells the living process that a call has taken effect.
func (t *trial) tap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.late != nil {
			t.late.serve(t, h, w, r)
		} else {
			h.ServeHTTP(w, r)
		}
		if t.life != nil {
			t.life.served()
		}
	})
}

// job is what one process is asked to do.
type job struct {
	as      core.Provider // nil: [World.Provider]
	grant   core.Grant
	want    core.Want // zero means Present unless absent is set
	absent  bool
	noProof bool
	refuse  error         // the delivery fails with it
	lack    error         // the rehearsal of the delivery fails with it
	mishap  mishap        // what goes wrong
	faults  []fault       // with its calls, of which the first that hits counts
	born    func()        // called before a credential is issued
	tried   func()        // called before the first try as the grantee
	between func()        // called between plan and apply
	patient time.Duration // how long the proof waits; 0 is as long as the cloud may need

	// plan makes the plan, if it is another one than toward want.
	plan func(ctx context.Context, e *core.Engine) (*core.Plan, error)
	what string // it is, with plan
}

// do runs one process: plan, then apply.
func (t *trial) do(j job) (*core.Plan, core.Receipt, error) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	l := &life{mishap: j.mishap, faults: j.faults, world: t.World, cancel: cancel, seen: map[moment]int{}, ops: map[string]int{}}
	t.life = l
	t.Transport().Fault = l.fault
	defer func() { t.Transport().Fault = nil }()
	e := t.engineWith(j.as, j.born, j.tried)
	e.Journal, e.Patience = &journal{t.disk, l}, j.patient
	t.warns = nil

	want := j.want
	if !j.absent {
		want = core.Present
	}
	plan, err := (*core.Plan)(nil), error(nil)
	if j.plan != nil {
		plan, err = j.plan(ctx, e)
	} else {
		plan, err = e.Plan(ctx, j.grant, want)
	}
	t.say(plan, err)
	if err != nil {
		return plan, core.Receipt{}, err
	}
	if j.between != nil {
		j.between()
	}
	d := &desk{life: l, refuse: j.refuse, absent: j.lack}
	receipt, err := e.Apply(ctx, plan, core.ApplyOptions{Deliver: d, NoProof: j.noProof})
	if err == nil && l.dead() {
		err = errKilled // who is dead reports nothing
	}
	t.given = append(t.given, d.given...)
	t.say(receipt, err)
	t.say(plan, nil)
	return plan, receipt, err
}

// engine is a new process's engine over a watched provider; nil is the operator who may do everything.
func (t *trial) engine(p core.Provider, born func()) *core.Engine { return t.engineWith(p, born, nil) }

func (t *trial) engineWith(p core.Provider, born, tried func()) *core.Engine {
	if p == nil {
		p = t.Provider()
	}
	t.runs++
	return &core.Engine{
		Provider: &watched{p, t, born, tried},
		Journal:  &journal{t.disk, &life{seen: map[moment]int{}}},
		RunID:    fmt.Sprintf("run-%d", t.runs),
		Host:     "judge",
		Observe: func(v core.Event) {
			t.say(v, nil)
			if v.Kind == core.Warning {
				t.mu.Lock()
				defer t.mu.Unlock()
				t.warns = append(t.warns, v.Text)
			}
		},
	}
}

// must runs a job that has to succeed.
func (t *trial) must(j job) (*core.Plan, core.Receipt) {
	t.Helper()
	plan, receipt, err := t.do(j)
	if err != nil {
		t.Fatalf("%s: got error %v, want success%s", j.name(), err, changes(plan))
	}
	return plan, receipt
}

// fails runs a job that has to fail with an error of that kind.
func (t *trial) fails(j job, kind error) (*core.Plan, error) {
	t.Helper()
	plan, _, err := t.do(j)
	if !errors.Is(err, kind) {
		t.Fatalf("%s: got error %v, want one of kind %q%s", j.name(), err, kind, changes(plan))
	}
	return plan, err
}

func (j job) name() string {
	switch {
	case j.what != "":
		return j.what
	case j.absent:
		return "destroy"
	}
	return "apply"
}

// blueprint compiles a grant that has to be acceptable.
func (t *trial) blueprint(g core.Grant) core.Blueprint {
	t.Helper()
	b, err := core.Compile(t.Provider(), g)
	if err != nil {
		t.Fatalf("compile %+v: got error %v, want success", g, err)
	}
	return b
}

// prove proves a credential as the operator.
func (t *trial) prove(as core.Provider, b core.Blueprint, c core.Credential) (core.Proof, error) {
	t.Helper()
	return t.proveFor(0, as, b, c)
}

// proveFor waits for what is granted for at most so long; 0 is as long as the cloud may need.
func (t *trial) proveFor(patience time.Duration, as core.Provider, b core.Blueprint, c core.Credential) (core.Proof, error) {
	t.Helper()
	e := t.engine(as, nil)
	e.Patience = patience
	steps, err := e.Provider.Open(t.Context(), b)
	if err != nil {
		t.say(nil, err)
		return core.Proof{}, err
	}
	proof, err := e.Prove(t.Context(), b, steps, c)
	t.say(proof, err)
	return proof, err
}

// last is the credential that was delivered last.
func (t *trial) last() core.Credential {
	t.Helper()
	if len(t.given) == 0 {
		t.Fatalf("got no delivery, want one")
	}
	return t.given[len(t.given)-1]
}

// writing counts the writes that f makes, by name.
func (t *trial) writing(f func()) []string {
	before := len(t.Transport().Calls())
	f()
	var writes []string
	for _, c := range t.Transport().Calls()[before:] {
		if c.Op.Write {
			writes = append(writes, c.Op.Name)
		}
	}
	return writes
}

// same compares two views of the cloud.
func (t *trial) same(promise, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", promise, got, want)
	}
}

// holds compares two lists.
func (t *trial) holds(promise string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", promise, got, want)
	}
}

// say keeps what a user, a log or a ticket could see.
func (t *trial) say(v any, err error) {
	raw, bad := json.Marshal(v)
	if bad != nil {
		t.Errorf("%T does not marshal: %v", v, bad)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(&t.said, "%s\n%+v\n", raw, v)
	for e := range causes(err) {
		fmt.Fprintf(&t.said, "%v\n%+v\n", e, e)
	}
}

// causes is err and everything that it wraps.
func causes(err error) func(func(error) bool) {
	return func(yield func(error) bool) { walk(err, yield) }
}

func walk(err error, yield func(error) bool) bool {
	if err == nil {
		return true
	}
	if !yield(err) {
		return false
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), yield)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if !walk(one, yield) {
				return false
			}
		}
	}
	return true
}

// changes shows a plan in a failure.
func changes(p *core.Plan) string {
	var b strings.Builder
	if p != nil {
		for _, c := range p.Changes {
			fmt.Fprintf(&b, "\n  %s %s %s", c.Action, c.Addr, c.Why)
		}
	}
	return b.String()
}

// timeout bounds a call that may never be answered.
func timeout(t *trial, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
