// What the fakes share keeps its word: delays, faults and figures.
package cloudsim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFactsBecomeVisibleAfterTheirDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e Eventual[string]
		e.Set("first", 0)
		e.Set("second", 10*time.Second)
		if got := e.Seen(); got != "first" {
			t.Errorf("at once: got %q, want the older value", got)
		}
		time.Sleep(10 * time.Second)
		if got := e.Seen(); got != "second" {
			t.Errorf("after the delay: got %q, want the newer value", got)
		}
		e.Set("third", time.Hour)
		if e.Now != "third" || e.Seen() != "second" {
			t.Errorf("writer sees %q, reader %q", e.Now, e.Seen())
		}
	})
}

func TestFaultsTakeEffectWhereTheySay(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   Fault
		arrives int
		wantErr error
	}{
		{"pass", Fault{}, 1, nil},
		{"before", Fault{Before: ErrLost}, 0, ErrLost},
		{"after", Fault{After: ErrLost}, 1, ErrLost},
		{"cut", Fault{Cut: true}, 1, io.ErrUnexpectedEOF},
		{"hang", Fault{Hang: true}, 0, context.DeadlineExceeded},
		{"hang after the effect", Fault{Hang: true, Late: true}, 1, context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				arrived := 0
				tr := &Transport{
					Latency: 100 * time.Millisecond,
					Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						arrived++
						_, _ = io.WriteString(w, "a body of some length")
					}),
					Fault: func(Call, *http.Request) Fault { return c.fault },
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				req, _ := http.NewRequestWithContext(ctx, "POST", "https://cloud.example/x?sig=1", strings.NewReader("in"))
				resp, err := tr.RoundTrip(req)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
				}
				if !errors.Is(err, c.wantErr) || arrived != c.arrives {
					t.Errorf("got error %v and %d arrivals, want %v and %d", err, arrived, c.wantErr, c.arrives)
				}
				calls := tr.Calls()
				if len(calls) != 1 || calls[0].URL != "https://cloud.example/x" || calls[0].End.Sub(calls[0].Start) < tr.Latency {
					t.Errorf("calls recorded wrongly: %+v", calls)
				}
			})
		})
	}
}
