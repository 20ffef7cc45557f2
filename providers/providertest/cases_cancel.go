// Cases about runs that are canceled: each ends soon, says so, and is gone on with.
package providertest

import (
	"context"
	"errors"
	"time"
)

// soon is within what a canceled run ends: what it has begun may need an answer, and
// a key that it has made and not handed over is retired.
const soon = 5 * time.Minute

// EveryRunEndsAtACancel cancels every command wherever it can leave something else
// behind than a moment before.
func (cases) EveryRunEndsAtACancel(b *bench) {
	all := b.recorded()
	b.group("cancel", func(b *bench) {
		b.suite("S1")
		covered := cover{}
		for _, r := range all {
			for _, at := range r.boundaries() {
				like := *r
				like.who = "" // who is handed what makes no difference to a cancel
				if r.grant != "" {
					like.c.name = "" // nor what for, but for the main grant
				}
				if at.at == recorded && at.n%3 > 0 && !soak {
					continue // a cancel is noticed by the next call, whichever record came before it
				}
				if !covered.needs(&like, at) {
					continue
				}
				m := mishap{canceled, at.at, at.n}
				b.later(r.name()+" "+m.String(), func(t *trial) {
					blue := t.begins(r)
					var start time.Time
					before, err := t.disturbed(r.c, blue, r.want, func(j *job) { j.mishap, start = m, time.Now() })
					if took := time.Since(start); took > soon {
						t.Errorf("a cancel ends a run soon: got %s, want at most %s", took, soon)
					}
					if err != nil && !errors.Is(err, errCanceled) && !errors.Is(err, context.Canceled) {
						t.Errorf("a canceled run says so: got error %v, want one that is %v", err, errCanceled)
					}
					if r.proves() {
						t.tidy(blue)
					}
					t.recovers(r.c, blue, r.want, before, false)
				})
			}
		}
	})
}
