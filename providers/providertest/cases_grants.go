// Cases about every grant of a cloud: what compiling, planning, applying and proving it must give.
package providertest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// EveryIdentityIsJudged: a way to prove who one is that no grant of the world uses
// would be judged by nobody, and forgeries that nobody can try would be words.
func (cases) EveryIdentityIsJudged(b *bench) {
	b.now(func(t *trial) {
		used := map[core.Who]bool{t.Grant().Who: true}
		for _, g := range t.Grants() {
			used[g.Who] = true
		}
		known := map[core.Who]bool{}
		for _, id := range t.Provider().Info().Identities {
			if known[id.Who] || id.Title == "" || id.Why == "" {
				t.Errorf("an identity is described once: got %+v", id)
			}
			known[id.Who] = true
			if !used[id.Who] {
				t.Errorf("every identity is judged: got no grant with who: %s", id.Who)
			}
			if len(id.Forgeries) > 0 && !t.canBeHad(id.Who) {
				t.Errorf("where forgeries are declared the world has somebody to try them: got nobody with who: %s", id.Who)
			}
			for _, f := range id.Forgeries {
				if f.Name == "" || f.Why == "" || id.Form != "" {
					t.Errorf("a forgery says who would try it, and only where no secret is handed over: got %+v of %s", f, id.Who)
				}
			}
		}
	})
}

// canBeHad reports whether the grantee of some grant can be acted here, as it
// proves who it is without a key.
func (t *trial) canBeHad(who core.Who) bool {
	t.Helper()
	for _, g := range t.Grants() {
		if g.Who != who {
			continue
		}
		if _, err := t.Provider().Act(t.Context(), t.blueprint(g), core.Credential{}); !errors.Is(err, core.ErrNotHere) {
			return true
		}
	}
	return false
}

func (cases) EveryGrantCompilesTheSame(b *bench) {
	b.each(func(t *trial, g core.Grant, blue core.Blueprint) {
		before := text(t, g)
		t.same("the same grant compiles to the same blueprint", text(t, t.blueprint(g)), text(t, blue))
		t.same("compiling does not alter the grant", text(t, g), before)
		if !strings.HasPrefix(blue.Probes, g.Target.Prefix) {
			t.Errorf("probes stay inside the prefix: got %q, want something below %q", blue.Probes, g.Target.Prefix)
		}
		if n := len(t.Transport().Calls()); n != 0 {
			t.Errorf("compiling makes no call: got %d calls, want 0", n)
		}
		offline, err := t.engine(nil, nil).Offline(g)
		if err != nil {
			t.Fatalf("offline plan: got error %v, want success", err)
		}
		writes := t.writing(func() {
			live, err := t.engine(nil, nil).Plan(t.Context(), g, core.Present)
			t.say(live, err)
			if err != nil {
				t.Fatalf("plan: got error %v, want success", err)
			}
			t.holds("an offline plan lists what a first plan makes", addresses(offline), addresses(live))
		})
		t.holds("a plan writes nothing", writes, nil)
		t.say(blue, nil)
	})
}

func (cases) EveryGrantIsProven(b *bench) {
	b.each(func(t *trial, g core.Grant, blue core.Blueprint) {
		foreign := t.Foreign(blue)
		plan, r := t.must(job{grant: g})
		announced := slices.DeleteFunc(slices.Clone(plan.Changes), func(c core.Change) bool { return !c.Action.Writes() })
		t.same("the receipt lists what the plan has announced", text(t, r.Changes), text(t, announced))
		t.proven(blue, r.Proof)
		t.complete(r.Proof, g)
		t.holds("nothing of the proof is left", r.Left, nil)
		t.tidy(blue)
		t.holds("a first apply warns of nothing", t.warns, nil)
		t.same("a proof leaves everything foreign as it is", t.Foreign(blue), foreign)
		t.handed(blue)
		if (r.Key == nil) != t.keyless(g) || (r.Delivery == nil) != t.keyless(g) {
			t.Errorf("a receipt names a key where one was made: got key %+v, delivery %+v with who: %s", r.Key, r.Delivery, g.Who)
		}
		if len(t.given) > 1 {
			t.Errorf("a first apply delivers once: got %d deliveries", len(t.given))
		}
		state := t.state(blue)
		proof, err := t.prove(nil, blue, t.holder(g))
		if err != nil {
			t.Errorf("verify agrees with the apply: got %v, %+v", err, proof.Failures())
		}
		t.same("verify finds what the apply has found", findings(proof), findings(r.Proof))
		t.same("verify leaves the cloud as it is", t.state(blue), state)
	})
}

// EveryGrantIsProvenFromAfar: an operator of a real cloud is not where a grantee
// without a key is, so the cloud itself has to say what that may do.
func (cases) EveryGrantIsProvenFromAfar(b *bench) {
	b.each(func(t *trial, g core.Grant, blue core.Blueprint) {
		if !t.keyless(g) {
			return
		}
		t.afar = true
		_, r := t.must(job{grant: g})
		if r.How != core.Simulated {
			t.Errorf("from afar the cloud is asked: got a proof that is %q, want %q", r.How, core.Simulated)
		}
		t.complete(r.Proof, g)
		for _, row := range r.Failures() {
			t.Errorf("the cloud says what the grant says: %s%s %s: got %s %s, want %s", row.Ability, row.Action, row.Where, row.Got, row.Err, row.Want)
		}
		if id, _ := t.Provider().Info().Identity(g.Who); len(id.Forgeries) > 0 && len(r.Missing) == 0 {
			t.Errorf("what was not tried is said: got nothing, want a word about forgeries")
		}
		t.tidy(blue)
	})
}

func (cases) EveryGrantIsKept(b *bench) {
	b.each(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.Transport().Latency = hop
		_, first := t.must(job{grant: g, noProof: true})
		t.Logf("a first apply: %d calls, %d deep", first.Calls, first.Depth)
		t.figure("a first apply", first.Depth, 9)
		t.handed(blue)
		t.told(first.Outputs)
		state, issued := t.state(blue), t.issues
		again := func(who string) {
			writes := t.writing(func() {
				before := len(t.Transport().Calls())
				plan, r := t.must(job{grant: g})
				if plan.Changed() {
					t.Errorf("%s: nothing is left to do: got%s", who, changes(plan))
				}
				if calls := len(t.Transport().Calls()) - before; r.Calls > calls {
					t.Errorf("%s: a receipt counts the calls that were made: got %d, want at most %d", who, r.Calls, calls)
				}
				t.Logf("%s: an apply that changes nothing: %d calls, %d deep", who, r.Calls, r.Depth)
				t.figure(who+": an apply that changes nothing", r.Depth, 4)
				t.same(who+": the grantee is told the same at every run", text(t, r.Outputs), text(t, first.Outputs))
			})
			t.holds(who+": a second apply writes nothing", writes, nil)
			t.same(who+": a second apply leaves the cloud as it is", t.state(blue), state)
			if t.issues != issued {
				t.Errorf("%s: a second apply issues nothing: got %d issues in all, want %d", who, t.issues, issued)
			}
		}
		again("the same user")
		t.disk = &disk{settled: map[string]bool{}}
		again("another machine")
		for _, want := range []core.Want{core.Absent, {DropBucket: true}} {
			writes := t.writing(func() {
				plan, err := t.engine(nil, nil).Plan(t.Context(), g, want)
				t.say(plan, err)
				if err != nil {
					t.Errorf("a plan toward %+v: got error %v, want a plan", want, err)
				}
			})
			t.holds("a plan of the end writes nothing", writes, nil)
		}
	})
}

func (t *trial) figure(what string, depth, most int) {
	t.Helper()
	if depth < 1 || depth > most {
		t.Errorf("%s: got a depth of %d, want 1 to %d", what, depth, most)
	}
}

// told checks that every output can be used: named once, and not empty.
func (t *trial) told(outputs []core.Output) {
	t.Helper()
	known := map[string]bool{}
	for _, o := range outputs {
		if o.Name == "" || o.Value == "" || known[o.Name] {
			t.Errorf("an output has a name of its own and a value: got %+v", o)
		}
		if strings.ContainsAny(o.File, `/\`) || strings.HasPrefix(o.File, "-") {
			t.Errorf("an output's file is a name and no path: got %q", o.File)
		}
		known[o.Name] = true
	}
}

func (cases) EveryGrantConvergesSlowly(b *bench) {
	b.each(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.SetDelay(20 * time.Second)
		_, r := t.must(job{grant: g})
		if len(r.Failures()) > 0 || r.How == core.Skipped {
			t.Errorf("the proof is complete: got %s, %+v", r.How, r.Failures())
		}
		t.handed(blue)
	})
}

// EveryGrantEndsInTime looks before and after the end of each grant that can have one.
func (cases) EveryGrantEndsInTime(b *bench) {
	for _, name := range b.grants() {
		b.later(path(name), func(t *trial) {
			const left = time.Hour
			g := t.Grants()[name]
			g.Limits.Expires = time.Now().UTC().Truncate(time.Second).Add(left)
			if _, err := core.Compile(t.Provider(), g); errors.Is(err, core.ErrInvalid) {
				t.Logf("refused: %v", err)
				return
			}
			blue := t.ready(g)
			_, r := t.must(job{grant: g})
			t.same("a receipt says when the access ends", r.Expires.String(), g.Limits.Expires.String())
			if r.How == core.Simulated {
				return // what a cloud says of a later moment, nobody can ask
			}
			time.Sleep(left + t.Provider().Info().Settle)
			proof, err := t.proveFor(briefly, nil, blue, t.holder(g))
			if err == nil {
				t.Errorf("nothing is allowed after the end: got no error")
			}
			for _, row := range proof.Rows {
				if row.Got == core.Allowed && row.Ability != core.Enter {
					t.Errorf("%s %s after the end: got %s, want %s", row.Ability, row.Where, row.Got, core.Denied)
				}
			}
		})
	}
}
