// In which order a proof tries, and how much at once.
package core

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lasting is an actor whose tries take a second each, seen when they begin and when they end.
type lasting struct {
	begins, ends func(p Probe)
	mu           sync.Mutex // never held while time passes
	now, most    int        // tries at once
}

func (l *lasting) Forgeries() []string { return []string{"wrong-word"} }
func (l *lasting) Try(ctx context.Context, p Probe) (Outcome, error) {
	defer Begin(ctx)()
	l.step(1, func() { l.begins(p) })
	time.Sleep(time.Second)
	l.step(-1, func() { l.ends(p) })
	return p.Want, nil
}

func (l *lasting) step(by int, see func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now += by
	l.most = max(l.most, l.now)
	see()
}

func TestEveryTryMeetsWhatItIsAimedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := plain()
		b.Grant.Can = []Ability{Create, Read, Delete}
		entered, there := false, map[string]bool{}
		l := &lasting{begins: func(p Probe) {
			switch own := p.Ability == Enter && p.Key == ""; {
			case !own && !entered && p.Ability != Create:
				t.Errorf("%s %s: got it tried before anybody knew whether the grantee gets in", p.Ability, p.Where)
			case p.Where == Inside && (p.Ability == Read || p.Ability == Delete) && !there[p.Key]:
				t.Errorf("%s of %q: got it tried before there was an object, or after it was deleted", p.Ability, p.Key)
			case p.Where == Inside && p.Ability == Delete:
				delete(there, p.Key)
			}
		}, ends: func(p Probe) {
			entered = entered || p.Ability == Enter && p.Key == ""
			there[p.Key] = there[p.Key] || p.Where == Inside && p.Ability == Create
		}}
		doors, _ := doorProbes(b, Identity{Forgeries: []Forgery{{Name: "wrong-word"}}}, l)
		v := &prover{actor: l, probes: ordered(append(doors, ProbesFor(b, everything(), "run", "other")...)), settle: time.Minute, pace: time.Second, keys: map[string]bool{}, tell: func(Event) {}}
		var meter Meter
		if _, err := v.prove(WithMeter(t.Context(), &meter)); err != nil {
			t.Fatal(err)
		}
		if l.most != atOnce {
			t.Errorf("got %d tries at once, want %d", l.most, atOnce)
		}
		if calls, depth := meter.Read(); depth < 3*steady || depth >= calls {
			t.Errorf("got %d calls of depth %d, want as deep as what waits for something else", calls, depth)
		}
	})
}
