// Cases about looking: what an inspection finds, what a preflight knows, what operators of the later steps need, and grants that have no key.
package providertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// EveryKeyringHasKeys: a grant that no key opens says that there is nothing to rotate.
func (cases) EveryKeyringHasKeys(b *bench) {
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) {
		id, _ := t.Provider().Info().Identity(g.Who)
		if rings := t.steps(blue).Keyring != nil; rings != (id.MostKeys > 0) {
			t.Errorf("who has a keyring may have keys, and nobody else: got %t with at most %d keys of who: %s", rings, id.MostKeys, g.Who)
		}
		if id.MostKeys > 0 {
			return
		}
		t.applied(g)
		for _, j := range []job{starting(g), finishing(g, core.RotateOptions{}), aborting(g, core.RotateOptions{}), reissuing(g, core.RotateOptions{})} {
			t.stops(j, core.ErrInvalid)
		}
	})
}

// inspect looks at g as an operator; nil is the one who may do everything.
func (t *trial) inspect(as core.Provider, g core.Grant) ([]core.Finding, error) {
	t.Helper()
	e := t.engine(as, nil)
	p, err := e.Plan(t.Context(), g, core.Present)
	t.say(p, err)
	if err != nil {
		return nil, err
	}
	found, err := e.Inspect(t.Context(), p)
	t.say(found, err)
	return found, err
}

func (cases) FreshGrantHasNoFindings(b *bench) {
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.must(job{grant: g, noProof: true})
		writes := t.writing(func() {
			if found, err := t.inspect(nil, g); err != nil || len(found) > 0 {
				t.Errorf("a fresh grant is as it should be: got %+v, error %v", found, err)
			}
		})
		t.holds("an inspection writes nothing", writes, nil)
	})
}

// kinds are those of findings that a world may be asked for.
func kinds() []core.FindingKind {
	return []core.FindingKind{core.ExtraPermission, core.ConsoleLogin, core.DirectPolicy, core.WideTrust, core.OrphanPrincipal, core.PublicAccess, core.ShutOut, core.Exposed}
}

func (cases) InspectionFindsWhatIsWrong(b *bench) {
	b.now(func(t *trial) {
		g := t.Grant()
		blue := t.ready(g)
		t.applied(g)
		spoilt := 0
		for _, kind := range kinds() {
			if !t.Spoil(blue, kind) {
				continue
			}
			spoilt++
			t.finds(g, kind)
		}
		if t.steps(blue).Inspector != nil && spoilt == 0 {
			t.Errorf("where there is an inspector the world has something to be found: got nothing")
		}
	})
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		t.makes(blue)
		t.finds(g, core.ForeignKey)
		time.Sleep(core.RotateAfter)
		t.finds(g, core.OldKey)
		t.must(revoking(g, core.RevokeOptions{}))
		t.finds(g, core.DisabledKey)
	})
}

func (t *trial) finds(g core.Grant, kind core.FindingKind) {
	t.Helper()
	found, err := t.inspect(nil, g)
	if !slices.ContainsFunc(found, func(f core.Finding) bool { return f.Kind == kind && f.Text != "" && f.Addr != "" }) {
		t.Errorf("an inspection finds what is there: got %+v, error %v, want %s", found, err, kind)
	}
}

// checks is a preflight of an apply of g by an operator who may do some things.
func (t *trial) checks(as core.Provider, g core.Grant) ([]core.Check, error) {
	t.Helper()
	e := t.engine(as, nil)
	p, err := e.Plan(t.Context(), g, core.Present)
	t.say(p, err)
	if err != nil {
		return nil, err
	}
	all, err := e.Preflight(t.Context(), p, "apply")
	t.say(all, err)
	return all, err
}

func (cases) PreflightOfWhoMayDoEverythingDeniesNothing(b *bench) {
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) {
		if t.steps(blue).Preflight == nil {
			return
		}
		writes := t.writing(func() {
			all, err := t.checks(t.ProviderAs(blue.Operator), g)
			denied := slices.DeleteFunc(all, func(c core.Check) bool { return c.Outcome != core.Denied })
			if err != nil || len(denied) > 0 {
				t.Errorf("nothing stands in the way: got %+v, error %v", denied, err)
			}
		})
		t.holds("a preflight writes nothing", writes, nil)
	})
}

func (cases) PreflightPromisesNothingThatIsMissing(b *bench) {
	var all []core.Permission
	b.now(func(t *trial) {
		if blue := t.ready(t.Grant()); t.steps(blue).Preflight != nil {
			p, err := t.engine(nil, nil).Offline(t.Grant())
			if err != nil {
				t.Fatalf("offline plan: got error %v, want success", err)
			}
			all = p.Needs("apply")
		}
	})
	for _, missing := range all {
		b.later(path("without "+missing.Action+" on "+missing.Resource), func(t *trial) {
			blue := t.ready(t.Grant())
			some := slices.DeleteFunc(slices.Clone(blue.Operator), func(p core.Permission) bool {
				return p.Action == missing.Action
			})
			checks, err := t.checks(t.ProviderAs(some), t.Grant())
			if err != nil {
				return // not even the plan can be made, which says so
			}
			said := slices.ContainsFunc(checks, func(c core.Check) bool {
				return c.Kind == "permission" && c.Outcome != core.Allowed && (c.Outcome == core.Unclear || strings.Contains(c.What+c.Why, missing.Action))
			})
			if !said {
				t.Errorf("what is missing is denied or unclear: without %s on %s got %+v", missing.Action, missing.Resource, slices.DeleteFunc(checks, func(c core.Check) bool { return !strings.Contains(c.What+c.Why, missing.Action) }))
			}
		})
	}
}

// OperatorCanRotateAndRevoke: the permissions that are named for a command are enough for it.
func (cases) OperatorCanRotateAndRevoke(b *bench) {
	for command, f := range later() {
		b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
			if err := f(t, g, blue, permissions(blue, runsOf(command)...)); err != nil {
				t.Errorf("the permissions that are named for %s are enough: got %v", command, err)
			}
		})
	}
}

func runsOf(command string) []string {
	if command == "rotate" {
		return []string{core.ForPlan, core.ForRotate, core.ForProve}
	}
	return []string{core.ForRevoke}
}

// later are the lives of a key after its first day, by command, as an operator with these permissions.
func later() map[string]func(t *trial, g core.Grant, blue core.Blueprint, p []core.Permission) error {
	run := func(t *trial, as core.Provider, jobs ...job) error {
		for _, j := range jobs {
			j.as, j.noProof = as, true
			if err := t.troubled(j); err != nil {
				return fmt.Errorf("%s: %w", j.name(), err)
			}
			time.Sleep(grace)
		}
		return nil
	}
	force := core.RotateOptions{Force: true}
	return map[string]func(t *trial, g core.Grant, blue core.Blueprint, p []core.Permission) error{
		"rotate": func(t *trial, g core.Grant, blue core.Blueprint, p []core.Permission) error {
			t.applied(g)
			as := t.ProviderAs(p)
			full := reissuing(g, force)
			full.refuse = errFull
			err := run(t, as, starting(g), aborting(g, force), starting(g), finishing(g, force), aborting(g, force), starting(g), finishing(g, force), finishing(g, force), reissuing(g, force))
			if err != nil {
				return err
			}
			if err := run(t, as, full); !errors.Is(err, errFull) || errors.Is(err, core.ErrUnknown) {
				return err
			}
			return nil
		},
		"revoke": func(t *trial, g core.Grant, blue core.Blueprint, p []core.Permission) error {
			t.applied(g)
			return run(t, t.ProviderAs(p), revoking(g, core.RevokeOptions{}), restoring(g, core.RevokeOptions{}))
		},
	}
}

// NoPermissionOfTheLaterStepsIsSuperfluous leaves out one at a time of those that
// are for rotations or revocations and for nothing else.
func (cases) NoPermissionOfTheLaterStepsIsSuperfluous(b *bench) {
	for command, f := range later() {
		var all []core.Permission
		b.now(func(t *trial) {
			if t.replaceable(t.Grant()) {
				all = permissions(t.ready(t.Grant()), runsOf(command)...)
			}
		})
		for i, p := range all {
			if ofLife(p) || slices.Contains(p.Verbs, core.ForRepair) {
				continue // other cases judge it
			}
			b.later(path(fmt.Sprintf("%s without %s on %s", command, p.Action, p.Resource)), func(t *trial) {
				blue := t.ready(t.Grant())
				if f(t, t.Grant(), blue, slices.Delete(slices.Clone(all), i, i+1)) == nil {
					t.Errorf("every named permission is needed: got %s done without %s on %s", command, p.Action, p.Resource)
				}
			})
		}
	}
}
