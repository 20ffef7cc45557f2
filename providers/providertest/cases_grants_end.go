// Cases about every grant of a cloud beside what is not ours, and about its end.
package providertest

import (
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) EveryGrantLeavesWhatIsForeign(b *bench) {
	b.each(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.must(job{grant: g, noProof: true})
		empty := t.Objects(g.Target.Bucket)
		t.Plant(Others, blue)
		t.Plant(Data, blue)
		foreign := t.Foreign(blue)
		data := slices.DeleteFunc(t.Objects(g.Target.Bucket), func(key string) bool { return slices.Contains(empty, key) })
		untouched := func(when string) {
			t.Helper()
			t.same(when+" leaves what is foreign", t.Foreign(blue), foreign)
			for _, key := range data {
				if !slices.Contains(t.Objects(g.Target.Bucket), key) {
					t.Errorf("%s leaves data: got %q, want %q among it", when, t.Objects(g.Target.Bucket), key)
				}
			}
		}
		plan, _ := t.must(job{grant: g, noProof: true})
		if plan.Changed() {
			t.Errorf("what is foreign is no drift: got%s", changes(plan))
		}
		untouched("an apply that changes nothing")
		if powers := t.Powers(blue); len(powers) > 0 {
			t.Tamper(blue, powers[0], "")
			plan, _ := t.must(job{grant: g, noProof: true})
			if !plan.Changed() {
				t.Errorf("a plan sees a drift: got no change after %q was taken away", powers[0])
			}
			untouched("a repair")
		}
		t.ends(blue)
		untouched("destroy")
		t.must(job{grant: g})
		untouched("an apply after destroy, and its proof")
		_, _, _ = t.do(job{grant: g, absent: true, want: core.Want{DropBucket: true}})
		untouched("destroy with the bucket")
		t.shut(blue, "after destroy with a bucket that holds data")
	})
}

// ends destroys b's grant, twice, and keeps its bucket.
func (t *trial) ends(b core.Blueprint) {
	t.Helper()
	plan, _ := t.must(job{grant: b.Grant, absent: true})
	if !t.keyless(b.Grant) {
		t.cutsFirst(plan)
	}
	t.holds("destroy leaves nothing else", t.Ours(b), stays(b.Grant))
	t.shut(b, "after destroy")
	writes := t.writing(func() {
		plan, _ := t.must(job{grant: b.Grant, absent: true})
		if plan.Changed() {
			t.Errorf("a second destroy has nothing to do: got%s", changes(plan))
		}
	})
	t.holds("a second destroy writes nothing", writes, nil)
}

func (cases) EveryGrantTakesItsEmptyBucketAlong(b *bench) {
	b.each(func(t *trial, g core.Grant, blue core.Blueprint) {
		if g.Target.Adopt {
			return
		}
		t.must(job{grant: g})
		t.must(job{grant: g, absent: true, want: core.Want{DropBucket: true}})
		left := t.Ours(blue)
		if g.Target.Shared {
			left = slices.DeleteFunc(left, func(one string) bool { return one == "bucket" }) // it may stay for others
		}
		t.holds("destroy with the bucket leaves nothing of ours", left, nil)
		t.shut(blue, "after destroy with the bucket")
		writes := t.writing(func() { t.must(job{grant: g, absent: true, want: core.Want{DropBucket: true}}) })
		t.holds("a second destroy writes nothing", writes, nil)
	})
}

func (cases) EveryGrantRefusesStrangers(b *bench) {
	var strangers []Stranger
	b.now(func(t *trial) {
		strangers = slices.DeleteFunc(slices.Clone(t.Strangers()), func(s Stranger) bool { return !slices.Contains(Namesakes(), s) })
	})
	for _, name := range b.grants() {
		for _, s := range strangers {
			b.later(path(name)+" and a stranger's "+string(s), func(t *trial) {
				g := t.Grants()[name]
				blue := t.blueprint(g)
				if g.Target.Adopt {
					if strings.HasSuffix(string(s), "bucket") {
						return // adopted, or refused as [cases.AdoptTouchesNothing] says
					}
					t.Plant(OwnersBucket, blue)
				}
				nobody := t.Foreign(blue)
				t.Plant(s, blue)
				foreign := t.Foreign(blue)
				if foreign == nobody {
					return // this grant needs no such name
				}
				writes := t.writing(func() {
					plan, _ := t.fails(job{grant: g}, core.ErrNotOurs)
					t.explains(plan)
				})
				t.holds("a stranger stops everything before any write", writes, nil)
				t.spared(blue, "destroy beside a stranger's "+string(s))
				t.same("a stranger is left as it is", t.Foreign(blue), foreign)
			})
		}
	}
}

// EveryLostPrincipalIsMadeAgain: a principal that somebody has deleted comes back
// with the next apply, and whatever names the lost one is mended.
func (cases) EveryLostPrincipalIsMadeAgain(b *bench) {
	b.each(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.must(job{grant: g, noProof: true})
		t.Plant(Others, blue)
		foreign, ours := t.Foreign(blue), t.Ours(blue)
		if !t.Lose(blue) {
			return
		}
		plan, r := t.must(job{grant: g})
		if !plan.Changed() {
			t.Errorf("a plan sees that a principal is gone: got no change")
		}
		t.proven(blue, r.Proof)
		t.handed(blue)
		t.holds("what was lost is there again, and nothing else", t.Ours(blue), ours)
		t.same("a repair leaves what is foreign", t.Foreign(blue), foreign)
		writes := t.writing(func() { t.must(job{grant: g, noProof: true}) })
		t.holds("after a repair nothing is left to do", writes, nil)
		if !t.Lose(blue) {
			t.Errorf("what was made again can be lost again")
		}
		t.must(job{grant: g, absent: true})
		t.holds("destroy leaves nothing that names a lost principal", t.Ours(blue), stays(g))
		t.shut(blue, "after destroy of a lost principal")
		t.same("destroy of a lost principal leaves what is foreign", t.Foreign(blue), foreign)
	})
}
