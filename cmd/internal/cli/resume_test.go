// A saved plan whose first run was interrupted.
package cli

import (
	"errors"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/journal"
)

func TestBegunPlanIsContinuedWithWhatIsLeftOfIt(t *testing.T) {
	change := func(step core.StepName, a core.Action, addr string) core.Change {
		return core.Change{Step: step, Action: a, Addr: addr}
	}
	saved := savedPlan{Changes: "sha256:reviewed", Writes: []string{"+ bucket", "+ user", "+ key/"}, Policy: core.Blueprint{}.PolicyHash()}
	for name, c := range map[string]struct {
		begun   bool
		changes []core.Change
		fine    bool
	}{
		"what is left":                      {true, []core.Change{change(core.BucketStep, core.Keep, "bucket"), change(core.RoleStep, core.Make, "user"), change(core.CredentialStep, core.Make, "key/")}, true},
		"an undelivered key goes first":     {true, []core.Change{change(core.CredentialStep, core.Drop, "key/k1"), change(core.CredentialStep, core.Make, "key/")}, true},
		"nobody has begun it":               {false, []core.Change{change(core.RoleStep, core.Make, "user")}, false},
		"something that was not reviewed":   {true, []core.Change{change(core.RoleStep, core.Make, "policy")}, false},
		"another change of what was":        {true, []core.Change{change(core.RoleStep, core.Alter, "user")}, false},
		"something of the role that is cut": {true, []core.Change{change(core.RoleStep, core.Drop, "user")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := saved.moved(&core.Plan{Digest: "sha256:now", Changes: c.changes}, "account", c.begun)
			if (err == nil) != c.fine || err != nil && !errors.Is(err, core.ErrMoved) {
				t.Errorf("got %v, want fine=%v", err, c.fine)
			}
		})
	}
	other := &core.Plan{Digest: "sha256:now", Blueprint: core.Blueprint{Documents: []core.Document{{Name: "policy"}}}}
	if saved.moved(other, "account", true) == nil {
		t.Error("another policy than the reviewed one is no continuation")
	}
}

func TestPlanIsOnRecordWhileItIsCarriedOut(t *testing.T) {
	saved := &savedPlan{Digest: "sha256:x"}
	e := &core.Engine{Provider: &toy{}, Journal: journal.Memory(), RunID: "run"}
	if _, err := carryOut(t.Context(), e, &core.Plan{Offline: true}, saved, core.ApplyOptions{}); err == nil {
		t.Fatal("a plan that was made offline was carried out")
	}
	if begun, err := saved.begun(e.Journal); err != nil || !begun {
		t.Errorf("after a failure: got %v, %v, want a plan that has begun", begun, err)
	}
}
