// Words that are permissions, and words that are taken for some.
package gcs

import (
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestWordsThatAreNoPermissionsFindWhatWasMeant(t *testing.T) {
	for word, want := range map[string]string{
		"storage.object.get":     "storage.objects.get",
		"Storage.objects.create": "storage.objects.create",
		"storage.objects.write":  "storage.objects.create",
		"storage.objects.insert": "storage.objects.create",
		"storage.objects.lst":    "storage.objects.list",
		"objects.list":           "storage.objects.list",
		"s3:PutObject":           "storage.objects.create",
		"storage.buckets.patch":  "storage.buckets.update",
		"storage.objects.*":      "",
		"roles/storage.admin":    "",
		"make me a sandwich":     "",
	} {
		if got := lookup(word); got.Known || got.Meant != want || got.Because == "" {
			t.Errorf("%q: got %+v, want %q meant, with a reason", word, got, want)
		}
	}
}

func TestEveryPermissionThatIsUsedExists(t *testing.T) {
	check := func(name string) {
		if got := lookup(name); !got.Known {
			t.Errorf("%s: got %+v, want a permission that exists", name, got)
		}
	}
	for _, r := range reasons() {
		check(r.Action)
	}
	for _, g := range goldens() {
		for _, p := range compiled(t, g).Operator {
			check(p.Action)
		}
	}
	for _, meant := range mistaken() {
		check(meant)
	}
	for _, a := range []core.Ability{core.Erase, core.Inspect, core.Administer, core.Identify} {
		for _, p := range probePermissions(a, core.WhoKey) {
			check(p)
		}
	}
}
