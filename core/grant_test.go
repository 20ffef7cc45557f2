// What a grant promises: hostile input is named, and names stay distinct.
package core

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func sound() Grant {
	return Grant{Name: "acme-events", Profile: "event-dump", Who: WhoKey, Can: []Ability{Create, Abort},
		Target: Target{Bucket: "acme-events", Prefix: "events/", Region: "here"}}
}

func TestSoundGrantHasNoFaults(t *testing.T) {
	for _, p := range []string{"", "events/", "a/b/c/", "Événements/", "2026-01/", ".hidden/", "..a/", "a=b,c;d@e+f!(g)/", strings.Repeat("a", MaxPrefix-1) + "/"} {
		g := sound()
		g.Target.Prefix = p
		if f := g.Faults(); len(f) > 0 {
			t.Errorf("prefix %q: got %v, want no fault", p, f)
		}
	}
}

func TestHostilePrefixesAreNamed(t *testing.T) {
	for name, p := range map[string]string{
		"no slash": "events", "absolute": "/events/", "root": "/", "empty part": "a//b/", "wildcard": "ev*/", "question mark": "e?/",
		"variable": "${aws:username}/", "brace": "{x}/", "dollar": "a$/", "quote": "a\"/", "apostrophe": "a'/", "backtick": "a`/", "backslash": `a\/`,
		"parent": "../a/", "inner parent": "a/../b/", "self": "./a/", "last parent": "a/../", "null": "a\x00/", "newline": "a\n/", "delete": "a\x7f/",
		"next line": "a\u0085/", "soft control": "a\u009b/", "not UTF-8": "a\xff/", "overlong": strings.Repeat("a", MaxPrefix) + "/",
		"combining": "e\u0301/", "right to left": "a\u202e/", "zero width": "a\u200b/", "emoji": "😀/", "full-width slash": "a\uff0f/",
		"space": "a b/", "tab": "a\tb/", "no-break space": "a\u00a0b/", "tag": "<a>/",
	} {
		t.Run(name, func(t *testing.T) {
			g := sound()
			g.Target.Prefix = p
			f := g.Faults()
			if len(f) != 1 || f[0].Field != "prefix" || f[0].Value != p || f[0].Rule == "" || f[0].Accepts == "" {
				t.Errorf("%q: got %+v, want one fault of the prefix with its rule and what is accepted", p, f)
			}
			if strings.ContainsAny(f.Error(), "\x00\x1b\n\u202e\u0085\u009b") {
				t.Errorf("a fault escapes what it shows: got %q", f.Error())
			}
		})
	}
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	g := Grant{Name: "A", Target: Target{Prefix: "*"}, Can: []Ability{Administer, "all"}}
	var fields []string
	for _, f := range g.Faults() {
		fields = append(fields, f.Field)
	}
	if want := []string{"name", "prefix", "can", "can"}; !slices.Equal(fields, want) {
		t.Errorf("got faults of %q, want %q", fields, want)
	}
	if err := g.Faults().Err(); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want one of kind %v", err, ErrInvalid)
	}
	if err := (Faults{}).Err(); err != nil {
		t.Errorf("no faults are no error: got %v", err)
	}
	g = sound()
	g.Can = nil
	if f := g.Faults(); len(f) != 1 || f[0].Field != "profile" {
		t.Errorf("a grant of nothing is a fault of its profile: got %v", f)
	}
}

func TestNamesAreRefusedOrUsable(t *testing.T) {
	for name, want := range map[string]bool{
		"abc": true, "a-b": true, "a1": false, "": false, "1ab": false, "-ab": false, "ab-": false, "aB-c": false, "a_b": false, "a.b": false,
		"a b": false, "abc\n": false, "ab/c": false, strings.Repeat("a", 100): true, strings.Repeat("a", 101): false,
	} {
		g := sound()
		g.Name = name
		if got := len(g.Faults()) == 0; got != want {
			t.Errorf("name %q: got usable %v, want %v", name, got, want)
		}
	}
}

func TestStemsOfLongNamesStayDistinct(t *testing.T) {
	for _, most := range []int{20, 30, 63, 64} {
		seen := map[string]string{}
		for n := 3; n <= 100; n++ {
			for _, end := range []string{"", "a", "b", "-a", "-b"} {
				name := strings.Repeat("a-long.name_", 9)[:n] + end
				stem := Stem(name, most)
				if len(stem) > most || len(name) <= most && stem != name {
					t.Fatalf("Stem(%q, %d): got %q of %d bytes", name, most, stem, len(stem))
				}
				if other, ok := seen[stem]; ok && other != name {
					t.Fatalf("%q and %q: both get the stem %q", name, other, stem)
				}
				seen[stem] = name
				if stem != Stem(name, most) {
					t.Fatalf("%q: its stem varies", name)
				}
			}
		}
	}
}

func TestCutNameIsNotTheStemOfAnother(t *testing.T) {
	long := strings.Repeat("x", 80)
	if cut := Stem(long, 30); Stem(cut, 30) != cut || Stem(long+"y", 30) == cut || Stem(long[:79], 30) == cut {
		t.Errorf("got %q for two names", cut)
	}
}

func TestDefaultNamesDifferByPrefix(t *testing.T) {
	seen := map[string]string{}
	for _, p := range []string{"", "a/", "b/", "A/", "a/b/"} {
		name := DefaultName("event-dump", "Acme.Events_1", p)
		if !grantName.MatchString(name) {
			t.Errorf("prefix %q: got the unusable name %q", p, name)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("prefixes %q and %q: both get the name %q", p, other, name)
		}
		seen[name] = p
	}
	if got := DefaultName("event-dump", strings.Repeat("b", 63), "p/"); !grantName.MatchString(got) {
		t.Errorf("the longest bucket gets the unusable name %q", got)
	}
}

func TestEveryAbilityIsDescribed(t *testing.T) {
	for _, i := range Abilities() {
		got, ok := DescribeAbility(i.Ability)
		if !ok || got != i || i.Means == "" || i.Reach == "" {
			t.Errorf("%s: got %+v", i.Ability, got)
		}
	}
	if _, ok := DescribeAbility("everything"); ok {
		t.Error("an unknown word is described")
	}
}

func TestActionsPrintAsThemselves(t *testing.T) {
	for _, a := range []Action{Keep, Make, Alter, Drop, Refuse} {
		text, err := a.MarshalText()
		var back Action
		if err != nil || back.UnmarshalText(text) != nil || back != a || fmt.Sprint(a) != string(text) {
			t.Errorf("got %s %q back as %q, error %v", a, text, back, err)
		}
		if want := a != Keep && a != Refuse; a.Writes() != want {
			t.Errorf("%s: got writes %v, want %v", a, a.Writes(), want)
		}
	}
	var a Action
	for _, text := range []string{"", "make", "++", "x", "é"} {
		if err := a.UnmarshalText([]byte(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: got %q and error %v, want one of kind %v", text, a, err, ErrInvalid)
		}
	}
}
