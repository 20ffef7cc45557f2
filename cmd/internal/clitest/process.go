// Processes: what only a real process can show.
package clitest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
	"github.com/bucketgrant/bucketgrant/core"
)

// patience bounds what must not take long.
const patience = 30 * time.Second

// program is one run of the program in a process of its own.
func program(ctx context.Context, c cli.Cloud, dir string, env, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Program, args...) //nolint:gosec // the test names the program
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GOCOVERDIR=" + dir}, env...)
	return cmd
}

// grant is the flags of a grant that the real cloud is asked about.
func grant(c cli.Cloud) []string {
	w := world{c, c.Connect(core.Connection{}).Info()}
	return append([]string{"--profile", "event-dump", "--bucket", "acme-events"}, w.required()...)
}

// exitCode waits for cmd.
func exitCode(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

// Serve shows that a served sandbox speaks to other programs, that nobody is
// sent to it without consent, and that an interrupt ends it. consented is the
// exit code of a plan that consents to it.
func Serve(t *testing.T, c cli.Cloud, consented int) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	served := program(ctx, c, dir, nil, []string{"sandbox", "serve", "--listen", "127.0.0.1:0"})
	printed, err := os.Create(filepath.Join(dir, "printed")) //nolint:gosec // in the test's own directory
	if err != nil {
		t.Fatal(err)
	}
	served.Stdout = printed
	errout, err := served.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := served.Start(); err != nil {
		t.Fatal(err)
	}
	var address string
	for lines := bufio.NewScanner(errout); address == "" && lines.Scan(); {
		_, address, _ = strings.Cut(strings.TrimSuffix(lines.Text(), "; interrupt to end"), " on ")
	}
	out, err := program(ctx, c, dir, nil, []string{"sandbox", "serve", "--listen", strings.TrimPrefix(address, "http://")}).CombinedOutput()
	if code := exitCode(t, err); code != 1 || !strings.Contains(string(out), "choose another port") {
		t.Errorf("a port in use: got %d %s, want 1 and what to do", code, out)
	}
	status, err := get(ctx, address)
	if err != nil || status < 400 || status >= 500 {
		t.Errorf("a stranger's request: got %d %v, want a refusal", status, err)
	}
	exports, err := os.ReadFile(printed.Name())
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	for line := range strings.Lines(string(exports)) {
		env = append(env, strings.TrimPrefix(strings.TrimSpace(line), "export "))
	}
	plan := append([]string{"plan"}, grant(c)...)
	out, err = program(ctx, c, dir, env, plan).CombinedOutput()
	if code := exitCode(t, err); code != 2 || !strings.Contains(string(out), "--allow-endpoint") {
		t.Errorf("an endpoint without consent: got %d %s, want 2 and what to do", code, out)
	}
	out, err = program(ctx, c, dir, env, append(plan, "--allow-endpoint")).CombinedOutput()
	if code := exitCode(t, err); code != consented {
		t.Errorf("an endpoint with consent: got %d %s, want %d", code, out, consented)
	}
	if err := served.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, served.Wait()); code != 0 {
		t.Errorf("after an interrupt: got exit code %d, want 0", code)
	}
}

// Interrupt shows that a signal ends a run that waits for its cloud, and that a
// second one says what is still going on. env leads the program to address,
// where nobody answers.
func Interrupt(t *testing.T, c cli.Cloud, env func(address string) []string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var config net.ListenConfig
	silent, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // nothing was said
	run := program(ctx, c, t.TempDir(), env(silent.Addr().String()), append([]string{"apply", "--plain", "--yes", "--allow-endpoint"}, grant(c)...))
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	waiting, err := silent.Accept() // its first call is under way
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close() //nolint:errcheck // nothing was said
	if err := run.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, run.Wait()); code != 130 || !strings.Contains(out.String(), "interrupted") {
		t.Errorf("after a signal: got %d %s, want 130", code, out.String())
	}
}

// get asks for the root of a server and returns the status of the answer.
func get(ctx context.Context, address string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// Pipe shows that nobody has to listen: with the reader of standard error gone,
// the credential is delivered all the same.
func Pipe(t *testing.T, c cli.Cloud) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	run := program(ctx, c, dir, nil, append([]string{"apply", "--sandbox", "--plain", "--yes"}, grant(c)...))
	run.Stderr = write
	if err := errors.Join(run.Start(), read.Close(), write.Close()); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, run.Wait()); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "handoff", "*")); err != nil || len(files) != 3 {
		t.Errorf("got %v %v, want the credential and two manifests", files, err)
	}
}
