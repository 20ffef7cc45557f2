// Cases about doubt: outcomes that prove nothing, changes that come slowly, and policies that are wrong.
package providertest

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

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
		if len(r.Failures()) > 0 || r.How != core.Tried {
			t.Errorf("the proof is complete: got %+v", r.Failures())
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
	b.suite("M3")
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
	b.suite("M3")
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
