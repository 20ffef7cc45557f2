// What must not come back, and what must not go: keys after a revocation, an abort, a crash.
package core

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// locked is ringed with a gate that can be opened, and tokens that outlive their keys.
type locked struct {
	ringed
	listing error
}

func (l locked) Info() Info {
	i := l.ringed.Info()
	i.Identities[0].Outlives = time.Hour
	return i
}

func (l locked) Open(ctx context.Context, b Blueprint) (*Steps, error) {
	s, err := l.ringed.Open(ctx, b)
	s.Gate = leaf{}
	if l.listing != nil {
		s.Keyring = deaf{ring{l.holder}, l.listing}
	}
	return s, err
}

// leaf is a gate that has always to be turned.
type leaf struct{}

func (leaf) Diff(context.Context, Want) ([]Change, error) {
	return []Change{{Step: GateStep, Action: Alter, Addr: "gate"}}, nil
}
func (leaf) Do(context.Context, Change) error { return nil }

// deaf is a ring whose keys cannot be listed.
type deaf struct {
	ring
	err error
}

func (d deaf) List(context.Context) ([]Key, error) { return nil, d.err }

func wanting(t *testing.T, what string, p *Plan, err, want error, on, off, gone []string) {
	t.Helper()
	if !errors.Is(err, want) || (err == nil) != (want == nil) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
		return
	}
	if k := (KeyWant{}); err == nil {
		k = p.Want.Keys
		if !slices.Equal(k.On, on) || !slices.Equal(k.Off, off) || !slices.Equal(k.Gone, gone) {
			t.Errorf("%s: got on %q, off %q, gone %q, want %q, %q, %q", what, k.On, k.Off, k.Gone, on, off, gone)
		}
	}
}

func TestWhatAnAbortWakesAndTakesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		both := records{held(now, "a", 90), held(now, "b", 9)}
		for name, c := range map[string]struct {
			a, b    bool // which of them works
			journal records
			options RotateOptions
			on      []string
			gone    []string
			err     error
		}{
			"both work":                             {a: true, b: true, gone: []string{"b"}},
			"the old one rests":                     {b: true, journal: records{rested(now, "a", 1, Rotated)}, on: []string{"a"}, gone: []string{"b"}},
			"the old one is compromised":            {b: true, journal: records{rested(now, "a", 1, Compromised)}, options: RotateOptions{Force: true}, err: ErrNotOurs},
			"the old one is compromised, and named": {b: true, journal: records{rested(now, "a", 1, Compromised)}, options: RotateOptions{Force: true, Keys: []string{"a"}}, err: ErrNotOurs},
			"the old one was revoked":               {b: true, journal: records{rested(now, "a", 1, Revoked)}, err: ErrNotOurs},
			"the old one was revoked, and is named": {b: true, journal: records{rested(now, "a", 1, Revoked)}, options: RotateOptions{Keys: []string{"a"}}, on: []string{"a"}, gone: []string{"b"}},
			"the new one is compromised":            {a: true, journal: records{rested(now, "b", 1, Compromised)}, options: RotateOptions{Force: true}, gone: []string{"b"}},
			"the new one was revoked":               {a: true, journal: records{rested(now, "b", 1, Revoked)}, gone: []string{"b"}},
		} {
			h := &holder{}
			h.keys = []Key{aged(now, "a", c.a, 90, -1), aged(now, "b", c.b, 9, -1)}
			e := &Engine{Provider: ringed{&small{holder: h}, true}, Journal: slices.Concat(both, c.journal)}
			p, _, err := e.PlanAbort(t.Context(), anyGrant, c.options)
			wanting(t, name, p, err, c.err, c.on, nil, c.gone)
		}
	})
}

func TestWhatARestorationGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		stolen := func(id string, ago time.Duration) Intent {
			return Intent{ID: "rest/" + id, Account: "one", Verb: DoRest, Key: id, At: now.Add(-ago), Cause: Compromised}
		}
		for name, c := range map[string]struct {
			keys    []Key
			journal records
			options RevokeOptions
			on      []string
			err     error
		}{
			"its tokens live":                    {keys: []Key{aged(now, "a", false, 90, -1)}, journal: records{stolen("a", time.Minute)}, err: ErrInUse},
			"its tokens live, and it is deleted": {journal: records{stolen("a", time.Minute)}, err: ErrInUse},
			"its tokens are over":                {keys: []Key{aged(now, "a", false, 90, -1)}, journal: records{stolen("a", 2*time.Hour)}},
			"somebody insists":                   {keys: []Key{aged(now, "a", false, 90, -1)}, journal: records{stolen("a", time.Minute)}, options: RevokeOptions{Force: true}},
			"somebody insists and names it":      {keys: []Key{aged(now, "a", false, 90, -1)}, journal: records{stolen("a", time.Minute)}, options: RevokeOptions{Force: true, Keys: []string{"a"}}, on: []string{"a"}},
		} {
			h := &holder{}
			h.keys = c.keys
			e := &Engine{Provider: locked{ringed{&small{holder: h}, true}, nil}, Journal: c.journal}
			p, err := e.PlanRestore(t.Context(), anyGrant, c.options)
			wanting(t, name, p, err, c.err, c.on, nil, nil)
		}
	})
}

func TestACutGoesOnWhenTheKeysCannotBeListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("throttled")
		e := &Engine{Provider: locked{ringed{&small{holder: &holder{}}, true}, broken}, Journal: &ledger{}, RunID: "run"}
		p, err := e.PlanRevoke(t.Context(), anyGrant, RevokeOptions{})
		if err != nil {
			t.Fatalf("got %v, want a plan that shuts the gate", err)
		}
		r, err := e.Apply(t.Context(), p, ApplyOptions{})
		if !errors.Is(err, broken) || len(r.Changes) != 1 || r.Changes[0].Addr != "gate" {
			t.Errorf("got %+v, error %v; want the gate shut, and what could not be looked at said", r.Changes, err)
		}
	})
}

func TestAReissueGoesOnOnlyWhileTheSecretIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		h := &holder{}
		h.keys = []Key{aged(now, "a", true, 90, 0), aged(now, "b", true, 9, -1)}
		h.keys[0].Used = now.Add(-time.Minute)
		begun := Intent{ID: "lose/a", Account: "one", Verb: DoLose, Key: "a", At: now.Add(-10 * 24 * time.Hour)}
		e := &Engine{Provider: ringed{&small{holder: h}, true}, Journal: records{held(now, "a", 90), begun, held(now, "b", 9)}}
		p, err := e.PlanReissue(t.Context(), anyGrant, RotateOptions{})
		wanting(t, "it is in use", p, err, ErrInUse, nil, nil, nil)
		p, err = e.PlanReissue(t.Context(), anyGrant, RotateOptions{Force: true})
		wanting(t, "somebody insists", p, err, nil, nil, nil, []string{"a"})
	})
}

func TestADeletionAtOnceNeedsForceWhereUseDoesNotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		h := &holder{}
		h.keys = []Key{aged(now, "a", true, 90, -1), aged(now, "b", true, 9, -1)}
		e := &Engine{Provider: ringed{&small{holder: h}, false}, Journal: records{held(now, "a", 90), held(now, "b", 9)}}
		p, _, err := e.PlanFinish(t.Context(), anyGrant, RotateOptions{})
		wanting(t, "at once", p, err, ErrInUse, nil, nil, nil)
		p, _, err = e.PlanFinish(t.Context(), anyGrant, RotateOptions{Force: true})
		wanting(t, "at once, by force", p, err, nil, nil, nil, []string{"a"})
		p, _, err = e.PlanFinish(t.Context(), anyGrant, RotateOptions{Grace: time.Hour})
		wanting(t, "with a grace", p, err, nil, nil, []string{"a"}, nil)
	})
}

func TestADeliveredKeyStaysThoughItsDeliveryWasNotSettled(t *testing.T) {
	now := time.Now()
	key := Key{ID: "b", Created: now, Active: true}
	_, got := decide(t, Present, []Key{key}, Intent{ID: "d", Verb: DoHand, Key: "b", At: now}, Intent{ID: "h", Verb: DoHold, Key: "b", At: now})
	if !slices.Equal(got, []string{"= key/b"}) {
		t.Errorf("got %q, want the key kept", got)
	}
}
