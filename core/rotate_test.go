// Where a rotation stands and what is done next, as tables in virtual time.
package core

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ringed is a provider whose grantee's keys can be switched.
type ringed struct {
	*small
	shows bool
}

func (r ringed) Info() Info {
	return Info{Name: "ringed", Settle: time.Minute, Identities: []Identity{{Who: WhoKey, Form: PairForm, MostKeys: 2, ShowsUse: r.shows}}}
}

func (r ringed) Open(ctx context.Context, b Blueprint) (*Steps, error) {
	s, err := r.small.Open(ctx, b)
	s.Keyring = ring{r.holder}
	return s, err
}

type ring struct{ *holder }

func (r ring) Switch(context.Context, string, bool) error { return nil }

// aged is a key of so many days before now: made, and last used; used < 0 is never.
func aged(now time.Time, id string, active bool, made, used int) Key {
	k := Key{ID: id, Active: active, Created: now.Add(-time.Duration(made) * 24 * time.Hour)}
	if used >= 0 {
		k.Used = now.Add(-time.Duration(used) * 24 * time.Hour)
	}
	return k
}

func held(now time.Time, id string, days int) Intent {
	return Intent{ID: "hold/" + id, Account: "one", Verb: DoHold, Key: id, At: now.Add(-time.Duration(days) * 24 * time.Hour)}
}

func rested(now time.Time, id string, days int, cause string) Intent {
	return Intent{ID: "rest/" + id, Account: "one", Verb: DoRest, Key: id, At: now.Add(-time.Duration(days) * 24 * time.Hour), Cause: cause}
}

func TestWhatAFinishDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for name, c := range map[string]struct {
			keys    []Key
			journal records
			options RotateOptions
			off     []string
			gone    []string
			err     error
		}{
			"nothing is under way":          {keys: []Key{aged(now, "a", true, 90, 1)}, journal: records{held(now, "a", 90)}, err: ErrInvalid},
			"both are quiet":                {keys: []Key{aged(now, "a", true, 90, 8), aged(now, "b", true, 9, 1)}, journal: records{held(now, "a", 90), held(now, "b", 9)}, off: []string{"a"}, err: nil},
			"the old one is in use":         {keys: []Key{aged(now, "a", true, 90, 0), aged(now, "b", true, 9, 1)}, journal: records{held(now, "a", 90), held(now, "b", 9)}, err: ErrInUse},
			"the new one was never used":    {keys: []Key{aged(now, "a", true, 90, 20), aged(now, "b", true, 9, -1)}, journal: records{held(now, "a", 90), held(now, "b", 9)}, err: ErrInUse},
			"somebody insists":              {keys: []Key{aged(now, "a", true, 90, 0), aged(now, "b", true, 9, -1)}, journal: records{held(now, "a", 90), held(now, "b", 9)}, options: RotateOptions{Force: true}, off: []string{"a"}},
			"it rests":                      {keys: []Key{aged(now, "a", false, 90, 20), aged(now, "b", true, 9, 1)}, journal: records{held(now, "a", 90), held(now, "b", 9), rested(now, "a", 1, Rotated)}},
			"it has rested":                 {keys: []Key{aged(now, "a", false, 90, 20), aged(now, "b", true, 9, 1)}, journal: records{held(now, "a", 90), held(now, "b", 9), rested(now, "a", 3, Rotated)}, gone: []string{"a"}},
			"it was used while it rested":   {keys: []Key{aged(now, "a", false, 90, 2), aged(now, "b", true, 9, 1)}, journal: records{held(now, "a", 90), held(now, "b", 9), rested(now, "a", 3, Rotated)}, options: RotateOptions{Force: true}, err: ErrInUse},
			"nobody knows since when":       {keys: []Key{aged(now, "a", false, 90, 20), aged(now, "b", true, 9, 1)}, journal: records{held(now, "a", 90), held(now, "b", 9)}, off: []string{"a"}},
			"one was made by hand":          {keys: []Key{aged(now, "a", true, 90, 1), aged(now, "x", true, 9, 20)}, journal: records{held(now, "a", 90)}, err: ErrNotOurs},
			"one was made by hand, named":   {keys: []Key{aged(now, "a", true, 90, 1), aged(now, "x", true, 9, -1)}, journal: records{held(now, "a", 90)}, options: RotateOptions{Keys: []string{"x"}}, off: []string{"x"}},
			"the journal is lost":           {keys: []Key{aged(now, "a", true, 90, 20), aged(now, "b", true, 9, 1)}, err: ErrNotOurs},
			"no key works":                  {keys: []Key{aged(now, "a", false, 90, 20), aged(now, "b", false, 9, 1)}, journal: records{held(now, "a", 90), held(now, "b", 9)}, err: ErrInvalid},
			"one was never handed over":     {keys: []Key{aged(now, "a", true, 90, 1), aged(now, "b", true, 9, -1)}, journal: records{held(now, "a", 90), {ID: "d", Account: "one", Verb: DoHand, Key: "b"}}, gone: []string{"b"}},
			"one was half taken back":       {keys: []Key{aged(now, "a", true, 90, 1), aged(now, "b", false, 9, -1)}, journal: records{held(now, "a", 90), held(now, "b", 9), rested(now, "b", 0, Aborted)}, gone: []string{"b"}},
			"both are of the same second":   {keys: []Key{aged(now, "b", true, 9, 1), aged(now, "a", true, 9, 8)}, journal: records{held(now, "a", 9), held(now, "b", 9)}, off: []string{"a"}},
			"another account's is no help":  {keys: []Key{aged(now, "a", true, 90, 20), aged(now, "b", true, 9, 1)}, journal: records{{ID: "h", Account: "two", Verb: DoHold, Key: "a", At: now}}, err: ErrNotOurs},
			"a switch nobody wrote down":    {keys: []Key{aged(now, "a", false, 90, 20), aged(now, "b", true, 9, 1)}, journal: records{held(now, "a", 90), held(now, "b", 9), {ID: "c", Account: "one", Verb: DoChange, Addr: "key/a", Key: "a", Cause: Rotated, At: now.Add(-72 * time.Hour)}}, gone: []string{"a"}},
			"without a grace it is deleted": {keys: []Key{aged(now, "a", true, 90, 20), aged(now, "b", true, 9, 1)}, journal: records{held(now, "a", 90), held(now, "b", 9)}, options: RotateOptions{Grace: -1}, gone: []string{"a"}},
		} {
			h := &holder{}
			h.keys = c.keys
			e := &Engine{Provider: ringed{&small{holder: h}, true}, Journal: c.journal}
			if c.options.Grace == 0 {
				c.options.Grace = 48 * time.Hour
			}
			p, _, err := e.PlanFinish(t.Context(), anyGrant, c.options)
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("%s: got error %v, want %v", name, err, c.err)
				continue
			}
			if err == nil && (!slices.Equal(p.Want.Keys.Off, c.off) || !slices.Equal(p.Want.Keys.Gone, c.gone)) {
				t.Errorf("%s: got off %q and gone %q, want %q and %q", name, p.Want.Keys.Off, p.Want.Keys.Gone, c.off, c.gone)
			}
			if err == nil && !p.Want.Keys.only() {
				t.Errorf("%s: a plan of keys looks at nothing else: got %+v", name, p.Want.Keys)
			}
		}
	})
}

func TestAnAbortKeepsTheOnlyKeyThatItsHolderHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		h := &holder{}
		h.keys = []Key{aged(now, "a", true, 90, -1), aged(now, "x", true, 9, -1)}
		e := &Engine{Provider: ringed{&small{holder: h}, true}, Journal: records{held(now, "a", 90)}}
		if _, _, err := e.PlanAbort(t.Context(), anyGrant, RotateOptions{Force: true}); !errors.Is(err, ErrNotOurs) || !strings.Contains(err.Error(), "key/x") {
			t.Errorf("a key beside it was made by hand: got error %v, want %v of key/x", err, ErrNotOurs)
		}
	})
}

func TestWhatWasRevokedIsNotReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for cause, want := range map[string]error{Revoked: ErrNotOurs, Compromised: nil} {
			h := &holder{}
			h.keys = []Key{aged(now, "a", false, 90, 20)}
			e := &Engine{Provider: ringed{&small{holder: h}, true}, Journal: records{held(now, "a", 90), rested(now, "a", 1, cause)}}
			if _, err := e.PlanReissue(t.Context(), anyGrant, RotateOptions{}); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("reissue of what was %s: got error %v, want %v", cause, err, want)
			}
			if _, err := e.PlanRotation(t.Context(), anyGrant); !errors.Is(err, ErrInvalid) {
				t.Errorf("rotation of what was %s: got error %v, want %v", cause, err, ErrInvalid)
			}
		}
	})
}

// flickering shows the grantee's last key at every other look only.
type flickering struct {
	ringed
	looks int
}

func (f *flickering) Open(ctx context.Context, b Blueprint) (*Steps, error) {
	s, err := f.ringed.Open(ctx, b)
	s.Keyring, s.Credential = flicker{ring{f.holder}, f}, flicker{ring{f.holder}, f}
	return s, err
}

type flicker struct {
	ring
	f *flickering
}

func (f flicker) List(ctx context.Context) ([]Key, error) {
	keys, err := f.ring.List(ctx)
	if f.f.looks++; f.f.looks%2 == 1 {
		keys = keys[:len(keys)-1]
	}
	return keys, err
}

func TestAKeyThatComesAndGoesStartsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		engine := func() *Engine {
			h := &holder{}
			h.keys = []Key{aged(now, "a", true, 90, 20), aged(now, "b", true, 0, -1)}
			return &Engine{Provider: &flickering{ringed: ringed{&small{holder: h}, true}}, Journal: records{held(now, "a", 90), held(now, "b", 0)}}
		}
		for name, plan := range map[string]func(*Engine) (*Plan, error){
			"a rotation": func(e *Engine) (*Plan, error) { return e.PlanRotation(t.Context(), anyGrant) },
			"a reissue":  func(e *Engine) (*Plan, error) { return e.PlanReissue(t.Context(), anyGrant, RotateOptions{}) },
		} {
			if _, err := plan(engine()); !errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), "key/") {
				t.Errorf("%s: got error %v, want %v", name, err, ErrMoved)
			}
		}
	})
}
