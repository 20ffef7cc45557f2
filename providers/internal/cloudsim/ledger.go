// The ledger: every authorization decision of a fake, for tests and for people.
package cloudsim

import (
	"sync"
	"time"
)

// Decision is one verdict of a fake's policy engine.
type Decision struct {
	At        time.Time `json:"at"`
	Principal string    `json:"principal"` // "" for an anonymous caller
	Action    string    `json:"action"`
	Resource  string    `json:"resource"`
	Allowed   bool      `json:"allowed"`
	Because   string    `json:"because"` // the statement or binding that decided, or "no statement allows it"
}

// Ledger keeps decisions in order. The zero value is ready to use.
type Ledger struct {
	mu   sync.Mutex
	list []Decision
}

// maxDecisions bounds the ledger of a long-lived sandbox; the oldest are dropped.
const maxDecisions = 10_000

// Add appends d, stamped with the time.
func (l *Ledger) Add(d Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.At = time.Now()
	if len(l.list) == maxDecisions {
		l.list = append(l.list[:0], l.list[maxDecisions/2:]...)
	}
	l.list = append(l.list, d)
}

// All returns a copy of the decisions so far.
func (l *Ledger) All() []Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Decision(nil), l.list...)
}
