// Late: one write of a run that readers see late, and which writes they could.
package providertest

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// late makes the first write of one kind reach readers as a lag says. One request
// after the other is served, so that no other write comes under the lag.
type late struct {
	op  string // what writes; with "" nothing is late, and it is noted what could be
	lag *cloudsim.Lag

	mu    sync.Mutex
	noted []string // kinds of writes that set what readers may see late, in order
}

// serve serves one request.
func (l *late) serve(t *trial, h http.Handler, w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	op := t.Transport().Classify(r).Name
	if l.op == "" {
		l.lag = &cloudsim.Lag{}
	}
	l.lag.Request()
	if l.lag.Facts() == 0 && (l.op == op || l.op == "") {
		r = l.lag.Lend(r)
	}
	h.ServeHTTP(w, r)
	if l.lag.Facts() > 0 && !slices.Contains(l.noted, op) && l.op == "" {
		l.noted = append(l.noted, op)
	}
}

// lateness is a way of being seen late.
type lateness struct {
	name string
	lag  cloudsim.Lag
}

// worst reports whether nobody ever sees it.
func (l lateness) worst() bool { return l.lag.Delay == never && !l.lag.Flaps }

const never = 1000 * week

// latenesses are all that there are. Whatever takes turns is seen at first, and then
// not: a steady one is missed at first anyway.
func latenesses() (all []lateness) {
	for _, one := range []lateness{
		{"until the next read", cloudsim.Lag{Reads: 1}},
		{"for 5s", cloudsim.Lag{Delay: 5 * time.Second}},
		{"for 15s", cloudsim.Lag{Delay: 15 * time.Second}},
		{"for 2m", cloudsim.Lag{Delay: 2 * time.Minute}},
		{"for 7m", cloudsim.Lag{Delay: 7 * time.Minute}},
		{"for ever", cloudsim.Lag{Delay: never}},
	} {
		flapping := one
		flapping.name += ", in turns"
		flapping.lag.Flaps = true
		flapping.lag.Reads *= 2
		all = append(all, one, flapping)
	}
	return all
}
