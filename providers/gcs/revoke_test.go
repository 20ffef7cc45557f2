// Revocations by the engine: every identity is cut off, refused, and let in again.
package gcs

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestRevokedGrantIsRefusedUntilRestored(t *testing.T) {
	forGated(t, func(t *testing.T, w *world, g core.Grant) {
		e := w.engine()
		p, err := e.Plan(t.Context(), g, core.Present)
		if err != nil {
			t.Fatal(err)
		}
		var d pocket
		if _, err := e.Apply(t.Context(), p, core.ApplyOptions{Deliver: &d}); err != nil {
			t.Fatal(err)
		}
		w.SetDelay(2 * time.Minute)
		carry := func(p *core.Plan, err error) *core.Plan {
			t.Helper()
			if err == nil {
				_, err = e.Apply(t.Context(), p, core.ApplyOptions{})
			}
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		again := func() core.Credential {
			c := d.credential
			c.Secret = core.NewSecret(slices.Clone(c.Secret.Reveal()))
			return c
		}
		cut := carry(e.PlanRevoke(t.Context(), g, core.RevokeOptions{}))
		waited, err := e.AwaitRefusal(t.Context(), cut, again())
		b, _ := w.opened(g)
		if err != nil || !w.Shut(b) || hasAccount(b) && waited > 2*time.Minute {
			t.Errorf("got %v after %s, want it refused", err, waited)
		}
		if got, err := w.actor(b, again()).Try(t.Context(), creates(b, "fresh")); got != core.Denied && !errors.Is(err, core.ErrRejected) {
			t.Errorf("got %s (%v) by coming in anew, want it refused", got, err)
		}
		carry(e.PlanRestore(t.Context(), g, core.RevokeOptions{}))
		time.Sleep(3 * time.Minute)
		if got, err := w.actor(b, again()).Try(t.Context(), creates(b, "restored")); got != core.Allowed {
			t.Errorf("got %s (%v) after the restoration, want access", got, err)
		}
		p, err = e.Plan(t.Context(), g, core.Present)
		if err != nil || p.Changed() || len(p.Refused()) > 0 {
			t.Errorf("got %v (%v), want the grant as it was", p.Changes, err)
		}
	})
}
