// HMAC keys: born once, proven by the protocol of Amazon S3, told where they are of use.
package gcs

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// clickhouse is the grant of the profile of that name.
func clickhouse() core.Grant {
	return core.Grant{
		Name: "clickhouse-acme-tables", Profile: "clickhouse", Who: core.WhoHMAC,
		Target:   core.Target{Bucket: "acme-tables", Prefix: "disk/", Region: "EU"},
		Can:      []core.Ability{core.Create, core.Overwrite, core.Abort, core.Read, core.List, core.Delete},
		Settings: map[string]string{"project": "acme-project"},
	}
}

func (w *world) hmacKeys(n names) []hmacMetadata {
	var list struct{ Items []hmacMetadata }
	w.ask(w.owner, "GET", storageAPI+"/storage/v1/projects/"+n.project+"/hmacKeys?serviceAccountEmail="+n.email, nil, &list)
	return list.Items
}

func TestHMACKeyIsHandedOverWithWhatItsHolderNeeds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := clickhouse()
		e := w.engine()
		p, err := e.Plan(t.Context(), g, core.Present)
		if err != nil {
			t.Fatal(err)
		}
		var d pocket
		r, err := e.Apply(t.Context(), p, core.ApplyOptions{Deliver: &d, NoProof: true})
		if err != nil {
			t.Fatal(err)
		}
		keys := w.hmacKeys(namesOf(g, SandboxProject))
		if len(keys) != 1 || keys[0].AccessID != d.credential.ID || keys[0].State != active || d.credential.Form != core.PairForm || len(d.credential.Secret.Reveal()) != 40 {
			t.Errorf("got the keys %+v and the credential %+v, want one active pair", keys, d.credential)
		}
		for name, want := range map[string]string{
			"endpoint":    "https://storage.googleapis.com",
			"folder_url":  "https://storage.googleapis.com/acme-tables/disk/",
			"bucket_name": "//storage.googleapis.com/projects/_/buckets/acme-tables",
			"gs_uri":      "gs://acme-tables/disk/",
		} {
			if !slices.ContainsFunc(r.Outputs, func(o core.Output) bool { return o.Name == name && o.Value == want }) {
				t.Errorf("got the outputs %+v, want %s %q among them", r.Outputs, name, want)
			}
		}
	})
}

func TestLostAnswerToAnHMACKeyIsNotAskedForAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		asked := 0
		w.transport.Fault = func(call cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if call.Op.Name == "storage.projects.hmacKeys.create" {
				asked++
				return cloudsim.Fault{After: cloudsim.ErrLost}
			}
			return cloudsim.Fault{}
		}
		_, _, err := w.reach(clickhouse(), core.Present)
		if asked != 1 || !errors.Is(err, core.ErrUnknown) {
			t.Errorf("got %d requests and %v, want one and %v", asked, err, core.ErrUnknown)
		}
	})
}

func TestRetiredHMACKeyIsGone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := clickhouse()
		w.apply(g)
		n := namesOf(g, SandboxProject)
		_, steps := w.opened(g)
		id := w.hmacKeys(n)[0].AccessID
		for range 2 {
			if err := steps.Credential.Retire(t.Context(), id); err != nil {
				t.Errorf("got %v, want it retired, and then gone already", err)
			}
		}
		if left := w.hmacKeys(n); len(left) != 0 {
			t.Errorf("got %+v left", left)
		}
		if err := steps.Credential.Retire(t.Context(), "../serviceAccounts"); err == nil {
			t.Error("got anything but an access ID retired")
		}
	})
}

func TestNoMoreHMACKeysThanAnAccountHolds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := clickhouse()
		w.apply(g)
		_, steps := w.opened(g)
		var err error
		for range 10 {
			if _, err = steps.Credential.Issue(t.Context()); err != nil {
				break
			}
		}
		if err == nil || !strings.Contains(err.Error(), "no more HMAC keys") || hintOf(err) == "" {
			t.Errorf("got %v [%s], want it said that there is no room, and where to look", err, hintOf(err))
		}
	})
}

func TestConstraintsAgainstHMACKeysAreExplained(t *testing.T) {
	for _, constraint := range []string{"constraints/iam.managed.disableServiceAccountKeyCreation", "constraints/storage.restrictAuthTypes"} {
		inWorld(t, func(t *testing.T, w *world) {
			w.fake.SetConstraints(constraint)
			_, _, err := w.reach(clickhouse(), core.Present)
			if !errors.Is(err, core.ErrBlocked) || !strings.Contains(err.Error(), constraint) || hintOf(err) == "" {
				t.Errorf("%s: got %v [%s], want it named, with what else there is", constraint, err, hintOf(err))
			}
		})
	}
}

// What a proof begins and cannot give up is found by the operator.
func TestSweepGivesUpUploadsInParts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := clickhouse()
		_, c := w.apply(g)
		actor, err := w.Provider().Act(t.Context(), compiled(t, g), c)
		if err != nil {
			t.Fatal(err)
		}
		const key = "disk/.bucketgrant-probe/run.parts"
		a := actor.(*pairActor)
		if _, err := a.pair.send(t.Context(), xmlRequest{method: "POST", bucket: g.Target.Bucket, key: key, query: map[string][]string{"uploads": {""}}}); err != nil {
			t.Fatal(err)
		}
		_, steps := w.opened(g)
		if err := steps.Caretaker.Sweep(t.Context(), []string{key}); err != nil {
			t.Fatal(err)
		}
		if got, err := a.pair.send(t.Context(), xmlRequest{method: "DELETE", bucket: g.Target.Bucket, key: key, query: map[string][]string{"uploadId": {nobodys}}}); err == nil || len(w.stored(w.owner, g.Target.Bucket)) != 0 {
			t.Errorf("got %s, %v and %v, want nothing left", got.body, err, w.stored(w.owner, g.Target.Bucket))
		}
	})
}

func TestHMACActorTellsARefusalFromABrokenKey(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := clickhouse()
		_, c := w.apply(g)
		b := compiled(t, g)
		probes := core.ProbesFor(b, (&pairActor{}).Tries(), "run", "")
		act := func(c core.Credential) core.Actor {
			actor, err := w.Provider().Act(t.Context(), b, c)
			if err != nil {
				t.Fatal(err)
			}
			return actor
		}
		good := act(c)
		for _, p := range probes {
			if got, err := good.Try(t.Context(), p); got != p.Want || err != nil {
				t.Errorf("%+v: got %s, %v", p, got, err)
			}
		}
		forged := c
		forged.Secret = core.NewSecret([]byte("not-the-secret"))
		bad := act(forged)
		for _, p := range probes {
			if got, err := bad.Try(t.Context(), p); got != core.Unclear || err == nil {
				t.Errorf("%+v with a wrong secret: got %s, %v; want it unclear", p, got, err)
			}
		}
	})
}

func TestFiguresOfAnHMACGrant(t *testing.T) {
	for name, g := range map[string]core.Grant{"clickhouse": clickhouse(), "site-backup": siteBackup("a.example")} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.transport.Latency = 100 * time.Millisecond
			for _, c := range []struct {
				what  string
				depth int
			}{{"first apply", 8}, {"no change", 3}} {
				e := w.engine()
				p, err := e.Plan(t.Context(), g, core.Present)
				if err != nil {
					t.Fatal(err)
				}
				r, err := e.Apply(t.Context(), p, core.ApplyOptions{Deliver: &pocket{}, NoProof: true})
				if err != nil || r.Depth > c.depth {
					t.Errorf("%s, %s: got depth %d, %v; want at most %d", name, c.what, r.Depth, err, c.depth)
				}
				t.Logf("%s, %s: %d calls, depth %d", name, c.what, r.Calls, r.Depth)
			}
		})
	}
}
