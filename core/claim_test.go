// Claims: what is written is read back, fits, and stops the right runs only.
package core

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestClaimIsReadBackAsItWasWritten(t *testing.T) {
	c := Claiming{Claim: Claim{Run: "abc123", Who: "arn:aws:iam::111122223333:user/ops @ laptop;\x1b[2J", Since: time.Date(2026, 12, 1, 2, 3, 4, 0, time.UTC)}}
	for _, most := range []int{256, 80, 45, 38} {
		text := c.Text(most)
		got, ok := ReadClaim(text)
		if !ok || len(text) > most || got.Run != c.Run || !got.Since.Equal(c.Since) || got.Ended || strings.ContainsAny(text, ";\x1b") {
			t.Errorf("in %d bytes: got %q, %+v, %t", most, text, got, ok)
		}
	}
	if got, ok := ReadClaim(c.Over(256)); !ok || !got.Ended {
		t.Errorf("an end is told from a beginning: got %+v, %t", got, ok)
	}
	if text := c.Text(20); text != "" {
		t.Errorf("what does not fit is not cut in half: got %q", text)
	}
	for _, text := range []string{"", "held", "held yesterday abc x", "held 2026-12-01T02:03:04Z ABC;x y", "free 2026-12-01T02:03:04Z abc who"} {
		if got, ok := ReadClaim(text); ok {
			t.Errorf("%q is no claim: got %+v", text, got)
		}
	}
}

func TestClaimStopsWhoeverComesBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		claim := func(run string, age time.Duration) Claiming {
			return Claiming{Claim: Claim{Run: run, Who: "ops", Since: now.Add(-age)}}
		}
		mine := claim("mine", 0)
		mine.was = claim("seen", time.Hour).Over(256)
		mine.ours = func(run string) bool { return run == "mine" || run == "earlier" }
		for name, c := range map[string]struct {
			text string
			want error
		}{
			"nothing":                  {"", nil},
			"what the plan has seen":   {mine.was, nil},
			"its own":                  {mine.Text(256), nil},
			"of the same journal":      {claim("earlier", time.Minute).Text(256), nil},
			"older than what was seen": {claim("other", 2*time.Hour).Text(256), nil},
			"at work":                  {claim("other", time.Minute).Text(256), ErrLocked},
			"has ended":                {claim("other", time.Minute).Over(256), ErrMoved},
			"has died":                 {claim("other", ClaimLasts).Text(256), ErrMoved},
			"from a clock a bit ahead": {claim("other", -time.Minute).Text(256), ErrLocked},
			"from a clock far ahead":   {claim("other", -3*time.Minute).Text(256), ErrMoved},
		} {
			err := mine.Against(c.text)
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), `"ops" (run other) since`) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		}
	})
}

func TestRunStopsWritingWhenItsClaimIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hold{claim: Claim{Since: time.Now()}, claimer: struct{ Claimer }{}}
		if err := h.mayWrite(); err != nil {
			t.Errorf("within its time: got %v", err)
		}
		time.Sleep(ClaimLasts)
		if err := h.mayWrite(); !errors.Is(err, ErrLocked) {
			t.Errorf("after its time: got %v, want %v", err, ErrLocked)
		}
	})
}

// untaggable is a place that takes no claim.
type untaggable struct{ Claimer }

func (untaggable) Note(context.Context) error { return errors.New("may not be tagged") }

func TestWhatOnlyTellsPeopleFailsNoRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		h := &hold{claimer: untaggable{}, noted: make(chan struct{}), untold: func(err error) { told = append(told, err) }}
		if err := h.noting(t.Context(), func(context.Context) error { return nil }); err != nil || len(told) != 1 {
			t.Errorf("got %v, and %d warnings; want success and one warning", err, len(told))
		}
	})
}

// occupied is a place that holds the claim of a run that died, and takes no other.
type occupied struct{ Claimer }

func (occupied) Claim(context.Context, Claiming) error { return errors.New("dies right here") }

func TestMachineNeverWaitsForItsOwnDeadRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		plan := func() *Plan {
			return &Plan{Want: Present, Changes: []Change{{Action: Make}}, steps: &Steps{Claimer: occupied{}}}
		}
		run := func(id string) *Engine { return &Engine{RunID: id, Journal: l} }
		_ = run("first").claim(t.Context(), plan())
		_ = run("second").claim(t.Context(), plan()) // before it has written its own
		p := plan()
		p.claimed = Claiming{Claim: Claim{Run: "first", Since: time.Now().UTC()}}.Text(256)
		if err := run("third").heed(p); err != nil || p.Held() != nil {
			t.Errorf("got %v, %v; want no wait for a run of the same journal", err, p.Held())
		}
		time.Sleep(ClaimLasts)
		_ = run("third").claim(t.Context(), plan())
		if left, _ := l.Pending(); len(left) != 1 {
			t.Errorf("the journal forgets claims that hold nobody up any more: got %d of them, want 1", len(left))
		}
	})
}
