// Running a command as a user would, without a process.
package cli

import (
	"bytes"
	"context"
	"filippo.io/age"
	"os"
	"strings"
	"testing"
	"testing/synctest"
)

// ran is what came of one command.
type ran struct {
	code        int
	out, errout string
}

// stage is a place to run commands in.
type stage struct {
	t         *testing.T
	cloud     Cloud
	dir       string
	env       map[string]string
	stdin     string
	tty       bool // standard input and standard error are terminals
	ttyOut    bool
	interrupt *toy
}

func newStage(t *testing.T, c *toy) *stage {
	dir := t.TempDir()
	return &stage{t: t, cloud: toyCloud(c), dir: dir, env: map[string]string{"HOME": dir, "TOY_OWNER": "ann"}}
}

func (s *stage) run(args ...string) ran {
	s.t.Helper()
	var out, errout bytes.Buffer
	code := -1
	synctest.Test(s.t, func(t *testing.T) { // a proof takes seconds, but not ours
		ctx := t.Context()
		if s.interrupt != nil {
			var cancel context.CancelCauseFunc
			ctx, cancel = context.WithCancelCause(ctx)
			s.interrupt.cancel = func() { cancel(errInterrupted) }
		}
		code = Run(ctx, s.cloud, Env{
			Args: args, Stdin: strings.NewReader(s.stdin), Stdout: &out, Stderr: &errout, Dir: s.dir,
			Getenv: func(name string) string { return s.env[name] }, Terminal: Terminal{In: s.tty, Out: s.ttyOut, Err: s.tty}, Doing: new(Activity),
		})
	})
	return ran{code, out.String(), errout.String()}
}

// write writes a file into the stage's directory.
func (s *stage) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.dir+"/"+name, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// key makes a receiver's key pair: the identity in key.txt, and the recipient.
func (s *stage) key() string {
	s.t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("key.txt", id.String()+"\n")
	return id.Recipient().String()
}

// with is a command with the flags of a grant.
func with(verb string, more ...string) []string {
	return append([]string{verb, "--profile", "event-dump", "--bucket", "acme", "--prefix", "events/", "--shelf", "moon-1"}, more...)
}

// lacks checks that no part is in what was printed.
func (r ran) lacks(t *testing.T, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if strings.Contains(r.out+r.errout, p) {
			t.Errorf("got %q in\nstdout: %s\nstderr: %s", p, r.out, r.errout)
		}
	}
}

// wants checks the exit code, and that each part is somewhere in what was printed.
func (r ran) wants(t *testing.T, code int, parts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code: got %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.out, r.errout)
	}
	for _, p := range parts {
		if !strings.Contains(r.out+r.errout, p) {
			t.Errorf("got no %q in\nstdout: %s\nstderr: %s", p, r.out, r.errout)
		}
	}
}
