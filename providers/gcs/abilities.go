// Abilities: the table from core's words to Google Cloud's permissions.
package gcs

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

//go:embed abilities.json
var abilitiesJSON string

// row is one of the table.
type row struct {
	core.Reason
	For []core.Who `json:"for,omitempty"` // the identities that need it; none: all
}

// table is that of abilities.json.
func table() []row {
	d := json.NewDecoder(strings.NewReader(abilitiesJSON))
	d.DisallowUnknownFields()
	var list []row
	if err := d.Decode(&list); err != nil {
		panic("gcs: abilities.json: " + err.Error())
	}
	return list
}

// reasons is the table for people.
func reasons() []core.Reason {
	var list []core.Reason
	for _, r := range table() {
		list = append(list, r.Reason)
	}
	return list
}

// permissions are what the abilities need for that identity, sorted, each once.
func permissions(can []core.Ability, who core.Who) []string {
	var list []string
	for _, r := range table() {
		if slices.Contains(can, r.Ability) && (len(r.For) == 0 || slices.Contains(r.For, who)) {
			list = append(list, r.Action)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// probed is what one actor or another can try.
func probed() []core.Ability {
	return []core.Ability{core.Create, core.Abort, core.Overwrite, core.Read, core.List, core.Delete, core.Erase,
		core.Resume, core.Locate, core.Uploads, core.Inspect, core.Administer, core.Identify}
}

// gaps are where permissions give more than the grant says, because Cloud
// Storage draws its lines elsewhere.
func gaps(can []core.Ability, who core.Who) []core.Gap {
	has := permissions(can, who)
	var list []core.Gap
	wider := func(a core.Ability, why string, needs ...string) {
		for _, n := range needs {
			if !slices.Contains(has, n) {
				return
			}
		}
		if !slices.Contains(can, a) {
			list = append(list, core.Gap{Ability: a, Outcome: core.Allowed, Why: why})
		}
	}
	wider(core.Create, "Cloud Storage permits beginning an upload and finishing it by the same permission, storage.objects.create", "storage.objects.create")
	if who != core.WhoHMAC {
		wider(core.Abort, "who may put an object may also begin a resumable upload and give it up", "storage.objects.create")
	}
	wider(core.Overwrite, "who may create and delete objects may replace them", "storage.objects.create", "storage.objects.delete")
	wider(core.Delete, "Cloud Storage permits replacing an object by storage.objects.delete, which deletes as well", "storage.objects.delete")
	wider(core.Erase, "storage.objects.delete covers every generation of an object; soft delete keeps what was erased for a while", "storage.objects.delete")
	return list
}
