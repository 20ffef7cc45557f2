// Cases about one bucket that serves several grants.
package providertest

import (
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// neighbours are pairs of names of folders in one bucket that must not reach into each other.
var neighbours = [][2]string{{"a.example/", "a.example.org/"}, {"shop/", "shop-2/"}, {"b/", "a.b/"}}

// sharing runs f for every pair of neighbours of every grant whose bucket is shared.
func (b *bench) sharing(pairs [][2]string, f func(t *trial, one, two core.Grant)) {
	for _, name := range b.grants() {
		shared := false
		b.now(func(t *trial) { shared = t.Grants()[name].Target.Shared })
		if !shared {
			continue
		}
		for _, pair := range pairs {
			b.later(path(name+" "+pair[0]+" "+pair[1]), func(t *trial) {
				one, two := t.Grants()[name], t.Grants()[name]
				one.Name, two.Name = one.Name+"-one", two.Name+"-two"
				one.Target.Prefix, two.Target.Prefix = beside(one.Target.Prefix, pair[0]), beside(two.Target.Prefix, pair[1])
				t.ready(one)
				f(t, one, two)
			})
		}
	}
}

// beside is the folder of that name in the folder that prefix is in.
func beside(prefix, name string) string {
	parent := strings.TrimSuffix(prefix, "/")
	return parent[:strings.LastIndex(parent, "/")+1] + name
}

func (cases) SharedBucketServesSeveralGrants(b *bench) {
	b.sharing(neighbours, func(t *trial, one, two core.Grant) {
		first, second := t.blueprint(one), t.blueprint(two)
		t.must(job{grant: one})
		mine := t.holder(one)
		ours := t.Ours(first)
		plan, r := t.must(job{grant: two})
		theirs := t.holder(two)
		for _, c := range plan.Changes {
			if c.Step == core.BucketStep && c.Action.Writes() {
				t.Errorf("whoever comes second finds the bucket ready: got %s %s %s", c.Action, c.Addr, c.Why)
			}
		}
		t.proven(second, r.Proof)
		t.holds("a second grant leaves the first one", t.Ours(first), ours)
		t.strange(first, mine, second)
		t.strange(second, theirs, first)
		t.works("beside another one", first, mine)

		writes := t.writing(func() { t.must(job{grant: one, noProof: true}) })
		t.holds("beside another grant nothing is left to do", writes, nil)
		ours = t.Ours(second)
		t.must(job{grant: one, absent: true})
		t.shut(first, "after its end")
		t.holds("a grant that goes leaves the other one", t.Ours(second), ours)
		t.works("after another one has gone", second, theirs)
		t.must(job{grant: one})
		t.works("after another one has come back", second, theirs)
		_, _, _ = t.do(job{grant: one, absent: true, want: core.Want{DropBucket: true}}) // refused, or done as far as it can be
		t.holds("not even with the bucket does a grant take the other one along", t.Ours(second), ours)
		t.works("after another one has gone, bucket and all", second, theirs)
		t.must(job{grant: two, absent: true})
		t.holds("the last grant that goes leaves nothing but the bucket", t.Ours(second), stays(two))
	})
}

// works checks that b's grant does what it did.
func (t *trial) works(when string, b core.Blueprint, c core.Credential) {
	t.Helper()
	if proof, err := t.prove(nil, b, c); err != nil {
		t.Errorf("%s a grant works: got %v, %+v", when, err, proof.Failures())
	}
}

// strange checks that whoever holds c by b reaches nothing of other's.
func (t *trial) strange(b core.Blueprint, c core.Credential, other core.Blueprint) {
	t.Helper()
	actor, err := t.Provider().Act(t.Context(), b, c)
	if err != nil {
		t.say(nil, err)
		return // it cannot be had here; its proof was simulated
	}
	before := t.Objects(b.Grant.Target.Bucket)
	for _, a := range t.Provider().Info().Abilities {
		info, _ := core.DescribeAbility(a)
		if info.Reach != core.ObjectReach || t.admits(b.Grant, a, core.Sibling) || t.admits(b.Grant, a, core.Neighbour) {
			continue
		}
		p := core.Probe{Ability: a, Where: core.Sibling, Bucket: b.Grant.Target.Bucket, Key: other.Grant.Target.Prefix + "x", Want: core.Denied}
		if a == core.List {
			p.Key = other.Grant.Target.Prefix
		}
		t.try(actor, p)
	}
	t.holds("what is refused leaves nothing at the neighbour's", t.Objects(b.Grant.Target.Bucket), before)
}

// SharedBucketIsNobodysOwn: a bucket is shared from birth or never.
func (cases) SharedBucketIsNobodysOwn(b *bench) {
	b.sharing(neighbours[:1], func(t *trial, one, two core.Grant) {
		two.Target.Shared = false
		if _, err := core.Compile(t.Provider(), two); err != nil {
			t.Logf("a grant that does not share: %v", err)
			return
		}
		t.must(job{grant: one, noProof: true})
		before := t.state(t.blueprint(one))
		writes := t.writing(func() { t.fails(job{grant: two}, core.ErrNotOurs) })
		t.holds("a shared bucket is not taken for one grant's own", writes, nil)
		t.same("a shared bucket stays as it is", t.state(t.blueprint(one)), before)
		t.spared(t.blueprint(two), "destroy of a grant that does not share")
		t.same("a shared bucket stays as it is", t.state(t.blueprint(one)), before)
	})
	b.sharing(neighbours[:1], func(t *trial, one, two core.Grant) {
		one.Target.Shared = false
		if _, err := core.Compile(t.Provider(), one); err != nil {
			return
		}
		t.must(job{grant: one, noProof: true})
		before := t.state(t.blueprint(one))
		writes := t.writing(func() { t.fails(job{grant: two}, core.ErrNotOurs) })
		t.holds("one grant's own bucket is not taken for a shared one", writes, nil)
		t.same("one grant's own bucket stays as it is", t.state(t.blueprint(one)), before)
	})
	b.sharing(neighbours[:1], func(t *trial, one, _ core.Grant) {
		t.Plant(OwnersBucket, t.blueprint(one))
		before := t.state(t.blueprint(one))
		writes := t.writing(func() { t.fails(job{grant: one}, core.ErrNotOurs) })
		t.holds("a bucket without our mark is not shared", writes, nil)
		t.same("a bucket without our mark stays as it is", t.state(t.blueprint(one)), before)
	})
}
