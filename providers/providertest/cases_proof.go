// Cases about the proof: what is granted works, and everything else is refused.
package providertest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// variants are grants by name. Every cloud must be able to keep those that only
// put; the others it may refuse.
func variants(g core.Grant) map[string]core.Grant {
	whole, more := g, g
	whole.Target.Prefix = ""
	more.Can = []core.Ability{core.Create, core.Abort, core.Read, core.List}
	one := g
	one.Can = []core.Ability{core.Create}
	all := g
	all.Can = nil
	for _, a := range core.Abilities() {
		if a.Grantable {
			all.Can = append(all.Can, a.Ability)
		}
	}
	return map[string]core.Grant{"as given": g, "whole bucket": whole, "create alone": one, "with read and list": more, "everything": all}
}

func (cases) AllGrantedWorks(b *bench) {
	var grants map[string]core.Grant
	b.now(func(t *trial) { grants = variants(t.Grant()) })
	for name, g := range grants {
		b.later(name, func(t *trial) {
			if name == "everything" {
				g.Can = slices.DeleteFunc(g.Can, func(a core.Ability) bool { return !slices.Contains(t.Provider().Info().Abilities, a) })
			}
			if _, err := core.Compile(t.Provider(), g); errors.Is(err, core.ErrInvalid) && len(g.Can) > 2 {
				t.Logf("refused: %v", err)
				return
			}
			t.Plant(OtherBucket, t.blueprint(g))
			foreign := t.Foreign(t.blueprint(g))
			_, r := t.must(job{grant: g})
			t.complete(r.Proof, g)
			for _, row := range r.Rows {
				if !row.OK() || row.How != core.Tried {
					t.Errorf("the proof tries everything: %s %s: got %s (%s) %s, want %s", row.Ability, row.Where, row.Got, row.How, row.Err, row.Want)
				}
			}
			t.holds("the proof removes what it has put", t.Objects(g.Target.Bucket), nil)
			t.holds("nothing of the proof is left", r.Left, nil)
			t.same("a proof leaves other buckets as they are", t.Foreign(t.blueprint(g)), foreign)
		})
	}
}

// complete checks that the proof has a row for every ability in every place,
// whatever the list of probes was.
func (t *trial) complete(p core.Proof, g core.Grant) {
	t.Helper()
	type cell struct {
		core.Ability
		core.Where
	}
	got := map[cell]core.Outcome{}
	for _, r := range p.Rows {
		got[cell{r.Ability, r.Where}] = r.Got
	}
	actor, err := t.Provider().Act(t.Context(), t.blueprint(g), t.holder(g))
	if err != nil && !errors.Is(err, core.ErrNotHere) {
		t.Fatalf("act as the grantee: got error %v, want success or %v", err, core.ErrNotHere)
	}
	beyond := t.beyond(actor)
	for _, a := range t.Provider().Info().Abilities {
		i, ok := core.DescribeAbility(a)
		if !ok {
			t.Errorf("an actor tries known abilities: got %q", a)
		}
		places := []core.Where{core.Whole}
		if i.Reach == core.ObjectReach {
			places = []core.Where{core.Inside}
			if p.How == core.Tried && !beyond[a] {
				places = append(places, core.Elsewhere)
			}
			if g.Target.Prefix != "" {
				places = append(places, core.Sibling, core.Outside)
			}
		}
		for _, w := range places {
			outcome, tried := got[cell{a, w}]
			if !tried && (!beyond[a] || !mentions(p.Missing, a)) {
				t.Errorf("everything is tried everywhere: got no row for %s %s", a, w)
			}
			if outcome == core.Allowed && w != core.Inside && (w != core.Whole || !g.Allows(a)) && !t.admits(g, a, w) {
				t.Errorf("everything else is refused: got %s allowed %s", a, w)
			}
		}
	}
}

// mentions reports whether one of the lines is about a.
func mentions(lines []string, a core.Ability) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, string(a)+" ") || strings.HasPrefix(line, string(a)+":")
	})
}

// admits reports whether g says itself that it reaches w. Only what a source
// document asks for may.
func (t *trial) admits(g core.Grant, a core.Ability, w core.Where) bool {
	t.Helper()
	return g.Literal && slices.ContainsFunc(t.blueprint(g).Gaps, func(gap core.Gap) bool {
		return gap.Ability == a && gap.Where == w && gap.Outcome == core.Allowed && gap.Why != ""
	})
}

func (cases) EverythingElseRefused(b *bench) {
	b.now(func(t *trial) {
		g := t.Grant()
		blue := t.blueprint(g)
		abilities := t.Provider().Info().Abilities
		for _, a := range []core.Ability{core.Create, core.Abort, core.Overwrite, core.Read, core.List, core.Delete, core.Erase, core.Locate, core.Inspect, core.Administer, core.Identify} {
			if !slices.Contains(abilities, a) {
				t.Errorf("an actor can try %s: got abilities %q", a, abilities)
			}
		}
		t.must(job{grant: g, noProof: true})
		t.Plant(Data, blue)
		t.Plant(Others, blue)
		before := t.state(blue)
		keys := t.Objects(g.Target.Bucket)
		inside := keys[slices.IndexFunc(keys, func(k string) bool { return strings.HasPrefix(k, g.Target.Prefix) })]
		actor := t.act(blue, t.last())
		for _, a := range abilities {
			if _, gap := blue.Gap(a); gap || g.Allows(a) {
				continue
			}
			p := core.Probe{Ability: a, Where: core.Inside, Bucket: g.Target.Bucket, Key: inside, Want: core.Denied}
			switch i, _ := core.DescribeAbility(a); {
			case i.Reach != core.ObjectReach:
				p.Where, p.Key = core.Whole, ""
			case a == core.List:
				p.Key = g.Target.Prefix
			}
			t.try(actor, p)
		}
		t.same("what is refused has no effect, not even on real data", t.state(blue), before)
	})
}

func (cases) SiblingPrefixRefused(b *bench) {
	b.now(func(t *trial) {
		g := t.Grant()
		blue := t.blueprint(g)
		t.must(job{grant: g, noProof: true})
		actor := t.act(blue, t.last())
		stem := strings.TrimSuffix(g.Target.Prefix, "/")
		for _, key := range []string{stem + "-evil/x", stem + "x", stem, stem + ".x", strings.ToUpper(stem) + "/x", "x/" + g.Target.Prefix + "x", stem + "%2Fx", " " + g.Target.Prefix + "x", "x"} {
			where := core.Sibling
			if key == "x" {
				where = core.Outside
			}
			t.try(actor, core.Probe{Ability: core.Create, Where: where, Bucket: g.Target.Bucket, Key: key, Want: core.Denied})
		}
		t.holds("what is refused leaves nothing", t.Objects(g.Target.Bucket), nil)
	})
}

// ExpiredGrantIsRefused looks before and after the end of a grant, with and without a prefix.
func (cases) ExpiredGrantIsRefused(b *bench) {
	for _, name := range []string{"as given", "whole bucket"} {
		b.later(name, func(t *trial) {
			const left = time.Hour
			g := variants(t.Grant())[name]
			g.Limits.Expires = time.Now().UTC().Truncate(time.Second).Add(left)
			_, r := t.must(job{grant: g})
			t.same("a receipt says when the access ends", r.Expires.String(), g.Limits.Expires.String())
			t.same("a key is not to be kept for longer than its access", r.Key.RotateBy.String(), g.Limits.Expires.String())
			time.Sleep(left + t.Provider().Info().Settle)
			proof, err := t.prove(nil, t.blueprint(g), t.last())
			if !errors.Is(err, core.ErrUnproven) {
				t.Errorf("nothing is allowed after the end: got %v, want %v", err, core.ErrUnproven)
			}
			for _, row := range proof.Rows {
				if row.Got == core.Allowed {
					t.Errorf("%s %s after the end: got %s, want %s", row.Ability, row.Where, row.Got, core.Denied)
				}
			}
		})
	}
}

func (cases) OtherBucketRefused(b *bench) {
	b.now(func(t *trial) {
		g := t.Grant()
		blue := t.blueprint(g)
		t.Plant(OtherBucket, blue)
		t.must(job{grant: g, noProof: true})
		foreign := t.Foreign(blue)
		steps, err := t.Provider().Open(t.Context(), blue)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		if steps.Caretaker == nil {
			t.Fatalf("an operator can clean up after a proof: got no caretaker")
		}
		other, err := steps.Caretaker.Elsewhere(t.Context())
		if err != nil || other == "" || other == g.Target.Bucket {
			t.Fatalf("a caretaker finds the owner's other bucket: got %q, error %v", other, err)
		}
		actor := t.act(blue, t.last())
		for _, a := range t.Provider().Info().Abilities {
			if i, _ := core.DescribeAbility(a); i.Reach == core.ObjectReach {
				t.try(actor, core.Probe{Ability: a, Where: core.Elsewhere, Bucket: other, Key: g.Target.Prefix + "x", Want: core.Denied})
			}
		}
		t.same("probing another bucket leaves it as it is", t.Foreign(blue), foreign)
	})
}

func (cases) TryingIsDoing(b *bench) {
	b.now(func(t *trial) {
		g := t.Grant()
		blue := t.blueprint(g)
		t.must(job{grant: g, noProof: true})
		actor := t.act(blue, t.last())
		key := blue.Probes + "one"
		t.try(actor, core.Probe{Ability: core.Create, Where: core.Inside, Bucket: g.Target.Bucket, Key: key, Want: core.Allowed})
		t.holds("an object that was put is there", t.Objects(g.Target.Bucket), []string{key})
		t.try(actor, core.Probe{Ability: core.Abort, Where: core.Inside, Bucket: g.Target.Bucket, Key: key + ".parts", Want: core.Allowed})
		t.holds("an upload that was given up leaves nothing", t.Objects(g.Target.Bucket), []string{key})
		t.Plant(Data, blue)
		data := slices.DeleteFunc(t.Objects(g.Target.Bucket), func(k string) bool { return k == key })
		steps, err := t.Provider().Open(t.Context(), blue)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		if err := steps.Caretaker.Sweep(t.Context(), []string{key, blue.Probes + "never"}); err != nil {
			t.Errorf("sweeping a key that does not exist is fine: got error %v", err)
		}
		t.holds("a sweep removes the probe's objects and no other", t.Objects(g.Target.Bucket), data)
	})
}

// act prepares to try things as the holder of c.
func (t *trial) act(b core.Blueprint, c core.Credential) core.Actor {
	t.Helper()
	actor, err := t.Provider().Act(t.Context(), b, c)
	if err != nil {
		t.Fatalf("act as the holder of %s: got error %v, want success", c.ID, err)
	}
	return actor
}

// try makes one attempt whose outcome is clear.
func (t *trial) try(actor core.Actor, p core.Probe) {
	t.Helper()
	got, err := actor.Try(t.Context(), p)
	t.say(got, err)
	if got != p.Want || err != nil {
		t.Errorf("%s %s of %q: got %s, error %v, want %s", p.Ability, p.Where, p.Key, got, err, p.Want)
	}
}

func ids(given []core.Credential) []string {
	var list []string
	for _, c := range given {
		list = append(list, c.ID)
	}
	return list
}
