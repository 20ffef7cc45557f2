// Keys: the steps of a key's life after its issue, as jobs, and what the judge sees of keys.
package providertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// How long the judge lets things rest.
const (
	week  = 7 * 24 * time.Hour
	grace = 24 * time.Hour
)

func starting(g core.Grant) job {
	return job{grant: g, what: "rotate start", noProof: true, plan: func(ctx context.Context, e *core.Engine) (*core.Plan, error) { return e.PlanRotation(ctx, g) }}
}

func finishing(g core.Grant, o core.RotateOptions) job {
	o.Grace = grace
	return job{grant: g, what: "rotate finish", plan: func(ctx context.Context, e *core.Engine) (*core.Plan, error) {
		p, _, err := e.PlanFinish(ctx, g, o)
		return p, err
	}}
}

func aborting(g core.Grant, o core.RotateOptions) job {
	return job{grant: g, what: "rotate abort", plan: func(ctx context.Context, e *core.Engine) (*core.Plan, error) {
		p, _, err := e.PlanAbort(ctx, g, o)
		return p, err
	}}
}

func reissuing(g core.Grant, o core.RotateOptions) job {
	return job{grant: g, what: "reissue", noProof: true, plan: func(ctx context.Context, e *core.Engine) (*core.Plan, error) { return e.PlanReissue(ctx, g, o) }}
}

func revoking(g core.Grant, o core.RevokeOptions) job {
	return job{grant: g, what: "revoke", plan: func(ctx context.Context, e *core.Engine) (*core.Plan, error) { return e.PlanRevoke(ctx, g, o) }}
}

func restoring(g core.Grant, o core.RevokeOptions) job {
	return job{grant: g, what: "restore", plan: func(ctx context.Context, e *core.Engine) (*core.Plan, error) { return e.PlanRestore(ctx, g, o) }}
}

// all runs f for the main grant and for every further one.
func (b *bench) all(f func(t *trial, g core.Grant, blue core.Blueprint)) {
	b.later("main", func(t *trial) { f(t, t.Grant(), t.ready(t.Grant())) })
	b.each(f)
}

// keyed runs f for one grant of each kind whose grantee is handed a key that can be replaced.
func (b *bench) keyed(f func(t *trial, g core.Grant, blue core.Blueprint)) {
	judged := map[string]bool{}
	var names []string
	b.now(func(t *trial) {
		judged[kind(t.Grant())] = true
		for _, name := range slices.Sorted(maps.Keys(t.Grants())) {
			if g := t.Grants()[name]; t.replaceable(g) && !judged[kind(g)] {
				judged[kind(g)] = true
				names = append(names, name)
			}
		}
	})
	b.later("main", func(t *trial) {
		if t.replaceable(t.Grant()) {
			f(t, t.Grant(), t.ready(t.Grant()))
		}
	})
	for _, name := range names {
		b.later(path(name), func(t *trial) { f(t, t.Grants()[name], t.ready(t.Grants()[name])) })
	}
}

// applied applies g, some time ago.
func (t *trial) applied(g core.Grant) {
	t.Helper()
	t.must(job{grant: g, noProof: true})
	time.Sleep(time.Hour)
}

// replaceable reports whether g's grantee is handed a key, which another one can replace.
func (t *trial) replaceable(g core.Grant) bool {
	id, _ := t.Provider().Info().Identity(g.Who)
	return id.Form != "" && id.MostKeys > 0
}

// showsUse reports whether the cloud says when g's key was used.
func (t *trial) showsUse(g core.Grant) bool {
	id, _ := t.Provider().Info().Identity(g.Who)
	return id.ShowsUse
}

// makes is somebody who makes a further key of b's principal by hand.
func (t *trial) makes(b core.Blueprint) string {
	t.Helper()
	id := t.AddKey(b)
	if id == "" {
		t.Fatalf("a grantee with keys can be made another one by hand: got none")
	}
	t.byHand = append(t.byHand, id)
	return id
}

// steps opens b as a new process does.
func (t *trial) steps(b core.Blueprint) *core.Steps {
	t.Helper()
	steps, err := t.Provider().Open(t.Context(), b)
	if err != nil {
		t.Fatalf("open: got error %v, want success", err)
	}
	return steps
}

// ring lists all keys of g's grantee, oldest first, as words: which of those that
// were handed over it is, and whether it works.
func (t *trial) ring(g core.Grant) []string {
	t.Helper()
	p, r, err := t.engine(nil, nil).Keys(t.Context(), g)
	t.say(p, err)
	t.say(r, nil)
	if err != nil {
		t.Fatalf("a look at the keys: got error %v, want success", err)
	}
	var list []string
	for _, k := range p.Keys {
		word := "other"
		switch {
		case len(t.given) > 0 && k.ID == t.given[0].ID:
			word = "first"
		case len(t.given) > 0 && k.ID == t.last().ID:
			word = "latest"
		}
		list = append(list, word+map[bool]string{true: " on", false: " off"}[k.Active])
	}
	return list
}

// on are the IDs of keys that should work, as [World.Keys] gives them.
func on(list ...string) []string {
	slices.Sort(list)
	return list
}

// uses is the holder of c who uses it, some time later.
func (t *trial) uses(b core.Blueprint, c core.Credential) {
	t.Helper()
	time.Sleep(time.Minute)
	t.tries("while it should work", b, t.actor(b, c), true)
	time.Sleep(time.Minute)
}

func (t *trial) actor(b core.Blueprint, c core.Credential) core.Actor {
	t.Helper()
	actor, err := t.Provider().Act(t.Context(), b, c)
	t.say(nil, err)
	if err != nil {
		t.Fatalf("act as the grantee: got error %v, want success", err)
	}
	return actor
}

// tries makes one attempt at something that was granted, which must be answered as open says.
func (t *trial) tries(when string, b core.Blueprint, a core.Actor, open bool) {
	t.Helper()
	can := t.Provider().Info().Abilities
	if some, ok := a.(core.Partial); ok {
		can = some.Tries()
	}
	t.attempts++
	for _, p := range core.ProbesFor(b, can, fmt.Sprintf("judge-%d", t.attempts), "") {
		if p.Want != core.Allowed {
			continue
		}
		got, err := a.Try(t.Context(), p)
		t.say(got, err)
		shut := got == core.Denied || got == core.Unclear && (errors.Is(err, core.ErrRejected) || t.keyless(b.Grant) && err != nil)
		if open && got != core.Allowed || !open && !shut {
			t.Errorf("%s %s %s: got %s, error %v, want it %s", when, p.Ability, p.Where, got, err, map[bool]string{true: "allowed", false: "clearly refused"}[open])
		}
		return
	}
	t.Fatalf("a grant grants something that can be tried: got nothing")
}

// stops runs a job that has to fail with an error of that kind, before any write.
func (t *trial) stops(j job, kind error) error {
	t.Helper()
	var err error
	writes := t.writing(func() { _, err = t.fails(j, kind) })
	t.holds(j.name()+" that is refused writes nothing", writes, nil)
	return err
}

// rests checks that nothing is left to do or to settle.
func (t *trial) rests(g core.Grant) {
	t.Helper()
	writes := t.writing(func() {
		if plan, _ := t.must(job{grant: g, noProof: true}); plan.Changed() {
			t.Errorf("an apply has nothing to do: got%s", changes(plan))
		}
	})
	t.holds("an apply afterwards writes nothing", writes, nil)
	if debts := t.disk.debts(); len(debts) > 0 {
		t.Errorf("everything is settled: got %+v pending", debts)
	}
}

// named checks that a text names every one of the words.
func (t *trial) named(promise, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s: got %q, want %q in it", promise, text, w)
		}
	}
}

var errFull = errors.New("the disk is full")
