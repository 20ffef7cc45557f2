// The second law against what AWS documents, before it judges anybody.
package s3_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestTheSecondLawGivesTheDocumentedVerdicts(t *testing.T) {
	files, err := filepath.Glob("../../testdata/vectors/aws/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	total := 0
	for _, file := range files {
		if filepath.Base(file) == "calls.json" {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []struct {
			Name, URL string
			Request   plea
			Verdict   struct{ Allowed, Explicit bool }
		}
		if err := json.Unmarshal(raw, &vectors); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, v := range vectors {
			total++
			want := sentence{v.Verdict.Allowed, v.Verdict.Explicit}
			if got := v.Request.judge(); got != want {
				t.Errorf("%s: %s: got %+v, want %+v (%s)", filepath.Base(file), v.Name, got, want, v.URL)
			}
		}
	}
	if total < 60 {
		t.Errorf("got %d vectors, want 60 or more", total)
	}
}
