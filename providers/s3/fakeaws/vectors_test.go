// The policy engine against what AWS documents.
package fakeaws_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// vector is one documented verdict.
type vector struct {
	Name    string          `json:"name"`
	URL     string          `json:"url"` // the page of AWS that says so
	Request fakeaws.Request `json:"request"`
	Verdict struct {
		Allowed  bool `json:"allowed"`
		Explicit bool `json:"explicit"`
	} `json:"verdict"`
}

// readVectors reads every file of testdata/vectors/aws but the one of calls.
func readVectors(t *testing.T) map[string][]vector {
	t.Helper()
	files, err := filepath.Glob("../../../testdata/vectors/aws/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	all := map[string][]vector{}
	for _, file := range files {
		if filepath.Base(file) == "calls.json" {
			continue
		}
		all[filepath.Base(file)] = readJSON[[]vector](t, file)
	}
	return all
}

func readJSON[T any](t *testing.T, file string) T {
	t.Helper()
	var v T
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

func TestVerdictsAreTheDocumentedOnes(t *testing.T) {
	total := 0
	for file, vectors := range readVectors(t) {
		for _, v := range vectors {
			total++
			t.Run(file+"/"+v.Name, func(t *testing.T) {
				if !strings.HasPrefix(v.URL, "https://docs.aws.amazon.com/") {
					t.Errorf("url %q: want a page of AWS's documentation", v.URL)
				}
				got := fakeaws.Evaluate(v.Request)
				if got.Allowed != v.Verdict.Allowed || got.Explicit != v.Verdict.Explicit {
					t.Errorf("got %+v, want %+v (%s)", got, v.Verdict, v.URL)
				}
			})
		}
	}
	if total < 60 {
		t.Errorf("got %d vectors, want 60 or more", total)
	}
}
