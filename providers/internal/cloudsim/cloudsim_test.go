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
		e.Set("first", nil)
		e.Set("second", After(10*time.Second))
		if got := e.Seen(); got != "first" {
			t.Errorf("at once: got %q, want the older value", got)
		}
		time.Sleep(10 * time.Second)
		if got := e.Seen(); got != "second" {
			t.Errorf("after the delay: got %q, want the newer value", got)
		}
		e.Set("third", After(time.Hour))
		if e.Now != "third" || e.Seen() != "second" {
			t.Errorf("writer sees %q, reader %q", e.Now, e.Seen())
		}
	})
}

func TestALagIsSeenTheSameByAllOfOneRequest(t *testing.T) {
	for _, c := range []struct {
		name string
		lag  Lag
		want string // what requests see, one after the other: the older value or the newer one
	}{
		{"next read", Lag{Reads: 1}, "onnnn"},
		{"next read, flapping", Lag{Reads: 2, Flaps: true}, "nonnn"},
		{"never", Lag{Delay: time.Hour}, "ooooo"},
		{"flapping", Lag{Delay: time.Hour, Flaps: true}, "nonon"},
	} {
		synctest.Test(t, func(t *testing.T) {
			one, other := Eventual[string]{Now: "o"}, Eventual[string]{Now: "o"}
			one.Set("n", &c.lag)
			other.Set("n", &c.lag)
			got := ""
			for range len(c.want) {
				c.lag.Request()
				if a, b := one.Seen(), other.Seen(); a != b || a != one.Seen() {
					t.Errorf("%s: one request sees %s and %s", c.name, a, b)
				}
				got += one.Seen()
			}
			if got != c.want || c.lag.Looks() != len(c.want) {
				t.Errorf("%s: %d requests see %s, want %s", c.name, c.lag.Looks(), got, c.want)
			}
			c.lag.End()
			if c.lag.Request(); one.Seen() != "n" {
				t.Errorf("%s: after its end: got %q, want the newer value", c.name, one.Seen())
			}
		})
	}
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
