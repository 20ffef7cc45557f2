// Signalled: a process that is interrupted at any moment ends soon, and tells the truth about what it leaves.
package clitest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// soon is when a process has ended that was told to: what is under way is
// finished, an undelivered key is retired.
const soon = 10 * time.Second

// signalled sends every signal to the program at every call and at every step on
// the disk of every verb, and runs the same command again.
func (g *stage) signalled(t *testing.T) {
	t.Attr("suite", "S1")
	turn := 0
	for _, v := range verbs() {
		t.Run(v.Name, func(t *testing.T) {
			w := g.wholes[v.Name]
			for _, p := range w.points("", signalEvery, beforeCall, afterCall, beforeStep) {
				p.Do = []deed{"INT", "TERM", "HUP", "PIPE", twice}[turn%5]
				turn++
				t.Run(fmt.Sprintf("%s %s %d", p.Do, p.At, p.N), func(t *testing.T) {
					t.Parallel()
					b := g.bed(t, g.scenes[v.In])
					b.truthful(v, w, p, b.run(p, v.Args...))
					b.converges(v, w)
					b.hunt()
				})
			}
		})
	}
}

// truthful demands that an exit code says what has become of an interrupted run.
func (b *bed) truthful(v verb, w whole, p point, r result) {
	b.Helper()
	if r.Took > soon {
		b.Errorf("got an end after %s, want one within %s", r.Took, soon)
	}
	if p.Do == "PIPE" && r.Code != 0 {
		b.Errorf("nobody listens: got exit code %d, want 0\n%s", r.Code, r.Stderr)
	}
	now := b.survey()
	b.tidy(v, now)
	switch r.Code {
	case 0:
		if fmt.Sprint(now.active()) != fmt.Sprint(w.survey.active()) {
			b.Errorf("exit code 0: got the keys %v, want them as %v", now.Keys, w.survey.Keys)
		}
	case 130, 10:
		if !strings.Contains(r.Stderr, "interrupted") || !strings.Contains(r.Stderr, "hint: ") {
			b.Errorf("exit code %d: got no word of it or of what to do\n%s", r.Code, r.Stderr)
		}
	default:
		b.Errorf("got exit code %d, want 0, 10 or 130\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
}
