// Preflight: what would stop a plan is named before the first write, and what cannot be known is said to be unknown.
package gcs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// checks are what a preflight of g finds, as the operator of p.
func (w *world) checks(p core.Provider, g core.Grant) []core.Check {
	w.t.Helper()
	b := compiled(w.t, g)
	steps, err := p.Open(w.t.Context(), b)
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := steps.Preflight.Check(w.t.Context(), needsFor(b, verbs()[core.ForApply]))
	if err != nil {
		w.t.Fatalf("a preflight finds out what it can: got %v", err)
	}
	return list
}

// about are the checks of one kind whose thing holds a word.
func about(list []core.Check, kind, word string) []core.Check {
	return slices.DeleteFunc(slices.Clone(list), func(c core.Check) bool { return c.Kind != kind || !strings.Contains(c.What, word) })
}

func TestPreflightOfASoundProjectFindsNothingInTheWay(t *testing.T) {
	for name, g := range joined(ownGrants(), keylessGrants()) {
		inWorld(t, func(t *testing.T, w *world) {
			before := len(w.transport.Calls())
			b := compiled(t, g)
			list := w.checks(w.operatorWith(New(Config{}).OperatorPolicy(b, needsFor(b, []string{core.ForPlan, core.ForApply, core.ForRepair, core.ForPreflight})), ""), g)
			kinds := map[string]bool{}
			for _, c := range list {
				kinds[c.Kind] = true
				if c.Outcome != core.Allowed {
					t.Errorf("%s: got %+v, want nothing in the way", name, c)
				}
			}
			for _, kind := range []string{permissionCheck, quotaCheck, organisationCheck, nameCheck, apiCheck} {
				if !kinds[kind] {
					t.Errorf("%s: got no check of kind %s", name, kind)
				}
			}
			for _, c := range w.transport.Calls()[before:] {
				if c.Op.Write {
					t.Errorf("%s: a preflight only reads: got %s", name, c.Op.Name)
				}
			}
		})
	}
}

func TestPreflightNamesEachMissingPermission(t *testing.T) {
	for _, there := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			g := strict(eventDump())
			if there {
				w.apply(g)
			}
			needs := needsFor(compiled(t, g), []string{core.ForPlan, core.ForApply, core.ForRepair, core.ForPreflight})
			for i, missing := range needs {
				list := w.checks(w.ProviderAs(slices.Delete(slices.Clone(needs), i, i+1)), g)
				for _, c := range about(list, permissionCheck, "") {
					isIt := strings.HasPrefix(c.What, missing.Action+" ") // one action may be needed in two places
					if (c.Outcome == core.Denied) != isIt || isIt && (c.Why == "" || !strings.Contains(c.Fix, missing.Action)) {
						t.Errorf("bucket there %v, without %s: got %+v", there, missing.Action, c)
					}
				}
			}
		})
	}
}

func TestPreflightSaysWhatItCannotKnow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		list := w.checks(w.ProviderAs(nil), eventDump())
		for _, kind := range []string{quotaCheck, organisationCheck, apiCheck, nameCheck} {
			for _, c := range about(list, kind, "") {
				if c.Outcome != core.Unclear || c.Why == "" {
					t.Errorf("an operator who may read nothing knows nothing: got %+v", c)
				}
			}
		}
		w.fake.DisableAPI(SandboxProject, "cloudresourcemanager.googleapis.com")
		for _, c := range about(w.checks(w.Provider(), eventDump()), permissionCheck, "") {
			if c.Outcome != core.Unclear || !strings.Contains(c.Why, "switched off") || c.Fix == "" {
				t.Errorf("what cannot be tested is unclear, with the reason and what mends it: got %+v", c)
			}
		}
	})
}

func TestPreflightNamesAPIsThatAreSwitchedOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fake.DisableAPI(SandboxProject, "sts.googleapis.com")
		w.fake.DisableAPI(SandboxProject, "iamcredentials.googleapis.com")
		for g, want := range map[string]int{"postgres-backup": 1, "event-dump aws-role as": 2, "event-dump account": 0} {
			n := 0
			for _, c := range about(w.checks(w.Provider(), keylessGrants()[g]), apiCheck, "") {
				if c.Outcome == core.Denied {
					n++
					if c.Fix != "gcloud services enable "+c.What+" --project "+SandboxProject {
						t.Errorf("%s: got %+v, want the command that enables it", g, c)
					}
				}
			}
			if n != want {
				t.Errorf("%s: got %d APIs that are missing, want %d", g, n, want)
			}
		}
	})
}

func TestPreflightNamesTheOrganisationsPolicyAndTheWaysWithoutAKey(t *testing.T) {
	for _, c := range []struct {
		constraint string
		grant      core.Grant
		want       core.Outcome
		fix        string
	}{
		{"iam.disableServiceAccountKeyCreation", eventDump(), core.Denied, "workload identity federation"},
		{"iam.managed.disableServiceAccountKeyCreation", eventDump(), core.Denied, "upload the certificate"},
		{"iam.managed.disableServiceAccountKeyCreation", clickhouse(), core.Denied, "workload identity federation"},
		{"iam.disableServiceAccountKeyCreation", toVendor(), "", ""},
		{"iam.disableServiceAccountKeyUpload", withCertificate(goodCertificate()), core.Denied, "vendor's own service account"},
		{"iam.managed.disableServiceAccountCreation", eventDump(), core.Denied, "--who account"},
		{"storage.restrictAuthTypes", clickhouse(), core.Denied, "--who key"},
		{"iam.workloadIdentityPoolProviders", workflow(), core.Denied, "issuer"},
		{"iam.workloadIdentityPoolProviders=https://token.actions.githubusercontent.com", workflow(), core.Allowed, ""},
		{"iam.workloadIdentityPoolProviders=https://issuer.example", workflow(), core.Denied, "issuer"},
		{"iam.workloadIdentityPoolAwsAccounts=999999999999", fromAWS(), core.Denied, "account"},
		{"iam.allowedPolicyMemberDomains=C0abcdefg", toVendor(), core.Unclear, "organisation"},
		{"gcp.resourceLocations=us-east1", eventDump(), core.Denied, "--location"},
		{"gcp.resourceLocations=eu", eventDump(), core.Allowed, ""},
		{"gcp.resourceLocations=in:eu-locations", eventDump(), core.Unclear, "--location"},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.fake.SetConstraints("constraints/" + c.constraint)
			name, _, _ := strings.Cut(c.constraint, "=")
			var got core.Check
			for _, one := range about(w.checks(w.Provider(), c.grant), organisationCheck, "") {
				if one.What == "constraints/"+name {
					got = one
				} else if one.Outcome != core.Allowed {
					t.Errorf("%s for %s: got %+v as well", c.constraint, c.grant.Who, one)
				}
			}
			if got.Outcome != c.want || !strings.Contains(got.Fix, c.fix) {
				t.Errorf("%s for %s: got %+v, want %q with %q", c.constraint, c.grant.Who, got, c.want, c.fix)
			}
		})
	}
}

func TestPreflightSeesWhatDeletedThingsStillHold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, g := range []core.Grant{eventDump(), workflow()} {
			w.apply(g)
			if _, _, err := w.reach(g, core.Absent); err != nil {
				t.Fatal(err)
			}
			list := about(w.checks(w.Provider(), g), deletedCheck, "")
			if want := map[core.Who]int{core.WhoKey: 1, core.WhoOIDC: 3}[g.Who]; len(list) != want {
				t.Errorf("%s: got %+v, want %d deleted things", g.Who, list, want)
			}
			for _, c := range list {
				if c.Outcome != core.Allowed || !strings.Contains(c.Why, "undeleted") {
					t.Errorf("what was ours is undeleted: got %+v", c)
				}
			}
		}
		g := eventDump()
		g.Name = "other"
		n := namesOf(g, SandboxProject)
		w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/roles", dict{"roleId": n.roleID, "role": dict{"title": "by hand", "stage": "GA"}}, nil)
		w.ask(w.owner, "DELETE", iamAPI+"/v1/"+n.roleName, nil, nil)
		list := about(w.checks(w.Provider(), g), deletedCheck, n.roleAddr())
		if len(list) != 1 || list[0].Outcome != core.Denied || !strings.Contains(list[0].Why, "37 days") {
			t.Errorf("what was a stranger's keeps its ID: got %+v", list)
		}
	})
}

func TestPreflightCountsWhatTheProjectHolds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 99 { // beside the operator's
			w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts", dict{"accountId": fmt.Sprintf("account-%02d", i)}, nil)
		}
		list := about(w.checks(w.Provider(), eventDump()), quotaCheck, "service accounts")
		if len(list) != 1 || list[0].Outcome != core.Unclear || !strings.HasPrefix(list[0].What, "service accounts: 100 of 100, unless") || list[0].Fix == "" {
			t.Errorf("a full project is named, as far as its quota is known: got %+v", list)
		}
		if list := about(w.checks(w.Provider(), toVendor()), quotaCheck, "service accounts"); len(list) != 0 {
			t.Errorf("a grant that makes no account needs no room for one: got %+v", list)
		}
	})
}

func TestPreflightSeesAccountsWithoutRoomForAKey(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.apply(eventDump())
		for range 9 {
			w.ask(w.owner, "POST", iamAPI+"/v1/"+namesOf(eventDump(), SandboxProject).accountName+"/keys", dict{}, nil)
		}
		list := about(w.checks(w.Provider(), eventDump()), quotaCheck, "keys")
		if len(list) != 1 || list[0].Outcome != core.Denied || !strings.Contains(list[0].What, "10 of 10") || !strings.Contains(list[0].Fix, "keys list") {
			t.Errorf("an account that holds ten keys has no room: got %+v", list)
		}
	})
}

func TestPreflightTellsNamesThatAreTaken(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		name := func(g core.Grant) core.Check { return about(w.checks(w.Provider(), g), nameCheck, "")[0] }
		if c := name(eventDump()); c.Outcome != core.Allowed || c.Why != "is free" {
			t.Errorf("got %+v, want a name that is free", c)
		}
		adopted := eventDump()
		adopted.Target.Adopt = true
		if c := name(adopted); c.Outcome != core.Denied || c.Fix == "" {
			t.Errorf("got %+v, want nothing that could be adopted", c)
		}
		w.makeBucket(w.owner, SandboxProject, "acme-events", "EU")
		if c := name(eventDump()); c.Outcome != core.Denied || c.Fix != "--adopt" {
			t.Errorf("got %+v, want a bucket of the project's own", c)
		}
		w.makeBucket(w.hands(w.fake.AddProject("stranger-project", "210987654321")), "stranger-project", "acme-tables", "EU")
		if c := name(clickhouse()); c.Outcome != core.Denied || !strings.Contains(c.Why, "another project") {
			t.Errorf("got %+v, want a stranger's bucket", c)
		}
	})
}
