// Lag: how long, and how, those who read miss what was written.
package cloudsim

import (
	"context"
	"net/http"
	"time"
)

// Lag is how a write reaches those who read. All facts that one write sets share
// one Lag, so that a request sees either all of them or none. A nil Lag is none:
// everybody sees the write at once. It is not safe for concurrent use: whoever
// lends one to a request lets no other be served beside it, then or later.
type Lag struct {
	Delay time.Duration // after which everybody sees the write
	Reads int           // if not 0, everybody sees it after so many requests that look, whatever Delay says
	Flaps bool          // until then every other request sees it, from the first on, as if replicas took turns

	facts  int  // that were written
	looks  int  // requests that have looked
	looked bool // this request has
	ended  bool
}

// After is the Lag of a write that is missed for d.
func After(d time.Duration) *Lag {
	if d <= 0 {
		return nil
	}
	return &Lag{Delay: d}
}

type lent struct{}

// Lend returns a request whose writes reach readers as l says.
func (l *Lag) Lend(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), lent{}, l))
}

// Lent is the Lag that was lent to r, or nil.
func Lent(r *http.Request) *Lag {
	l, _ := r.Context().Value(lent{}).(*Lag)
	return l
}

// Request says that another request begins.
func (l *Lag) Request() { l.looked = false }

// End lets everybody see the write.
func (l *Lag) End() { l.ended = true }

// Facts is the number of facts that were written.
func (l *Lag) Facts() int { return l.facts }

// Looks is the number of requests that have looked for what was written.
func (l *Lag) Looks() int { return l.looks }

// shows reports whether this request sees what everybody sees from that moment on.
func (l *Lag) shows(from time.Time) bool {
	if l == nil {
		return !from.After(time.Now())
	}
	if !l.looked {
		l.looked = true
		l.looks++
	}
	return l.over(from) || l.Flaps && l.looks%2 == 1
}

// over reports whether everybody sees what was written.
func (l *Lag) over(from time.Time) bool {
	if l != nil && (l.ended || l.Reads > 0) {
		return l.ended || l.looks > l.Reads
	}
	return !from.After(time.Now())
}
