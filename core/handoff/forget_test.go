// A delivery that did not end can be taken back, and no other.

package handoff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestForgettingAKeyTakesItsFilesAndNoOthers(t *testing.T) {
	h := Handoff{Dir: filepath.Join(t.TempDir(), "handoff"), Name: "acme-events", Format: DefaultFormat(core.PairForm), Plain: true}
	must(t, h.Forget(exampleID)) // there is no directory yet
	kept, gone := pairOf("AKIAKEPTKEPTKEPTKEPT", newSecret()), pairOf(exampleID, newSecret())
	for _, c := range []core.Credential{kept, gone} {
		_, err := h.Deliver(c, receiptFor(c))
		must(t, err)
	}
	must(t, h.Forget(exampleID))
	files, err := os.ReadDir(h.Dir)
	must(t, err)
	if len(files) == 0 {
		t.Error("got no files, want those of the other key")
	}
	for _, f := range files {
		if !strings.Contains(f.Name(), kept.ID) {
			t.Errorf("got the file %q, want only those of %s", f.Name(), kept.ID)
		}
	}
}
