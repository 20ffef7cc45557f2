// Managed folders: listing below a prefix, and what becomes of a folder that others use too.
package gcs

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// siteBackup is the grant of the profile of that name for one site of a shared bucket.
func siteBackup(site string) core.Grant {
	return core.Grant{
		Name: "site-backup-" + strings.ReplaceAll(site, ".", "-"), Profile: "site-backup", Who: core.WhoKey,
		Target:   core.Target{Bucket: "acme-sites", Prefix: site + "/", Region: "EU", Shared: true},
		Can:      []core.Ability{core.Create, core.Abort, core.List, core.Read},
		Settings: map[string]string{"project": "acme-project"},
	}
}

// folderPolicyOf is the policy of a managed folder; false if there is no such folder.
func (w *world) folderPolicyOf(n names) (p wirePolicy, ok bool) {
	ok = w.ask(w.owner, "GET", storageAPI+bucketPath(n.bucket)+"/managedFolders/"+url.PathEscape(n.folder)+"/iam?optionsRequestedPolicyVersion=3", nil, &p)
	return p, ok
}

func (w *world) editFolderPolicy(n names, edit func([]bindingDocument) []bindingDocument) {
	w.t.Helper()
	p, _ := w.folderPolicyOf(n)
	p.Version, p.Bindings = 3, edit(p.Bindings)
	w.ask(w.owner, "PUT", storageAPI+bucketPath(n.bucket)+"/managedFolders/"+url.PathEscape(n.folder)+"/iam", p, nil)
}

const stranger = "serviceAccount:operator@" + SandboxProject + ".iam.gserviceaccount.com"

func TestListingBelowAPrefixIsBoundOnAManagedFolderOnly(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := siteBackup("a.example")
		n := namesOf(g, SandboxProject)
		w.apply(g)
		p, ok := w.folderPolicyOf(n)
		if !ok || len(p.Bindings) != 1 || p.Bindings[0].Role != n.roleName || p.Bindings[0].Condition != nil {
			t.Errorf("got the folder's bindings %+v (%t), want ours alone and without a condition", p.Bindings, ok)
		}
		for _, b := range w.policy(w.owner, n.bucket).Bindings {
			if b.Role == n.roleName {
				t.Errorf("got %+v on the bucket, where it lists everything", b)
			}
		}
	})
}

func TestAnExpiringFolderGrantEndsByItsBinding(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := siteBackup("a.example")
		g.Limits.Expires = time.Now().UTC().Add(7 * 24 * time.Hour).Truncate(time.Second)
		w.apply(g)
		p, _ := w.folderPolicyOf(namesOf(g, SandboxProject))
		if len(p.Bindings) != 1 || p.Bindings[0].Condition == nil || !strings.HasPrefix(p.Bindings[0].Condition.Expression, "request.time < ") {
			t.Errorf("got %+v, want a condition on the time", p.Bindings)
		}
	})
}

func TestFolderStaysAsLongAsSomebodyNeedsIt(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*world, names)
		want   bool // the folder is there afterwards
		why    string
	}{
		"nobody":      {func(*world, names) {}, false, ""},
		"data":        {func(w *world, n names) { w.put(w.owner, n.bucket, n.prefix+"dump.sql") }, true, "holds objects"},
		"else's data": {func(w *world, n names) { w.put(w.owner, n.bucket, "other.example/dump.sql") }, false, ""},
		"a stranger": {func(w *world, n names) {
			w.editFolderPolicy(n, func(p []bindingDocument) []bindingDocument {
				return append(p, bindingDocument{Role: "roles/storage.objectViewer", Members: []string{stranger}})
			})
		}, true, "others are bound"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				g := siteBackup("a.example")
				n := namesOf(g, SandboxProject)
				w.apply(g)
				c.before(w, n)
				p, _, err := w.reach(g, core.Absent)
				if err != nil {
					t.Fatal(err)
				}
				policy, there := w.folderPolicyOf(n)
				if there != c.want {
					t.Errorf("got the folder there %t, want %t", there, c.want)
				}
				if slices.ContainsFunc(policy.Bindings, func(b bindingDocument) bool { return b.Role == n.roleName }) {
					t.Errorf("got our binding left: %+v", policy.Bindings)
				}
				if c.why != "" && !strings.Contains(change(t, p, n.folderAddr()).Why, c.why) {
					t.Errorf("got %q, want it to say %q", change(t, p, n.folderAddr()).Why, c.why)
				}
			})
		})
	}
}

// A grant that begins to list moves from the bucket's policy to the folder's.
func TestGrantThatBeginsToListLeavesTheBucketsPolicy(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := siteBackup("a.example")
		putOnly := strict(g)
		n := namesOf(g, SandboxProject)
		w.apply(putOnly)
		w.apply(g)
		p, _ := w.folderPolicyOf(n)
		left := slices.ContainsFunc(w.policy(w.owner, n.bucket).Bindings, func(b bindingDocument) bool { return b.Role == n.roleName })
		if len(p.Bindings) != 1 || left {
			t.Errorf("got %+v in the folder and ours on the bucket %t, want the folder alone", p.Bindings, left)
		}
		e := w.engine()
		again, err := e.Plan(t.Context(), g, core.Present)
		if err != nil || again.Changed() {
			t.Errorf("got %v, %v; want nothing left to do", again.Changes, err)
		}
	})
}

func TestPrefixThatCannotBeAFolderIsRefused(t *testing.T) {
	for _, g := range []core.Grant{
		func() core.Grant { g := siteBackup("a.example"); g.Target.Prefix = strings.Repeat("a/", 16); return g }(),
		func() core.Grant {
			g := siteBackup("a.example")
			g.Target.Prefix = ".well-known/acme-challenge/x/"
			return g
		}(),
		func() core.Grant { g := siteBackup("a.example"); g.Can = append(g.Can, core.Locate); return g }(),
	} {
		if _, err := core.Compile(New(Config{}), g); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("%+v %v: got %v, want it refused", g.Target, g.Can, err)
		}
	}
}

// What a grant was bound on is not in the grant any more once its prefix differs.
func TestGrantIsNotMovedToAnotherFolderByItsNameAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := siteBackup("a.example")
		w.apply(g)
		for _, moved := range []func(*core.Grant){
			func(g *core.Grant) { g.Target.Prefix = "b.example/" },
			func(g *core.Grant) { g.Target.Prefix = "" },
			func(g *core.Grant) { *g = strict(*g) },
		} {
			other := g
			moved(&other)
			if p, _, _ := w.reach(other, core.Present); len(p.Refused()) == 0 {
				t.Errorf("%q %v: got no refusal, want the old folder's binding not forgotten", other.Target.Prefix, other.Can)
			}
		}
	})
}

func TestWhatCloudStorageCannotLimitIsRefusedWithWhatExists(t *testing.T) {
	uploads, from := siteBackup("a.example"), siteBackup("a.example")
	uploads.Can = append(uploads.Can, core.Uploads)
	from.Limits.From = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	for field, c := range map[string]struct {
		grant core.Grant
		says  string
	}{
		"can":  {uploads, "a bucket of its own"},
		"from": {from, "VPC Service Controls"},
	} {
		_, err := core.Compile(New(Config{}), c.grant)
		faults, _ := errors.AsType[core.Faults](err)
		if len(faults) != 1 || faults[0].Field != field || !strings.Contains(faults[0].Accepts, c.says) {
			t.Errorf("%s: got %v, want it refused with %q", field, err, c.says)
		}
	}
}

// Without the key the cloud is asked, which must look into the managed folder as well.
func TestFolderGrantIsSimulatedAsItIs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := siteBackup("a.example")
		w.apply(g)
		b, steps := w.opened(g)
		for _, p := range core.ProbesFor(b, probed(), "run", "") {
			if got, err := steps.Simulator.Simulate(t.Context(), p); got != p.Want || err != nil {
				t.Errorf("%s %s %q: got %s, %v; want %s", p.Ability, p.Where, p.Key, got, err, p.Want)
			}
		}
	})
}
