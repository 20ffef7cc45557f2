// Side by side: what runs beside something else does not wait for it.
package core

import (
	"context"
	"testing"
)

func TestWhatRunsSideBySideIsAsDeepAsTheDeepest(t *testing.T) {
	call := func(ctx context.Context) error {
		Begin(ctx)()
		return nil
	}
	for range 2000 {
		var m Meter
		ctx := WithMeter(t.Context(), &m)
		if err := Together(ctx, call, call, call, call); err != nil {
			t.Fatal(err)
		}
		if calls, depth := m.Read(); calls != 4 || depth != 1 {
			t.Fatalf("got %d calls, %d of them one after the other; want 4 side by side", calls, depth)
		}
	}
}
