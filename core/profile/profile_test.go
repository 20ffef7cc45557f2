// What a profile promises: it asks for no more than its reasons, and a mistake
// in its file is found here.
package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestEveryEmbeddedProfileIsSoundAndFound(t *testing.T) {
	all, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.json")
	if err != nil || len(all) != len(names) || len(all) == 0 {
		t.Fatalf("got %d profiles from %d files and %v", len(all), len(names), err)
	}
	for _, p := range all {
		if got, err := Find(p.Name); err != nil || got.Name != p.Name {
			t.Errorf("finding %q: got %q and %v", p.Name, got.Name, err)
		}
		if u, err := url.Parse(p.Source); err != nil || u.Scheme != "https" {
			t.Errorf("%s: source: got %q, want an https address", p.Name, p.Source)
		}
		if len(p.Weak) == 0 || len(p.Documented) == 0 {
			t.Errorf("%s: says nothing of its source document or of what is weak in it", p.Name)
		}
		for _, r := range p.Documented {
			if got := len(p.Bind(r.Cloud, true)); got == 0 && len(p.Native) == 0 {
				t.Errorf("%s on %s: grants nothing when strict", p.Name, r.Cloud)
			}
		}
	}
}

func TestEventDumpAsksForReadOnlyWhereItsSourceDoesAndNotWhenStrict(t *testing.T) {
	p, err := Find("event-dump")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cloud  string
		strict bool
		want   []core.Ability
	}{
		{"s3", false, []core.Ability{core.Create, core.Abort}},
		{"s3", true, []core.Ability{core.Create, core.Abort}},
		{"gcs", false, []core.Ability{core.Create, core.Abort, core.Read}},
		{"gcs", true, []core.Ability{core.Create, core.Abort}},
		{"another", false, []core.Ability{core.Create, core.Abort}},
	} {
		if got := p.Bind(c.cloud, c.strict); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("on %s, strict %v: got %v, want %v", c.cloud, c.strict, got, c.want)
		}
	}
	if got := len(p.Can); got != 3 {
		t.Errorf("binding changed the profile: got %d rows, want 3", got)
	}
}

func TestAnUnknownProfileIsAnsweredWithAllNames(t *testing.T) {
	for typed, meant := range map[string]string{"event-dmup": "event-dump", "eventdump": "event-dump", "event_dump": "event-dump", "": "", "clikchouse": "clickhouse", "mysql": "", "\x1b[31m": ""} {
		_, err := Find(typed)
		if !errors.Is(err, core.ErrInvalid) {
			t.Errorf("%q: got error %v, want kind %v", typed, err, core.ErrInvalid)
			continue
		}
		if got := strings.Contains(err.Error(), "did you mean"); got != (meant != "") {
			t.Errorf("%q: got %q, want a proposal: %v", typed, err, meant != "")
		}
		if !strings.Contains(err.Error(), "accepted: aws-backup, clickhouse, clickhouse+") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: got %q, want the known names and no raw control characters", typed, err)
		}
	}
}

func TestMistakesInAProfileAreErrors(t *testing.T) {
	const sound = `{"name":"x","title":"X","summary":"s","source":"https://example.com/","who":{"s3":["key"]},
		"can":[{"ability":"create","why":"w"}],
		"documented":[{"cloud":"s3","actions":["a"],"makes":["m"],"hands_over":["h"]}],"weak":["w"]}`
	if _, err := parse([]byte(sound)); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"title"`, `"titel"`, "unknown field"},
		{`"why":"w"`, `"because":"w"`, "unknown field"},
		{`"why":"w"`, `"why":""`, "no reason"},
		{`"create"`, `"craete"`, "not an ability"},
		{`"create"`, `"administer"`, "not an ability that can be granted"},
		{`[{"ability":"create","why":"w"}]`, `[]`, "grants nothing"},
		{`"why":"w"`, `"why":"w","lax":true`, "lax"},
		{`"why":"w"`, `"why":"w","why_lax":"l"`, "lax"},
		{`"why":"w"`, `"why":"w","on":["gsc"]`, "where it is not available"},
		{`"why":"w"}`, `"why":"w"},{"ability":"create","why":"w"}`, "twice"},
		{`"actions":["a"]`, `"actions":[]`, "half of a recipe"},
		{`"summary":"s"`, `"summary":""`, "no summary"},
		{`"who":{"s3":["key"]}`, `"who":{}`, "how its grantee proves"},
		{`"weak":["w"]`, `"weak":["w"],"variants":[{"name":"v","summary":"s","drops":["read"]}]`, "which is not there"},
		{`"weak":["w"]`, `"weak":["w"],"variants":[{"name":"v","summary":"s","adds":[{"ability":"create","why":"w"}]}]`, "twice"},
		{`"weak":["w"]}`, `"weak":["w"]}{}`, "goes on"},
	} {
		bad := strings.Replace(sound, c.old, c.new, 1)
		if bad == sound {
			t.Fatalf("%q is not in the sound one", c.old)
		}
		if _, err := parse([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q in it", c.new, err, c.want)
		}
	}
	folder := fstest.MapFS{"y.json": {Data: []byte(sound)}}
	if _, err := load(folder); err == nil || !strings.Contains(err.Error(), "y.json") {
		t.Errorf("a file of another name: got error %v, want its name in it", err)
	}
}
