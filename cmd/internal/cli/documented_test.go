// What the source documents ask for, and from where requests may come.
package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// gcsToy is a toy under the name of another cloud.
func gcsToy(c Cloud) func(core.Connection) core.Provider {
	return func(n core.Connection) core.Provider { return renamed{c.Connect(n)} }
}

type renamed struct{ core.Provider }

// Info implements [core.Provider].
func (r renamed) Info() core.Info {
	i := r.Provider.Info()
	i.Name = "gcs"
	return i
}

// of is a command with the flags of a grant of some profile.
func of(verb, profile string, more ...string) []string {
	return append([]string{verb, "--profile", profile, "--bucket", "acme", "--shelf", "moon-1"}, more...)
}

func TestADangerousRecipeNeedsAConsentOfItsOwn(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	s.run(of("plan", "clickhouse", "--as-documented")...).wants(t, 0, "warning: --as-documented", "warning: its holder can delete the bucket")
	s.run(of("apply", "clickhouse", "--as-documented", "--plain", "--yes")...).wants(t, 2, "accept-risk: is missing: its holder can delete the bucket", "--accept-risk")
	s.run(of("plan", "clickhouse", "--as-documented", "--to", s.key(), "--out", "x.plan")...).wants(t, 2, "accept-risk: is missing")
	if cloud.Bucket != "" {
		t.Errorf("got a bucket without a consent")
	}
	s.run(of("plan", "clickhouse", "--as-documented", "--accept-risk", "--to", s.key(), "--out", "x.plan")...).wants(t, 0, "saved")
	s.run(of("plan", "event-dump", "--as-documented", "--to", s.key(), "--out", "y.plan")...).wants(t, 0, "saved")
	s.run("apply", "y.plan", "--accept-risk", "--yes").wants(t, 2, "accept-risk: is given beside a saved plan")
	s.run(of("destroy", "clickhouse", "--as-documented", "--yes")...).wants(t, 0)
	s.run(of("status", "clickhouse", "--as-documented")...).wants(t, 0)
}

func TestTheRecipeIsTheGrantAndNothingBesidesIt(t *testing.T) {
	s := newStage(t, &toy{})
	var doc planJSON
	r := s.run(of("plan", "clickhouse", "--as-documented", "--offline", "--json")...)
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil {
		t.Fatal(err, r.errout)
	}
	if g := doc.Blueprint.Grant; !g.Literal || !g.Allows(core.Administer) || !g.Allows(core.Erase) || doc.Risk == "" {
		t.Errorf("got %+v, want what the document asks for", g)
	}
	s.run(of("plan", "event-dump", "--as-documented", "--strict", "--offline")...).wants(t, 2, "as-documented", "together with strict")
	s.run(of("plan", "event-dump", "--as-documented", "--vendor", "bob", "--offline")...).wants(t, 2, "together with who: account, of which the document knows nothing", "who: key")
	s.run(of("plan", "event-dump+replay", "--as-documented", "--offline")...).wants(t, 2, "as-documented", "is given for a variant", "profile event-dump")
}

func TestASharedBucketIsTheProfilesChoiceAndTheUsers(t *testing.T) {
	for _, c := range []struct {
		profile, more string
		want          bool
	}{
		{"site-backup", "", true}, {"site-backup", "--shared=false", false}, {"site-backup", "--adopt", false},
		{"event-dump", "", false}, {"event-dump", "--shared", true},
	} {
		r := newStage(t, &toy{}).run(of("plan", c.profile, append(strings.Fields(c.more), "--offline", "--json")...)...)
		var doc planJSON
		if err := json.Unmarshal([]byte(r.out), &doc); err != nil {
			t.Fatal(err, r.errout)
		}
		if got := doc.Blueprint.Grant.Target.Shared; got != c.want {
			t.Errorf("%s %s: got %v, want %v", c.profile, c.more, got, c.want)
		}
	}
	newStage(t, &toy{}).run(of("plan", "event-dump", "--shared", "--adopt", "--offline")...).wants(t, 2, "contradicts adopt")
}

func TestNetworksAreWhatTheySayTheyAre(t *testing.T) {
	for _, c := range []struct{ text, want, rule string }{
		{"203.0.113.7", "203.0.113.7/32", ""},
		{"203.0.113.0/24", "203.0.113.0/24", ""},
		{"2001:db8::1", "2001:db8::1/128", ""},
		{"2001:db8::/32", "2001:db8::/32", ""},
		{"::ffff:203.0.113.7", "203.0.113.7/32", ""},
		{"203.0.113.7/24", "", "the network is 203.0.113.0/24"},
		{"0.0.0.0/0", "", "is everywhere"},
		{"::/0", "", "is everywhere"},
		{"203.0.113.0/33", "", "is not a network"},
		{"::ffff:203.0.113.0/120", "", "is not a network"},
		{"fe80::1%eth0", "", "is neither"},
		{"example.com", "", "is neither"},
		{"", "", "is neither"},
	} {
		got, faults := parseNetworks([]string{c.text})
		switch {
		case c.rule != "":
			if len(faults) != 1 || !strings.Contains(faults.Error(), c.rule) {
				t.Errorf("%q: got %v and %v, want %q", c.text, got, faults, c.rule)
			}
		case len(faults) > 0 || fmt.Sprint(got) != "["+c.want+"]":
			t.Errorf("%q: got %v and %v, want %s", c.text, got, faults, c.want)
		}
	}
	s := newStage(t, &toy{})
	s.run(with("plan", "--offline", "--from", "203.0.113.0/24", "--from", "198.51.100.1", "--from", "203.0.113.0/24", "--json")...).wants(t, 0, "\"from\": [\n          \"198.51.100.1/32\",\n          \"203.0.113.0/24\"\n        ]")
	s.run(with("plan", "--offline", "--from", "203.0.113.0/24")...).wants(t, 0, "only from  203.0.113.0/24")
	s.write("grant.yaml", "profile: event-dump\nbucket: acme\nshelf: moon-1\nfrom:\n  - 203.0.113.9/24\n")
	s.run("plan", "--offline", "-f", "grant.yaml").wants(t, 2, `grant.yaml:4:1: from "203.0.113.9/24": is an address inside a network`)
}

func TestAConsentThatWasGivenIsNotAskedForAgain(t *testing.T) {
	s := newStage(t, &toy{})
	plan := []string{"plan", "--profile", "clickhouse", "--as-documented", "--bucket", "acme", "--shelf", "moon-1"}
	s.run(plan...).wants(t, 0, "apply carries it out only with --accept-risk")
	s.run(append(plan, "--accept-risk")...).lacks(t, "apply carries it out only")
}

func TestAPlanSaysOfTheProofOnlyWhatWillBe(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("plan")...).wants(t, 0, "the proof writes objects below")
	r := s.run(with("plan", "--from", "203.0.113.0/24")...)
	r.wants(t, 0, "the proof asks the cloud's own simulator and writes nothing")
	r.lacks(t, "writes objects below")
	s.run(with("plan", "--adopt")...).wants(t, 0, "adopted: never created or dropped; nothing in it is altered but the statement or binding of this grant")
}

func TestWhatAReceiptSaysOfOtherPlacesIsTried(t *testing.T) {
	gaps := []core.Gap{{Ability: core.List, Where: core.Sibling, Outcome: core.Allowed, Why: "the source lists the whole bucket"}}
	if b := blueprintOf(core.Receipt{Gaps: gaps}); len(b.Gaps) != 1 || b.Gaps[0] != gaps[0] {
		t.Errorf("got %+v, want %+v", b.Gaps, gaps)
	}
}
