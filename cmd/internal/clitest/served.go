//go:build conformance || bench

// Served: a sandbox behind a port, for clients that are not ours.
package clitest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Served is a sandbox that other programs talk to, in a file of its own.
type Served struct {
	T       *testing.T
	Dir     string
	File    string   // the sandbox's
	Address string   // "127.0.0.1:40000", the same after every [Served.Away]
	Env     []string // what the sandbox prints for other programs

	program string
	process *exec.Cmd
}

// NewServed serves a sandbox of a program of make build until the test ends.
func NewServed(t *testing.T, program string) *Served {
	t.Helper()
	bin := os.Getenv("BIN")
	if bin == "" {
		t.Fatal("BIN is not set: run make conformance")
	}
	var config net.ListenConfig
	free, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &Served{T: t, Dir: dir, File: filepath.Join(dir, "cloud.json"), Address: free.Addr().String(), program: filepath.Join(bin, program)}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *Served) start() {
	s.T.Helper()
	s.process = exec.CommandContext(context.Background(), s.program, "sandbox", "serve", "--listen", s.Address, "--sandbox-file", s.File) //nolint:gosec // the test names it
	printed, err := os.Create(filepath.Join(s.Dir, "exports"))
	if err != nil {
		s.T.Fatal(err)
	}
	s.process.Stdout = printed
	said, err := s.process.StderrPipe()
	if err != nil {
		s.T.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.T.Fatal(err)
	}
	lines, serving := bufio.NewScanner(said), false
	for !serving && lines.Scan() {
		serving = strings.HasPrefix(lines.Text(), "serving ")
	}
	if !serving {
		s.T.Fatalf("%s sandbox serve ended: %v", s.program, s.process.Wait())
	}
	go io.Copy(io.Discard, said) //nolint:errcheck // nobody reads the rest
	exports, err := os.ReadFile(printed.Name())
	if err != nil {
		s.T.Fatal(err)
	}
	s.Env = nil
	for line := range strings.Lines(string(exports)) {
		s.Env = append(s.Env, strings.TrimPrefix(strings.TrimSpace(line), "export "))
	}
}

func (s *Served) stop() {
	if s.process == nil {
		return
	}
	err := s.process.Process.Signal(syscall.SIGINT)
	if err == nil {
		err = s.process.Wait()
	}
	s.process = nil
	if err != nil {
		s.T.Errorf("the served sandbox ended: %v", err)
	}
}

// Beside runs the program as an operator whose environment leads to the served
// sandbox, and demands an exit code.
func (s *Served) Beside(code int, args ...string) string {
	s.T.Helper()
	return s.demand(code, s.Env, append(args, "--allow-endpoint"))
}

// Away runs the program on the sandbox's file, which nobody serves meanwhile.
// Tokens and connections of clients survive that.
func (s *Served) Away(code int, args ...string) string {
	s.T.Helper()
	s.stop()
	defer s.start()
	return s.demand(code, nil, append(args, "--sandbox-file", s.File))
}

func (s *Served) demand(code int, env, args []string) string {
	s.T.Helper()
	out, said, got := s.Run(env, s.program, args...)
	if got != code {
		s.T.Fatalf("%s %s: got exit code %d, want %d\n%s%s", filepath.Base(s.program), strings.Join(args, " "), got, code, out, said)
	}
	return out + said
}

// Run runs a program in an environment without anybody's own settings.
func (s *Served) Run(env []string, name string, args ...string) (out, said string, code int) {
	s.T.Helper()
	c := exec.CommandContext(s.T.Context(), name, args...) //nolint:gosec // the test names it
	c.Dir = s.Dir
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER="}, env...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	return stdout.String(), stderr.String(), exitCode(s.T, err)
}

// Handed is the newest file that was handed over into dir with that ending.
func (s *Served) Handed(dir, ending string) string {
	s.T.Helper()
	files, err := filepath.Glob(filepath.Join(s.Dir, dir, "*"+ending))
	if err != nil || len(files) != 1 {
		s.T.Fatalf("%s: got %v %v, want one file that ends in %s", dir, files, err, ending)
	}
	return files[0]
}

// Manifest reads the public manifest in dir.
func (s *Served) Manifest(dir string) (m struct {
	Key     struct{ ID string }
	Outputs []struct{ Name, Value string }
},
) {
	s.T.Helper()
	s.Decode(s.Handed(dir, ".manifest.json"), &m)
	return m
}

// Decode reads a file of JSON.
func (s *Served) Decode(path string, v any) {
	s.T.Helper()
	data, err := os.ReadFile(path) //nolint:gosec // in the test's own directory
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		s.T.Fatal(err)
	}
}

// Judged prints what was held up to a client that is not ours.
func (s *Served) Judged(by, what string) {
	s.T.Helper()
	s.T.Logf("%-20s %s", by, what)
}
