//go:build conformance

// Rclone: a remote as it was handed over, in the hands of the real rclone.
package clitest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Rclone is rclone with one remote.
type Rclone struct {
	*Served
	Name  string // "rclone v1.60.1"
	file  string
	flags []string // what leads it to the sandbox; everything else is as exported
}

// NeedsRclone skips the test where rclone is not installed, and fails it in CI.
func NeedsRclone(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("rclone"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("rclone is not on PATH: apt-get install rclone")
		}
		t.Skip("rclone is not on PATH: nobody judges the remotes here")
	}
}

// Rclone takes the file of a remote.
func (s *Served) Rclone(file string, flags ...string) Rclone {
	s.T.Helper()
	r := Rclone{Served: s, file: file, flags: flags}
	out, _, _ := s.Run(nil, "rclone", "version")
	r.Name, _, _ = strings.Cut(out, "\n")
	out, said, code := s.Run(nil, "rclone", "--config", file, "listremotes")
	if code != 0 || strings.Count(out, ":\n") != 1 {
		s.T.Fatalf("%s does not read the remote: %s%s", r.Name, out, said)
	}
	return r
}

// do runs rclone; a word that starts with ":" is below the remote.
func (r Rclone) do(args []string) (said string, ok bool) {
	r.T.Helper()
	remote, _, _ := r.Run(nil, "rclone", "--config", r.file, "listremotes")
	all := append([]string{"--config", r.file, "--retries", "1", "--low-level-retries", "1"}, r.flags...)
	for _, arg := range args {
		if path, below := strings.CutPrefix(arg, ":"); below {
			arg = strings.TrimSpace(remote) + path
		}
		all = append(all, arg)
	}
	out, said, code := r.Run(nil, "rclone", all...)
	return out + said, code == 0
}

// Works demands that a command ends well and prints something.
func (r Rclone) Works(prints string, args ...string) {
	r.T.Helper()
	if said, ok := r.do(args); !ok || !strings.Contains(said, prints) {
		r.T.Errorf("%s %v: got %s, want it to work and %q", r.Name, args, said, prints)
		return
	}
	r.Judged(r.Name, "works: "+strings.Join(args, " "))
}

// Refused demands that a command fails, and with what.
func (r Rclone) Refused(says string, args ...string) {
	r.T.Helper()
	if said, ok := r.do(args); ok || !strings.Contains(said, says) {
		r.T.Errorf("%s %v: got success=%t %s, want %q", r.Name, args, ok, said, says)
		return
	}
	r.Judged(r.Name, "is refused: "+strings.Join(args, " ")+": "+says)
}

// SendsACL reports whether it is a version that sends an ACL with every object, asked or not.
// https://github.com/rclone/rclone/issues/5730
func (r Rclone) SendsACL() bool {
	return slices.ContainsFunc([]string{"v1.57.", "v1.58.", "v1.59.", "v1.60."}, func(v string) bool { return strings.Contains(r.Name, v) })
}
