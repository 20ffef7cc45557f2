// Cases about the operator of every grant of a cloud: the permissions that a plan names are enough, and none is superfluous.
package providertest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) EveryOperatorCanDoEverything(b *bench) {
	b.each(func(t *trial, _ core.Grant, blue core.Blueprint) {
		if trouble := t.lifelong(blue, ofALife(blue), true); trouble != nil {
			t.Errorf("an operator with exactly the named permissions can do everything: got %v", trouble)
		}
	})
}

// NoOperatorPermissionOfAnyGrantIsSuperfluous looks once at what several grants of
// one kind need, whatever they are called.
func (cases) NoOperatorPermissionOfAnyGrantIsSuperfluous(b *bench) {
	judged := map[string]bool{}
	for _, name := range b.grants() {
		var g core.Grant
		var all []core.Permission
		b.now(func(t *trial) {
			g = t.Grants()[name]
			all = ofALife(t.blueprint(g))
			if main := t.Grant(); g.Target.Shared == main.Target.Shared && g.Target.Adopt == main.Target.Adopt {
				for _, p := range t.blueprint(main).Operator {
					if p.Step == core.BucketStep {
						judged[need(g, p, 1)] = true // by [cases.NoOperatorPermissionIsSuperfluous]
					}
				}
			}
		})
		times := map[string]int{}
		for i, p := range all {
			times[need(g, p, 0)]++
			id := need(g, p, times[need(g, p, 0)])
			if judged[id] || !ofLife(p) {
				continue
			}
			judged[id] = true
			b.later(path(fmt.Sprintf("%s without %s on %s", name, p.Action, p.Resource)), func(t *trial) {
				blue := t.ready(t.Grants()[name])
				if t.lifelong(blue, slices.Delete(slices.Clone(all), i, i+1), slices.Contains(p.Verbs, "prove")) == nil {
					t.Errorf("every named permission is needed: got everything done without %s on %s", p.Action, p.Resource)
				}
			})
		}
	}
}

// need identifies the n-th permission of its sort among those of g's kind.
func need(g core.Grant, p core.Permission, n int) string {
	return fmt.Sprint(kind(g), p.Action, p.Step, p.Verbs, n)
}

// lifelong is the life of b's grant as an operator with these permissions, with
// or without proofs: made, found unchanged, repaired, destroyed, made in vain,
// destroyed with its bucket. It returns the first trouble.
func (t *trial) lifelong(b core.Blueprint, p []core.Permission, proofs bool) error {
	t.Helper()
	p = slices.DeleteFunc(slices.Clone(p), func(one core.Permission) bool { // what is for other runs alone must not help out
		return !ofLife(one) && !slices.Contains(one.Verbs, core.ForRepair)
	})
	as, g := t.ProviderAs(p), b.Grant
	full := errors.New("the disk is full")
	do := func(what string, j job) error {
		j.as, j.grant, j.noProof = as, g, !proofs || j.noProof
		err := t.troubled(j)
		if j.refuse != nil && errors.Is(err, full) && !errors.Is(err, core.ErrUnknown) {
			err = nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
	if err := do("first apply", job{}); err != nil {
		return err
	}
	if !t.keyless(g) && len(t.given) == 0 {
		return errors.New("nothing was delivered")
	}
	if proofs && t.keyless(g) {
		t.afar = true
		_, err := t.prove(as, b, core.Credential{})
		t.afar = false
		if err == nil && len(t.warns) > 0 {
			err = errors.New("only with a warning: " + t.warns[0])
		}
		if err != nil {
			return fmt.Errorf("proof from afar: %w", err)
		}
	}
	if err := do("apply that changes nothing", job{}); err != nil {
		return err
	}
	if powers := t.Powers(b); len(powers) > 0 {
		t.Tamper(b, powers[0], "")
		if err := do("repair", job{noProof: true}); err != nil {
			return err
		}
	}
	if err := do("destroy", job{absent: true}); err != nil {
		return err
	}
	if err := do("apply whose delivery fails", job{noProof: true, refuse: full}); err != nil {
		return err
	}
	if err := do("destroy with the bucket", job{absent: true, want: core.Want{DropBucket: true}}); err != nil {
		return err
	}
	left := slices.DeleteFunc(t.Ours(b), func(one string) bool { return one == "bucket" && g.Target.Shared })
	if len(left) > 0 {
		return fmt.Errorf("destroy has left %q", left)
	}
	return nil
}
