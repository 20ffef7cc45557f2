// The meter: how many calls were made, and how many of them waited for each other.
package core

import (
	"context"
	"sync"
)

// Meter counts the calls of one run. Depth is the longest chain of calls of
// which each could only begin after the one before it.
type Meter struct {
	mu           sync.Mutex
	calls, depth int
}

// Read returns the figures so far.
func (m *Meter) Read() (calls, depth int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls, m.depth
}

// lane is a line of work within which calls may wait for each other.
type lane struct {
	meter *Meter
	mu    sync.Mutex
	depth int
}

type laneKey struct{}

// WithMeter returns a context in which calls are counted by m.
func WithMeter(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, laneKey{}, &lane{meter: m})
}

// Begin is called by a provider's transport around every request that it
// sends: done() when the answer is there. Without a meter it does nothing.
func Begin(ctx context.Context) (done func()) {
	l, _ := ctx.Value(laneKey{}).(*lane)
	if l == nil {
		return func() {}
	}
	l.mu.Lock()
	at := l.depth + 1
	l.mu.Unlock()
	return func() {
		l.reach(at)
		l.meter.mu.Lock()
		defer l.meter.mu.Unlock()
		l.meter.calls++
		l.meter.depth = max(l.meter.depth, at)
	}
}

// Fork returns a context for a line of work that runs beside others, and a join
// that makes what comes after in ctx wait for it.
func Fork(ctx context.Context) (fork context.Context, join func()) {
	l, _ := ctx.Value(laneKey{}).(*lane)
	if l == nil {
		return ctx, func() {}
	}
	l.mu.Lock()
	side := &lane{meter: l.meter, depth: l.depth}
	l.mu.Unlock()
	return context.WithValue(ctx, laneKey{}, side), func() { l.reach(side.at()) }
}

func (l *lane) at() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.depth
}

func (l *lane) reach(depth int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.depth = max(l.depth, depth)
}

// Depth is how deep the work in ctx has come.
func Depth(ctx context.Context) int { return depthOf(ctx) }

// Awaited says that what comes after in ctx has waited for work that deep in another lane.
func Awaited(ctx context.Context, depth int) {
	if l, _ := ctx.Value(laneKey{}).(*lane); l != nil {
		l.reach(depth)
	}
}

// depthOf is how deep the work in ctx has come.
func depthOf(ctx context.Context) int {
	if l, _ := ctx.Value(laneKey{}).(*lane); l != nil {
		return l.at()
	}
	return 0
}

// atDepth returns a context whose work waits for calls that deep.
func atDepth(ctx context.Context, depth int) context.Context {
	l, _ := ctx.Value(laneKey{}).(*lane)
	if l == nil {
		return ctx
	}
	return context.WithValue(ctx, laneKey{}, &lane{meter: l.meter, depth: depth})
}
