// The tally tells the truth about a run.
package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is what go test says, one event a line: ACTION TEST [KEY VALUE].
func told(t *testing.T, lines ...string) (*record, string) {
	t.Helper()
	var said, shown bytes.Buffer
	for _, line := range lines {
		words := append(strings.Fields(line), "", "", "")
		e := event{Action: words[0], Package: "pkg", Test: words[1]}
		switch e.Action {
		case "attr":
			e.Key, e.Value = words[2], words[3]
		case "output":
			e.Output = line + "\n"
		}
		if err := json.NewEncoder(&said).Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	r := newRecord()
	if err := r.read(&said, &shown); err != nil {
		t.Fatal(err)
	}
	return r, shown.String()
}

func TestCasesAreTheSubtestsWithoutSubtests(t *testing.T) {
	r, _ := told(t, "run A", "attr A suite K1", "run A/b", "run A/b/c", "pass A/b/c", "run A/b/d", "pass A/b/d", "pass A/b", "run A/e", "pass A/e", "pass A",
		"run Other", "pass Other")
	if diff := cmp.Diff(map[string]sum{"K1": {3, 0}}, r.sums(), cmp.AllowUnexported(sum{})); diff != "" {
		t.Error(diff)
	}
}

func TestAViolationIsCountedOnceAndShown(t *testing.T) {
	r, shown := told(t, "run A", "attr A suite K1", "run A/b", "output A/b wrong", "fail A/b", "run A/c", "output A/c right", "pass A/c", "fail A")
	if got := r.sums()["K1"]; got != (sum{2, 1}) {
		t.Errorf("got %+v, want two cases and one violation", got)
	}
	if !strings.Contains(shown, "wrong") || strings.Contains(shown, "right") {
		t.Errorf("shown: got %q, want what failed and nothing else", shown)
	}
}

func TestATestMayCountItsCasesItself(t *testing.T) {
	r, _ := told(t, "run A", "attr A suite M2", "attr A cases 500", "run A/b", "fail A/b", "fail A", "run B", "attr B suite M2", "pass B")
	if got := r.sums()["M2"]; got != (sum{501, 1}) {
		t.Errorf("got %+v, want 501 cases and one violation", got)
	}
}

func TestASubtestMayCountItsCasesItself(t *testing.T) {
	r, _ := told(t, "run A", "attr A suite M1", "run A/b", "attr A/b cases 40", "pass A/b", "run A/c", "pass A/c", "pass A")
	if got := r.sums()["M1"]; got != (sum{41, 0}) {
		t.Errorf("got %+v, want 41 cases", got)
	}
}

func TestASuiteInsideAnotherCountsForItself(t *testing.T) {
	r, _ := told(t, "run A", "attr A suite K1", "run A/b", "attr A/b suite S1", "run A/b/c", "pass A/b/c", "pass A/b", "run A/d", "pass A/d", "pass A")
	if diff := cmp.Diff(map[string]sum{"K1": {1, 0}, "S1": {1, 0}}, r.sums(), cmp.AllowUnexported(sum{})); diff != "" {
		t.Error(diff)
	}
}

func TestWhatNeverEndedHasFailed(t *testing.T) {
	r, shown := told(t, "run A", "attr A suite K1", "run A/b", "output A/b hangs", "fail")
	if got := r.sums()["K1"]; got.violations != 1 || !strings.Contains(shown, "hangs") {
		t.Errorf("got %+v and %q, want one violation that is shown", got, shown)
	}
}

func TestASuiteThatTriedNothingIsMissing(t *testing.T) {
	r, _ := told(t, "run A", "attr A suite K1", "pass A")
	var out bytes.Buffer
	if diff := cmp.Diff([]string{"F1"}, r.table(&out, []string{"K1", "F1"})); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"K1      1           0", "F1      0           0", "all      1           0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("table: got\n%s\nwant a line %q", out.String(), want)
		}
	}
}

func TestWhatIsNoEventIsAnError(t *testing.T) {
	if err := newRecord().read(strings.NewReader("FAIL\n"), &bytes.Buffer{}); err == nil {
		t.Error("got success, want an error")
	}
}
