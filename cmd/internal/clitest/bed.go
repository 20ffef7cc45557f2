// Bed: one cloud, one home directory, and the processes of the program that run there one after the other.
package clitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
)

// bed is where a scene goes on.
type bed struct {
	*testing.T
	stage  *stage
	fake   Fake
	server *httptest.Server
	home   string // everything that the program writes is in here
	beside string // and nothing in here
	writes atomic.Int64

	said []text // what processes have shown

	mu    sync.Mutex
	heard [][]byte // the secrets that the cloud gave out or was shown
}

// result is what came of one process.
type result struct {
	Code           int // -1: ended by a signal
	Signal         syscall.Signal
	Stdout, Stderr string
	Report         report
	Took           time.Duration
}

// make furnishes a bed with a scene.
func (s *stage) bed(t *testing.T, from scene) *bed {
	t.Helper()
	dir := t.TempDir()
	b := &bed{T: t, stage: s, home: filepath.Join(dir, "home"), beside: filepath.Join(dir, "beside")}
	err := errors.Join(os.Mkdir(b.beside, 0o700), copyTree(from.home, b.home))
	if err == nil {
		b.fake, err = s.seam.Open(from.cloud)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewUnstartedServer(http.HandlerFunc(b.serve))
	if from.secure {
		b.server.EnableHTTP2 = true
		b.server.StartTLS()
	} else {
		b.server.Start()
	}
	t.Cleanup(b.server.Close)
	return b
}

// serve answers a call as the cloud, and listens.
func (b *bed) serve(w http.ResponseWriter, r *http.Request) {
	r.URL.Scheme, r.URL.Host = "https", r.Host
	r.RequestURI = r.URL.RequestURI()
	if b.fake.Writes(r) {
		b.writes.Add(1)
	}
	listening := &listener{ResponseWriter: w}
	b.fake.Handler.ServeHTTP(listening, r)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, found := range b.fake.Secret.FindAllSubmatch(listening.said.Bytes(), -1) {
		b.heard = append(b.heard, bytes.Clone(found[1]))
	}
}

// listener keeps a copy of an answer.
type listener struct {
	http.ResponseWriter
	said bytes.Buffer
}

func (l *listener) Write(p []byte) (int, error) {
	l.said.Write(p)
	return l.ResponseWriter.Write(p)
}

// command is a process of the program that comes to its point.
func (b *bed) command(ctx context.Context, p point, env, args []string) *exec.Cmd {
	b.Helper()
	o := orders{
		Address: b.server.Listener.Addr().String(), Operator: b.fake.Operator, TLS: b.server.TLS != nil,
		Point: p, Report: filepath.Join(b.beside, "report"),
	}
	data, err := json.Marshal(o)
	path := filepath.Join(b.beside, "orders")
	if err == nil {
		err = errors.Join(os.WriteFile(path, data, 0o600), os.RemoveAll(o.Report))
	}
	if err != nil {
		b.Fatal(err)
	}
	return program(ctx, b.stage.seam.Cloud, b.home, append([]string{seamFile + "=" + path, "TMPDIR=" + b.home}, env...), b.stage.line(args))
}

// run runs a process of the program.
func (b *bed) run(p point, args ...string) result {
	b.Helper()
	return b.with(nil, p, args...)
}

// with is run in an environment.
func (b *bed) with(env []string, p point, args ...string) result {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	cmd := b.command(ctx, p, env, args)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	begun := time.Now()
	err := cmd.Run()
	if ctx.Err() != nil {
		b.Fatalf("%s at %s: got no end within %s\n%s%s", args, p, patience, out.String(), said.String())
	}
	r := result{Code: exitCode(b.T, err), Stdout: out.String(), Stderr: said.String(), Took: time.Since(begun)}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.Signal = status.Signal()
	}
	b.said = append(b.said, text{fmt.Sprintf("standard output of %v at %s", args, p), r.Stdout}, text{fmt.Sprintf("standard error of %v at %s", args, p), r.Stderr})
	if data, err := os.ReadFile(filepath.Join(b.beside, "report")); err == nil {
		if err := json.Unmarshal(data, &r.Report); err != nil {
			b.Fatal(err)
		}
	}
	for name, data := range r.Report.Seen.Proc {
		b.said = append(b.said, text{"/proc/PID/" + name, data})
	}
	return r
}

// inside runs the program in this process, where it costs less.
func (b *bed) inside(args ...string) result {
	b.Helper()
	var out, said bytes.Buffer
	wire := newWire(b.server.Listener.Addr().String(), b.server.TLS != nil, &peril{})
	code := cli.Run(b.Context(), b.stage.seam.through(wire, b.fake.Operator), cli.Env{
		Args: b.stage.line(args), Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: &said, Dir: b.home,
		Getenv: func(string) string { return "" },
	})
	b.said = append(b.said, text{fmt.Sprintf("output of %v", args), out.String() + said.String()})
	return result{Code: code, Stdout: out.String(), Stderr: said.String()}
}

// copyTree copies files with their modes.
func copyTree(from, to string) error {
	if from == "" {
		return os.Mkdir(to, 0o700)
	}
	return filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.Mkdir(filepath.Join(to, name), 0o700)
		}
		data, err := os.ReadFile(path) //nolint:gosec // the test's own
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), data, 0o600) //nolint:gosec // as above
	})
}
