// Find: every grant of a project, by its marks, with few calls one after another.
package gcs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

func findBy(p core.Provider) ([]core.Found, error) {
	return findIn(p, SandboxProject)
}

func findIn(p core.Provider, project string) ([]core.Found, error) {
	_, list, err := p.(core.Finder).Find(context.Background(), map[string]string{projectSetting: project})
	return list, err
}

func (w *world) found() []core.Found {
	w.t.Helper()
	list, err := findBy(w.Provider())
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestEveryGrantOfAProjectIsFoundByAnOperatorWhoMayDoExactlyThat(t *testing.T) {
	for name, g := range joined(ownGrants(), keylessGrants()) {
		g.Limits.Expires = time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC)
		inWorld(t, func(t *testing.T, w *world) {
			_, c := w.apply(g)
			before := len(w.transport.Calls())
			b := compiled(t, g)
			as := w.operatorWith(New(Config{}).OperatorPolicy(b, needsFor(b, verbs()[core.ForList])), "")
			list, err := findBy(as)
			if err != nil || len(list) != 1 {
				t.Fatalf("%s: got %+v (%v), want the one grant", name, list, err)
			}
			f := list[0]
			if f.Grant != g.Name || f.Profile != g.Profile || f.Who != g.Who || f.Bucket != g.Target.Bucket || f.Prefix != g.Target.Prefix ||
				!strings.EqualFold(f.Region, g.Target.Region) || f.Principal == "" || !f.Expires.Equal(g.Limits.Expires) || f.Created.IsZero() != g.Target.Shared || len(f.Findings) > 0 {
				t.Errorf("%s: got %+v, want what it was made as", name, f)
			}
			if !c.Secret.Empty() && (len(f.Keys) != 1 || f.Keys[0].ID != c.ID || !f.Keys[0].Active) {
				t.Errorf("%s: got keys %+v, want %s", name, f.Keys, c.ID)
			}
			for _, c := range w.transport.Calls()[before:] {
				if c.Op.Write {
					t.Errorf("%s: a list only reads: got %s", name, c.Op.Name)
				}
			}
		})
	}
}

func TestEveryPermissionToListIsNeeded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, g := range []core.Grant{ownGrants()["site-backup"], workflow()} { // on a managed folder, and by a pool
			w.apply(g)
		}
		b := compiled(t, workflow())
		docs := New(Config{}).OperatorPolicy(b, needsFor(b, verbs()[core.ForList]))
		if list, err := findBy(w.operatorWith(docs, "")); err != nil || len(list) == 0 {
			t.Fatalf("got %+v (%v), want all grants", list, err)
		}
		for _, d := range docs {
			for _, p := range parsed[operatorRole](d.Body).Permissions {
				if list, err := findBy(w.operatorWith(docs, p)); err == nil {
					t.Errorf("without %s: got %d grants, want a refusal", p, len(list))
				}
			}
		}
	})
}

func TestAdoptedBucketsAreFoundWithoutAnyLabel(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		g.Target.Adopt = true
		w.makeBucket(w.owner, SandboxProject, g.Target.Bucket, "EU")
		w.apply(g)
		if list := w.found(); len(list) != 1 || list[0].Bucket != g.Target.Bucket || list[0].Prefix != g.Target.Prefix || len(list[0].Findings) > 0 {
			t.Errorf("got %+v, want its bucket", list)
		}
	})
}

func TestWhatIsAmissShowsInTheList(t *testing.T) {
	for _, row := range []struct {
		name  string
		grant core.Grant
		do    func(w *world, n names)
		kind  core.FindingKind
		text  string
	}{
		{"an account disabled by hand", eventDump(), func(w *world, n names) { w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+":disable", nil, nil) }, core.ShutOut, "not by a revocation"},
		{"an account shut by us", eventDump(), func(w *world, n names) {
			w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.accountName, dict{"updateMask": "description", "serviceAccount": dict{"description": description(eventDump()) + shutMark}}, nil)
			w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+":disable", nil, nil)
		}, core.ShutOut, "the access was revoked"},
		{"no account", eventDump(), func(w *world, n names) { w.ask(w.owner, "DELETE", iamAPI+"/v1/"+n.accountName, nil, nil) }, core.OrphanPrincipal, "whose service account is gone"},
		{"no role", eventDump(), func(w *world, n names) { w.ask(w.owner, "DELETE", iamAPI+"/v1/"+n.roleName, nil, nil) }, core.OrphanPrincipal, "whose role is gone"},
		{"no binding", eventDump(), func(w *world, n names) {
			w.editPolicy(n.bucket, func([]bindingDocument) []bindingDocument { return nil })
		}, core.MissingPermission, "bound on no bucket"},
		{"a vendor's role disabled", toVendor(), func(w *world, n names) {
			w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.roleName+"?updateMask=stage", dict{"stage": "DISABLED"}, nil)
		}, core.ShutOut, "not by a revocation"},
		{"no pool", workflow(), func(w *world, n names) {
			w.ask(w.owner, "DELETE", iamAPI+"/v1/projects/"+SandboxProject+"/locations/global/workloadIdentityPools/"+poolID(n.grant), nil, nil)
		}, core.OrphanPrincipal, "whose pool is gone"},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.apply(row.grant)
			row.do(w, namesOf(row.grant, SandboxProject))
			list := w.found()
			if len(list) != 1 || !slices.ContainsFunc(list[0].Findings, func(f core.Finding) bool { return f.Kind == row.kind && strings.Contains(f.Text, row.text) }) {
				t.Errorf("%s: got %+v, want %s: %s", row.name, list, row.kind, row.text)
			}
		})
	}
}

func TestWhatOnlyLooksLikeOursIsNotListed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, text := range []string{"", "managed-by=bucketgrant", mark("another"), mark("A\x1b[2J"), "x " + mark("stranger")} {
			w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts", dict{"accountId": fmt.Sprintf("stranger-%d", len(text)), "serviceAccount": dict{"description": text}}, nil)
		}
		if list := w.found(); len(list) > 0 {
			t.Errorf("got %+v, want nothing: neither name nor mark alone makes a grant", list)
		}
	})
}

// IAM hands out at most 100 service accounts at once.
func TestManyGrantsAreFoundPageByPageWithFewCallsOneAfterAnother(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const many, perCall = 120, 100 * time.Millisecond
		w.fake = fakegcp.New(fakegcp.Options{ServiceAccounts: many + 1})
		w.transport.Handler, w.owner = w.fake, w.hands(w.fake.Operator())
		for n := range many {
			g := core.Grant{Name: fmt.Sprintf("site-%03d", n), Profile: "site-backup", Who: core.WhoKey}
			w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts", dict{"accountId": accountID(g.Name), "serviceAccount": dict{"description": description(g)}}, nil)
		}
		before := len(w.transport.Calls())
		w.transport.Latency = perCall
		began := time.Now()
		list := w.found()
		took, calls := time.Since(began), len(w.transport.Calls())-before
		if len(list) != many || list[0].Grant != "site-000" || list[many-1].Grant != "site-119" || calls > many+8 || took > (many/looksAtOnce+5)*perCall {
			t.Errorf("got %d grants with %d calls in %s, want %d with a call for each one's keys, %d side by side", len(list), calls, took, many, looksAtOnce)
		}
	})
}
