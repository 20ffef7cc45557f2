// Main: from a process to one command and its exit code.
package cli

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/term"

	"github.com/bucketgrant/bucketgrant/core"
)

// Cloud is everything that a program knows of the one cloud it is for.
type Cloud struct {
	Program string // "s3grant"
	Region  string // a region that exists, for the examples in help texts

	// Connect returns the provider for the real cloud. It makes no call.
	Connect func(core.Connection) core.Provider

	// Sandbox returns the cloud inside the program as snapshot left it; nil for a fresh one.
	Sandbox func(snapshot []byte) (Sandbox, error)
}

// Sandbox is a cloud inside the program.
type Sandbox interface {
	Provider() core.Provider
	Handler() http.Handler              // the cloud's own protocol, for curl and the cloud's own tools
	Snapshot() ([]byte, error)          // everything in it
	Environment(listen string) []string // NAME=VALUE for tools that shall talk to Handler at that address
}

// Main runs the program and returns its exit code.
func Main(c Cloud) (code int) {
	limitCore()
	log.SetOutput(io.Discard) // net/http writes whole requests and answers there if GODEBUG says so
	env := Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Terminal: Terminal{
			In:  term.IsTerminal(int(os.Stdin.Fd())),
			Out: term.IsTerminal(int(os.Stdout.Fd())),
			Err: term.IsTerminal(int(os.Stderr.Fd())),
		},
		Doing: new(Activity),
	}
	defer func() {
		if v := recover(); v != nil {
			code = 1
			// The value may hold anything, so it is not printed.
			_, _ = fmt.Fprintf(env.Stderr, "%s: internal error at %s\nhint: run the same command again: it goes on from there; an internal error is worth a report\n", c.Program, panicked())
		}
	}()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	// A reader that goes away must not end a run between a key and its delivery:
	// once somebody listens, writing to a closed pipe is an error and not the end.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)
	done := make(chan struct{})
	defer close(done)
	go attend(signals, done, cancel, env)
	return Run(ctx, c, env)
}

// attend cancels at the first signal and says at each further one what is still going on.
func attend(signals <-chan os.Signal, done <-chan struct{}, cancel context.CancelCauseFunc, env Env) {
	for first := true; ; first = false {
		select {
		case <-done:
			return
		case <-signals:
		}
		if first {
			cancel(errInterrupted)
			if env.Doing.String() == serving {
				say(env.Stderr, "interrupted: the sandbox ends")
				continue
			}
			say(env.Stderr, "interrupted: nothing more is started; what is under way is finished, an undelivered key is retired, probe objects are removed")
			continue
		}
		say(env.Stderr, "still cleaning up: "+env.Doing.String())
	}
}

// panicked is where in this module the panic arose.
func panicked() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	for {
		f, more := frames.Next()
		if f.Function != "" && f.Function != "runtime.gopanic" && f.Function != "runtime.panicmem" && f.Function != "runtime.sigpanic" {
			return fmt.Sprintf("%s:%d", f.Function, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// say prints one line, harmless to a terminal.
func say(w io.Writer, text string) { _, _ = fmt.Fprintln(w, clean(text)) }
