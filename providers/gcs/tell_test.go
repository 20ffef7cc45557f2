// What Google answered, as a doctor hears it.
package gcs

import (
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestADoctorHearsWhyAHolderIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		grant core.Grant
		harm  func(t *testing.T, w *world, g core.Grant, b core.Blueprint, id string)
		want  []string
	}{
		"nothing is wrong": {eventDump(), func(*testing.T, *world, core.Grant, core.Blueprint, string) {}, nil},
		"key switched off": {eventDump(), func(t *testing.T, w *world, g core.Grant, _ core.Blueprint, id string) {
			_, steps := w.opened(g)
			if err := steps.Keyring.Switch(t.Context(), id, false); err != nil {
				t.Fatal(err)
			}
		}, []string{"key-gone"}},
		"access revoked": {eventDump(), func(_ *testing.T, w *world, g core.Grant, _ core.Blueprint, _ string) { w.mustTurn(g, false) }, []string{"account-disabled", "key-gone", "revoked"}},
		"binding gone": {eventDump(), func(_ *testing.T, w *world, _ core.Grant, b core.Blueprint, _ string) {
			w.Tamper(b, "storage.objects.create", "")
		}, []string{"no-create"}},
		"key of S3's protocol switched off": {gated()["hmac"], func(t *testing.T, w *world, g core.Grant, _ core.Blueprint, id string) {
			_, steps := w.opened(g)
			if err := steps.Keyring.Switch(t.Context(), id, false); err != nil {
				t.Fatal(err)
			}
		}, []string{"hmac-key"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				_, credential := w.apply(c.grant)
				b, _ := w.opened(c.grant)
				c.harm(t, w, c.grant, b, credential.ID)
				d, err := w.engine().Diagnose(t.Context(), core.Complaint{Manifest: b, Credential: credential})
				if err != nil || len(d.Unseen) > 0 {
					t.Fatalf("got %v, not looked at: %v", err, d.Unseen)
				}
				got := ""
				if len(d.Hypotheses) > 0 {
					got = d.Hypotheses[0].Name
				}
				for _, want := range c.want {
					if got == want {
						return
					}
				}
				if len(c.want) > 0 || got != "" {
					t.Errorf("got %q first, want one of %q; symptoms: %+v", got, c.want, d.Symptoms)
				}
			})
		})
	}
}
