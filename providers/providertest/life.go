// The life of a process: its cloud calls and its writes to the disk, each of which can be its last.
package providertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// moment is where something can go wrong.
type moment string

const (
	beforeCall     moment = "before call"     // the request never leaves
	afterCall      moment = "after call"      // it takes effect, the answer is not seen
	afterWrite     moment = "after write"     // like afterCall, counting only calls that write
	recorded       moment = "after record"    // of the journal
	beforeDelivery moment = "before delivery" // of the credential
	afterDelivery  moment = "after delivery"
)

func (m moment) ofCall() bool { return m == beforeCall || m == afterCall }

// mishap is what goes wrong, and when.
type mishap struct {
	how trouble
	at  moment
	n   int // the n-th such moment of the process, from 1
}

// trouble is a kind of mishap.
type trouble string

const (
	killed   trouble = "killed"   // nothing of the process happens any more: its calls fail, its disk is frozen
	canceled trouble = "canceled" // the user presses ctrl-c; the process lives on
)

func (m mishap) String() string { return fmt.Sprintf("%s %s %d", m.how, m.at, m.n) }

// life counts the moments of one process and lets the mishap happen.
type life struct {
	mishap mishap
	faults []fault
	world  World // whose answers faults bring
	cancel context.CancelCauseFunc

	mu        sync.Mutex
	seen      map[moment]int
	notes     []string // what was recorded in the journal, in order
	calls     int
	ops       map[string]int // calls by operation
	hurt      int            // calls that met a fault
	writes    int
	over      bool // killed
	interrupt bool // cancel once the call under way has taken effect
}

var errCanceled = errors.New("the user canceled")

func (l *life) dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// step counts a moment and reports whether the process is killed there.
func (l *life) step(at moment) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return true
	}
	l.seen[at]++
	if l.mishap.at != at || l.mishap.n != l.seen[at] {
		return false
	}
	switch l.mishap.how {
	case killed:
		l.over = true
	case canceled:
		l.cancel(errCanceled)
	}
	return l.over
}

func (l *life) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notes = append(l.notes, what)
}

// fault decides about one call, as [cloudsim.Transport.Fault].
func (l *life) fault(c cloudsim.Call, r *http.Request) cloudsim.Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return cloudsim.Fault{Before: errKilled}
	}
	l.calls++
	l.ops[c.Op.Name]++
	for _, f := range l.faults {
		if f.hits(c.Op.Name, l.ops[c.Op.Name]) {
			l.hurt++
			return f.harm(l.world, r)
		}
	}
	m, now := l.mishap, l.calls
	if m.at == afterWrite {
		if !c.Op.Write {
			return cloudsim.Fault{}
		}
		l.writes++
		m.at, now = afterCall, l.writes
	}
	if m.n != now || !m.at.ofCall() {
		return cloudsim.Fault{}
	}
	switch {
	case m.how == killed && m.at == beforeCall:
		l.over = true
		return cloudsim.Fault{Before: errKilled}
	case m.how == killed:
		l.over = true
		return cloudsim.Fault{After: errKilled}
	case m.at == beforeCall:
		l.cancel(errCanceled)
	default:
		l.interrupt = true
	}
	return cloudsim.Fault{}
}

// served is told that a call has taken effect.
func (l *life) served() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interrupt {
		l.interrupt = false
		l.cancel(errCanceled)
	}
}
