// Progress: what a run tells while it goes on.
package cli

import (
	"fmt"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
)

// progress prints the events of an engine on standard error.
type progress struct {
	app  *app
	mu   sync.Mutex
	out  *paper
	open bool   // the last line can be rewritten
	last string // the last passing line
}

func (a *app) progress() *progress {
	return &progress{app: a, out: a.paper(a.env.Stderr, a.env.Terminal.Err)}
}

// observe is called by several goroutines.
func (p *progress) observe(e core.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(e)
	if !p.app.talks() && e.Kind != core.Warning {
		return
	}
	switch e.Kind {
	case core.Started:
	case core.Proving, core.Waiting:
		p.passing(e)
	case core.Warning:
		p.settle()
		p.app.warn(p.out, about(e))
	case core.Failed:
		p.settle()
		p.out.line("  failed: %s", about(e))
	case core.Done:
		p.settle()
		p.out.line("  done %s %s", e.Text, e.Addr)
	}
}

// note tells whoever interrupts what goes on.
func (p *progress) note(e core.Event) {
	switch e.Kind {
	case core.Started:
		p.app.env.Doing.Set("changing " + e.Addr)
	case core.Proving:
		p.app.env.Doing.Set("proving the access; a credential that is not delivered is retired")
	case core.Waiting:
		p.app.env.Doing.Set(e.Text)
	}
}

// passing prints a line that the next one replaces on a terminal.
func (p *progress) passing(e core.Event) {
	if about(e) == p.last {
		return // a long wait says the same again and again
	}
	p.last = about(e)
	if p.app.env.Terminal.Err && p.out.color {
		p.out.raw("\r\x1b[K  " + clean(about(e)))
		p.open = true
		return
	}
	p.out.line("  %s", about(e))
}

// settle ends a line that could be rewritten.
func (p *progress) settle() {
	if p.open {
		p.out.raw("\r\x1b[K")
		p.open = false
	}
}

// done ends the progress.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
}

func about(e core.Event) string {
	if e.Addr == "" {
		return e.Text
	}
	return fmt.Sprintf("%s: %s", e.Addr, e.Text)
}
