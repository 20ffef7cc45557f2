// What the judge does to keys, past the provider.
package gcs

import (
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// AddKey makes a further key of b's grantee by hand, as a person at the cloud's
// console would, and returns its ID; "" if the grantee has no keys.
func (w *world) AddKey(b core.Blueprint) string {
	w.t.Helper()
	switch b.Grant.Who {
	case core.WhoKey, core.WhoCertificate, core.WhoHMAC:
		return w.addKey(b.Grant)
	}
	return ""
}

func (w *world) addKey(g core.Grant) (id string) {
	w.t.Helper()
	n := namesOf(g, SandboxProject)
	w.now(func() {
		if g.Who == core.WhoHMAC {
			var made struct{ Metadata hmacMetadata }
			w.ask(w.owner, "POST", storageAPI+"/storage/v1/projects/"+n.project+"/hmacKeys?serviceAccountEmail="+n.email, nil, &made)
			id = made.Metadata.AccessID
			return
		}
		var made struct{ Name string }
		w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+"/keys", dict{}, &made)
		id = made.Name[strings.LastIndex(made.Name, "/")+1:]
	})
	return id
}

// Spoil gives the grantee a role on the whole project.
func (w *world) Spoil(b core.Blueprint, kind core.FindingKind) bool {
	w.t.Helper()
	if kind != core.ExtraPermission {
		return false
	}
	w.now(func() { w.fake.Grant(SandboxProject, w.bound(b), "storage.objects.get") })
	return true
}
