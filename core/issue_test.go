// What is decided about keys: which are kept, which are debts of an earlier run, and when one is made.
package core

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// records is a journal with these entries and no way to write.
type records []Intent

func (r records) Intend(Intent) error        { return errors.New("read-only") }
func (r records) Settle(string, bool) error  { return errors.New("read-only") }
func (r records) Pending() ([]Intent, error) { return r, nil }

// holder is a grantee who has these keys.
type holder struct {
	mu   sync.Mutex
	keys []Key
	born func(context.Context) (Credential, error)
}

func (h *holder) Addr(id string) string                         { return "key/" + id }
func (h *holder) Needs() []string                               { return []string{"bound"} }
func (h *holder) Issue(ctx context.Context) (Credential, error) { return h.born(ctx) }

func (h *holder) List(context.Context) ([]Key, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.keys), nil
}

func (h *holder) Retire(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys = slices.DeleteFunc(h.keys, func(k Key) bool { return k.ID == id })
	return nil
}

// decide plans the credential step and returns it as "sign address" strings.
func decide(t *testing.T, want Want, keys []Key, pending ...Intent) (*Plan, []string) {
	t.Helper()
	h := &holder{keys: keys}
	p := &Plan{Want: want, Keys: keys, steps: &Steps{Credential: h}}
	if err := (&Engine{Journal: records(pending)}).planKeys(p); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.Changes {
		got = append(got, c.Action.String()+" "+c.Addr)
	}
	return p, got
}

func TestWhichKeysAreKeptDroppedAndMade(t *testing.T) {
	now := time.Now()
	key := func(id string, age time.Duration) Key { return Key{ID: id, Created: now.Add(-age), Active: true} }
	used := key("used", time.Minute)
	used.Used = now
	off := key("off", time.Hour)
	off.Active = false
	issue := func(age time.Duration, known ...string) Intent {
		return Intent{ID: "i", Verb: DoIssue, At: now.Add(-age), Known: known}
	}
	for name, c := range map[string]struct {
		want    Want
		keys    []Key
		pending []Intent
		changes []string
	}{
		"no key: one is made":                    {Present, nil, nil, []string{"+ key/"}},
		"a key is kept":                          {Present, []Key{key("a", time.Hour)}, nil, []string{"= key/a"}},
		"a key that is off is not made good":     {Present, []Key{off}, nil, []string{"= key/off"}},
		"an undelivered key is replaced":         {Present, []Key{key("a", time.Hour)}, []Intent{{ID: "d", Verb: DoHand, Key: "a"}}, []string{"- key/a", "+ key/"}},
		"undelivered, though a proof has used":   {Present, []Key{used}, []Intent{{ID: "d", Verb: DoHand, Key: "used"}}, []string{"- key/used", "+ key/"}},
		"another key stays":                      {Present, []Key{key("a", time.Hour), key("b", 0)}, []Intent{{ID: "d", Verb: DoHand, Key: "b"}}, []string{"= key/a", "- key/b"}},
		"a key whose secret was lost":            {Present, []Key{key("a", 0)}, []Intent{issue(time.Second)}, []string{"- key/a", "+ key/"}},
		"a key that somebody uses is not ours":   {Present, []Key{used}, []Intent{issue(2 * time.Minute)}, []string{"= key/used"}},
		"a key that was there before":            {Present, []Key{key("a", 0)}, []Intent{issue(time.Second, "a")}, []string{"= key/a"}},
		"a key that is older than the intent":    {Present, []Key{key("a", time.Hour)}, []Intent{issue(time.Minute)}, []string{"= key/a"}},
		"the cloud's clock is a little behind":   {Present, []Key{key("a", time.Minute)}, []Intent{issue(10 * time.Second)}, []string{"- key/a", "+ key/"}},
		"the end of the grant ends all keys":     {Absent, []Key{key("a", time.Hour), off}, nil, []string{"- key/a", "- key/off"}},
		"the end of the grant makes none":        {Absent, nil, []Intent{issue(time.Second)}, nil},
		"a delivery of a key that is gone":       {Present, nil, []Intent{{ID: "d", Verb: DoHand, Key: "gone"}}, []string{"+ key/"}},
		"an open change is no reason for a drop": {Present, []Key{key("a", time.Hour)}, []Intent{{ID: "c", Verb: DoChange, Addr: "key/a"}}, []string{"= key/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, got := decide(t, c.want, c.keys, c.pending...)
			if !slices.Equal(got, c.changes) {
				t.Errorf("got %q, want %q", got, c.changes)
			}
			for _, made := range p.Changes {
				if made.Action != Make {
					continue
				}
				for _, dropped := range p.Changes {
					if dropped.Action == Drop && !slices.Contains(made.Needs, dropped.Addr) {
						t.Errorf("a key is made after others are gone: %q does not need %q", made.Addr, dropped.Addr)
					}
				}
				if !slices.Contains(made.Needs, "bound") {
					t.Errorf("a key is made last: got needs %q", made.Needs)
				}
			}
		})
	}
}

func TestUnknownIssueIsDecidedWhenItIsOldEnough(t *testing.T) {
	young, old := time.Now().Add(-time.Minute), time.Now().Add(-decideAfter)
	p, _ := decide(t, Present, nil, Intent{ID: "young", Verb: DoIssue, At: young})
	if p.pending == nil || len(p.stale) != 0 {
		t.Errorf("a young intent whose key is not seen stays open: got pending %v, stale %v", p.pending, p.stale)
	}
	p, _ = decide(t, Present, nil, Intent{ID: "old", Verb: DoIssue, At: old})
	if p.pending != nil || len(p.stale) != 1 {
		t.Errorf("an old one is taken never to have happened: got pending %v, stale %v", p.pending, p.stale)
	}
}

// settling is a journal that only settles.
type settling struct {
	records
	settled []string
}

func (s *settling) Settle(id string, _ bool) error { s.settled = append(s.settled, id); return nil }

func TestLateKeyOfAnUnknownIssueIsRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, j := &holder{}, &settling{}
		i := Intent{ID: "i", Verb: DoIssue, At: time.Now()}
		p := &Plan{Want: Present, pending: &i, steps: &Steps{Credential: h}, Changes: []Change{{Step: CredentialStep, Action: Make}}}
		time.AfterFunc(100*time.Second, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.keys = []Key{{ID: "late", Created: i.At, Active: true}}
		})
		if err := (&Engine{Journal: j}).settlePending(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if len(h.keys) != 0 || !slices.Equal(j.settled, []string{"i"}) {
			t.Errorf("got keys %v, settled %q, want the late key retired and the intent settled", h.keys, j.settled)
		}
		if took := time.Since(i.At); took < 100*time.Second || took > 2*time.Minute {
			t.Errorf("got a decision after %s, want soon after the key was seen", took)
		}
	})
}

func TestKeyThatNeverShowsUpIsGivenUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := Intent{ID: "i", Verb: DoIssue, At: time.Now()}
		p := &Plan{Want: Present, pending: &i, steps: &Steps{Credential: &holder{}}, Changes: []Change{{Step: CredentialStep, Action: Make}}}
		if err := (&Engine{Journal: &settling{}}).settlePending(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(i.At); took != decideAfter || len(p.stale) != 1 {
			t.Errorf("got a decision after %s and %v to settle, want %s and the intent", took, p.stale, decideAfter)
		}
	})
}

func TestCancelDoesNotCutAnIssueOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var seen error
	h := &holder{born: func(ctx context.Context) (Credential, error) {
		cancel()
		seen = ctx.Err()
		return Credential{ID: "new", Secret: NewSecret([]byte("x"))}, nil
	}}
	j := &writing{}
	c, handing, err := (&Engine{Journal: j, RunID: "run"}).issue(ctx, &Plan{Want: Present, steps: &Steps{Credential: h}}, Change{Addr: "key/"})
	if seen != nil || err != nil || c.ID != "new" {
		t.Errorf("got key %q, error %v, context %v, want the whole answer: its secret would be lost", c.ID, err, seen)
	}
	if want := []string{"intend run/issue", "intend run/deliver new", "settle run/issue"}; !slices.Equal(j.lines, want) || handing != "run/deliver" {
		t.Errorf("the delivery is on record before the issue is settled: got %q, want %q", j.lines, want)
	}
}

func TestKeyThatCannotBeRecordedIsRetired(t *testing.T) {
	h := &holder{}
	h.born = func(context.Context) (Credential, error) {
		h.keys = []Key{{ID: "new", Active: true}}
		return Credential{ID: "new", Secret: NewSecret([]byte(dummy))}, nil
	}
	j := &writing{most: 1}
	c, _, err := (&Engine{Journal: j, RunID: "run"}).issue(t.Context(), &Plan{Want: Present, steps: &Steps{Credential: h}}, Change{Addr: "key/"})
	if !errors.Is(err, errFull) || len(h.keys) != 0 || !c.Secret.Empty() {
		t.Errorf("got error %v, keys %v, want %v and none", err, h.keys, errFull)
	}
}

var errFull = errors.New("the disk is full")

// writing is a journal that keeps its lines, as long as there is room.
type writing struct {
	records
	lines []string
	most  int // 0 is no bound
}

func (w *writing) add(line string) error {
	if w.most > 0 && len(w.lines) == w.most {
		return errFull
	}
	w.lines = append(w.lines, strings.TrimSpace(line))
	return nil
}

func (w *writing) Intend(i Intent) error          { return w.add("intend " + i.ID + " " + i.Key) }
func (w *writing) Settle(id string, _ bool) error { return w.add("settle " + id) }

func TestDestroyCutsKeysFirst(t *testing.T) {
	h := &holder{keys: []Key{{ID: "a", Active: true}, {ID: "b"}}}
	p := &Plan{Want: Absent, Keys: h.keys, steps: &Steps{Credential: h}, Changes: []Change{
		{Step: RoleStep, Action: Drop, Addr: "role", Needs: []string{"bound"}}, {Step: BucketStep, Action: Keep, Addr: "bucket"}}}
	if err := (&Engine{Journal: records(nil)}).planKeys(p); err != nil {
		t.Fatal(err)
	}
	if want := []string{"bound", "key/a", "key/b"}; !slices.Equal(p.Changes[0].Needs, want) {
		t.Errorf("a role goes after the keys: got needs %q, want %q", p.Changes[0].Needs, want)
	}
}

func TestDigestTellsWhatAReviewerHasSeen(t *testing.T) {
	base := func() *Plan {
		b := plain()
		b.Documents = []Document{{Name: "role", Body: json.RawMessage(`{"b": "<&>", "a": 1}`)}}
		return &Plan{Want: Present, Blueprint: b, Operator: Operator{Account: "111122223333", Principal: "me"}, Changes: []Change{{Step: BucketStep, Action: Make, Addr: "bucket"}}}
	}
	want := base().digest()
	same := base()
	same.Made, same.Calls, same.Depth, same.Keys, same.Operator.Principal = time.Now(), 7, 3, []Key{{ID: "a"}}, "you"
	if got := same.digest(); got != want {
		t.Errorf("what a reviewer does not decide about: got %s, want %s", got, want)
	}
	raw, err := json.MarshalIndent(base(), "", "  ")
	var back Plan
	if err != nil || json.Unmarshal(raw, &back) != nil || back.digest() != want {
		t.Errorf("a plan from a file has the same digest: got %s, want %s, error %v", back.digest(), want, err)
	}
	for name, alter := range map[string]func(*Plan){
		"want":     func(p *Plan) { p.Want = Absent },
		"account":  func(p *Plan) { p.Operator.Account = "444455556666" },
		"action":   func(p *Plan) { p.Changes[0].Action = Drop },
		"address":  func(p *Plan) { p.Changes[0].Addr = "another" },
		"prefix":   func(p *Plan) { p.Blueprint.Grant.Target.Prefix = "" },
		"document": func(p *Plan) { p.Blueprint.Documents = []Document{{Name: "policy", Body: json.RawMessage(`{}`)}} },
		"change":   func(p *Plan) { p.Changes = append(p.Changes, Change{Action: Make, Addr: "more"}) },
	} {
		p := base()
		alter(p)
		if p.digest() == want {
			t.Errorf("%s: a plan that differs has another digest: got the same", name)
		}
	}
}

func TestPolicyHashIgnoresOrderAndWhiteSpace(t *testing.T) {
	doc := func(name, body string) Document { return Document{Name: name, Body: json.RawMessage(body)} }
	one := Blueprint{Documents: []Document{doc("policy", `{"a":1,"b":[1,2]}`), doc("role", `{}`)}}
	two := Blueprint{Documents: []Document{doc("role", ` {}`), doc("policy", "{\n \"b\": [1, 2], \"a\": 1}")}}
	if one.PolicyHash() != two.PolicyHash() {
		t.Errorf("got %s and %s, want the same", one.PolicyHash(), two.PolicyHash())
	}
	for _, other := range []Blueprint{{}, {Documents: []Document{doc("policy", `{"a":1,"b":[2,1]}`), doc("role", `{}`)}}, {Documents: []Document{doc("role", `{"a":1,"b":[1,2]}`), doc("policy", `{}`)}}} {
		if other.PolicyHash() == one.PolicyHash() {
			t.Errorf("%+v: another policy has the same hash", other.Documents)
		}
	}
}

func TestErrorsKeepKindCauseAndAddress(t *testing.T) {
	cause := errors.New("cause")
	err := about("role/x", &Error{Kind: ErrNotOurs, Err: cause})
	if !errors.Is(err, ErrNotOurs) || !errors.Is(err, cause) || err.Error() != "role/x: exists and is not ours: cause" {
		t.Errorf("got %v", err)
	}
	named := &Error{Kind: ErrNotOurs, What: "already"}
	if got := about("role/x", named); got != error(named) {
		t.Errorf("an error that names something is left alone: got %v", got)
	}
	if got := about("role/x", cause); got.Error() != "role/x: cause" || !errors.Is(got, cause) {
		t.Errorf("got %v", got)
	}
}
