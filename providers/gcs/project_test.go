// The project: nothing is ever bound there.
package gcs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestNothingIsBoundInTheProject(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		e := w.engine()
		p, err := e.Plan(t.Context(), eventDump(), core.Present)
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Apply(t.Context(), p, core.ApplyOptions{Deliver: &pocket{}})
		if err != nil {
			t.Fatal(err)
		}
		var policy json.RawMessage
		if !w.ask(w.owner, "POST", "https://cloudresourcemanager.googleapis.com/v3/projects/"+SandboxProject+":getIamPolicy", map[string]any{}, &policy) {
			t.Fatal("the project has no policy")
		}
		if !strings.Contains(string(policy), "bindings") || strings.Contains(string(policy), r.Key.Holder) {
			t.Errorf("the account's role holds in one bucket only: got the project's policy %s", policy)
		}
		for _, c := range w.transport.Calls() {
			if strings.Contains(c.URL, "cloudresourcemanager") && c.Op.Write {
				t.Errorf("the project is left alone: got %s", c.Op.Name)
			}
		}
	})
}
