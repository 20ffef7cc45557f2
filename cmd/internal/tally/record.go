// The record of a run of go test: what it says, and which cases belong to which suite.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// event is one line of go test -json; see "go doc test2json".
type event struct {
	Action, Package, Test string
	Key, Value            string // of an attribute
	Output                string
}

// test is one test or subtest.
type test struct {
	suite   string // that it announces
	cases   int    // that it says it has tried; 0: they are its subtests
	above   *test  // whose subtest it is
	parent  bool   // it has subtests
	failed  bool
	skipped bool
	within  bool // one of its subtests failed
	ended   bool
	output  []string
}

// record is what is known of each test, by package and name.
type record struct {
	tests   map[string]*test
	skipped []string // their names
}

func newRecord() *record { return &record{tests: map[string]*test{}} }

// read reads events to their end and prints what a person needs of them: each
// package's result, and everything that a failed test has said.
func (r *record) read(from io.Reader, to io.Writer) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("go test -json says %q: %w", lines.Text(), err)
		}
		r.add(e, to)
	}
	return lines.Err()
}

func (r *record) add(e event, to io.Writer) {
	if e.Test == "" {
		r.addPackage(e, to)
		return
	}
	t := r.test(e.Package, e.Test)
	switch e.Action {
	case "attr":
		switch e.Key {
		case "suite":
			t.suite = e.Value
		case "cases":
			t.cases, _ = strconv.Atoi(e.Value)
		}
	case "output":
		t.output = append(t.output, e.Output)
	case "pass":
		t.ended, t.output = true, nil
	case "skip":
		t.ended, t.skipped, t.output = true, true, nil
		r.skipped = append(r.skipped, e.Test)
	case "fail":
		t.fail(to)
	}
}

// addPackage adds what is said of a package as a whole. A test that has not ended
// when its package fails has failed with it.
func (r *record) addPackage(e event, to io.Writer) {
	switch e.Action {
	case "output", "build-output":
		if e.Output != "PASS\n" && e.Output != "FAIL\n" {
			_, _ = io.WriteString(to, e.Output)
		}
	case "fail":
		for id, t := range r.tests {
			if strings.HasPrefix(id, e.Package+" ") && !t.ended && !t.parent {
				t.fail(to)
			}
		}
	}
}

func (t *test) fail(to io.Writer) {
	t.ended, t.failed = true, true
	if t.above != nil {
		t.above.within = true
	}
	_, _ = io.WriteString(to, strings.Join(t.output, ""))
	t.output = nil
}

// test finds a test, and tells those above it that they have subtests.
func (r *record) test(pkg, name string) *test {
	id := pkg + " " + name
	t, known := r.tests[id]
	if !known {
		t = &test{}
		r.tests[id] = t
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			t.above = r.test(pkg, name[:i])
			t.above.parent = true
		}
	}
	return t
}
