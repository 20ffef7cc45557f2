// What is done when something is not as it should be: panics, other accounts, lists that lag, clocks that differ, plans that grew old.
package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// debts is what some run has to settle.
func debts(j *ledger) []Intent {
	return slices.DeleteFunc(slices.Clone(j.open), func(i Intent) bool { return i.Verb.Lasts() })
}

// noStep is a step that finds these changes and does nothing.
type noStep struct{ changes []Change }

func (n noStep) Diff(context.Context, Want) ([]Change, error) { return n.changes, nil }
func (n noStep) Do(context.Context, Change) error             { return nil }

// small is a provider with one holder and nothing else.
type small struct {
	holder *holder
	role   []Change
	act    func() (Actor, error)
}

func (s *small) Info() Info {
	return Info{Name: "small", Settle: time.Minute, Identities: []Identity{{Who: WhoKey, Form: PairForm}}}
}
func (s *small) Compile(g Grant) (Blueprint, error) { return Blueprint{Cloud: "small", Grant: g}, nil }
func (s *small) Act(context.Context, Blueprint, Credential) (Actor, error) {
	return s.act()
}

func (s *small) Open(context.Context, Blueprint) (*Steps, error) {
	return &Steps{
		Whoami: func(context.Context) (Operator, error) { return Operator{Account: "one"}, nil },
		Bucket: noStep{}, Role: noStep{s.role}, Credential: s.holder,
	}, nil
}

// hand is a deliverer.
type hand func(Credential) error

func (h hand) Rehearse() error { return nil }
func (h hand) Deliver(c Credential, _ Receipt) (Delivery, error) {
	return Delivery{}, h(c)
}

// ledger is a journal in memory.
type ledger struct {
	mu   sync.Mutex
	open []Intent
	fail string // the ID whose settling fails
}

func (l *ledger) Intend(i Intent) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = append(l.open, i)
	return nil
}

func (l *ledger) Pending() ([]Intent, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.open), nil
}

func (l *ledger) Settle(id string, _ bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != "" && strings.HasSuffix(id, l.fail) {
		return errors.New("disk full")
	}
	l.open = slices.DeleteFunc(l.open, func(i Intent) bool { return i.ID == id })
	return nil
}

const canary = "canary-secret"

func (h *holder) bear(id string) {
	h.born = func(context.Context) (Credential, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.keys = append(h.keys, Key{ID: id, Created: time.Now(), Active: true})
		return Credential{ID: id, Form: PairForm, Secret: NewSecret([]byte(canary)), Created: time.Now()}, nil
	}
}

var anyGrant = Grant{Name: "acme", Who: WhoKey, Can: []Ability{Create}}

func run(t *testing.T, s *small, j Journal, d Deliverer) (Receipt, error) {
	t.Helper()
	e := &Engine{Provider: s, Journal: j, RunID: fmt.Sprint("run", time.Now().UnixNano())}
	p, err := e.Plan(t.Context(), anyGrant, Present)
	if err != nil {
		t.Fatal(err)
	}
	return e.Apply(t.Context(), p, ApplyOptions{Deliver: d, NoProof: true})
}

func TestPanicLeavesNoKeyAndShowsNoValue(t *testing.T) {
	for name, c := range map[string]struct {
		deliver hand
		act     func() (Actor, error)
	}{
		"in a delivery": {deliver: func(c Credential) error { panic(string(c.Secret.Reveal())) }},
		"in a proof":    {act: func() (Actor, error) { panic(canary) }},
	} {
		t.Run(name, func(t *testing.T) {
			h, j := &holder{}, &ledger{}
			h.bear("k1")
			s := &small{holder: h, act: c.act}
			e := &Engine{Provider: s, Journal: j, RunID: "run"}
			p, err := e.Plan(t.Context(), anyGrant, Present)
			if err != nil {
				t.Fatal(err)
			}
			r, err := e.Apply(t.Context(), p, ApplyOptions{Deliver: c.deliver, NoProof: c.act == nil})
			if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "internal error") {
				t.Errorf("got error %v, want one that says where and not what", err)
			}
			if len(h.keys) != 0 || r.Retired != "k1" || len(j.open) != 0 {
				t.Errorf("the key is retired and settled: got keys %v, retired %q, pending %v", h.keys, r.Retired, j.open)
			}
		})
	}
}

func TestPanicSideBySideIsAnError(t *testing.T) {
	err := Together(t.Context(), func(context.Context) error { panic(canary) }, func(context.Context) error { return nil })
	if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "TestPanicSideBySideIsAnError") {
		t.Errorf("got %v, want the place of the panic and not its value", err)
	}
	err = schedule(t.Context(), []Change{made("a")}, 1, func(context.Context, Change) error { panic(canary) })
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v, want the place of the panic and not its value", err)
	}
}

func TestAnotherAccountsDebtsAreLeftAlone(t *testing.T) {
	h := &holder{keys: []Key{{ID: "k9", Created: time.Now(), Active: true}}}
	j := &ledger{open: []Intent{
		{ID: "other/deliver", Account: "two", Verb: DoHand, Key: "k1", At: time.Now().Add(-time.Hour)},
		{ID: "other/issue", Account: "two", Verb: DoIssue, At: time.Now()},
	}}
	if _, err := run(t, &small{holder: h}, j, nil); err != nil {
		t.Fatal(err)
	}
	if len(h.keys) != 1 || len(j.open) != 2 {
		t.Errorf("an account knows nothing of another: got keys %v, pending %v", h.keys, j.open)
	}
}

func TestUndeliveredKeyThatNoListShowsIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &holder{}
		h.bear("k2")
		j := &ledger{open: []Intent{{ID: "dead/deliver", Account: "one", Verb: DoHand, Key: "k1", At: time.Now()}}}
		s := &small{holder: h}
		fine := hand(func(Credential) error { return nil })
		if _, err := run(t, s, j, fine); err != nil {
			t.Fatal(err)
		}
		if len(debts(j)) != 1 {
			t.Fatalf("the debt stays open while the list may lag: got %v", j.open)
		}
		h.keys = append(h.keys, Key{ID: "k1", Created: time.Now(), Active: true}) // the list catches up
		time.Sleep(time.Second)
		if _, err := run(t, s, j, fine); err != nil {
			t.Fatal(err)
		}
		if len(h.keys) != 1 || h.keys[0].ID != "k2" || len(debts(j)) != 0 {
			t.Errorf("the undelivered key goes, the delivered one stays: got keys %v, pending %v", h.keys, j.open)
		}
	})
}

func TestOldUnknownIssueDoesNotCostALaterKey(t *testing.T) {
	now := time.Now()
	later := Key{ID: "later", Created: now, Active: true}
	_, got := decide(t, Present, []Key{later}, Intent{ID: "i", Verb: DoIssue, At: now.Add(-24 * time.Hour)})
	if !slices.Equal(got, []string{"= key/later"}) {
		t.Errorf("a key of another day is not that intent's: got %q", got)
	}
	lost := Key{ID: "lost", Created: now.Add(-3 * time.Minute), Active: true}
	_, got = decide(t, Present, []Key{lost}, Intent{ID: "i", Verb: DoIssue, At: now})
	if !slices.Equal(got, []string{"- key/lost", "+ key/"}) {
		t.Errorf("clocks differ by minutes: got %q", got)
	}
}

func TestDebtsAreClosedBeforeTheNextKeyIsMade(t *testing.T) {
	h := &holder{}
	j := &ledger{open: []Intent{{ID: "old/issue", Account: "one", Verb: DoIssue, At: time.Now().Add(-decideAfter)}}, fail: "/deliver"}
	h.bear("k1")
	r, err := run(t, &small{holder: h}, j, hand(func(Credential) error { return nil }))
	if !errors.Is(err, ErrUnknown) || r.Delivery == nil {
		t.Errorf("a delivery that the journal could not note is said to be one: got %v, delivery %v", err, r.Delivery)
	}
	for _, i := range j.open {
		if i.ID == "old/issue" {
			t.Error("an old intent that is still open would take the next key for its own")
		}
	}
}

func TestKeyMadeBySomebodyElseSinceThePlanStopsTheIssue(t *testing.T) {
	h := &holder{}
	h.bear("mine")
	s := &small{holder: h, role: []Change{{Step: RoleStep, Action: Keep, Addr: "user"}}}
	e := &Engine{Provider: s, Journal: &ledger{}, RunID: "run"}
	p, err := e.Plan(t.Context(), anyGrant, Present)
	if err != nil {
		t.Fatal(err)
	}
	h.keys = []Key{{ID: "theirs", Active: true}}
	if _, err := e.Apply(t.Context(), p, ApplyOptions{Deliver: hand(nil), NoProof: true}); !errors.Is(err, ErrMoved) {
		t.Errorf("got %v, want %v", err, ErrMoved)
	}
	if len(h.keys) != 1 {
		t.Errorf("no second key: got %v", h.keys)
	}
}

func TestPlanThatGrewOldIsMadeAgainBeforeTheFirstWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &holder{}
		h.bear("k1")
		s := &small{holder: h}
		e := &Engine{Provider: s, Journal: &ledger{}, RunID: "run"}
		p, err := e.Plan(t.Context(), anyGrant, Present)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(renewAfter)
		s.role = []Change{{Step: RoleStep, Action: Refuse, Addr: "user", Why: "a stranger's"}}
		if _, err := e.Apply(t.Context(), p, ApplyOptions{Deliver: hand(nil), NoProof: true}); !errors.Is(err, ErrMoved) {
			t.Errorf("got %v, want %v", err, ErrMoved)
		}
		s.role = nil
		if _, err := e.Apply(t.Context(), p, ApplyOptions{Deliver: hand(func(Credential) error { return nil }), NoProof: true}); err != nil || len(h.keys) != 1 {
			t.Errorf("a plan that still says the same is carried out: got %v, keys %v", err, h.keys)
		}
	})
}

// startled is an actor that panics when it tries to list.
type startled struct{}

func (startled) Try(_ context.Context, p Probe) (Outcome, error) {
	if p.Ability == List {
		panic(canary)
	}
	return p.Want, nil
}

func TestPanicOfAnActorIsAnErrorThatShowsNoValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &prover{actor: startled{}, probes: ProbesFor(plain(), everything(), "run", ""), settle: time.Minute, pace: time.Second, tell: func(Event) {}, keys: map[string]bool{}}
		_, err := v.prove(t.Context())
		if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "internal error") {
			t.Errorf("got %v, want the place of the panic and not its value", err)
		}
		if len(v.keys) == 0 {
			t.Error("what other probes have written is still known, so that it can be removed")
		}
	})
}
