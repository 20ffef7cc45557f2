// The whole story of a grant on the fake AWS, and how many calls it takes.
package s3

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// notes is a journal in memory.
type notes struct{ open []core.Intent }

func (n *notes) Intend(i core.Intent) error {
	n.open = append(n.open, i)
	return nil
}

func (n *notes) Settle(id string, _ bool) error {
	n.open = slices.DeleteFunc(n.open, func(i core.Intent) bool { return i.ID == id })
	return nil
}

func (n *notes) Pending() ([]core.Intent, error) { return n.open, nil }

// hands receive credentials.
type hands struct {
	got    []core.Credential
	refuse error
}

func (h *hands) Rehearse() error { return nil }

func (h *hands) Deliver(c core.Credential, _ core.Receipt) (core.Delivery, error) {
	if h.refuse != nil {
		return core.Delivery{}, h.refuse
	}
	c.Secret = core.NewSecret(slices.Clone(c.Secret.Reveal()))
	h.got = append(h.got, c)
	return core.Delivery{Format: "test"}, nil
}

// stage is one sandbox with everything that a run needs.
type stage struct {
	*testing.T
	*Sandbox
	engine *core.Engine
	hands  *hands
}

func onStage(t *testing.T, f func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sandbox, err := OpenSandbox(nil)
		if err != nil {
			t.Fatal(err)
		}
		j := &lockedNotes{turn: make(chan struct{}, 1)}
		f(&stage{t, sandbox, &core.Engine{Provider: sandbox.Provider(), Journal: j, RunID: "run", Observe: func(v core.Event) {
			if v.Kind == core.Failed || v.Kind == core.Warning {
				t.Log(v.Kind, v.Addr, v.Text)
			}
		}}, &hands{}})
	})
}

// lockedNotes is notes for changes that run side by side.
type lockedNotes struct {
	turn chan struct{}
	notes
}

func (n *lockedNotes) Intend(i core.Intent) error {
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	return n.notes.Intend(i)
}

func (n *lockedNotes) Settle(id string, ok bool) error {
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	return n.notes.Settle(id, ok)
}

func (s *stage) apply(g core.Grant, o core.ApplyOptions) (core.Receipt, error) {
	s.Helper()
	o.Deliver = s.hands
	p, err := s.engine.Plan(s.Context(), g, core.Present)
	if err != nil {
		return core.Receipt{}, err
	}
	for _, c := range p.Changes {
		s.Log(c.Action, c.Addr, c.Why, c.Before)
	}
	return s.engine.Apply(s.Context(), p, o)
}

func (s *stage) must(r core.Receipt, err error) core.Receipt {
	s.Helper()
	if err != nil {
		s.Fatalf("got error %v, want success\n%+v", err, r.Proof.Failures())
	}
	return r
}

func (s *stage) destroy(g core.Grant, w core.Want) []core.Change {
	s.Helper()
	p, err := s.engine.Plan(s.Context(), g, w)
	if err != nil {
		s.Fatal(err)
	}
	r := s.must(s.engine.Apply(s.Context(), p, core.ApplyOptions{}))
	return r.Changes
}

func (s *stage) writes() []string {
	var list []string
	for _, c := range s.Transport().Calls() {
		if c.Op.Write {
			list = append(list, c.Op.Name)
		}
	}
	return list
}

func TestGrantIsMadeProvenAndTakenBack(t *testing.T) {
	onStage(t, func(s *stage) {
		r := s.must(s.apply(eventDump(), core.ApplyOptions{}))
		if len(s.hands.got) != 1 || len(r.Proof.Rows) == 0 || len(r.Proof.Left) > 0 {
			t.Fatalf("got %d deliveries, proof %+v; want one delivery, proven, nothing left behind", len(s.hands.got), r.Proof)
		}
		s.Transport().Reset()
		s.must(s.apply(eventDump(), core.ApplyOptions{}))
		if w := s.writes(); len(w) > 0 || len(s.hands.got) != 1 {
			t.Errorf("second apply: got writes %q and %d keys, want no write and the one key", w, len(s.hands.got))
		}
		if got := s.destroy(eventDump(), core.Want{DropBucket: true}); len(got) != 7 {
			t.Errorf("destroy: got %d changes %v, want 7: key, membership, attachment, user, group, policy, bucket", len(got), got)
		}
		if got := s.destroy(eventDump(), core.Want{DropBucket: true}); len(got) != 0 {
			t.Errorf("second destroy: got changes %v, want none", got)
		}
	})
}

func TestCallsAndDepthStayWithinTheirBounds(t *testing.T) {
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		t.Run(region, func(t *testing.T) {
			onStage(t, func(s *stage) {
				g := eventDump()
				g.Target.Region = region
				const latency = 100 * time.Millisecond
				s.Transport().Latency = latency
				start := time.Now()
				r := s.must(s.apply(g, core.ApplyOptions{NoProof: true}))
				calls := s.Transport().Calls()
				t.Logf("first apply: %d calls, depth %d, %s", r.Calls, r.Depth, time.Since(start))
				if r.Depth > 6 || time.Since(start) > 6*latency || r.Calls > 21 || r.Calls != len(calls) {
					t.Errorf("first apply: got %d calls (%d seen), depth %d, %s; want at most 21, 6 and 600ms", r.Calls, len(calls), r.Depth, time.Since(start))
				}
				start = time.Now()
				r = s.must(s.apply(g, core.ApplyOptions{NoProof: true}))
				t.Logf("no change: %d calls, depth %d, %s", r.Calls, r.Depth, time.Since(start))
				if r.Depth > 3 || time.Since(start) > 3*latency {
					t.Errorf("no change: got depth %d in %s, want at most 3 and 300ms", r.Depth, time.Since(start))
				}
			})
		})
	}
}

func TestFailedDeliveryLeavesNoKey(t *testing.T) {
	onStage(t, func(s *stage) {
		s.hands.refuse = errors.New("disk full")
		if _, err := s.apply(eventDump(), core.ApplyOptions{NoProof: true}); !errors.Is(err, s.hands.refuse) {
			t.Fatalf("got error %v, want %v", err, s.hands.refuse)
		}
		if keys := s.keys(eventDump()); len(keys) > 0 {
			t.Errorf("got keys %+v, want none", keys)
		}
	})
}

func (s *stage) keys(g core.Grant) []core.Key {
	s.Helper()
	b, err := core.Compile(s.engine.Provider, g)
	if err != nil {
		s.Fatal(err)
	}
	steps, err := s.engine.Provider.Open(context.WithoutCancel(s.Context()), b)
	if err != nil {
		s.Fatal(err)
	}
	keys, err := steps.Credential.List(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return keys
}

func TestHandlerServesWhatTheEnvironmentSays(t *testing.T) {
	s, err := OpenSandbox(nil)
	if err != nil {
		t.Fatal(err)
	}
	env := strings.Join(s.Environment("127.0.0.1:5000"), "\n")
	if !strings.HasPrefix(env, "AWS_ENDPOINT_URL=http://127.0.0.1:5000\nAWS_ACCESS_KEY_ID=AKIA") {
		t.Errorf("got %q", env)
	}
	raw, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenSandbox(raw)
	if err != nil || strings.Join(again.Environment("127.0.0.1:5000"), "\n") != env {
		t.Errorf("a restored sandbox has another operator: %v", err)
	}
}
