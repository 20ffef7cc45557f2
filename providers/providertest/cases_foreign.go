// Cases about what is not ours: it is refused, kept, and never touched.
package providertest

import (
	"errors"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) StrangersAreRefused(b *bench) {
	var strangers []Stranger
	b.now(func(t *trial) {
		strangers = t.Strangers()
		for _, s := range []Stranger{StrangersBucket, OwnersBucket, Principal, Role, Others, OtherBucket, Data} {
			if !slices.Contains(strangers, s) {
				t.Errorf("every cloud has its strangers: got %q, want %q among them", strangers, s)
			}
		}
		strangers = slices.DeleteFunc(slices.Clone(strangers), func(s Stranger) bool { return !slices.Contains(Namesakes(), s) })
	})
	for _, s := range strangers {
		b.later(string(s), func(t *trial) {
			blue := t.blueprint(t.Grant())
			t.Plant(s, blue)
			before := t.state(blue)
			writes := t.writing(func() {
				plan, _ := t.fails(job{grant: t.Grant()}, core.ErrNotOurs)
				t.explains(plan)
				t.fails(job{grant: t.Grant(), noProof: true}, core.ErrNotOurs)
			})
			t.holds("a stranger's "+string(s)+" stops everything before any write", writes, nil)
			t.same("a stranger's "+string(s)+" is left as it is", t.state(blue), before)
			t.spared(blue, "destroy beside "+string(s))
		})
		b.later(string(s)+" that comes between plan and apply", func(t *trial) {
			blue := t.blueprint(t.Grant())
			foreign := ""
			_, err := t.fails(job{grant: t.Grant(), between: func() {
				t.Plant(s, blue)
				foreign = t.Foreign(blue)
			}}, core.ErrNotOurs)
			t.same("a stranger's "+string(s)+" is left as it is", t.Foreign(blue), foreign)
			t.holds("no key is left beside it", t.Keys(blue), nil)
			t.holds("nothing is delivered", ids(t.given), nil)
			if _, ok := errors.AsType[*core.Error](err); !ok {
				t.Errorf("a refusal names what it is about: got %v", err)
			}
			t.spared(blue, "destroy beside "+string(s))
		})
	}
}

// explains checks that every refusal of a plan can be understood.
func (t *trial) explains(p *core.Plan) {
	t.Helper()
	for _, c := range p.Refused() {
		if c.Why == "" {
			t.Errorf("a refusal says why: got %+v", c)
		}
	}
	if len(p.Refused()) == 0 {
		t.Errorf("the plan shows the refusal: got%s", changes(p))
	}
}

// spared destroys, which may refuse, and checks that nothing foreign has changed.
func (t *trial) spared(b core.Blueprint, when string) {
	t.Helper()
	for _, want := range []core.Want{core.Absent, {DropBucket: true}} {
		foreign := t.Foreign(b)
		_, _, err := t.do(job{grant: b.Grant, want: want, absent: true})
		if err != nil && !errors.Is(err, core.ErrNotOurs) {
			t.Errorf("%s, %+v: got error %v, want success or %v", when, want, err, core.ErrNotOurs)
		}
		t.same(when+" leaves what is not ours", t.Foreign(b), foreign)
	}
}

func (cases) AdoptTouchesNothing(b *bench) {
	b.later("owner's bucket", func(t *trial) {
		g := t.Grant()
		t.Plant(OwnersBucket, t.blueprint(g))
		g.Target.Adopt = true
		blue := t.blueprint(g)
		foreign, objects := t.Foreign(blue), t.Objects(g.Target.Bucket)
		if len(objects) == 0 {
			t.Errorf("an owner's bucket holds an object: got none")
		}
		untouched := func(when string) {
			t.Helper()
			t.same(when+" leaves an adopted bucket as it is", t.Foreign(blue), foreign)
			t.holds(when+" leaves the objects of an adopted bucket", t.Objects(g.Target.Bucket), objects)
			if slices.Contains(t.Ours(blue), "bucket") {
				t.Errorf("%s: an adopted bucket does not become ours: got %q", when, t.Ours(blue))
			}
		}
		t.must(job{grant: g})
		untouched("apply")
		t.holds("the key of an adopted bucket works", t.Keys(blue), []string{t.last().ID})
		writes := t.writing(func() { t.must(job{grant: g}) })
		t.holds("a second apply to an adopted bucket writes nothing", writes, nil)
		t.must(job{grant: g, absent: true})
		untouched("destroy")
		t.holds("destroy leaves nothing of ours", t.Ours(blue), nil)
		t.must(job{grant: g})
		_, _, _ = t.do(job{grant: g, absent: true, want: core.Want{DropBucket: true}})
		untouched("destroy with the bucket")
	})
	b.later("adoption of a stranger's bucket", func(t *trial) {
		g := t.Grant()
		t.Plant(StrangersBucket, t.blueprint(g))
		g.Target.Adopt = true
		before := t.state(t.blueprint(g))
		writes := t.writing(func() { t.fails(job{grant: g}, core.ErrNotOurs) })
		t.holds("a stranger's bucket cannot be adopted", writes, nil)
		t.same("a stranger's bucket is left as it is", t.state(t.blueprint(g)), before)
	})
	b.later("adoption of nothing", func(t *trial) {
		g := t.Grant()
		g.Target.Adopt = true
		writes := t.writing(func() {
			if _, _, err := t.do(job{grant: g}); err == nil {
				t.Errorf("a bucket that is not there cannot be adopted: got success")
			}
		})
		t.holds("a bucket that is to be adopted is never made", writes, nil)
	})
}

func (cases) ForeignSettingsAreUntouched(b *bench) {
	b.now(func(t *trial) {
		blue := t.blueprint(t.Grant())
		t.must(job{grant: t.Grant(), noProof: true})
		t.Plant(Others, blue)
		t.Plant(OtherBucket, blue)
		foreign := t.Foreign(blue)
		plan, _ := t.must(job{grant: t.Grant(), noProof: true})
		t.same("an apply that changes nothing leaves foreign settings", t.Foreign(blue), foreign)
		if plan.Changed() {
			t.Errorf("foreign settings are no drift: got%s", changes(plan))
		}
		t.Tamper(blue, t.Powers(blue)[0], "")
		t.must(job{grant: t.Grant(), noProof: true})
		t.same("a repair leaves foreign settings", t.Foreign(blue), foreign)
		if _, err := t.prove(nil, blue, t.last()); err != nil {
			t.Errorf("the grant works beside foreign settings: got %v", err)
		}
		t.must(job{grant: t.Grant(), absent: true})
		t.same("destroy leaves foreign settings", t.Foreign(blue), foreign)
		t.must(job{grant: t.Grant(), noProof: true})
		t.same("an apply after destroy leaves foreign settings", t.Foreign(blue), foreign)
		t.holds("an apply after destroy delivers a key", t.Keys(blue), []string{t.last().ID})
	})
}

// Two grants in one bucket: the first has made it, the second has adopted it.
func (cases) NeighboursDoNotDisturbEachOther(b *bench) {
	b.now(func(t *trial) {
		one := t.Grant()
		two := t.Grant()
		two.Name += "-neighbour"
		two.Target.Prefix = "neighbour/"
		first := t.blueprint(one)
		t.must(job{grant: one})
		key := t.last()
		ours := t.Ours(first)
		t.fails(job{grant: two}, core.ErrNotOurs) // without consent
		two.Target.Adopt = true
		second := t.blueprint(two)
		t.must(job{grant: two})
		t.holds("a neighbour leaves the first grant", t.Ours(first), ours)
		t.holds("each has its own key", t.Keys(second), []string{t.last().ID})
		t.must(job{grant: two, absent: true})
		t.holds("a neighbour that goes leaves the first grant", t.Ours(first), ours)
		t.holds("a neighbour that goes leaves nothing", t.Ours(second), nil)
		if proof, err := t.prove(nil, first, key); err != nil {
			t.Errorf("a neighbour that goes leaves the first grant working: got %v, %+v", err, proof.Failures())
		}
	})
}
