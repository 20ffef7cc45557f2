// Cases about the operator: the permissions that a plan names are enough, and none is superfluous.
package providertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) OperatorPermissionsAreEnough(b *bench) {
	b.now(func(t *trial) {
		blue := t.ready(t.Grant())
		if trouble := t.lifelong(blue, ofALife(blue), true); trouble != nil {
			t.Errorf("an operator with exactly the named permissions can do everything: got %v", trouble)
		}
	})
	for verbs, act := range map[string]func(t *trial, as core.Provider) error{
		"plan": func(t *trial, as core.Provider) error {
			_, err := t.engine(as, nil).Plan(t.Context(), t.Grant(), core.Present)
			return err
		},
		"plan apply": func(t *trial, as core.Provider) error {
			return t.troubled(job{as: as, grant: t.Grant(), noProof: true})
		},
		"plan apply prove": func(t *trial, as core.Provider) error { return t.troubled(job{as: as, grant: t.Grant()}) },
		"plan destroy": func(t *trial, as core.Provider) error {
			t.must(job{grant: t.Grant(), noProof: true})
			return t.troubled(job{as: as, grant: t.Grant(), absent: true, want: core.Want{DropBucket: true}})
		},
	} {
		b.later(verbs, func(t *trial) {
			var some []core.Permission
			for _, p := range t.blueprint(t.Grant()).Operator {
				if slices.ContainsFunc(p.Verbs, func(v string) bool { return slices.Contains(strings.Fields(verbs), v) }) {
					some = append(some, p)
				}
			}
			t.Plant(OtherBucket, t.blueprint(t.Grant())) // without one, a proof warns
			if err := act(t, t.ProviderAs(some)); err != nil {
				t.Errorf("the permissions named for %s are enough: got %v", verbs, err)
			}
		})
	}
}

func (cases) NoOperatorPermissionIsSuperfluous(b *bench) {
	var all []core.Permission
	b.now(func(t *trial) {
		all = t.blueprint(t.Grant()).Operator
		if len(all) == 0 {
			t.Fatalf("a blueprint names what its operator needs: got nothing")
		}
		known := map[string]bool{}
		for _, p := range all {
			id := p.Action + " on " + p.Resource
			if known[id] {
				t.Errorf("%s: a permission is named once: got it twice", id)
			}
			known[id] = true
			for _, v := range p.Verbs {
				if !slices.Contains(runs(), v) {
					t.Errorf("%s: a verb is one of %s: got %q", id, strings.Join(runs(), ", "), v)
				}
			}
			if p.Step == "" || len(p.Verbs) == 0 {
				t.Errorf("%s: a permission says what for: got step %q, verbs %q", id, p.Step, p.Verbs)
			}
		}
	})
	all = ofALife(core.Blueprint{Operator: all})
	for i, p := range all {
		if !ofLife(p) {
			continue
		}
		b.later(fmt.Sprintf("without %s on %s", p.Action, strings.ReplaceAll(p.Resource, "/", "|")), func(t *trial) {
			if t.lifelong(t.ready(t.Grant()), slices.Delete(slices.Clone(all), i, i+1), slices.Contains(p.Verbs, "prove")) == nil {
				t.Errorf("every named permission is needed: got everything done without %s on %s", p.Action, p.Resource)
			}
		})
	}
}

// runs are what a permission can be for.
func runs() []string {
	return []string{
		core.ForPlan, core.ForApply, core.ForProve, core.ForDestroy, core.ForRepair,
		core.ForRotate, core.ForRevoke, core.ForStatus, core.ForList, core.ForPreflight,
	}
}

// ofLife reports whether a life as [trial.lifelong] lives it must need p. Which
// drift needs a repair, only its provider knows; other runs are no part of that life.
func ofLife(p core.Permission) bool {
	return slices.ContainsFunc(p.Verbs, func(v string) bool {
		return slices.Contains([]string{core.ForPlan, core.ForApply, core.ForProve, core.ForDestroy}, v)
	})
}

// ofALife are the permissions that such a life may need, and none that other runs take.
func ofALife(b core.Blueprint) []core.Permission {
	return slices.DeleteFunc(slices.Clone(b.Operator), func(p core.Permission) bool { return !ofLife(p) && !slices.Contains(p.Verbs, core.ForRepair) })
}

// troubled runs a job and takes a warning for a failure.
func (t *trial) troubled(j job) error {
	t.Helper()
	_, _, err := t.do(j)
	if err == nil && len(t.warns) > 0 {
		err = fmt.Errorf("only with a warning: %s", t.warns[0])
	}
	return err
}
