// The worked example in CONTRIBUTING: adding a profile is adding a file.
package profile

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bucketgrant/bucketgrant/core"
)

// exampleOf is the first block of JSON in CONTRIBUTING.md.
func exampleOf(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```json\n")
	block, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("CONTRIBUTING.md shows no profile")
	}
	return []byte(block)
}

func TestASixthProfileIsOneFile(t *testing.T) {
	data := exampleOf(t)
	var named struct{ Name string }
	if err := json.Unmarshal(data, &named); err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{named.Name + ".json": {Data: data}}
	for _, p := range All() {
		raw, err := files.ReadFile(p.Name + ".json")
		if err != nil || p.Name == named.Name {
			t.Fatalf("%s: got %v, want an example that is no profile yet", p.Name, err)
		}
		folder[p.Name+".json"] = &fstest.MapFile{Data: raw}
	}
	all, err := load(folder)
	if err != nil || len(all) != len(All())+1 {
		t.Fatalf("got %d profiles and %v, want one more", len(all), err)
	}
	p, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for cloud := range p.Who {
		g := core.Grant{Name: "acme-logs", Profile: p.Name, Who: p.Who[cloud][0], Can: p.Bind(cloud, true), Target: core.Target{Bucket: "acme-logs", Prefix: "logs/", Region: "eu-west-1"}}
		if faults := g.Faults(); len(faults) > 0 || !g.Allows(core.Create) || g.Allows(core.Read) {
			t.Errorf("%s: got %v and %v", cloud, g.Can, faults)
		}
	}
	if v := p.with(p.Variants[0]); v.Name != "log-archive+write-only" || len(v.Bind("s3", false)) != 2 {
		t.Errorf("variant: got %s with %v", v.Name, v.Bind("s3", false))
	}
	if r, ok := p.Recipe("s3"); !ok || r.Risk == "" {
		t.Errorf("recipe: got %+v", r)
	}
}
