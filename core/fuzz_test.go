// Hostile names and prefixes: what a grant accepts can neither widen a policy nor leave its place.
package core

import (
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzAcceptedGrantsAreHarmless(f *testing.F) {
	f.Add("acme-events", "events/", "acme")
	f.Add("a", "../x/", "A.b")
	f.Add("acme--", "a/./b/", "")
	f.Add("acme", "${aws:username}/", "é")
	f.Add("acme", "e\u0301/", "-")
	f.Fuzz(func(t *testing.T, name, prefix, bucket string) {
		g := Grant{Name: name, Profile: "event-dump", Target: Target{Bucket: bucket, Prefix: prefix}, Can: []Ability{Create}}
		if len(g.Faults()) == 0 {
			if strings.ContainsAny(prefix, "*?$\"\\'`<>{}\n\r\t ") || !utf8.ValidString(prefix) || len(prefix) > MaxPrefix {
				t.Errorf("prefix %q: accepted, want it refused", prefix)
			}
			if prefix != "" && path.Clean("/"+prefix)+"/" != "/"+prefix {
				t.Errorf("prefix %q: accepted, and it stands for %q", prefix, path.Clean("/"+prefix)+"/")
			}
			if letters(name) != name || name != strings.Trim(name, "-") {
				t.Errorf("name %q: accepted, want it refused", name)
			}
		}
		made := Grant{Name: DefaultName("event-dump", bucket, prefix), Profile: "event-dump", Can: []Ability{Create}}
		if faults := made.Faults(); len(faults) > 0 {
			t.Errorf("a name is made for every place: got %q for %q in %q: %v", made.Name, prefix, bucket, faults)
		}
		for _, most := range []int{30, 50, 64} {
			if short := Stem(name, most); len(short) > most || short != name && !strings.Contains(short, "-") {
				t.Errorf("%q in %d letters: got %q", name, most, short)
			}
		}
	})
}
