// Peril: the moments of a process, and what happens to it at one of them.
package clitest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// moment is where something can happen to a process.
type moment string

const (
	beforeCall moment = "before call" // the request never leaves
	afterCall  moment = "after call"  // it has taken effect, the answer is not seen
	cutCall    moment = "cut answer"  // it has taken effect, half of the answer is seen
	beforeStep moment = "before step" // of the disk: a sync, a new name, a name that goes
)

// deed is what happens there.
type deed string

const (
	kill     deed = "KILL"
	quit     deed = "QUIT" // the runtime prints every goroutine and ends the process
	twice    deed = "INT twice"
	lose     deed = "lose"  // the connection breaks
	panics   deed = "panic" // with a secret in its value
	segfault deed = "SEGV"
	look     deed = "look" // at itself
	full     deed = "full" // no space is left on the disk
	blab     deed = "blab" // tells a secret to everybody
)

// signals are the deeds that are one signal.
var signals = map[deed][]syscall.Signal{
	kill: {syscall.SIGKILL}, quit: {syscall.SIGQUIT}, segfault: {syscall.SIGSEGV}, twice: {syscall.SIGINT, syscall.SIGINT},
	"INT": {syscall.SIGINT}, "TERM": {syscall.SIGTERM}, "HUP": {syscall.SIGHUP}, "PIPE": {syscall.SIGPIPE},
}

// point is the n-th moment of a kind, from 1; the zero point never comes.
type point struct {
	At moment
	N  int
	Do deed
}

func (p point) String() string { return fmt.Sprintf("%s %s %d", p.Do, p.At, p.N) }

// peril counts the moments of this process and lets the deed happen.
type peril struct {
	point point

	mu    sync.Mutex
	calls int
	steps int
	seen  facts
}

// errLost is what a broken connection looks like.
var errLost = errors.New("connection reset by peer")

// call counts a call and returns its number.
func (p *peril) call() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	return p.calls
}

// step counts a step on the disk, and reports whether it can be made.
func (p *peril) step() (possible bool) {
	p.mu.Lock()
	p.steps++
	n := p.steps
	p.mu.Unlock()
	return p.come(context.Background(), beforeStep, n) == nil
}

// come lets the deed happen if its moment is here. What it returns is what the
// caller sees in place of an answer.
func (p *peril) come(ctx context.Context, at moment, n int) error {
	if p.point.At != at || p.point.N != n {
		return nil
	}
	switch p.point.Do {
	case lose, full:
		return errLost
	case panics:
		panic(canaryOfPanics)
	case look:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.seen = ownFacts()
		return nil
	case blab:
		_, _ = fmt.Fprintln(os.Stdout, canaryOfPanics)
		_, _ = fmt.Fprintln(os.Stderr, base64.StdEncoding.EncodeToString([]byte(canaryOfPanics)))
		return os.WriteFile("temporary", []byte(hex.EncodeToString([]byte(canaryOfPanics))), 0o600)
	}
	for i, s := range signals[p.point.Do] {
		if i > 0 {
			heed(ctx)
		}
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			return err
		}
	}
	switch p.point.Do {
	case kill, quit, segfault:
		select {} // nothing of this process happens any more
	}
	heed(ctx)
	return nil
}

// canaryOfPanics stands for a secret in the value of a panic.
const canaryOfPanics = "panic-zk3vq8wlr5tnyb1xcue7-canary"

// heed gives a signal the time to be attended to.
func heed(ctx context.Context) {
	if ctx.Done() == nil {
		return // what is not cancelled goes on beside it
	}
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
}

// report is what was counted.
func (p *peril) report() report {
	p.mu.Lock()
	defer p.mu.Unlock()
	return report{p.calls, p.steps, p.seen}
}
