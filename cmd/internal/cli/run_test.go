// Running a command as a user would, without a process.
package cli

import (
	"bytes"
	"filippo.io/age"
	"os"
	"strings"
	"testing"
)

// ran is what came of one command.
type ran struct {
	code        int
	out, errout string
}

// stage is a place to run commands in.
type stage struct {
	t     *testing.T
	cloud Cloud
	dir   string
	env   map[string]string
	stdin string
	tty   bool
}

func newStage(t *testing.T, c *toy) *stage {
	dir := t.TempDir()
	return &stage{t: t, cloud: toyCloud(c), dir: dir, env: map[string]string{"HOME": dir, "TOY_OWNER": "ann"}}
}

func (s *stage) run(args ...string) ran {
	s.t.Helper()
	var out, errout bytes.Buffer
	code := Run(s.t.Context(), s.cloud, Env{
		Args: args, Stdin: strings.NewReader(s.stdin), Stdout: &out, Stderr: &errout, Dir: s.dir,
		Getenv: func(name string) string { return s.env[name] }, Terminal: Terminal{In: s.tty, Err: s.tty}, Doing: new(Activity),
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

var grantArgs = []string{"--profile", "event-dump", "--bucket", "acme", "--prefix", "events/", "--shelf", "moon-1"}

func with(verb string, more ...string) []string {
	return append(append([]string{verb}, grantArgs...), more...)
}

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

func TestMainJob(t *testing.T) {
	s := newStage(t, &toy{})
	to := s.key()
	r := s.run(with("apply", "--to", to, "--yes")...)
	r.wants(t, 0, "a long-lived key", "SHA256:")
	t.Log(r.out, r.errout)
	r = s.run(with("apply", "--to", to, "--yes")...)
	r.wants(t, 0, "nothing to do")
	r = s.run(with("status")...)
	t.Log(r.out, r.errout)
	r = s.run("receive", "handoff/event-dump-acme-3d4ec3.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt", "--try")
	t.Log(r.code, r.out, r.errout)
	r = s.run("demo")
	t.Log(r.code, r.out, r.errout)
	r = s.run("apply", "--help")
	t.Log(r.code, r.out, r.errout)
	r = s.run("--help")
	t.Log(r.code, r.out, r.errout)
	r = s.run("profiles", "explain", "event-dump")
	t.Log(r.code, r.out, r.errout)
	r = s.run("apply", "-f", "nope", "--bucket", "ACME", "--to", "AGE-SECRET-KEY-1XX", "--prefix", "x", "--profile", "evntdump")
	t.Log(r.code, r.out, r.errout)
}
