// Cases about the proof: what works, what is refused, and what convicts a wrong policy.
package providertest

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
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
			for _, row := range r.Proof.Rows {
				if !row.OK() || row.How != core.Tried {
					t.Errorf("the proof tries everything: %s %s: got %s (%s) %s, want %s", row.Ability, row.Where, row.Got, row.How, row.Err, row.Want)
				}
			}
			t.holds("the proof removes what it has put", t.Objects(g.Target.Bucket), nil)
			t.holds("nothing of the proof is left", r.Proof.Left, nil)
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
	for _, a := range t.Provider().Info().Abilities {
		i, ok := core.DescribeAbility(a)
		if !ok {
			t.Errorf("an actor tries known abilities: got %q", a)
		}
		places := []core.Where{core.Whole}
		if i.Reach == core.ObjectReach {
			places = []core.Where{core.Inside, core.Elsewhere}
			if g.Target.Prefix != "" {
				places = append(places, core.Sibling, core.Outside)
			}
		}
		for _, w := range places {
			outcome, tried := got[cell{a, w}]
			if !tried {
				t.Errorf("everything is tried everywhere: got no row for %s %s", a, w)
			}
			if outcome == core.Allowed && w != core.Inside && (w != core.Whole || !g.Allows(a)) {
				t.Errorf("everything else is refused: got %s allowed %s", a, w)
			}
		}
	}
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
		for _, as := range []core.Credential{t.last()} {
			actor := t.act(blue, as)
			for _, a := range t.Provider().Info().Abilities {
				if i, _ := core.DescribeAbility(a); i.Reach == core.ObjectReach {
					t.try(actor, core.Probe{Ability: a, Where: core.Elsewhere, Bucket: other, Key: g.Target.Prefix + "x", Want: core.Denied})
				}
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

func (cases) OnlyAClearRefusalIsDenied(b *bench) {
	reply := func(status int, kind, body string) func() cloudsim.Fault {
		return func() cloudsim.Fault {
			return cloudsim.Fault{Reply: &http.Response{
				StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
			}}
		}
	}
	for name, fault := range map[string]func() cloudsim.Fault{
		"lost before":    func() cloudsim.Fault { return cloudsim.Fault{Before: cloudsim.ErrLost} },
		"throttled":      reply(429, "text/plain", "slow down"),
		"unavailable":    reply(503, "text/plain", "try again"),
		"proxy says 403": reply(403, "text/html", "<html><body>Forbidden by proxy</body></html>"),
		"silence":        func() cloudsim.Fault { return cloudsim.Fault{Hang: true} },
	} {
		b.later(name, func(t *trial) {
			blue := t.blueprint(t.Grant())
			t.must(job{grant: t.Grant(), noProof: true})
			t.Transport().Fault = func(cloudsim.Call, *http.Request) cloudsim.Fault { return fault() }
			t.unclear(blue, "when the cloud's answer is "+name)
		})
	}
	b.later("retired key", func(t *trial) {
		blue := t.blueprint(t.Grant())
		t.must(job{grant: t.Grant(), noProof: true})
		steps, err := t.Provider().Open(t.Context(), blue)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		for range 2 {
			if err := steps.Credential.Retire(t.Context(), t.last().ID); err != nil {
				t.Errorf("retiring twice is retiring once: got error %v", err)
			}
		}
		t.holds("a retired key does not work", t.Keys(blue), nil)
		t.unclear(blue, "with a key that the cloud does not know")
	})
}

// unclear tries everything with the last key, where nothing can be learned.
func (t *trial) unclear(b core.Blueprint, when string) {
	t.Helper()
	actor, err := t.Provider().Act(t.Context(), b, t.last())
	if err != nil {
		t.say(nil, err)
		return // said before the first try
	}
	for _, p := range core.ProbesFor(b, t.Provider().Info().Abilities, "unclear", "") {
		ctx, cancel := timeout(t, time.Minute)
		got, err := actor.Try(ctx, p)
		cancel()
		t.say(got, err)
		if got != core.Unclear || err == nil {
			t.Errorf("%s %s %s is unclear: got %s, error %v", when, p.Ability, p.Where, got, err)
		}
	}
}

func (cases) ConvergesSlowly(b *bench) {
	b.now(func(t *trial) {
		const delay = 20 * time.Second
		t.SetDelay(delay)
		start := time.Now()
		_, r := t.must(job{grant: t.Grant()})
		if took := time.Since(start); took < delay {
			t.Errorf("a change that needs %s to be seen is waited for: got a proof after %s", delay, took)
		}
		if len(r.Proof.Failures()) > 0 || r.Proof.How != core.Tried {
			t.Errorf("the proof is complete: got %+v", r.Proof.Failures())
		}
		t.holds("the delivered key works", t.Keys(t.blueprint(t.Grant())), []string{t.last().ID})
	})
}

func (cases) SaysWhenNotConverged(b *bench) {
	endless := func(t *trial) time.Duration { return t.Provider().Info().Settle + time.Hour }
	b.later("key and policy", func(t *trial) {
		t.fails(job{grant: t.Grant(), born: func() { t.SetDelay(endless(t)) }}, core.ErrNotConverged)
		t.holds("a key that nobody could prove does not stay", t.Keys(t.blueprint(t.Grant())), nil)
		t.holds("nothing unproven is delivered", ids(t.given), nil)
		t.SetDelay(0)
		time.Sleep(endless(t))
		t.converges(t.Grant())
	})
	b.later("everything", func(t *trial) {
		t.SetDelay(endless(t))
		t.fails(job{grant: t.Grant()}, core.ErrNotConverged)
		t.holds("a key that nobody could prove does not stay", t.Keys(t.blueprint(t.Grant())), nil)
		t.SetDelay(0)
		time.Sleep(endless(t))
		t.converges(t.Grant())
	})
}

func (cases) PolicyIsMinimal(b *bench) {
	var powers []string
	b.now(func(t *trial) {
		blue := t.blueprint(t.Grant())
		t.must(job{grant: t.Grant(), noProof: true})
		powers = t.Powers(blue)
		if len(powers) == 0 {
			t.Fatalf("a policy gives something: got no powers")
		}
		if proof, err := t.prove(nil, blue, t.last()); err != nil {
			t.Errorf("the policy as compiled is enough: got %v, %+v", err, proof.Failures())
		}
	})
	for _, power := range powers {
		b.later("without "+power, func(t *trial) {
			blue := t.blueprint(t.Grant())
			t.fails(job{grant: t.Grant(), born: func() { t.Tamper(blue, power, "") }}, core.ErrUnproven)
			t.holds("nothing that lacks a granted ability is delivered", ids(t.given), nil)
			t.holds("its key is retired", t.Keys(blue), nil)
			t.converges(t.Grant())
		})
	}
}

func (cases) WidenedPolicyIsConvicted(b *bench) {
	var excesses []string
	b.now(func(t *trial) {
		blue := t.blueprint(t.Grant())
		excesses = t.Excesses(blue)
		least := 1
		for _, a := range t.Provider().Info().Abilities {
			if gap, ok := blue.Gap(a); !blue.Grant.Allows(a) && (!ok || gap.Outcome != core.Allowed) {
				least++
			}
		}
		if len(excesses) < least {
			t.Errorf("a world can widen every ability that is not granted, and the place: got %d excesses %q, want at least %d", len(excesses), excesses, least)
		}
	})
	for _, excess := range excesses {
		b.later(excess, func(t *trial) {
			blue := t.blueprint(t.Grant())
			t.Plant(OtherBucket, blue)
			foreign := t.Foreign(blue)
			t.fails(job{grant: t.Grant(), born: func() { t.Tamper(blue, "", excess) }}, core.ErrUnproven)
			t.holds("nothing that allows more than was granted is delivered", ids(t.given), nil)
			t.holds("its key is retired", t.Keys(blue), nil)
			t.holds("even then the proof leaves nothing", t.Objects(blue.Grant.Target.Bucket), nil)
			t.same("even then the proof writes nothing elsewhere", t.Foreign(blue), foreign)
		})
	}
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
