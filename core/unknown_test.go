// What becomes of a key of which nobody knows whether it was made.
package core

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("the cloud is down")

// stubborn is a holder whose keys cannot always be listed or retired.
type stubborn struct {
	*holder
	list, retire error
	looks        int // how often the keys can be listed before that fails
}

func (s *stubborn) List(ctx context.Context) ([]Key, error) {
	if s.looks--; s.list != nil && s.looks < 0 {
		return nil, s.list
	}
	return s.holder.List(ctx)
}

func (s *stubborn) Retire(ctx context.Context, id string) error {
	if s.retire != nil {
		return s.retire
	}
	return s.holder.Retire(ctx, id)
}

func (s *stubborn) ids() []string {
	var ids []string
	for _, k := range s.keys {
		ids = append(ids, k.ID)
	}
	return ids
}

func TestAKeyWhoseAnswerWasLostIsRetiredAtOnceIfItShows(t *testing.T) {
	for name, c := range map[string]struct {
		made         bool
		list, retire error
		looks        int
		left         []string
		open         []string
	}{
		"it was made":             {made: true, left: []string{"old"}},
		"it was not made":         {left: []string{"old"}, open: []string{"run/issue"}},
		"nobody can say":          {made: true, list: errDown, looks: 1, left: []string{"old", "lost"}, open: []string{"run/issue"}},
		"it cannot be retired":    {made: true, retire: errDown, left: []string{"old", "lost"}, open: []string{"run/issue"}},
		"nobody could say before": {made: true, list: errDown, left: []string{"old"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old := Key{ID: "old", Created: time.Now().Add(-time.Minute), Active: true}
				s := &stubborn{holder: &holder{keys: []Key{old}}, list: c.list, retire: c.retire, looks: c.looks}
				s.born = func(context.Context) (Credential, error) {
					if c.made {
						s.keys = append(s.keys, Key{ID: "lost", Created: time.Now(), Active: true})
					}
					return Credential{}, &Error{Kind: ErrUnknown, Err: errors.New("the line broke")}
				}
				j, warned := &diary{}, 0
				e := &Engine{Journal: j, RunID: "run", Observe: func(e Event) {
					if e.Kind == Warning && e.Addr == "key/lost" {
						warned++
					}
				}}
				p := &Plan{Want: Present, Keys: []Key{old}, steps: &Steps{Credential: s}, Changes: []Change{{Step: RoleStep, Action: Keep}}}
				_, _, err := e.issue(t.Context(), p, Change{Addr: "key/"})
				if before := c.list != nil && c.looks == 0; err == nil || errors.Is(err, ErrUnknown) == before || (c.list != nil || c.retire != nil) && !errors.Is(err, errDown) {
					t.Errorf("got %v, want what happened and what was in the way", err)
				}
				if got := s.ids(); !slices.Equal(got, c.left) {
					t.Errorf("got keys %q, want %q", got, c.left)
				}
				if got := j.ids(); !slices.Equal(got, c.open) || j.said["run/issue"] {
					t.Errorf("got %q on record, said %v, want %q and that nothing was made", got, j.said, c.open)
				}
				if retired := c.made && len(c.left) == 1 && c.list == nil; (warned == 1) != retired {
					t.Errorf("got %d warnings, want one if a key was retired", warned)
				}
			})
		})
	}
}

func TestAKeyThatCannotBeRetiredIsUnknownAndTheNextRunIsNamed(t *testing.T) {
	err := (&Engine{}).retire(t.Context(), &stubborn{holder: &holder{}, retire: errDown}, "a")
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != ErrUnknown || e.What != "key/a" || e.Hint == "" || !errors.Is(err, errDown) {
		t.Errorf("got %v, want one of kind %v that names the key and what to do", err, ErrUnknown)
	}
}

func TestAnIssueNotesEveryKeyThatWasThereBefore(t *testing.T) {
	for name, role := range map[string]Action{"a grantee that was there": Keep, "a new one": Make} {
		h, j := &holder{keys: []Key{{ID: "a", Active: true}}}, &diary{}
		h.born = func(context.Context) (Credential, error) {
			if known := j.open[0].Known; !slices.Equal(known, []string{"a", "unseen"}) {
				t.Errorf("%s: got %q on record before the call, want every key that is or may be there", name, known)
			}
			return Credential{}, errDown
		}
		p := &Plan{Want: Present, Keys: h.keys, unseen: []Intent{{Key: "unseen"}}, steps: &Steps{Credential: h}, Changes: []Change{{Step: RoleStep, Action: role}}}
		if _, _, err := (&Engine{Journal: j, RunID: "run"}).issue(t.Context(), p, Change{Addr: "key/"}); !errors.Is(err, errDown) || len(j.open) > 0 || j.said["run/issue"] {
			t.Errorf("%s: got %v, %q on record, want a clear failure off the record", name, err, j.ids())
		}
	}
}

func TestASecretThatCannotBeRecordedIsWipedAndOneThatCanIsSaidToBeMade(t *testing.T) {
	raw := []byte(dummy)
	h := &holder{born: func(context.Context) (Credential, error) { return Credential{ID: "new", Secret: NewSecret(raw)}, nil }}
	p := &Plan{Want: Present, steps: &Steps{Credential: h}}
	j := &diary{}
	if _, _, err := (&Engine{Journal: j, RunID: "run"}).issue(t.Context(), p, Change{}); err != nil || !j.said["run/issue"] || bytes.Equal(raw, make([]byte, len(raw))) {
		t.Errorf("got %v, said %v, want it made", err, j.said)
	}
	if _, _, err := (&Engine{Journal: &diary{full: "/deliver"}, RunID: "run"}).issue(t.Context(), p, Change{}); !errors.Is(err, errFull) || !bytes.Equal(raw, make([]byte, len(raw))) {
		t.Errorf("got %v and %q, want the bytes wiped", err, raw)
	}
}

func TestWhichKeysALossReplacesIsOnRecordFirst(t *testing.T) {
	for name, c := range map[string]struct {
		keys KeyWant
		full string
		want []string
	}{
		"a loss":     {keys: KeyWant{Fresh: true, Gone: []string{"a", "b"}}, want: []string{"run/lose/a", "run/lose/b"}},
		"a rotation": {keys: KeyWant{Gone: []string{"a"}}},
		"no room":    {keys: KeyWant{Fresh: true, Gone: []string{"a", "b"}}, full: "lose/b", want: []string{"run/lose/a"}},
	} {
		j := &diary{full: c.full}
		p := &Plan{Want: Want{Present: true, Keys: c.keys}, steps: &Steps{Credential: &holder{}}}
		err := (&Engine{Journal: j, RunID: "run"}).intendLost(p)
		if got := j.ids(); !slices.Equal(got, c.want) || len(p.lost) != len(c.want) || (err != nil) != (c.full != "") {
			t.Errorf("%s: got %q on record, %d to settle, error %v, want %q", name, got, len(p.lost), err, c.want)
		}
	}
}

func TestWhatAPlanDoesWithEachEntryOfTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		entry := func(verb Verb, age time.Duration) Intent {
			return Intent{ID: "i", Verb: verb, Key: "a", At: now.Add(-age)}
		}
		there := []Key{{ID: "a", Created: now, Active: true}}
		const young, old = decideAfter - 1, decideAfter
		for name, c := range map[string]struct {
			entry   Intent
			keys    []Key
			keyless bool
			want    string // stale, unseen, pending, lost; "" is none
		}{
			"a key that was delivered and is there":      {entry: entry(DoHold, old), keys: there},
			"a key that was delivered and is gone":       {entry: entry(DoHold, old), want: "stale"},
			"a list may lag behind a delivery":           {entry: entry(DoHold, young)},
			"a delivered key of another identity":        {entry: entry(DoHold, old), keyless: true},
			"a key that rests and is there":              {entry: entry(DoRest, old), keys: there},
			"a key that rested and is gone":              {entry: entry(DoRest, old), want: "stale"},
			"an open delivery of a key that is there":    {entry: entry(DoHand, young), keys: there, want: "stale"},
			"an open delivery of a key that nobody sees": {entry: entry(DoHand, young), want: "unseen"},
			"the same, long ago":                         {entry: entry(DoHand, old), want: "stale"},
			"an open delivery of another identity":       {entry: entry(DoHand, old), keyless: true},
			"an open issue whose key is there":           {entry: entry(DoIssue, 0), keys: there, want: "stale"},
			"an open issue of which nothing is seen":     {entry: entry(DoIssue, young), want: "pending"},
			"an old one of which nothing is seen":        {entry: entry(DoIssue, old), want: "stale"},
			"an issue of another identity":               {entry: entry(DoIssue, old), keyless: true},
			"an open change":                             {entry: entry(DoChange, young), want: "stale"},
			"a lost secret":                              {entry: entry(DoLose, young), want: "lost"},
			"a saved plan":                               {entry: entry(DoPlan, old)},
		} {
			p := &Plan{Want: Present, Keys: c.keys, steps: &Steps{Credential: &holder{keys: c.keys}}}
			if c.keyless {
				p.steps.Credential = nil
			}
			if _, err := (&Engine{Journal: records{c.entry}}).orphans(p); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			var got []string
			for what, list := range map[string]int{"stale": len(p.stale), "unseen": len(p.unseen), "lost": len(p.lost), "pending": map[bool]int{true: 1}[p.pending != nil]} {
				got = append(got, slices.Repeat([]string{what}, list)...)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s: got it among %q, want %q", name, got, c.want)
			}
		}
		if _, err := (&Engine{Journal: &diary{blind: errFull}}).orphans(&Plan{}); !errors.Is(err, errFull) {
			t.Errorf("a journal that cannot be read is no empty one: got %v", err)
		}
	})
}

func TestWaitingForAnUnknownKeyIsSaidBoundedAndCanBeCut(t *testing.T) {
	for name, c := range map[string]struct {
		list, retire error
		made         bool
		cut          time.Duration
		want         error
		after        time.Duration
	}{
		"it never shows":       {after: decideAfter - 10*time.Second},
		"it shows":             {made: true},
		"it cannot be retired": {made: true, retire: errDown, want: errDown},
		"nobody can say":       {list: errDown, want: errDown},
		"somebody cancels":     {cut: time.Minute, want: context.Canceled, after: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				i := Intent{ID: "i", Verb: DoIssue, At: start.Add(-10 * time.Second)}
				s, j, said := &stubborn{holder: &holder{}, list: c.list, retire: c.retire}, &diary{ledger: ledger{open: []Intent{i}}}, ""
				if c.made {
					s.keys = []Key{{ID: "late", Created: start, Active: true}}
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.cut > 0 {
					time.AfterFunc(c.cut, cancel)
				}
				p := &Plan{Want: Present, pending: &i, steps: &Steps{Credential: s}, Changes: []Change{{Step: CredentialStep, Action: Make}}}
				err := (&Engine{Journal: j, Observe: func(e Event) { said += e.Text }}).settlePending(ctx, p)
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || time.Since(start) != c.after {
					t.Errorf("got %v after %s, want %v after %s", err, time.Since(start), c.want, c.after)
				}
				if !strings.Contains(said, "4m50s") || j.said["i"] {
					t.Errorf("got %q, said %v, want how long it takes at most, and that nothing was made", said, j.said)
				}
			})
		})
	}
}

func TestAnUndeliveredKeyThatWasNotListedIsRetiredByItsName(t *testing.T) {
	s := &stubborn{holder: &holder{keys: []Key{{ID: "a"}, {ID: "b"}}}}
	p := &Plan{Want: Present, unseen: []Intent{{ID: "i", Key: "a"}}, steps: &Steps{Credential: s}}
	if err := (&Engine{Journal: &diary{}}).settlePending(t.Context(), p); err != nil || !slices.Equal(s.ids(), []string{"b"}) {
		t.Errorf("got %v and keys %q, want a retired", err, s.ids())
	}
	s.retire = errDown
	if err := (&Engine{Journal: &diary{}}).settlePending(t.Context(), p); !errors.Is(err, errDown) {
		t.Errorf("got %v, want %v", err, errDown)
	}
}

func TestOnlyAKeyOfThisKindThatWasJustHandedOverHoldsTheNextIssueUp(t *testing.T) {
	now := time.Now().UTC()
	fact := func(verb Verb, key, addr string) Intent {
		return Intent{ID: key + string(verb), Account: "one", Verb: verb, Key: key, Addr: addr, At: now}
	}
	for name, c := range map[string]struct {
		fact               Intent
		young, undelivered bool
	}{
		"handed over":                       {fact(DoHold, "a", "key/a"), true, false},
		"handed over to another identity":   {fact(DoHold, "a", "hmac/a"), false, false},
		"switched off":                      {fact(DoRest, "a", "key/a"), false, false},
		"a delivery that no run has closed": {fact(DoHand, "a", "key/a"), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Plan{Operator: Operator{Account: "one"}, Want: Present, steps: &Steps{Credential: &holder{}}}
			if _, err := (&Engine{Journal: &ledger{open: []Intent{c.fact}}}).orphans(p); err != nil {
				t.Fatal(err)
			}
			if got := len(p.young) > 0; got != c.young {
				t.Errorf("holds an issue up: got %t, want %t", got, c.young)
			}
			if got := len(p.undelivered) > 0; got != c.undelivered {
				t.Errorf("its files are forgotten: got %t, want %t", got, c.undelivered)
			}
		})
	}
}

func TestNothingIsIssuedWithoutARecordOrAfterTheClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &holder{}
		h.bear("new")
		plan := func() *Plan { return &Plan{steps: &Steps{Credential: h}, hold: &hold{}} }
		late := plan()
		late.hold = &hold{claim: Claim{Since: time.Now().Add(-ClaimLasts)}, claimer: struct{ Claimer }{}}
		stale := plan()
		stale.stale = []Intent{{ID: "earlier"}}
		for name, c := range map[string]struct {
			journal Journal
			plan    *Plan
			want    error
		}{
			"its record fails":               {&diary{full: "/issue"}, plan(), errFull},
			"the claim is over":              {&ledger{}, late, ErrLocked},
			"what is open cannot be settled": {&ledger{fail: "earlier"}, stale, nil},
		} {
			_, _, err := (&Engine{RunID: "run", Journal: c.journal}).issue(t.Context(), c.plan, Change{})
			if err == nil || c.want != nil && !errors.Is(err, c.want) || len(h.keys) > 0 {
				t.Errorf("%s: got %v, and %d keys; want %v and none", name, err, len(h.keys), c.want)
			}
		}
	})
}
