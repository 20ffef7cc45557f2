// Turns: of those who want to know the same, one looks while the others wait.
package gcs

import (
	"context"

	"github.com/bucketgrant/bucketgrant/core"
)

// turn is taken by one at a time. Whoever takes it has waited for those before.
type turn struct {
	room  chan struct{} // holds one
	depth int           // of the calls of those before
}

func newTurn() turn { return turn{room: make(chan struct{}, 1)} }

// take waits until it is ctx's turn, which goes on until end.
func (t *turn) take(ctx context.Context) (end func(), err error) {
	select {
	case t.room <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	core.Awaited(ctx, t.depth)
	return func() {
		t.depth = max(t.depth, core.Depth(ctx))
		<-t.room
	}, nil
}
