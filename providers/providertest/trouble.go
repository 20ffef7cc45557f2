// Troubles: what a cloud or the way to it does to a call, how often, and whether the call takes effect.
package providertest

import (
	"fmt"
	"net/http"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// Trouble is a kind of answer, or of its absence.
type Trouble string

// The troubles. Those up to Refused are answers of the cloud, see [World].Answer.
const (
	Throttled   Trouble = "throttled"
	Failing     Trouble = "failing"     // an error of the cloud's own, status 500
	Unavailable Trouble = "unavailable" // status 503
	Refused     Trouble = "refused"     // the caller may not do that
	silent      Trouble = "silent"      // nobody answers
	reset       Trouble = "reset"       // the connection breaks
	truncated   Trouble = "truncated"   // half of the answer arrives
)

// often are how many calls in a row are hit: one, more than any client tries, all.
var often = []int{1, 7, 0}

// fault is trouble with the calls of one operation, from the nth of a process on.
type fault struct {
	op    string
	nth   int
	why   Trouble
	late  bool // the call takes effect
	times int  // how many calls in a row; 0 is every further one
}

func (f fault) String() string {
	when, times := "before", fmt.Sprintf("%d times", f.times)
	if f.late {
		when = "after"
	}
	if f.times == 0 {
		times = "for ever"
	}
	return path(fmt.Sprintf("%s %d %s %s its effect %s", f.op, f.nth, f.why, when, times))
}

// hits reports whether the n-th call of its operation is in trouble.
func (f fault) hits(op string, n int) bool {
	return (f.op == op || f.op == "") && n >= f.nth && (f.times == 0 || n < f.nth+f.times)
}

// harm is what that does to a call.
func (f fault) harm(w World, r *http.Request) cloudsim.Fault {
	switch f.why {
	case silent:
		return cloudsim.Fault{Hang: true, Late: f.late}
	case reset:
		return cloudsim.Fault{Before: cloudsim.ErrLost, Late: f.late}
	case truncated:
		return cloudsim.Fault{Cut: true}
	}
	return cloudsim.Fault{Reply: w.Answer(r, f.why), Late: f.late} //nolint:bodyclose // the client that gets the answer closes it
}

// faults are all that can happen to a call of that kind. Whether a call that only
// reads has taken effect makes no difference; what is refused or throttled has none;
// and what is truncated has.
func faults(op cloudsim.Op, nth int) (all []fault) {
	for _, why := range []Trouble{Throttled, Failing, Unavailable, Refused, silent, reset, truncated} {
		for _, late := range []bool{false, true} {
			if late && (!op.Write || why == Refused || why == Throttled) || !late && op.Write && why == truncated {
				continue
			}
			for _, times := range often {
				all = append(all, fault{op.Name, nth, why, late, times})
			}
		}
	}
	return all
}

// doubtful reports whether the trouble is one after which a caller cannot know whether
// the call took effect.
func (f fault) doubtful() bool { return f.why != Refused && f.why != Throttled }
