// Every line of a plan says in words what happens, not in the cloud's language alone.
package gcs

import (
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestEveryChangeIsExplainedInWords(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := []string{"in EU, with uniform access", "custom role with storage.objects.create", "without any role in the project", `on this bucket only, for keys that begin with "events/"`}
		kept := []string{"ours, in EU", "gives what the grant says", "ours", "on this bucket only"}
		ending := []string{"kept, with what is in it", "takes the role", "can be undeleted for seven days", "can be undeleted for 30 days"}
		for _, c := range []struct {
			what string
			want core.Want
			says []string
		}{{"first apply", core.Present, first}, {"second apply", core.Present, kept}, {"destroy", core.Absent, ending}} {
			plan, _, err := w.reach(eventDump(), c.want)
			if err != nil {
				t.Fatal(err)
			}
			for i, says := range c.says {
				if got := plan.Changes[i]; !strings.Contains(got.Why, says) || got.Before != "" || got.After != "" {
					t.Errorf("%s: got %s %s %q, %q to %q; want %q, without a cloud's language", c.what, got.Action, got.Addr, got.Why, got.Before, got.After, says)
				}
			}
		}
	})
}
