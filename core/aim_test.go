// Where a proof aims: at other grants, at prefixes, at what somebody else has to put first.
package core

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func TestObjectsOfAnotherGrantAreTriedAndMustBeRefused(t *testing.T) {
	b := plain()
	prefixes := []string{"logs/", "events/inner/"}
	for _, able := range [][]Ability{everything(), {List, Abort}, {Create, Read, Delete}} {
		var got []string
		for _, p := range besideProbes(b, able, "run", prefixes) {
			prefix := prefixes[slices.IndexFunc(prefixes, func(s string) bool { return strings.HasPrefix(p.Key, s) })]
			got = append(got, prefix+" "+string(p.Ability))
			if p.Where != Neighbour || p.Want != Denied || p.Bucket != b.Grant.Target.Bucket {
				t.Errorf("got %+v, want a refusal beside the grant in its bucket", p)
			}
			if listed := p.Key == prefix; listed != (p.Ability == List) || !listed && !strings.Contains(p.Key, "run") {
				t.Errorf("%s: got it aimed at %q, want a listing of the prefix, or a key that nobody else has", p.Ability, p.Key)
			}
		}
		var want []string
		for _, prefix := range prefixes {
			for _, a := range []Ability{Create, Read, List, Delete} {
				if slices.Contains(able, a) {
					want = append(want, prefix+" "+string(a))
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %q: got %q, want %q", able, got, want)
		}
	}
}

func TestWhoeverReachesAnotherGrantIsUnproven(t *testing.T) {
	for _, asked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate()
			reach := func(p Probe) Outcome {
				if p.Where == Neighbour && p.Ability == Read {
					return Allowed
				}
				return p.Want
			}
			g.absent, g.answer = asked, reach
			g.says = func(p Probe, _ int) (Outcome, error) { return reach(p), nil }
			b, err := g.Compile(openGrant)
			if err != nil {
				t.Fatal(err)
			}
			steps, err := g.Open(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			e := &Engine{Provider: g, RunID: "run", Beside: []string{"logs/"}}
			if _, err := e.Prove(t.Context(), b, steps, Credential{}); !errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), "logs/") {
				t.Errorf("asked %v: got %v, want %v that names the other grant's prefix", asked, err, ErrUnproven)
			}
		})
	}
}

func TestListingsAreAimedAtPrefixesAndUploadsAtKeysOfTheirOwn(t *testing.T) {
	probes := ProbesFor(plain(), everything(), "run", "other")
	taken := map[string]bool{}
	for _, p := range probes {
		taken[p.Bucket+"/"+p.Key] = taken[p.Bucket+"/"+p.Key] || p.Ability != Abort
		want := map[Where]string{Inside: "events/", Sibling: "events-evil/"}[p.Where]
		if p.Ability == List && p.Key != want {
			t.Errorf("list %s: got %q, want %q", p.Where, p.Key, want)
		}
	}
	for _, p := range probes {
		if p.Ability == Abort && taken[p.Bucket+"/"+p.Key] {
			t.Errorf("abort %s: got it aimed at %q, want a key that holds no object", p.Where, p.Key)
		}
	}
}

func TestWhatAProofPutsAsTheOperatorIsAnnounced(t *testing.T) {
	for name, c := range map[string]struct {
		can    []Ability
		prefix string
		want   []string
	}{
		"it puts its own":          {[]Ability{Create}, "events/", nil},
		"it may not put":           {[]Ability{List}, "events/", []string{"events/.probe/"}},
		"it reads a prefix":        {[]Ability{Create, Read}, "events/", []string{"events-evil/.probe/", ".probe/"}},
		"it deletes, and puts not": {[]Ability{Delete}, "events/", []string{"events/.probe/", "events-evil/.probe/", ".probe/"}},
		"there is no outside":      {[]Ability{Create, Read}, "", nil},
	} {
		g := sound()
		g.Can, g.Target.Prefix = c.can, c.prefix
		if got := Plants(g, c.prefix+".probe/"); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestOnlyWhatHarmsNobodyCanBeGranted(t *testing.T) {
	never := []Ability{Erase, Inspect, Administer, Identify, Enter}
	for _, i := range Abilities() {
		g := sound()
		g.Can = []Ability{i.Ability}
		if got, want := len(g.Faults()) == 0, !slices.Contains(never, i.Ability); got != want || i.Grantable != want {
			t.Errorf("%s: got grantable %v, and said to be %v, want %v", i.Ability, got, i.Grantable, want)
		}
	}
}

func TestAFailureSaysWhereItWasTried(t *testing.T) {
	said := map[string]Probe{}
	for _, p := range []Probe{
		{Where: Inside}, {Where: Sibling}, {Where: Outside}, {Where: Elsewhere}, {Where: Whole}, {Where: Door},
		{Where: Neighbour, Key: "logs/x"}, {Where: Door, Key: "wrong-word"},
	} {
		words := Row{Probe: p}.where()
		if other, twice := said[words]; words == "" || twice || !strings.HasSuffix(words, p.Key) {
			t.Errorf("%+v: got %q, want words of its own (%+v) that end in what was tried", p, words, other)
		}
		said[words] = p
	}
}

func TestRefusalsSayTheRuleThatWasBroken(t *testing.T) {
	for prefix, want := range map[string]string{
		"a b/": "white space", "a\tb/": "control character", "a\x7f/": "control character", "a\u0085/": "control character", "a\u0100/": "U+00FF", "e\u0301/": "U+00FF", "\u00a0/": "white space", "\u00ff/": "",
	} {
		if got := prefixRule(prefix); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%q: got the rule %q, want %q in it", prefix, got, want)
		}
	}
}

func TestNamesKeepEveryLetterAndDigit(t *testing.T) {
	const all = "abcdefghijklmnopqrstuvwxyz0123456789"
	if got := DefaultName("p", all, ""); got != "p-"+all {
		t.Errorf("got %q, want %q", got, "p-"+all)
	}
}

func TestPolicyHashTellsDocumentsByTheirNames(t *testing.T) {
	doc := func(name, body string) Blueprint {
		return Blueprint{Documents: []Document{{Name: name, Body: []byte(body)}}}
	}
	hash := map[string]string{}
	for _, b := range []Blueprint{doc("policy", `{}`), doc("role", `{}`), doc("role", `no JSON`), doc("role", `nor this`)} {
		d := b.Documents[0]
		if other, same := hash[b.PolicyHash()]; same {
			t.Errorf("%s %s: got the hash of %s", d.Name, d.Body, other)
		}
		hash[b.PolicyHash()] = d.Name + " " + string(d.Body)
	}
}

func TestGapInsideIsFoundByItsAbility(t *testing.T) {
	b := Blueprint{Gaps: []Gap{{List, Outside, Allowed, "elsewhere"}, {Overwrite, "", Allowed, "put and replace are one"}}}
	if gap, ok := b.Gap(Overwrite); !ok || gap.Why != "put and replace are one" {
		t.Errorf("got %+v %v, want the gap", gap, ok)
	}
	if gap, ok := b.Gap(List); ok {
		t.Errorf("got %+v, want none inside", gap)
	}
}
