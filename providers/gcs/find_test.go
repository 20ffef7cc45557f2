// Find: every grant of a project, by its marks.
package gcs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

func find(t *testing.T, p core.Provider) []core.Found {
	t.Helper()
	o, list, err := p.(core.Finder).Find(t.Context(), map[string]string{projectSetting: SandboxProject})
	if err != nil || o.Account != SandboxProject || o.Principal == "" {
		t.Fatalf("got %+v and %v, want every grant of the project", o, err)
	}
	return list
}

// named is the grant of that name.
func named(t *testing.T, list []core.Found, name string) core.Found {
	t.Helper()
	i := slices.IndexFunc(list, func(f core.Found) bool { return f.Grant == name })
	if i < 0 {
		t.Fatalf("got %+v, want %s among them", list, name)
	}
	return list[i]
}

// various are grants of every kind, in every kind of place.
func various() []core.Grant {
	ending := toVendor()
	ending.Limits.Expires = time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC)
	locating := eventDump()
	locating.Name, locating.Target.Bucket, locating.Can = "locating", "acme-locating", append(slices.Clone(locating.Can), core.Locate)
	return []core.Grant{eventDump(), clickhouse(), siteBackup("a.example"), siteBackup("b.example"), withCertificate(goodCertificate()),
		workflow(), ending, fromAWS(impersonate, "true"), locating}
}

func (w *world) various() core.Provider {
	for _, g := range various() {
		w.apply(g)
	}
	needs := needsFor(compiled(w.t, eventDump()), verbs()[core.ForList])
	return w.operatorWith(New(Config{}).OperatorPolicy(compiled(w.t, eventDump()), needs), "")
}

func TestEveryGrantOfAProjectIsFoundByAnOperatorWhoMayList(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		adopted := eventDump()
		adopted.Name, adopted.Target.Bucket, adopted.Target.Adopt = "adopted", "acme-finance", true
		w.makeBucket(w.owner, SandboxProject, "acme-finance", "EU")
		w.apply(adopted)
		p := w.various()
		before := len(w.transport.Calls())
		list := find(t, p)
		for _, c := range w.transport.Calls()[before:] {
			if c.Op.Write {
				t.Errorf("a list only reads: got %s", c.Op.Name)
			}
		}
		want := append(various(), adopted)
		if len(list) != len(want) || !slices.IsSortedFunc(list, func(a, b core.Found) int { return strings.Compare(a.Grant, b.Grant) }) {
			t.Errorf("got %d grants, want %d in order: %+v", len(list), len(want), list)
		}
		for _, g := range want {
			f := named(t, list, g.Name)
			if f.Profile != g.Profile || f.Who != g.Who || f.Bucket != g.Target.Bucket || f.Prefix != g.Target.Prefix || f.Region != g.Target.Region ||
				!f.Expires.Equal(g.Limits.Expires) || f.Principal == "" || len(f.Findings) > 0 || f.Created.IsZero() != (g.Target.Adopt || g.Target.Shared && !inFolder(g)) {
				t.Errorf("%s: got %+v, want what it was made as, and nothing amiss", g.Name, f)
			}
			hasKeys := g.Who == core.WhoKey || g.Who == core.WhoHMAC || g.Who == core.WhoCertificate
			if (len(f.Keys) == 1) != hasKeys || hasKeys && !f.Keys[0].Active {
				t.Errorf("%s: got keys %+v, want one if it has keys at all: %v", g.Name, f.Keys, hasKeys)
			}
		}
	})
}

func TestWhatAListMayNotReadIsAFindingAndNothingAtAllIsAnError(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.various()
		needs := needsFor(compiled(t, eventDump()), verbs()[core.ForList])
		for i, n := range needs {
			list := find(t, w.ProviderAs(slices.Delete(slices.Clone(needs), i, i+1)))
			said := false
			for _, f := range list {
				said = said || slices.ContainsFunc(f.Findings, func(o core.Finding) bool { return o.Kind == core.Unread && strings.Contains(o.Text, n.Action) })
				if slices.ContainsFunc(f.Findings, func(o core.Finding) bool { return o.Kind != core.Unread }) {
					t.Errorf("without %s: got %+v, want nothing to be concluded from what cannot be read", n.Action, f)
				}
			}
			want := len(various())
			if n.Action == "iam.roles.list" {
				want-- // whoever has an account of its own shows by its role alone
			}
			if !said || len(list) != want {
				t.Errorf("without %s: got %+v, want every grant that shows otherwise, and that something cannot be read", n.Action, list)
			}
		}
		_, list, err := w.ProviderAs(slices.DeleteFunc(needs, func(n core.Permission) bool { return strings.HasPrefix(n.Action, "iam.") })).(core.Finder).
			Find(t.Context(), map[string]string{projectSetting: SandboxProject})
		if !errors.Is(err, core.ErrOperator) || len(list) > 0 {
			t.Errorf("where no list shows a mark: got %+v and %v, want an error of the operator's", list, err)
		}
	})
}

func TestListThatCannotBeReadIsNotTakenForAnEmptyOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		list := find(t, w.ProviderAs([]core.Permission{{Action: "iam.serviceAccounts.list"}}))
		if len(list) != 1 || list[0].Grant != unnamed || len(list[0].Findings) != 4 {
			t.Errorf("got %+v, want that four lists could not be read, of no grant", list)
		}
		if list := find(t, w.Provider()); len(list) > 0 {
			t.Errorf("got %+v, want nothing in an empty project", list)
		}
	})
}

func TestWhatIsWrongShowsInTheList(t *testing.T) {
	post := func(w *world, name, verb string) { w.ask(w.owner, "POST", iamAPI+"/v1/"+name+":"+verb, dict{}, nil) }
	drop := func(w *world, name string) { w.ask(w.owner, "DELETE", iamAPI+"/v1/"+name, nil, nil) }
	describe := func(w *world, n names, description string) {
		w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.accountName, dict{"serviceAccount": dict{"description": description}, "updateMask": "description"}, nil)
	}
	pool := func(n names) string {
		return "projects/" + SandboxProject + "/locations/global/workloadIdentityPools/" + poolID(n.grant)
	}
	for _, c := range []struct {
		name  string
		grant core.Grant
		do    func(w *world, n names)
		kind  core.FindingKind
		grave bool
		text  string
	}{
		{"a revoked key", eventDump(), func(w *world, n names) {
			describe(w, n, description(eventDump())+shutMark)
			post(w, n.accountName, "disable")
		}, core.ShutOut, false, "was revoked"},
		{"a revocation that stopped", eventDump(), func(w *world, n names) { describe(w, n, description(eventDump())+shutMark) }, core.Differs, true, "half-way"},
		{"a disabled account", eventDump(), func(w *world, n names) { post(w, n.accountName, "disable") }, core.ShutOut, false, "no key and no token"},
		{"a disabled role", toVendor(), func(w *world, n names) {
			w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.roleName+"?updateMask=stage,description", dict{"stage": stageDisabled, "description": roleDescription(toVendor()) + shutMark}, nil)
		}, core.ShutOut, false, "was revoked"},
		{"a disabled pool", workflow(), func(w *world, n names) {
			w.ask(w.owner, "PATCH", iamAPI+"/v1/"+pool(n)+"?updateMask=disabled", dict{"disabled": true}, nil)
		}, core.ShutOut, false, "nobody comes in"},
		{"a strange provider", workflow(), func(w *world, n names) {
			w.ask(w.owner, "POST", iamAPI+"/v1/"+pool(n)+"/providers?workloadIdentityPoolProviderId=strangers",
				dict{"attributeMapping": dict{"google.subject": "assertion.sub"}, "oidc": dict{"issuerUri": "https://issuer.example"}}, nil)
		}, core.WideTrust, true, "not ours: strangers"},
		{"a key in public", eventDump(), func(w *world, n names) { w.fake.Expose(w.Keys(compiled(w.t, eventDump()))[0]) }, core.Exposed, true, "EXPOSED"},
		{"a role without its account", eventDump(), func(w *world, n names) { drop(w, n.accountName) }, core.OrphanPrincipal, false, "whose service account is gone"},
		{"a binding of a deleted account", eventDump(), func(w *world, n names) { drop(w, n.accountName) }, core.OrphanPrincipal, false, "exists no more"},
		{"a role without its pool", workflow(), func(w *world, n names) { drop(w, pool(n)) }, core.OrphanPrincipal, false, "whose pool is gone"},
		{"an account without its role", eventDump(), func(w *world, n names) { drop(w, n.roleName) }, core.OrphanPrincipal, false, "service account is left"},
		{"a pool without its role", workflow(), func(w *world, n names) { drop(w, n.roleName) }, core.OrphanPrincipal, false, "pool is left"},
		{"a role that is bound nowhere", eventDump(), func(w *world, n names) {
			w.editPolicy(n.bucket, func([]bindingDocument) []bindingDocument { return nil })
		}, core.MissingPermission, false, "bound on no bucket"},
		{"a role that is bound twice", eventDump(), func(w *world, n names) { w.bind(n, n.roleName, n.member()) }, core.ExtraPermission, true, "as well"},
		{"a condition that is wider", eventDump(), func(w *world, n names) {
			w.editPolicy(n.bucket, func([]bindingDocument) []bindingDocument {
				return []bindingDocument{{Role: n.roleName, Members: []string{n.member()}, Condition: &conditionDocument{Title: "x", Expression: condition(eventDump()) + " || true"}}}
			})
		}, core.Differs, true, "condition that no grant has"},
		{"a key of another kind", clickhouse(), func(w *world, n names) {
			w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+"/keys", dict{}, nil)
		}, core.ForeignKey, true, "who has made it"},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.apply(c.grant)
			c.do(w, namesOf(c.grant, SandboxProject))
			list := find(t, w.Provider())
			if len(list) != 1 || !slices.ContainsFunc(list[0].Findings, func(f core.Finding) bool {
				return f.Kind == c.kind && f.Grave == c.grave && f.Addr != "" && strings.Contains(f.Text, c.text)
			}) {
				t.Errorf("%s: got %+v, want %s (grave %v) with %q", c.name, list, c.kind, c.grave, c.text)
			}
		})
	}
}

func TestCopiedMarksAreNoGrants(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts",
			dict{"accountId": "stranger", "serviceAccount": dict{"description": description(eventDump())}}, nil)
		w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/roles",
			dict{"roleId": "bucketgrant_other", "role": dict{"title": "x", "stage": "GA", "description": roleDescription(eventDump()), "includedPermissions": []string{"storage.objects.get"}}}, nil)
		if list := find(t, w.Provider()); len(list) > 0 {
			t.Errorf("got %+v, want none: a mark counts under the name that its grant has", list)
		}
	})
}

// Google hands out at most 100 service accounts at once, and the keys of one
// account a call. Eight are asked for at once, as its quota of 6000 reads a
// minute allows: https://cloud.google.com/iam/quotas
func TestHundredGrantsAreFoundInFewRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many, latency, depth = 100, 100 * time.Millisecond, 17
		w := newWorldOf(t, fakegcp.Options{ServiceAccounts: 2 * many})
		for i := range many {
			w.apply(siteBackup(fmt.Sprintf("site-%03d.example", i)))
		}
		w.transport.Reset()
		w.transport.Latency = latency
		start := time.Now()
		list := find(t, w.Provider())
		took, calls := time.Since(start), w.transport.Calls()
		pages := 0
		for _, c := range calls {
			if c.Op.Name == "iam.projects.serviceAccounts.list" {
				pages++
			}
		}
		if len(list) != many || pages != 2 || took != depth*latency || len(calls) > 2*many+10 {
			t.Errorf("got %d grants with %d calls, %d pages of accounts, in %s; want %d, in %d round trips one after the other", len(list), len(calls), pages, took, many, depth)
		}
		for _, f := range list {
			if len(f.Keys) != 1 || f.Bucket != "acme-sites" || !strings.HasPrefix(f.Prefix, "site-") || len(f.Findings) > 0 {
				t.Errorf("got %+v, want its key and its folder", f)
			}
		}
	})
}
