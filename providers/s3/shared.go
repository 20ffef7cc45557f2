// Shared: a value that several steps need, read once.
package s3

import (
	"context"
	"errors"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
)

// shared is a value that is read once and used by steps side by side.
type shared[T any] struct {
	mu   sync.Mutex
	last *reading[T]
}

// reading is one attempt to read a shared value.
type reading[T any] struct {
	done  chan struct{}
	value T
	err   error
	depth int // of the calls that it took
}

// get reads the value unless somebody has read it or is about to. A failure is
// shared by those who waited for it, and not kept for others.
func (s *shared[T]) get(ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	for {
		r, mine := s.join()
		if mine {
			return r.run(ctx, read)
		}
		select {
		case <-r.done:
			core.Awaited(ctx, r.depth)
		case <-ctx.Done():
			var zero T
			return zero, context.Cause(ctx)
		}
		gaveUp := errors.Is(r.err, context.Canceled) || errors.Is(r.err, context.DeadlineExceeded)
		if !gaveUp || ctx.Err() != nil { // else only the other reader gave up
			return r.value, r.err
		}
	}
}

// join returns the reading to wait for, or one to be run by the caller.
func (s *shared[T]) join() (r *reading[T], mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil {
		select {
		case <-s.last.done:
			if s.last.err == nil {
				return s.last, false
			}
		default:
			return s.last, false
		}
	}
	s.last = &reading[T]{done: make(chan struct{}), err: errors.New("reading ended half-way")}
	return s.last, true
}

func (r *reading[T]) run(ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	defer close(r.done) // after a panic as well
	r.value, r.err = read(ctx)
	r.depth = core.Depth(ctx)
	return r.value, r.err
}
