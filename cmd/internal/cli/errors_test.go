// Exit codes and errors are a contract with scripts.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestExitCodesAreFrozen(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		kind string
	}{
		{core.ErrInvalid, 2, "invalid"},
		{core.Faults{{Field: "bucket", Rule: "is missing"}}, 2, "invalid"},
		{errChanges, 3, "changes"},
		{core.ErrNotOurs, 4, "not_ours"},
		{core.ErrUnproven, 5, "unproven"},
		{core.ErrNotConverged, 6, "not_converged"},
		{core.ErrBlocked, 7, "blocked"},
		{core.ErrSomeFailed, 8, "some_failed"},
		{core.ErrLocked, 9, "locked"},
		{core.ErrUnknown, 10, "unknown"},
		{core.ErrOperator, 11, "operator"},
		{errInterrupted, 130, "interrupted"},
		{context.Canceled, 130, "interrupted"},
		{core.ErrMoved, 1, "moved"},
		{errors.New("anything else"), 1, "failure"},
	} {
		for _, err := range []error{c.err, fmt.Errorf("a: %w", c.err), &core.Error{Kind: c.err}} {
			if got := endOf(err); got.Code != c.code || got.Name != c.kind {
				t.Errorf("%v: got %d %s, want %d %s", err, got.Code, got.Name, c.code, c.kind)
			}
		}
	}
}

func TestTheGravestOfSeveralErrorsDecides(t *testing.T) {
	for _, c := range []struct {
		errs []error
		code int
	}{
		{[]error{core.ErrUnproven, core.ErrUnknown}, 10},
		{[]error{errInterrupted, core.ErrUnknown}, 10},
		{[]error{core.ErrNotConverged, core.ErrUnproven}, 5},
		{[]error{errors.New("x"), core.ErrNotConverged}, 6},
		{[]error{core.ErrInvalid, core.ErrLocked}, 9},
		{[]error{core.ErrOperator, context.Canceled}, 11},
		{[]error{core.ErrNotConverged, errInterrupted}, 130},
	} {
		if got := endOf(errors.Join(c.errs...)).Code; got != c.code {
			t.Errorf("%v: got %d, want %d", c.errs, got, c.code)
		}
	}
}

func TestEveryKindOfCoreHasAnExitCodeOfItsOwn(t *testing.T) {
	seen := map[int]string{}
	for _, e := range ends() {
		if other, ok := seen[e.Code]; ok && e.Code != 1 {
			t.Errorf("exit code %d: got %s and %s, want one", e.Code, e.Name, other)
		}
		seen[e.Code] = e.Name
		if e.Name == "" {
			t.Errorf("exit code %d has no name", e.Code)
		}
	}
}

func TestAnInterruptIsSaidInWords(t *testing.T) {
	err := errors.Join(fmt.Errorf("toy:role: %w", context.Canceled), errors.New("toy:key/1: retired"), errInterrupted)
	if got, want := describe(err, "x").Error, "toy:key/1: retired\ninterrupted"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := describe(context.Canceled, "x").Error, "interrupted"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNothingIsSaidTwiceOrAtAnyLength(t *testing.T) {
	s := newStage(t, &toy{})
	s.write("m.json", "{")
	s.write("broken.yaml", `bucket: "a`)
	for _, c := range []struct {
		args []string
		most map[string]int
	}{
		{[]string{"receive", "x", "--identity", "key", "--manifest", "m.json", "--out", "o"}, map[string]int{"manifest": 2, "identity \"": 1, "m.json": 1}},
		{[]string{"plan", "-f", "broken.yaml", "--offline"}, map[string]int{"toygrant: ": 1}},
		{[]string{"plan", "-f", "none.yaml", "--offline"}, map[string]int{"toygrant: ": 1}},
		{with("plan", "--offline", "--to", "@"+s.dir), map[string]int{"accepted: ": 1}},
		{with("plan", "--offline", "--format", strings.Repeat("x", 5000)), map[string]int{"x": 80}},
	} {
		r := s.run(c.args...)
		r.wants(t, 2)
		for part, most := range c.most {
			if got := strings.Count(r.errout, part); got > most {
				t.Errorf("%v: got %q %d times, want %d at most, in %s", c.args[:2], part, got, most, r.errout)
			}
		}
	}
}

func TestHintsOfAllErrorsAreShownOnce(t *testing.T) {
	one := &core.Error{Kind: core.ErrNotOurs, What: "a", Hint: "--adopt"}
	p := describe(errors.Join(one, fmt.Errorf("b: %w", one), &core.Error{Kind: core.ErrNotOurs, What: "c", Hint: "--name"}), "toygrant")
	if want := "--adopt; --name"; p.Hint != want {
		t.Errorf("hint: got %q, want %q", p.Hint, want)
	}
	p = describe(core.ErrMoved, "toygrant")
	if want := "make the plan again and review it: toygrant plan --out FILE"; p.Hint != want {
		t.Errorf("hint of the table: got %q, want %q", p.Hint, want)
	}
}

func TestErrorsAreOneLineOfJSON(t *testing.T) {
	s := newStage(t, &toy{})
	r := s.run("apply", "--bucket", "ACME", "--json", "--yes")
	var p problem
	if err := json.Unmarshal([]byte(r.errout), &p); err != nil {
		t.Fatalf("standard error is not one document: %v\n%s", err, r.errout)
	}
	if p.ExitCode != 2 || r.code != 2 || p.Kind != "invalid" || len(p.Faults) < 4 || strings.Count(r.errout, "\n") != 1 {
		t.Errorf("got %+v", p)
	}
}

func TestRemoteTextNeverReachesTheTerminalRaw(t *testing.T) {
	hostile := "x\x1b]52;c;aGk=\x07\u202egnp.exe\u200b\u009b31m"
	s := newStage(t, &toy{Fail: map[string]error{"whoami": errors.New(hostile)}})
	for _, args := range [][]string{with("plan"), with("plan", "--json")} {
		r := s.run(args...)
		r.wants(t, 1)
		r.lacks(t, "\x1b", "\u202e", "\u200b", "\u009b", "\x07")
	}
	s = newStage(t, &toy{}) // its operator has an escape sequence in the name
	for _, args := range [][]string{with("plan"), with("plan", "--json"), with("status"), with("status", "--json"), with("destroy", "--yes")} {
		r := s.run(args...)
		r.wants(t, 0)
		r.lacks(t, "\x1b")
	}
}

func TestAPanicTellsAPlaceAndNoValue(t *testing.T) {
	place := func() (place string) {
		defer func() {
			_ = recover()
			place = panicked()
		}()
		panic("s3cr3t")
	}()
	if strings.Contains(place, "s3cr3t") || !strings.Contains(place, "TestAPanicTellsAPlaceAndNoValue") {
		t.Errorf("got %q, want the function that panicked", place)
	}
}
