// What a proof promises: everything is tried, and only what is clear counts.
package core

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// everything is what an actor of an imaginary cloud can try.
func everything() []Ability {
	var all []Ability
	for _, i := range Abilities() {
		all = append(all, i.Ability)
	}
	return all
}

func plain() Blueprint {
	return Blueprint{Cloud: "imaginary", Grant: sound(), Probes: "events/.probe/"}
}

func TestProbesCoverEveryAbilityInEveryPlace(t *testing.T) {
	for _, prefix := range []string{"events/", ""} {
		b := plain()
		b.Grant.Target.Prefix = prefix
		b.Probes = prefix + ".probe/"
		seen := map[string]Probe{}
		for _, p := range ProbesFor(b, everything(), "run", "other") {
			id := string(p.Ability) + " " + string(p.Where)
			if _, twice := seen[id]; twice {
				t.Errorf("%s: tried twice", id)
			}
			seen[id] = p
		}
		want := 0
		for _, i := range Abilities() {
			places := []Where{Whole}
			if i.Reach == DoorReach {
				continue // only where no key is handed over
			}
			if i.Reach == ObjectReach {
				if places = []Where{Inside, Elsewhere}; prefix != "" {
					places = append(places, Sibling, Outside)
				}
			}
			for _, w := range places {
				want++
				p, ok := seen[string(i.Ability)+" "+string(w)]
				granted := w == Inside && b.Grant.Allows(i.Ability)
				if !ok || (p.Want == Allowed) != granted || p.Want == "" {
					t.Errorf("prefix %q: %s %s: got %+v, want it tried and granted %v", prefix, i.Ability, w, p, granted)
				}
			}
		}
		if len(seen) != want {
			t.Errorf("prefix %q: got %d probes, want %d", prefix, len(seen), want)
		}
	}
}

func TestProbesAreAimedWhereTheySay(t *testing.T) {
	b := plain()
	for _, p := range ProbesFor(b, everything(), "run", "other") {
		inside := strings.HasPrefix(p.Key, "events/")
		switch p.Where {
		case Inside:
			if !inside || p.Bucket != "acme-events" {
				t.Errorf("inside: got %+v", p)
			}
		case Sibling:
			if inside || !strings.HasPrefix(p.Key, "events-evil/") {
				t.Errorf("a sibling begins with the same letters: got %+v", p)
			}
		case Outside:
			if inside || p.Bucket != "acme-events" {
				t.Errorf("outside: got %+v", p)
			}
		case Elsewhere:
			if p.Bucket != "other" {
				t.Errorf("elsewhere: got %+v", p)
			}
		case Whole:
			if p.Key != "" {
				t.Errorf("the whole bucket has no key: got %+v", p)
			}
		}
		if p.Where == Inside && p.Ability != List && !strings.HasPrefix(p.Key, b.Probes) {
			t.Errorf("a probe touches nobody's data: got key %q, want one below %q", p.Key, b.Probes)
		}
	}
}

func TestGrantedProbesComeFirst(t *testing.T) {
	last := Allowed
	for _, p := range ProbesFor(plain(), everything(), "run", "other") {
		if p.Want == Allowed && last != Allowed {
			t.Errorf("%s %s: a granted ability comes after one that is not", p.Ability, p.Where)
		}
		last = p.Want
	}
}

func TestGapChangesWhatIsWantedInsideOnly(t *testing.T) {
	b := plain()
	b.Gaps = []Gap{{Overwrite, Inside, Allowed, "put and replace are one permission"}, {Abort, Inside, Denied, "there are no parts"}}
	for _, p := range ProbesFor(b, everything(), "run", "") {
		gap, known := b.Gap(p.Ability)
		if !known {
			continue
		}
		if p.Where == Inside && (p.Want != gap.Outcome || p.Why != gap.Why) || p.Where != Inside && p.Want != Denied {
			t.Errorf("got %+v, want %s inside and %s elsewhere", p, gap.Outcome, Denied)
		}
	}
}

// cloud is an imaginary cloud: what comes of a try, and how often it was made.
type cloud struct {
	answer func(p Probe, n int) (Outcome, error) // n counts tries of one ability in one place from 1
	mu     sync.Mutex
	tries  map[string]int
	order  []Probe
	wrote  map[string]bool // keys under which there may be something afterwards
}

func (c *cloud) Try(_ context.Context, p Probe) (Outcome, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tries == nil {
		c.tries = map[string]int{}
	}
	id := string(p.Ability) + " " + string(p.Where)
	c.tries[id]++
	c.order = append(c.order, p)
	got, err := c.answer(p, c.tries[id])
	if p.Where != Elsewhere && (p.Ability == Abort || got != Denied && (p.Ability == Create || p.Ability == Overwrite || p.Ability == Delete)) { // a deletion leaves a mark where versions are kept
		c.wrote[p.Key] = true
	}
	return got, err
}

// proving runs a proof in an imaginary cloud.
func proving(t *testing.T, answer func(p Probe, n int) (Outcome, error)) (Proof, *cloud, error) {
	t.Helper()
	c := &cloud{wrote: map[string]bool{}, answer: answer}
	v := &prover{actor: c, probes: ProbesFor(plain(), everything(), "run", "other"), settle: time.Minute, pace: 2 * time.Second, tell: func(Event) {}, keys: map[string]bool{}}
	proof, err := v.prove(t.Context())
	if !maps.Equal(v.keys, c.wrote) {
		t.Errorf("got keys %v, want every key that a probe may have written, and no other: %v", v.keys, c.wrote)
	}
	return proof, c, err
}

// kept answers as a cloud that keeps the grant.
func kept(p Probe, _ int) (Outcome, error) { return p.Want, nil }

func TestProofNeedsThreeSuccessesInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proof, c, err := proving(t, func(p Probe, n int) (Outcome, error) {
			if p.Ability == Create && p.Where == Inside && (n == 1 || n == 3) {
				return Denied, nil // one endpoint knows, the next does not
			}
			return p.Want, nil
		})
		if err != nil || c.tries["create inside"] != 6 || len(proof.Failures()) > 0 {
			t.Errorf("denied, ok, denied, ok, ok, ok: got error %v after %d tries, %+v", err, c.tries["create inside"], proof.Failures())
		}
		if want := 10 * time.Second; proof.Waited != want {
			t.Errorf("got a wait of %s, want %s", proof.Waited, want)
		}
		if proof.How != Tried || len(proof.Rows) != len(ProbesFor(plain(), everything(), "run", "other")) {
			t.Errorf("got %s with %d rows, want all of them", proof.How, len(proof.Rows))
		}
	})
}

func TestEveryRoundPutsObjectsOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, err := proving(t, kept)
		if err != nil {
			t.Fatal(err)
		}
		puts := map[string]int{}
		last := ""
		for _, p := range c.order {
			if p.Where == Inside && p.Ability == Create {
				puts[p.Key]++
				last = p.Key
			}
		}
		if len(puts) != steady {
			t.Errorf("got puts of %v, want %d different objects", puts, steady)
		}
		for _, p := range c.order {
			if p.Where == Inside && slices.Contains([]Ability{Read, Delete, Overwrite, Erase}, p.Ability) && p.Key != last {
				t.Errorf("%s is aimed at %q, want the object that exists, %q", p.Ability, p.Key, last)
			}
		}
	})
}

func TestAnythingThatWorksButIsNotGrantedIsRed(t *testing.T) {
	for _, p := range ProbesFor(plain(), everything(), "run", "other") {
		if p.Want == Allowed {
			continue
		}
		t.Run(string(p.Ability)+" "+string(p.Where), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				proof, _, err := proving(t, func(q Probe, _ int) (Outcome, error) {
					if q.Ability == p.Ability && q.Where == p.Where {
						return Allowed, nil
					}
					return q.Want, nil
				})
				if !errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), "works") || len(proof.Failures()) != 1 || proof.Failures()[0].Ability != p.Ability {
					t.Errorf("got error %v with %+v, want %v", err, proof.Failures(), ErrUnproven)
				}
			})
		})
	}
}

func TestGrantedButRefusedIsRedOnceTheKeyHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, err := proving(t, func(p Probe, n int) (Outcome, error) {
			if p.Ability == Abort && p.Where == Inside {
				return Denied, nil
			}
			return p.Want, nil
		})
		if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, ErrUnproven) || e.What != string(Abort) {
			t.Errorf("got %v, want %v that names abort", err, ErrUnproven)
		}
	})
}

func TestNothingThatWorksIsNotConverged(t *testing.T) {
	for name, answer := range map[string]func(Probe, int) (Outcome, error){
		"unknown key": func(Probe, int) (Outcome, error) { return Unclear, errors.New("unknown key") },
		"odd ones":    func(_ Probe, n int) (Outcome, error) { return []Outcome{Allowed, Denied}[n%2], nil },
		"even ones":   func(_ Probe, n int) (Outcome, error) { return []Outcome{Denied, Allowed}[n%2], nil },
		"three times, not in a row": func(p Probe, n int) (Outcome, error) {
			switch {
			case p.Ability == Abort:
				return Denied, nil
			case n == 5 || n == 9 || n == 13:
				return Allowed, nil
			}
			return Unclear, errors.New("unknown key")
		},
		"one of three": func(_ Probe, n int) (Outcome, error) { return []Outcome{Allowed, Denied, Denied}[n%3], nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				if _, _, err := proving(t, answer); !errors.Is(err, ErrNotConverged) {
					t.Errorf("got %v, want %v", err, ErrNotConverged)
				}
				if took, most := time.Since(start), time.Minute+(steady-1)*DefaultPace; took > most {
					t.Errorf("a proof ends when the cloud's time is over and nothing has begun to work: got %s, want at most %s", took, most)
				}
			})
		})
	}
}

func TestKnownCallerWhoIsRefusedEverythingIsUnproven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, err := proving(t, func(Probe, int) (Outcome, error) { return Denied, nil })
		if !errors.Is(err, ErrUnproven) {
			t.Errorf("only a caller whose credential has arrived is denied: got %v, want %v", err, ErrUnproven)
		}
	})
}

func TestUnclearRefusalIsTriedAgainAndProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttled := func(until int) func(Probe, int) (Outcome, error) {
			return func(p Probe, n int) (Outcome, error) {
				if p.Ability == Read && p.Where == Sibling && n < until {
					return Unclear, fmt.Errorf("throttled")
				}
				return p.Want, nil
			}
		}
		if proof, c, err := proving(t, throttled(3)); err != nil || c.tries["read sibling"] != 3 || len(proof.Failures()) > 0 {
			t.Errorf("clear at last: got error %v after %d tries", err, c.tries["read sibling"])
		}
		proof, c, err := proving(t, throttled(1_000_000))
		if !errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), "throttled") || len(proof.Failures()) != 1 {
			t.Errorf("never clear: got error %v with %+v, want %v with the reason", err, proof.Failures(), ErrUnproven)
		}
		if n := c.tries["read sibling"]; n > 10 {
			t.Errorf("got %d tries, want a bound", n)
		}
		if c.tries["read outside"] != 1 {
			t.Errorf("what is clear is tried once: got %d tries", c.tries["read outside"])
		}
	})
}

func TestCancelEndsAProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(why) })
		v := &prover{actor: &cloud{wrote: map[string]bool{}, answer: func(Probe, int) (Outcome, error) { return Unclear, why }}, probes: ProbesFor(plain(), everything(), "run", ""),
			settle: time.Hour, pace: 2 * time.Second, tell: func(Event) {}, keys: map[string]bool{}}
		start := time.Now()
		if _, err := v.prove(ctx); !errors.Is(err, why) || time.Since(start) != 5*time.Second {
			t.Errorf("got %v after %s, want %v after 5s", err, time.Since(start), why)
		}
	})
}

func TestGapHoldsOnlyWhereItIsDeclared(t *testing.T) {
	b := plain()
	b.Gaps = []Gap{{List, Outside, Allowed, "the source lists the whole bucket"}}
	for _, p := range ProbesFor(b, everything(), "run", "other") {
		if got, want := p.Want == Allowed && p.Ability == List, p.Ability == List && p.Where == Outside; got != want {
			t.Errorf("%s %s: wanted allowed %v, want %v", p.Ability, p.Where, got, want)
		}
	}
}

func TestRefusalsAreAimedAtAnObjectThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, there := plain(), map[string]bool{}
		b.Grant.Can = []Ability{Create, Delete}
		c := &cloud{wrote: map[string]bool{}, answer: func(p Probe, _ int) (Outcome, error) {
			switch {
			case p.Where != Inside:
			case p.Ability == Create:
				there[p.Key] = true
			case p.Ability == Delete:
				delete(there, p.Key)
			case (p.Ability == Overwrite || p.Ability == Read || p.Ability == Erase) && !there[p.Key]:
				t.Errorf("%s: got it aimed at %q, which was deleted before", p.Ability, p.Key)
			}
			return p.Want, nil
		}}
		v := &prover{actor: c, probes: ProbesFor(b, everything(), "run", "other"), settle: time.Minute, pace: time.Second, tell: func(Event) {}, keys: map[string]bool{}}
		if proof, err := v.prove(t.Context()); err != nil || len(proof.Failures()) > 0 {
			t.Errorf("got error %v, %+v", err, proof.Failures())
		}
		for key := range there {
			if !v.keys[key] {
				t.Errorf("what was put is remembered: got %v, want %q among it", v.keys, key)
			}
		}
	})
}

func TestPuttingThatStopsWorkingIsNotConverged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := plain()
		b.Grant.Can = []Ability{Create, Delete}
		c := &cloud{wrote: map[string]bool{}, answer: func(p Probe, n int) (Outcome, error) {
			if p.Ability == Create && p.Where == Inside && n > steady {
				return Unclear, errors.New("slow down")
			}
			return p.Want, nil
		}}
		v := &prover{actor: c, probes: ProbesFor(b, everything(), "run", ""), settle: time.Minute, pace: time.Second, tell: func(Event) {}, keys: map[string]bool{}}
		if _, err := v.prove(t.Context()); !errors.Is(err, ErrNotConverged) || !strings.Contains(err.Error(), "slow down") {
			t.Errorf("got %v, want %v with the reason", err, ErrNotConverged)
		}
		if n := c.tries["create inside"]; n > 3*steady {
			t.Errorf("got %d tries, want a bound", n)
		}
	})
}

// slow is a cloud that takes its time for each answer. It holds no lock meanwhile: virtual time stands still for those who wait for one.
type slow struct {
	*cloud
	each time.Duration
}

func (s slow) Try(ctx context.Context, p Probe) (Outcome, error) {
	time.Sleep(s.each)
	return s.cloud.Try(ctx, p)
}

func TestSlowMachineDoesNotCutAProofThatWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		actor := slow{&cloud{wrote: map[string]bool{}, answer: kept}, 25 * time.Second} // three rounds take longer than the cloud's minute
		v := &prover{actor: actor, probes: ProbesFor(plain(), everything(), "run", "other"), settle: time.Minute, pace: 2 * time.Second, tell: func(Event) {}, keys: map[string]bool{}}
		start := time.Now()
		if _, err := v.prove(t.Context()); err != nil || time.Since(start) < time.Minute {
			t.Errorf("got %v after %s, want a proof after more than a minute: everything worked every time", err, time.Since(start))
		}
	})
}
