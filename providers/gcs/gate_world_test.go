// What the judge sees of gates, and does to them past the provider.
package gcs

import (
	"github.com/bucketgrant/bucketgrant/core"
)

// Shut reports whether the access of b is shut: by whom does not matter.
func (w *world) Shut(b core.Blueprint) bool {
	w.t.Helper()
	n := namesOf(b.Grant, SandboxProject)
	if hasAccount(b) {
		var account struct{ Disabled bool }
		return w.ask(w.owner, "GET", iamAPI+"/v1/"+n.accountName, nil, &account) && account.Disabled
	}
	var role struct{ Stage string }
	return w.ask(w.owner, "GET", iamAPI+"/v1/"+n.roleName, nil, &role) && role.Stage == stageDisabled
}

// ShutByHand shuts the access of b as its owner would at the cloud's console,
// for reasons of their own.
func (w *world) ShutByHand(b core.Blueprint) {
	w.t.Helper()
	n := namesOf(b.Grant, SandboxProject)
	w.now(func() {
		if hasAccount(b) {
			w.disableAccount(n)
			return
		}
		w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.roleName+"?updateMask=stage", dict{"stage": stageDisabled}, nil)
		if f, is := w.federated(b); is {
			w.ask(w.owner, "PATCH", iamAPI+"/v1/"+f.poolName(SandboxProject)+"?updateMask=disabled", dict{"disabled": true}, nil)
		}
	})
}
