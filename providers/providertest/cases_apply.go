// Cases about planning and applying where nothing goes wrong.
package providertest

import (
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) DiffOnlyReads(b *bench) {
	looks := func(t *trial, when string) {
		t.Helper()
		blue := t.blueprint(t.Grant())
		before := t.state(blue)
		for _, want := range []core.Want{core.Present, core.Absent, {DropBucket: true}} {
			writes := t.writing(func() {
				plan, err := t.engine(nil, nil).Plan(t.Context(), t.Grant(), want)
				t.say(plan, err)
				if err != nil {
					t.Errorf("%s: a plan toward %+v: got error %v, want a plan", when, want, err)
				}
			})
			t.holds(when+": a plan writes nothing", writes, nil)
		}
		t.same(when+": a plan leaves the cloud as it is", t.state(blue), before)
	}
	b.later("empty", func(t *trial) { looks(t, "in an empty cloud") })
	b.later("applied", func(t *trial) {
		blue := t.blueprint(t.Grant())
		t.must(job{grant: t.Grant(), noProof: true})
		looks(t, "after an apply")
		t.Plant(Others, blue)
		t.Plant(Data, blue)
		t.Tamper(blue, t.Powers(blue)[0], "")
		looks(t, "after a drift")
	})
	b.later("namesakes", func(t *trial) {
		blue := t.blueprint(t.Grant())
		for _, s := range t.Strangers() {
			if slices.Contains(Namesakes(), s) && s != StrangersBucket {
				t.Plant(s, blue)
			}
		}
		looks(t, "beside strangers")
	})
}

func (cases) ApplyTwiceKeeps(b *bench) {
	b.now(func(t *trial) {
		blue := t.blueprint(t.Grant())
		plan, receipt := t.must(job{grant: t.Grant()})
		t.same("the receipt lists what the plan has announced", text(t, receipt.Changes), text(t, plan.Changes))
		if len(t.given) != 1 {
			t.Fatalf("a first apply delivers: got %d deliveries, want 1", len(t.given))
		}
		first, state := t.last().ID, t.state(blue)
		t.holds("the delivered key is the only one", t.Keys(blue), []string{first})
		again := func(who string) {
			writes := t.writing(func() {
				plan, _ := t.must(job{grant: t.Grant()})
				if plan.Changed() {
					t.Errorf("%s: nothing is left to do: got%s", who, changes(plan))
				}
			})
			t.holds(who+": a second apply writes nothing", writes, nil)
			t.same(who+": a second apply leaves the cloud as it is", t.state(blue), state)
			if t.issues != 1 {
				t.Errorf("%s: a second apply issues nothing: got %d issues in all, want 1", who, t.issues)
			}
		}
		again("the same user")
		t.disk = &disk{settled: map[string]bool{}}
		again("another machine") // the cloud is the state
	})
}

// A process dies after any call, and another machine goes on, without the
// journal: whatever exists carries its mark from birth, so nothing is taken for
// a stranger's.
func (cases) OwnershipIsReadFromTheCloud(b *bench) {
	for _, r := range b.recorded() {
		if r.grant != "" || r.c.name != "apply" {
			continue
		}
		for n := range r.writes() {
			m := mishap{killed, afterWrite, n + 1}
			b.later(m.String(), func(t *trial) {
				blue := t.begins(r)
				_, _, _ = t.do(job{grant: t.Grant(), noProof: true, mishap: m})
				if t.issues > 0 {
					return // a key that was issued is known to the journal alone
				}
				t.disk = &disk{settled: map[string]bool{}}
				time.Sleep(core.ClaimLasts) // until then the run that died may be at work for all that machine knows
				t.converges(t.Grant())
				t.holds("another machine makes what an undisturbed run makes", t.Ours(blue), r.want.ours)
			})
		}
	}
}

func (cases) DriftIsRepaired(b *bench) {
	b.now(func(t *trial) {
		blue := t.blueprint(t.Grant())
		t.must(job{grant: t.Grant(), noProof: true})
		for _, power := range t.Powers(blue) {
			t.Tamper(blue, power, "")
			plan, _ := t.must(job{grant: t.Grant(), noProof: true})
			if !plan.Changed() {
				t.Errorf("a plan sees a drift: got no change after %q was taken away", power)
			}
			if proof, err := t.prove(nil, blue, t.last()); err != nil {
				t.Errorf("an apply repairs the loss of %q: got %v, %+v", power, err, proof.Failures())
			}
		}
		if t.issues != 1 {
			t.Errorf("a repair issues no key: got %d issues in all, want 1", t.issues)
		}
	})
}

// KeyComesLast: no principal ever has more rights than the plan says, and no key
// exists before its limits do.
func (cases) KeyComesLast(b *bench) {
	b.now(func(t *trial) {
		t.Transport().Latency = hop // so that what is not waited for is not there
		blue := t.blueprint(t.Grant())
		var before []string
		t.must(job{grant: t.Grant(), noProof: true, born: func() { before = t.Ours(blue) }})
		t.holds("when the key is made everything else is there", before, t.Ours(blue))
	})
}

const hop = 100 * time.Millisecond

func (cases) FiguresAreTrue(b *bench) {
	b.now(func(t *trial) {
		t.Transport().Latency = hop
		measure := func(what string, most int) {
			before, start := len(t.Transport().Calls()), time.Now()
			_, r := t.must(job{grant: t.Grant(), noProof: true})
			calls, took := len(t.Transport().Calls())-before, time.Since(start)
			t.Logf("%s: %d calls, %d deep, %s", what, r.Calls, r.Depth, took)
			if r.Calls != calls {
				t.Errorf("%s: the receipt counts every call: got %d, want %d", what, r.Calls, calls)
			}
			if shown := time.Duration(r.Depth) * hop; took > shown {
				t.Errorf("%s: the depth is what waits for what: got %d, but it took %s", what, r.Depth, took)
			}
			if r.Depth > most {
				t.Errorf("%s: got a depth of %d, want at most %d", what, r.Depth, most)
			}
		}
		measure("a first apply", 6)
		measure("an apply that changes nothing", 3)
	})
}

// state is everything of the cloud that matters to b.
func (t *trial) state(b core.Blueprint) string {
	return text2("ours", t.Ours(b)) + text2("keys", t.Keys(b)) + text2("objects", t.Objects(b.Grant.Target.Bucket)) + "foreign: " + t.Foreign(b)
}

func text2(name string, list []string) string {
	s := name + ":"
	for _, one := range list {
		s += " " + one
	}
	return s + "\n"
}

// converges runs apply until it should be done, and checks that it is: one
// delivered key works, nothing else does, and a further run writes nothing.
func (t *trial) converges(g core.Grant) {
	t.Helper()
	blue := t.blueprint(g)
	plan, _, err := t.do(job{grant: g, noProof: true})
	if err != nil {
		t.Errorf("a rerun converges: got error %v%s", err, changes(plan))
		return
	}
	var delivered []string
	if len(t.given) > 0 {
		delivered = []string{t.last().ID}
	}
	if len(delivered) == 0 {
		t.Errorf("a rerun delivers what was not delivered: got no delivery; plan:%s", changes(plan))
	}
	t.holds("after a rerun the key that was delivered last works, and no other", t.Keys(blue), delivered)
	writes := t.writing(func() {
		plan, _, err = t.do(job{grant: g, noProof: true})
		if err != nil || plan.Changed() {
			t.Errorf("a further rerun has nothing to do: got error %v%s", err, changes(plan))
		}
	})
	t.holds("a further rerun writes nothing", writes, nil)
	if pending := t.disk.debts(); len(pending) > 0 {
		t.Errorf("a rerun settles what was open: got %+v, want nothing pending", pending)
	}
}
