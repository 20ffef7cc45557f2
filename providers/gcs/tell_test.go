// What Google answered, as a doctor hears it.
package gcs

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
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
		"account switched off": {eventDump(), func(_ *testing.T, w *world, g core.Grant, _ core.Blueprint, _ string) {
			w.ask(w.owner, "POST", iamAPI+"/v1/"+namesOf(g, SandboxProject).accountName+":disable", nil, nil)
		}, []string{"account-disabled"}},
		"key deleted": {eventDump(), func(_ *testing.T, w *world, g core.Grant, _ core.Blueprint, id string) {
			w.ask(w.owner, "DELETE", iamAPI+"/v1/"+namesOf(g, SandboxProject).accountName+"/keys/"+id, nil, nil)
		}, []string{"key-gone"}},
		"prefix of another grant": {eventDump(), func(_ *testing.T, w *world, g core.Grant, _ core.Blueprint, _ string) {
			w.editPolicy(g.Target.Bucket, func(p []bindingDocument) []bindingDocument {
				for _, b := range p {
					if b.Condition != nil {
						b.Condition.Expression = strings.ReplaceAll(b.Condition.Expression, "/objects/"+g.Target.Prefix, "/objects/elsewhere/")
					}
				}
				return p
			})
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

func TestTriesTellWhatWasAnsweredToOneAttempt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, g := range []core.Grant{eventDump(), clickhouse()} {
			_, c := w.apply(g)
			b := compiled(t, g)
			actor, err := w.Provider().Act(t.Context(), b, c)
			if err != nil {
				t.Fatal(err)
			}
			xml := g.Who == core.WhoHMAC
			for _, row := range []struct {
				bucket string
				want   core.Outcome
				status int
				code   string
				says   string
			}{
				{g.Target.Bucket, core.Allowed, 200, "", ""},
				{"acme-nowhere", core.Unclear, 404, map[bool]string{true: "NoSuchBucket", false: "notFound"}[xml], "bucket does not exist"},
			} {
				before := len(w.transport.Calls())
				got, a, _ := actor.(core.Teller).Tell(t.Context(), core.Probe{Ability: core.Create, Where: core.Inside, Bucket: row.bucket, Key: b.Probes + "one", Want: core.Allowed})
				if got != row.want || a.Status != row.status || a.Code != row.code || !strings.Contains(a.Message, row.says) || a.Date.IsZero() {
					t.Errorf("%s, %s: got %s and %+v, want %s and %d %s", g.Who, row.bucket, got, a, row.want, row.status, row.code)
				}
				tries := 0
				for _, call := range w.transport.Calls()[before:] {
					if !strings.Contains(call.URL, "oauth2") {
						tries++
					}
				}
				if tries != 1 {
					t.Errorf("%s, %s: got %d tries, want one", g.Who, row.bucket, tries)
				}
			}
		}
	})
}

func TestATokenThatIsNotToBeHadIsAskedForOnceAndTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, c := w.apply(eventDump())
		b := compiled(t, eventDump())
		actor, err := w.Provider().Act(t.Context(), b, c)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		w.transport.Fault = func(cloudsim.Call, *http.Request) cloudsim.Fault {
			asked++
			return cloudsim.Fault{Reply: &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}}
		}
		got, a, err := actor.(core.Teller).Tell(t.Context(), core.Probe{Ability: core.Create, Where: core.Inside, Bucket: b.Grant.Target.Bucket, Key: b.Probes + "one", Want: core.Allowed})
		if got != core.Unclear || err == nil || a.Status != http.StatusServiceUnavailable || asked != 1 {
			t.Errorf("got %s and %+v (%v) after %d requests, want a 503 after one", got, a, err, asked)
		}
	})
}
