// Cases about every grant of a cloud whose policy is not what it should be.
package providertest

import (
	"errors"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// EveryExcessIsConvicted: what allows more than was granted is found by the first
// proof; a key is retired, an open door is shut again. A later proof finds it too.
// What variants of a profile have in common is looked at once, but for one excess of each.
func (cases) EveryExcessIsConvicted(b *bench) {
	b.suite("M3")
	judged := map[string]bool{}
	for _, name := range b.grants() {
		var of string
		var excesses []string
		b.now(func(t *trial) {
			of = kind(t.Grants()[name])
			excesses = t.Excesses(t.blueprint(t.Grants()[name]))
			if len(excesses) == 0 {
				t.Errorf("a world can widen every grant: got no excess of %s", name)
			}
		})
		for i, excess := range excesses {
			if judged[of+excess] && i > 0 {
				continue
			}
			judged[of+excess] = true
			b.later(path(name+" with "+excess), func(t *trial) {
				g := t.Grants()[name]
				blue := t.ready(g)
				foreign := t.Foreign(blue)
				widen := func() { t.Tamper(blue, "", excess) }
				_, r, err := t.do(job{grant: g, tried: widen})
				t.convicted(r.Proof, err)
				t.holds("nothing that allows more than was granted is delivered", ids(t.given), nil)
				t.shut(blue, "after an excess was found")
				if t.keyless(g) {
					if len(r.Withdrawn) == 0 || len(r.Outputs) > 0 {
						t.Errorf("what allowed too much is taken back, and nobody is told of it: got withdrawn %q, outputs %+v", r.Withdrawn, r.Outputs)
					}
					t.holds("what this run has opened is shut again", t.Ours(blue), stays(g))
				}
				t.tidy(blue)
				t.same("even then everything foreign is left as it is", t.Foreign(blue), foreign)
			})
			if i > 0 {
				continue
			}
			b.later(path(name+" later with "+excess), func(t *trial) {
				g := t.Grants()[name]
				blue := t.ready(g)
				t.must(job{grant: g, noProof: true})
				t.Tamper(blue, "", excess)
				proof, err := t.prove(nil, blue, t.holder(g))
				t.convicted(proof, err)
			})
		}
	}
}

// convicted checks that a proof has found too much access.
func (t *trial) convicted(p core.Proof, err error) {
	t.Helper()
	if !slices.ContainsFunc(p.Rows, func(r core.Row) bool { return r.Got == core.Allowed && r.Want == core.Denied }) || !errors.Is(err, core.ErrUnproven) {
		t.Errorf("what allows more than was granted is convicted: got error %v, %+v, want %v", err, p.Failures(), core.ErrUnproven)
	}
}

// EveryMissingPowerIsConvicted: a sound grant holds nothing that its proof does
// not need, and a repair brings back what was lost. What variants of a profile
// have in common is looked at once, but for one power of each.
func (cases) EveryMissingPowerIsConvicted(b *bench) {
	b.suite("M3")
	judged := map[string]bool{}
	for _, name := range b.grants() {
		var of string
		var powers []string
		b.now(func(t *trial) {
			of = kind(t.Grants()[name])
			powers = t.Powers(t.blueprint(t.Grants()[name]))
			if len(powers) == 0 {
				t.Errorf("a policy gives something: got no powers of %s", name)
			}
		})
		for i, power := range powers {
			if judged[of+power] && i > 0 {
				continue
			}
			judged[of+power] = true
			b.later(path(name+" without "+power), func(t *trial) {
				g := t.Grants()[name]
				blue := t.ready(g)
				if g.Literal {
					t.must(job{grant: g, noProof: true}) // a recipe may ask for more than anybody can try
					t.Tamper(blue, power, "")
				} else {
					_, _, err := t.do(job{grant: g, patient: briefly, tried: func() { t.Tamper(blue, power, "") }})
					if !errors.Is(err, core.ErrUnproven) {
						t.Errorf("a proof misses what is granted: got error %v, want %v", err, core.ErrUnproven)
					}
					t.holds("nothing that lacks a granted ability is delivered", ids(t.given), nil)
				}
				plan, r := t.must(job{grant: g})
				if !plan.Changed() {
					t.Errorf("a plan sees a drift: got no change after %q was taken away", power)
				}
				if r.How != core.Skipped {
					t.proven(blue, r.Proof)
				}
				t.handed(blue)
			})
		}
	}
}
