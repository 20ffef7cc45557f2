// Figures: how many calls the main job takes, and how many of them wait for each other.
package gcs

import (
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestFiguresOfTheMainJob(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const latency = 100 * time.Millisecond
		w.transport.Latency = latency
		for _, c := range []struct {
			what         string
			calls, depth int
		}{{"first apply", 14, 6}, {"apply without a change", 7, 2}} {
			start := time.Now()
			e := w.engine()
			p, err := e.Plan(t.Context(), eventDump(), core.Present)
			if err != nil {
				t.Fatal(err)
			}
			r, err := e.Apply(t.Context(), p, core.ApplyOptions{Deliver: &pocket{}, NoProof: true})
			if took := time.Since(start); err != nil || r.Calls != c.calls || r.Depth != c.depth || took != time.Duration(c.depth)*latency {
				t.Errorf("%s: got %d calls, depth %d, %s (%v); want %d, %d", c.what, r.Calls, r.Depth, took, err, c.calls, c.depth)
			}
		}
	})
}
