// Cases about compiling: what a grant becomes, without any cloud.
package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) CompileIsPure(b *bench) {
	b.now(func(t *trial) {
		g := t.Grant()
		before := text(t, g)
		first := t.blueprint(g)
		again := t.blueprint(g)
		t.same("the same grant compiles to the same blueprint", text(t, again), text(t, first))
		t.same("compiling does not alter the grant", text(t, g), before)
		t.same("the provider's description is constant", text(t, t.Provider().Info()), text(t, t.Provider().Info()))
		if n := len(t.Transport().Calls()); n != 0 {
			t.Errorf("compiling makes no call: got %d calls, want 0", n)
		}
		if first.Cloud != t.Provider().Info().Name {
			t.Errorf("a blueprint names its cloud: got %q, want %q", first.Cloud, t.Provider().Info().Name)
		}
		if !strings.HasPrefix(first.Probes, g.Target.Prefix) {
			t.Errorf("probes stay inside the prefix: got %q, want something below %q", first.Probes, g.Target.Prefix)
		}
		t.say(first, nil)
	})
}

func (cases) CompilePrintsTheGoldens(b *bench) {
	b.now(func(t *trial) {
		goldens := t.Goldens()
		if len(goldens) == 0 {
			t.Fatalf("a provider has goldens: got none, want at least one")
		}
		for _, dir := range slices.Sorted(maps.Keys(goldens)) {
			var names []string
			for _, d := range t.blueprint(goldens[dir]).Documents {
				path := filepath.Join(dir, d.Name+".json")
				names = append(names, path)
				want, err := os.ReadFile(path)
				if err != nil {
					t.Errorf("every document has a golden: %v", err)
					continue
				}
				t.same(path+" is what Compile prints", compact(t, d.Body), compact(t, want))
				if d.Why == "" || d.Of == "" {
					t.Errorf("document %q says whose it is and why: got of %q, why %q", d.Name, d.Of, d.Why)
				}
			}
			files, err := filepath.Glob(filepath.Join(dir, "*.json"))
			slices.Sort(names)
			if err != nil || !slices.Equal(files, names) {
				t.Errorf("no golden is left over in %s: got %q, want %q", dir, files, names)
			}
		}
	})
}

func (cases) OfflinePlanListsWhatAFirstPlanMakes(b *bench) {
	b.now(func(t *trial) {
		e := t.engine(nil, nil)
		offline, err := e.Offline(t.Grant())
		if err != nil {
			t.Fatalf("offline plan: got error %v, want success", err)
		}
		if n := len(t.Transport().Calls()); n != 0 {
			t.Errorf("an offline plan makes no call: got %d, want 0", n)
		}
		live, err := e.Plan(t.Context(), t.Grant(), core.Present)
		if err != nil {
			t.Fatalf("plan: got error %v, want success", err)
		}
		t.holds("an offline plan lists what a first plan makes", addresses(offline), addresses(live))
		known := map[string]bool{}
		for _, c := range live.Changes {
			if known[c.Addr] {
				t.Errorf("%s: an address is unique in a plan: got it twice", c.Addr)
			}
			known[c.Addr] = true
		}
		for _, c := range live.Changes {
			for _, n := range c.Needs {
				if !known[n] {
					t.Errorf("%s: what a change needs is in a first plan: got %q, want one of %q", c.Addr, n, addresses(live))
				}
			}
		}
	})
}

// anybody owns an address that does not depend on the grant's name.
const anybody = "anybody"

func (cases) LongNamesStayDistinct(b *bench) {
	b.now(func(t *trial) {
		owner := map[string]string{} // address → name of the grant
		for _, name := range []string{"one", "two"} {
			g := t.Grant()
			g.Name = name
			for _, r := range t.blueprint(g).Resources {
				if owner[r.Addr] != "" {
					owner[r.Addr] = anybody
				} else {
					owner[r.Addr] = name
				}
			}
		}
		for n := 20; n <= 100; n++ {
			for _, end := range []string{"a", "b", "aa"} {
				g := t.Grant()
				g.Name = strings.Repeat("long-names-", 10)[:n-len(end)] + end
				for _, r := range t.blueprint(g).Resources {
					if owner[r.Addr] == anybody {
						continue
					}
					if other := owner[r.Addr]; other != "" && other != g.Name {
						t.Fatalf("long names stay distinct: %q and %q both become %q", other, g.Name, r.Addr)
					}
					owner[r.Addr] = g.Name
				}
			}
		}
	})
	b.later("in the cloud", func(t *trial) {
		one, two := t.Grant(), t.Grant()
		one.Name = strings.Repeat("a-long-name-", 9)[:99] + "1"
		two.Name = strings.Repeat("a-long-name-", 9)[:99] + "2"
		two.Target.Adopt = true
		t.must(job{grant: one, noProof: true})
		t.must(job{grant: two, noProof: true})
		first, second := t.Keys(t.blueprint(one)), t.Keys(t.blueprint(two))
		if len(first) != 1 || len(second) != 1 || first[0] == second[0] {
			t.Errorf("two long names are two principals: got keys %q and %q, want one each", first, second)
		}
	})
}

// hostile are prefixes that would widen a grant or break out of a policy.
var hostile = []string{
	"*", "events/*", "ev?nts/", "events", "/events/", "events//", "../events/", "events/../", "./", "events/./",
	"${aws:username}/", "events/${*}/", "{a}/", "$/", "events\"/", "events'/", "events`/", "events\\/", "a<b>/",
	"events\x00/", "events\n/", "events\x7f/", "\xff/", "évents\u0301/", "a b/", "\u202eevents/", "名/", strings.Repeat("a", 512) + "/",
}

func (cases) HostilePrefixesAreRefused(b *bench) {
	b.now(func(t *trial) {
		for _, p := range hostile {
			g := t.Grant()
			g.Target.Prefix = p
			t.refuses(g, "prefix")
		}
		for _, name := range []string{"", "a", "Upper", "a..b", "bucket/evil", "${aws:username}", "b*", "b?", "new\nline", "-a-", "192.168.5.4", strings.Repeat("a", 64)} {
			g := t.Grant()
			g.Target.Bucket = name
			t.refuses(g, "bucket")
		}
		for _, name := range []string{"", "A", "a b", "a*", "../a", "a/b", "${x}", strings.Repeat("a", 101)} {
			g := t.Grant()
			g.Name = name
			t.refuses(g, "name")
		}
		region := t.Provider().Info().Nouns.Region
		for _, r := range []string{"", "eu west", "*", "eu-west-1\n", "../x"} {
			g := t.Grant()
			g.Target.Region = r
			t.refuses(g, region)
		}
		g := t.Grant()
		g.Settings = maps.Clone(g.Settings)
		if g.Settings == nil {
			g.Settings = map[string]string{}
		}
		g.Settings["no-such-setting"] = "x"
		t.refuses(g, "no-such-setting")
		for _, a := range []core.Ability{core.Administer, core.Inspect, core.Identify, core.Erase, "everything"} {
			g := t.Grant()
			g.Can = append(slices.Clone(g.Can), a)
			t.refuses(g, "can")
		}
		g = t.Grant()
		g.Name, g.Target.Bucket, g.Target.Prefix, g.Target.Region = "", "", "*", ""
		t.refuses(g, "name", "bucket", "prefix", region)
		if n := len(t.Transport().Calls()); n != 0 {
			t.Errorf("bad input is refused before any call: got %d calls, want 0", n)
		}
	})
}

// refuses wants g refused with a fault for each field, all at once.
func (t *trial) refuses(g core.Grant, fields ...string) {
	t.Helper()
	_, err := core.Compile(t.Provider(), g)
	t.say(nil, err)
	if !errors.Is(err, core.ErrInvalid) {
		t.Errorf("bad input is refused: got error %v for %q, want %v", err, text(t, g), core.ErrInvalid)
		return
	}
	faults, _ := errors.AsType[core.Faults](err)
	for _, field := range fields {
		i := slices.IndexFunc(faults, func(f core.Fault) bool { return f.Field == field })
		switch {
		case i < 0:
			t.Errorf("a refusal names the field: got %v, want a fault of %q", err, field)
		case faults[i].Rule == "" || faults[i].Accepts == "":
			t.Errorf("a refusal names the rule and what would be accepted: got %+v", faults[i])
		}
	}
}

// addresses are those that a plan makes, sorted.
func addresses(p *core.Plan) []string {
	var list []string
	for _, c := range p.Changes {
		if c.Action == core.Make {
			list = append(list, c.Addr)
		}
	}
	slices.Sort(list)
	return list
}

func text(t *trial, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%T does not marshal: %v", v, err)
	}
	return string(raw)
}

func compact(t *trial, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Errorf("a document is JSON: %v", err)
	}
	return b.String()
}
