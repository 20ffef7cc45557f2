// The main job and its refusals, in the words around them.
package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// secret is what the toy cloud issues.
var secret = strings.Repeat("s3cr3t/+", 5)

func TestApplyDeliversOnceAndSaysSo(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	to := s.key()
	s.run(with("apply", "--to", to, "--yes")...).wants(t, 0, "a long-lived key", "seal to", "age1", "3 of 3 times in a row", "tried with the credential itself", "toy revoke")
	s.run(with("apply", "--to", to, "--yes")...).wants(t, 0, "nothing to do; no credential was issued")
	if cloud.Count != 1 {
		t.Errorf("keys issued: got %d, want 1", cloud.Count)
	}
	s.run(with("status")...).wants(t, 0, "100 days old", "OLDER than 90 days", "nothing differs")
	s.run(with("destroy", "--yes")...).wants(t, 0, "- toy:role", "= toy:bucket/acme")
	if len(cloud.Issued) != 0 || cloud.Role || cloud.Bucket != "acme" {
		t.Errorf("after destroy: got %+v, want nothing but the bucket", cloud)
	}
}

func TestTooMuchAccessIsRetiredAndEndsWithFive(t *testing.T) {
	cloud := &toy{Wide: true}
	s := newStage(t, cloud)
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 5, "NOT AS GRANTED", "has been retired")
	if len(cloud.Issued) != 0 {
		t.Errorf("keys: got %v, want none", cloud.Issued)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "handoff", "*")); len(left) > 0 {
		t.Errorf("files: got %v, want none", left)
	}
}

func TestAskedOnATerminalOnly(t *testing.T) {
	for _, c := range []struct {
		name, stdin string
		tty         bool
		args        []string
		code        int
		issued      int
	}{
		{"no terminal", "y\n", false, nil, 2, 0},
		{"the default is no", "\n", true, nil, 1, 0},
		{"the end of input is no", "", true, nil, 1, 0},
		{"yes", "y\n", true, nil, 0, 1},
		{"quiet asks too", "y\n", true, []string{"--quiet"}, 0, 1},
		{"yes is said before", "", false, []string{"--yes"}, 0, 1},
	} {
		cloud := &toy{}
		s := newStage(t, cloud)
		s.stdin, s.tty = c.stdin, c.tty
		s.run(append(with("apply", "--to", s.key()), c.args...)...).wants(t, c.code)
		if cloud.Count != c.issued {
			t.Errorf("%s: got %d keys, want %d", c.name, cloud.Count, c.issued)
		}
	}
}

func TestWhatIsAskedIsShown(t *testing.T) {
	s := newStage(t, &toy{})
	s.stdin, s.tty = "y\n", true
	s.run(with("apply", "--quiet", "--to", s.key())...).wants(t, 0, "toy:bucket/acme", "Carry this out in box box-7? [y/N]")
}

func TestDestroyWantsTheGrantsName(t *testing.T) {
	for answer, code := range map[string]int{"y\n": 1, "\n": 1, "acme-grant\n": 0} {
		cloud := &toy{Role: true}
		s := newStage(t, cloud)
		s.stdin, s.tty = answer, true
		s.run(with("destroy", "--name", "acme-grant")...).wants(t, code)
		if gone := !cloud.Role; gone != (code == 0) {
			t.Errorf("answer %q: role gone: got %v, want %v", answer, gone, code == 0)
		}
	}
}

func TestRefusalStopsBeforeAnyWrite(t *testing.T) {
	cloud := &toy{Bucket: "acme", Foreign: true}
	s := newStage(t, cloud)
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 4, "hint: --adopt")
	if cloud.Role || cloud.Count > 0 {
		t.Errorf("got %+v, want no write", cloud)
	}
	s.run(with("apply", "--to", s.key(), "--adopt", "--yes")...).wants(t, 0, "adopted")
}

func TestInterruptedRunLeavesNoKey(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	s.interrupt = cloud
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 130, "interrupted")
	if len(cloud.Issued) != 0 {
		t.Errorf("keys: got %v, want none", cloud.Issued)
	}
}

func TestUnknownOutcomeHasItsOwnCode(t *testing.T) {
	s := newStage(t, &toy{Wide: true, Fail: map[string]error{"retire": errors.New("no answer")}})
	r := s.run(with("apply", "--to", s.key(), "--yes")...)
	r.wants(t, 10, "hint: run the same command again")
	r.lacks(t, "has been retired")
}

func TestADeliveryThatCouldNotBeNotedNamesItsFiles(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	journal := filepath.Join(s.dir, "journal", "acme.jsonl")
	cloud.trying = func() { // the delivery itself goes well, and then nobody can write it down
		if err := os.Remove(journal); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	r := s.run(with("apply", "--name", "acme", "--journal", "journal", "--to", s.key(), "--yes")...)
	r.wants(t, 10, "(key AKIAIOSFODNN7EXAMPLE) had been delivered before the failure", "before you send them", "hint: run the same command again")
	files, err := filepath.Glob(filepath.Join(s.dir, "handoff", "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files: got %v %v, want the credential and its manifests", files, err)
	}
	for _, f := range files {
		if !strings.Contains(r.errout, "written: "+f) {
			t.Errorf("got no %s in %s", f, r.errout)
		}
	}
}

func TestReceiptOfAFailureTellsWhatIsDone(t *testing.T) {
	s := newStage(t, &toy{Fail: map[string]error{"toy:role": &core.Error{Kind: core.ErrBlocked, Err: errors.New("constraint"), Hint: "ask them"}}})
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 7, "done before the failure:", "+ toy:bucket/acme", "hint: ask them")
}

func TestChangesAreAnAnswerAndNoFailure(t *testing.T) {
	s := newStage(t, &toy{})
	r := s.run(with("plan", "--exit-code", "--quiet")...)
	r.wants(t, 3)
	if r.errout != "" {
		t.Errorf("standard error: got %q, want nothing", r.errout)
	}
	s.run(with("plan", "--exit-code", "--json")...).wants(t, 3, `"changed": true`)
}

func TestOnlyTheGrantsOwnBucketCanBeNamedForDropping(t *testing.T) {
	cloud := &toy{Bucket: "acme", Role: true}
	s := newStage(t, cloud)
	s.run(with("destroy", "--drop-bucket", "acme2", "--yes")...).wants(t, 2, `drop-bucket "acme2": is not the bucket of the grant; accepted: acme`)
	s.run(with("destroy", "--drop-bucket", "acme", "--yes")...).wants(t, 0)
	if cloud.Bucket != "" {
		t.Errorf("bucket: got %q, want it gone", cloud.Bucket)
	}
}
