// Gates: a grant is shut at once and marked, is not opened by an apply, and opens again only if we have shut it.
package gcs

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// gated are grants of every identity.
func gated() map[string]core.Grant {
	list := map[string]core.Grant{"key": eventDump(), "hmac": clickhouse(), "certificate": withCertificate(goodCertificate())}
	maps.Copy(list, keylessGrants())
	delete(list, "postgres-backup literal")
	return list
}

// turn opens or shuts the gate of g as a new run would.
func (w *world) turn(g core.Grant, open bool) ([]core.Change, error) {
	w.t.Helper()
	_, steps := w.opened(g)
	changes, err := steps.Gate.Diff(w.t.Context(), core.Want{Present: open})
	for _, c := range changes {
		if err == nil && c.Action == core.Refuse {
			err = &core.Error{Kind: core.ErrNotOurs, What: c.Addr, Err: errors.New(c.Why), Hint: c.Hint}
		}
		if err == nil && c.Action.Writes() {
			err = steps.Gate.Do(w.t.Context(), c)
		}
	}
	return changes, err
}

func (w *world) mustTurn(g core.Grant, open bool) []core.Change {
	w.t.Helper()
	changes, err := w.turn(g, open)
	if err != nil {
		w.t.Fatalf("turning the gate (open: %v): %v", open, err)
	}
	return changes
}

func forGated(t *testing.T, f func(t *testing.T, w *world, g core.Grant)) {
	for name, g := range gated() {
		t.Run(name, func(t *testing.T) { inWorld(t, func(t *testing.T, w *world) { f(t, w, g) }) })
	}
}

func TestShutAccountRefusesTokensIssuedBefore(t *testing.T) {
	forGated(t, func(t *testing.T, w *world, g core.Grant) {
		_, c := w.apply(g)
		b, _ := w.opened(g)
		before := w.actor(b, c)
		if got, err := before.Try(t.Context(), creates(b, "before")); got != core.Allowed {
			t.Fatalf("got %s (%v), want access", got, err)
		}
		w.SetDelay(5 * time.Minute) // of policies, roles and pools; an account is disabled at once
		w.mustTurn(g, false)
		if !hasAccount(b) {
			time.Sleep(5 * time.Minute)
		}
		got, err := before.Try(t.Context(), creates(b, "shut"))
		if got == core.Allowed || got == core.Unclear && !errors.Is(err, core.ErrRejected) {
			t.Errorf("got %s (%v) with what was given before, want it refused", got, err)
		}
		if hasAccount(b) && !errors.Is(err, core.ErrRejected) {
			t.Errorf("got %s (%v), want a token of a disabled account rejected", got, err)
		}
		w.mustTurn(g, true)
		time.Sleep(5 * time.Minute)
		if got, err := before.Try(t.Context(), creates(b, "again")); got != core.Allowed {
			t.Errorf("got %s (%v), want access again", got, err)
		}
		if p, err := w.engine().Plan(t.Context(), g, core.Present); err != nil || p.Changed() || len(p.Refused()) > 0 {
			t.Errorf("got %v and %s (%v), want nothing left of the revocation", p.Changes, refusals(p), err)
		}
	})
}

func TestShutGrantIsNotAppliedOver(t *testing.T) {
	forGated(t, func(t *testing.T, w *world, g core.Grant) {
		w.apply(g)
		b, _ := w.opened(g)
		w.mustTurn(g, false)
		p, _, err := w.reach(g, core.Present)
		if said := refusals(p); err == nil || !strings.Contains(said, "was shut: the access was revoked") || !strings.Contains(said, "[restore") {
			t.Errorf("got %v with %q, want it refused, and restore named", err, said)
		}
		if !w.Shut(b) {
			t.Error("got the grant opened by an apply")
		}
		for _, c := range w.mustTurn(g, false) {
			if c.Action != core.Keep {
				t.Errorf("got %+v, want nothing more to shut", c)
			}
		}
	})
}

func TestDestroyEndsAShutGrant(t *testing.T) {
	forGated(t, func(t *testing.T, w *world, g core.Grant) {
		w.apply(g)
		b, _ := w.opened(g)
		w.mustTurn(g, false)
		if _, _, err := w.reach(g, core.Absent); err != nil {
			t.Fatalf("destroy: %v", err)
		}
		if left := slices.DeleteFunc(w.Ours(b), func(s string) bool { return s == "bucket" }); len(left) > 0 {
			t.Errorf("got %v left", left)
		}
		_, c := w.apply(g) // another grant of that name: what ended with the old one is over
		if got, err := w.actor(b, c).Try(t.Context(), creates(b, "anew")); got != core.Allowed {
			t.Errorf("got %s (%v) after an apply, want access", got, err)
		}
	})
}

func TestRestoreOpensOnlyWhatWasShutByUs(t *testing.T) {
	forGated(t, func(t *testing.T, w *world, g core.Grant) {
		w.apply(g)
		b, _ := w.opened(g)
		_, steps := w.opened(g)
		shut := w.mustTurn(g, false)
		open, err := steps.Gate.Diff(t.Context(), core.Present)
		if err != nil || len(open) != len(shut) {
			t.Fatalf("got %v (%v), want as many changes as %v", open, err, shut)
		}
		w.mustTurn(g, true)
		w.ShutByHand(b)
		for range 2 {
			if _, err := w.turn(g, true); !errors.Is(err, core.ErrNotOurs) || !strings.HasPrefix(hintOf(err), "gcloud iam ") {
				t.Errorf("got %v [%s], want it left to whoever did it", err, hintOf(err))
			}
			for _, c := range open { // planned while it was ours
				if err := steps.Gate.Do(t.Context(), c); !errors.Is(err, core.ErrMoved) {
					t.Errorf("got %v, want %v", err, core.ErrMoved)
				}
			}
			for _, c := range w.mustTurn(g, false) { // a revocation on top of it makes it no revocation
				if c.Action != core.Keep {
					t.Errorf("got %+v, want it left as it is", c)
				}
			}
		}
		if !w.Shut(b) {
			t.Error("got it opened")
		}
		if p, err := w.engine().Plan(t.Context(), g, core.Present); err != nil || !strings.Contains(refusals(p), "whoever did it had a reason") {
			t.Errorf("got %q (%v), want an apply refused", refusals(p), err)
		}
	})
}

func TestGateTurnsOnlyWhatIsOurs(t *testing.T) {
	for _, open := range []bool{false, true} {
		forGated(t, func(t *testing.T, w *world, g core.Grant) {
			w.apply(g)
			b, steps := w.opened(g)
			if open {
				w.mustTurn(g, false)
			}
			changes, err := steps.Gate.Diff(t.Context(), core.Want{Present: open})
			if err != nil {
				t.Fatal(err)
			}
			n := namesOf(g, SandboxProject)
			w.redescribeRole(n)
			if hasAccount(b) {
				w.redescribeAccount(n)
			}
			if f, is := w.federated(b); is {
				w.ask(w.owner, "PATCH", iamAPI+"/v1/"+f.poolName(SandboxProject)+"?updateMask=description", dict{"description": "somebody else's"}, nil)
			}
			for _, c := range changes {
				if err := steps.Gate.Do(t.Context(), c); !errors.Is(err, core.ErrMoved) {
					t.Errorf("%s: got %v, want %v", c.Addr, err, core.ErrMoved)
				}
			}
			if _, err := w.turn(g, open); !errors.Is(err, core.ErrNotOurs) {
				t.Errorf("got %v, want %v", err, core.ErrNotOurs)
			}
			if w.Shut(b) != open {
				t.Errorf("got it turned: shut is %v", !open)
			}
		})
	}
}

func TestGateOfAGrantThatIsNotThere(t *testing.T) {
	forGated(t, func(t *testing.T, w *world, g core.Grant) {
		for _, open := range []bool{false, true} {
			if changes, err := w.turn(g, open); err != nil || len(changes) != 0 {
				t.Errorf("got %v (%v), want nothing", changes, err)
			}
		}
	})
}

// A run that is stopped between the mark and the switch is told from a stranger's work.
func TestShuttingThatWasStoppedGoesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		b, _ := w.opened(g)
		stop := "iam.projects.serviceAccounts.disable"
		w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if c.Op.Name == stop {
				return cloudsim.Fault{Before: cloudsim.ErrLost}
			}
			return cloudsim.Fault{}
		}
		if _, err := w.turn(g, false); !errors.Is(err, core.ErrUnknown) {
			t.Errorf("got %v, want %v", err, core.ErrUnknown)
		}
		if p, err := w.engine().Plan(t.Context(), g, core.Present); err != nil || !strings.Contains(refusals(p), "is marked as revoked and is OPEN") {
			t.Errorf("got %q (%v), want an apply refused", refusals(p), err)
		}
		stop = ""
		w.mustTurn(g, false)
		if !w.Shut(b) {
			t.Error("got it open, want the shutting finished")
		}
		stop = "iam.projects.serviceAccounts.patch"
		if _, err := w.turn(g, true); err == nil || w.Shut(b) {
			t.Errorf("got %v, want it open and the mark still there", err)
		}
		stop = ""
		w.mustTurn(g, true)
		if p, err := w.engine().Plan(t.Context(), g, core.Present); err != nil || len(p.Refused()) > 0 {
			t.Errorf("got %q (%v), want the mark gone", refusals(p), err)
		}
	})
}

func TestAccessIsCutThoughItCannotBeMarked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		b, _ := w.opened(g)
		as := w.ProviderAs(slices.DeleteFunc(slices.Clone(b.Operator), func(p core.Permission) bool { return p.Action == "iam.serviceAccounts.update" }))
		steps, err := as.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		changes, err := steps.Gate.Diff(t.Context(), core.Absent)
		if err != nil || len(changes) != 1 {
			t.Fatal(changes, err)
		}
		if err := steps.Gate.Do(t.Context(), changes[0]); err == nil || !strings.Contains(err.Error(), "restore will not enable it") || hintOf(err) == "" || !w.Shut(b) {
			t.Errorf("got %v [%s], want the account disabled, and said how it is enabled", err, hintOf(err))
		}
	})
}

func TestGateAndKeyringTakeTheNamedPermissionsAndNoOthers(t *testing.T) {
	forGated(t, func(t *testing.T, w *world, g core.Grant) {
		_, c := w.apply(g)
		b, _ := w.opened(g)
		revoke := func(named []core.Permission) error {
			steps, err := w.ProviderAs(named).Open(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			var errs []error
			for _, open := range []bool{false, true} {
				changes, err := steps.Gate.Diff(t.Context(), core.Want{Present: open})
				errs = append(errs, err)
				for _, c := range changes {
					errs = append(errs, steps.Gate.Do(t.Context(), c))
				}
				if steps, err = w.ProviderAs(named).Open(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			if steps.Keyring != nil {
				keys, err := steps.Keyring.List(t.Context())
				errs = append(errs, err)
				for _, k := range keys {
					errs = append(errs, steps.Keyring.Switch(t.Context(), k.ID, false), steps.Keyring.Switch(t.Context(), k.ID, true))
				}
			}
			w.turn(g, true) // whatever was left shut
			return errors.Join(errs...)
		}
		need := slices.DeleteFunc(slices.Clone(b.Operator), func(p core.Permission) bool { return !slices.Contains(p.Verbs, core.ForRevoke) })
		if err := revoke(need); err != nil {
			t.Fatalf("got %v, want what is named for %s to be enough", err, core.ForRevoke)
		}
		for i, p := range need {
			if revoke(slices.Delete(slices.Clone(need), i, i+1)) == nil {
				t.Errorf("got everything done without %s", p.Action)
			}
		}
		_ = c
	})
}

func TestMarkFitsBehindTheLongestDescription(t *testing.T) {
	for name, g := range gated() {
		g.Name, g.Profile, g.Target.Prefix = strings.Repeat("n", 100), strings.Repeat("p", 200), "a/"
		for _, d := range []string{description(g), roleDescription(g)} {
			shut := marked(d, false)
			if len(shut) > mostDescribed && (d == description(g) || !actsAsOwn(g)) || !isShut(shut) || isShut(d) || marked(shut, true) != d || marked(shut, false) != shut {
				t.Errorf("%s: got %d bytes: %q", name, len(shut), shut)
			}
			if folderIn(shut) != folderIn(d) || whoIn(shut) != whoIn(d) || !namesOf(g, "p").ours(shut) {
				t.Errorf("%s: got %q read as another thing's", name, shut)
			}
		}
	}
}
