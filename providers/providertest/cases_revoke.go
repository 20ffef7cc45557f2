// Cases about ending an access at once, and giving it back.
package providertest

import (
	"errors"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// revocable reports whether anything of b's access can be switched off.
func (t *trial) revocable(b core.Blueprint) bool {
	t.Helper()
	steps := t.steps(b)
	return steps.Gate != nil || steps.Keyring != nil
}

// cut checks that b's grantee is refused: with what it holds, and with what it has
// made of that before.
func (t *trial) cut(when string, b core.Blueprint, before []core.Actor) {
	t.Helper()
	for _, a := range before {
		t.tries(when+", to who was in already,", b, a, false)
	}
	actor, err := t.Provider().Act(t.Context(), b, t.holder(b.Grant))
	t.say(nil, err)
	if err == nil {
		t.tries(when, b, actor, false)
	} else if !errors.Is(err, core.ErrNotHere) && !errors.Is(err, core.ErrRejected) {
		t.Errorf("%s: act as the grantee: got error %v, want a refusal", when, err)
	}
	if !t.keyless(b.Grant) {
		t.holds(when+" no key is switched on", t.Keys(b), nil)
	}
}

// inside are actors of b's grantee who have been in already; none if nobody here can be it.
func (t *trial) inside(b core.Blueprint) (all []core.Actor) {
	t.Helper()
	actor, err := t.Provider().Act(t.Context(), b, t.holder(b.Grant))
	if errors.Is(err, core.ErrNotHere) {
		return nil
	}
	if err != nil {
		t.Fatalf("act as the grantee: got error %v, want success", err)
	}
	all = append(all, actor)
	if s, ok := t.World.(Sessioner); ok && !t.keyless(b.Grant) {
		if session := s.Session(b, t.last().ID); session != nil {
			all = append(all, session)
		}
	}
	for _, a := range all {
		t.tries("before a revocation", b, a, true)
	}
	return all
}

// EveryRevokedAccessIsRefusedAtOnce: also to whoever is in already.
func (cases) EveryRevokedAccessIsRefusedAtOnce(b *bench) {
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		if !t.revocable(blue) {
			t.stops(revoking(g, core.RevokeOptions{}), core.ErrInvalid)
			return
		}
		in := t.inside(blue)
		plan, _ := t.must(revoking(g, core.RevokeOptions{}))
		t.cut("after a revocation", blue, in)
		if len(in) > 0 {
			waited, err := t.engine(nil, nil).AwaitRefusal(t.Context(), plan, t.holder(g))
			t.say(waited, err)
			if err != nil || waited > time.Minute {
				t.Errorf("a refusal is seen at once: got error %v after %s", err, waited)
			}
		}
		writes := t.writing(func() { t.must(revoking(g, core.RevokeOptions{})) })
		t.holds("a second revocation writes nothing", writes, nil)
	})
}

// RevokeNeedsNothingElse: neither what somebody has done to role and bucket, nor
// permissions of its operator for anything else, stop it.
func (cases) RevokeNeedsNothingElse(b *bench) {
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		if !t.revocable(blue) {
			return
		}
		in := t.inside(blue)
		t.Plant(Others, blue)
		if powers := t.Powers(blue); len(powers) > 1 {
			t.Tamper(blue, powers[len(powers)-1], "")
		}
		j := revoking(g, core.RevokeOptions{})
		j.as = t.ProviderAs(permissions(blue, core.ForRevoke))
		plan, _ := t.must(j)
		for _, c := range plan.Changes {
			if c.Step != core.CredentialStep && c.Step != core.GateStep {
				t.Errorf("a revocation looks at keys and the gate alone: got %s %s", c.Action, c.Addr)
			}
		}
		t.cut("whatever else has changed", blue, in)
	})
}

// permissions are those of b's operator that are for any of the runs.
func permissions(b core.Blueprint, runs ...string) []core.Permission {
	return slices.DeleteFunc(slices.Clone(b.Operator), func(p core.Permission) bool {
		return !slices.ContainsFunc(p.Verbs, func(v string) bool { return slices.Contains(runs, v) })
	})
}

func (cases) ApplyDoesNotReopenWhatWasRevoked(b *bench) {
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		if !t.revocable(blue) {
			return
		}
		in := t.inside(blue)
		t.must(revoking(g, core.RevokeOptions{}))
		issued := t.issues
		for _, j := range []job{{grant: g, noProof: true}, starting(g), reissuing(g, core.RotateOptions{})} {
			if t.keyless(g) && j.plan != nil {
				continue
			}
			writes := t.writing(func() {
				if plan, _, err := t.do(j); t.steps(blue).Gate != nil {
					if !errors.Is(err, core.ErrNotOurs) && !errors.Is(err, core.ErrInvalid) {
						t.Fatalf("%s of what was revoked is refused: got error %v%s", j.name(), err, changes(plan))
					}
					if j.plan == nil {
						t.explains(plan)
					}
				}
			})
			t.holds(j.name()+" of what was revoked writes nothing", writes, nil)
		}
		if t.issues != issued {
			t.Errorf("what was revoked is not issued again: got %d issues more", t.issues-issued)
		}
		t.cut("after an apply", blue, in)
	})
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) { // the same, planned before the revocation
		if !powerful(t, blue) {
			return
		}
		drifted(t, blue)
		if !t.revocable(blue) {
			return
		}
		_, _, err := t.do(job{grant: g, noProof: true, between: func() { t.must(revoking(g, core.RevokeOptions{})) }})
		t.say(nil, err)
		t.cut("after a repair that was planned before", blue, nil)
	})
}

func (cases) RestoreGivesBackExactlyWhatWasThere(b *bench) {
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		if !t.revocable(blue) {
			return
		}
		t.Plant(Others, blue)
		foreign, ours, keys := t.Foreign(blue), t.Ours(blue), t.Keys(blue)
		t.must(revoking(g, core.RevokeOptions{}))
		time.Sleep(time.Hour)
		t.must(restoring(g, core.RevokeOptions{}))
		t.same("a restoration leaves what is foreign", t.Foreign(blue), foreign)
		t.holds("a restoration gives back every key", t.Keys(blue), keys)
		for _, one := range ours { // a mark that keeps out who was in before may stay beside it
			if !slices.Contains(t.Ours(blue), one) {
				t.Errorf("a restoration gives back what was there: got %q, want %s among it", t.Ours(blue), one)
			}
		}
		t.works("after a restoration", blue, t.holder(g))
		writes := t.writing(func() { t.must(restoring(g, core.RevokeOptions{})) })
		t.holds("a second restoration writes nothing", writes, nil)
		t.rests(g)
	})
}

// RestoreLeavesWhatItDoesNotKnowOff: keys that were off before, and those that
// another machine has switched off, come back only if they are named.
func (cases) RestoreLeavesWhatItDoesNotKnowOff(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		t.must(starting(g))
		t.must(finishing(g, core.RotateOptions{Force: true}))
		t.must(revoking(g, core.RevokeOptions{}))
		t.must(restoring(g, core.RevokeOptions{}))
		t.holds("what a rotation has switched off stays off", t.ring(g), []string{"first off", "latest on"})
		t.must(revoking(g, core.RevokeOptions{}))
		t.disk = &disk{settled: map[string]bool{}}
		t.must(restoring(g, core.RevokeOptions{}))
		t.holds("what nobody here has switched off stays off", t.ring(g), []string{"first off", "latest off"})
		t.must(restoring(g, core.RevokeOptions{Keys: []string{t.last().ID}}))
		t.holds("a key that is named works again", t.Keys(blue), []string{t.last().ID})
		t.works("after a restoration", blue, t.last())
	})
}

func (cases) RestoreLeavesCompromisedKeysOff(b *bench) {
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		id, _ := t.Provider().Info().Identity(g.Who)
		stolen := t.last()
		in := t.inside(blue)
		t.must(revoking(g, core.RevokeOptions{}))
		t.must(revoking(g, core.RevokeOptions{Compromised: true})) // that it is worse is learned later
		if id.Outlives > 0 && !id.StaysOut && t.steps(blue).Gate != nil {
			t.stops(restoring(g, core.RevokeOptions{}), core.ErrInUse)
			t.cut("while sessions may go on", blue, in)
			time.Sleep(id.Outlives)
		}
		t.stops(restoring(g, core.RevokeOptions{Keys: []string{stolen.ID}}), core.ErrNotOurs)
		t.must(restoring(g, core.RevokeOptions{}))
		t.cut("after a restoration", blue, in)
		t.must(reissuing(g, core.RotateOptions{}))
		t.holds("the stolen key is replaced", t.ring(g), []string{"latest on"})
		t.works("after a reissue", blue, t.last())
		t.tries("with the stolen key", blue, t.actor(blue, stolen), false)
	})
	b.keyed(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		t.must(revoking(g, core.RevokeOptions{Compromised: true}))
		t.must(restoring(g, core.RevokeOptions{Force: true}))
		t.holds("a compromised key stays off until it is named", t.ring(g), []string{"first off"})
		t.must(restoring(g, core.RevokeOptions{Force: true, Keys: []string{t.last().ID}}))
		t.works("for whoever insists", blue, t.last())
	})
}

func (cases) RevokingAStrangersPrincipalDoesNothing(b *bench) {
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) {
		nobody := t.Foreign(blue)
		t.Plant(Principal, blue)
		foreign := t.Foreign(blue)
		if foreign == nobody || !t.revocable(blue) {
			return
		}
		for _, j := range []job{revoking(g, core.RevokeOptions{}), restoring(g, core.RevokeOptions{})} {
			writes := t.writing(func() {
				if _, _, err := t.do(j); err != nil && !errors.Is(err, core.ErrNotOurs) {
					t.Errorf("%s beside a stranger: got error %v, want none or %v", j.name(), err, core.ErrNotOurs)
				}
			})
			t.holds(j.name()+" of what is not ours writes nothing", writes, nil)
		}
		t.same("a stranger is left as it is", t.Foreign(blue), foreign)
	})
}

func (cases) RevokedGrantCanBeDestroyed(b *bench) {
	b.all(func(t *trial, g core.Grant, blue core.Blueprint) {
		t.applied(g)
		if !t.revocable(blue) {
			return
		}
		t.must(revoking(g, core.RevokeOptions{Compromised: true}))
		t.must(job{grant: g, absent: true})
		t.holds("destroy leaves nothing else", t.Ours(blue), stays(g))
		t.shut(blue, "after destroy of what was revoked")
		t.must(job{grant: g, noProof: true})
		t.handed(blue)
		t.works("after all", blue, t.holder(g))
	})
}
