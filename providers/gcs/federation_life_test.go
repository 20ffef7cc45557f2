// Grantees without a secret, from the first apply to the last destroy.
package gcs

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// workflow is the grant of postgres-backup, in the whole bucket.
func workflow(settings ...string) core.Grant {
	g := core.Grant{
		Name: "postgres-backup-acme-dumps", Profile: "postgres-backup", Who: core.WhoOIDC,
		Target: core.Target{Bucket: "acme-dumps", Region: "EU"},
		Can:    []core.Ability{core.Create, core.Abort, core.List, core.Read},
		Settings: map[string]string{"project": "acme-project", "repository": "acme/shop", "repository-id": "456789012", "repository-owner-id": "1234567",
			"branch": "main"},
	}
	return with(g, settings...)
}

// with is g with other settings; "" takes one away.
func with(g core.Grant, settings ...string) core.Grant {
	for i := 0; i < len(settings); i += 2 {
		g.Settings[settings[i]] = settings[i+1]
		if settings[i+1] == "" {
			delete(g.Settings, settings[i])
		}
	}
	return g
}

// documented is what the recipe of g's profile asks for.
func documented(g core.Grant) core.Grant {
	g.Literal = true
	g.Can = []core.Ability{core.Create, core.Overwrite, core.Abort, core.Read, core.List, core.Delete}
	return g
}

// fromAWS is the grant of event-dump to a vendor on AWS.
func fromAWS(settings ...string) core.Grant {
	g := strict(eventDump())
	g.Who, g.Name = WhoAWSRole, "event-dump-acme-events-aws"
	g.Target.Bucket = "acme-events-aws"
	g.Settings = map[string]string{"project": "acme-project", vendorAWSAccount: "422074288268", vendorAWSRole: "gcs-uploader", sessionSetting: "2WbXyZ3kQpLmN8rT"}
	return with(g, settings...)
}

// toVendor is the grant of event-dump to a vendor on Google Cloud.
func toVendor(settings ...string) core.Grant {
	g := strict(eventDump())
	g.Who, g.Name = core.WhoAccount, "event-dump-acme-events-vendor"
	g.Target.Bucket = "acme-events-vendor"
	g.Settings = map[string]string{"project": "acme-project", vendorSetting: "serviceAccount:uploader@vendor-project.iam.gserviceaccount.com"}
	return with(g, settings...)
}

// keylessGrants are the grants without a secret that the judge sees.
func keylessGrants() map[string]core.Grant {
	return map[string]core.Grant{
		"postgres-backup":         workflow(),
		"postgres-backup literal": documented(workflow()),
		"event-dump aws-role":     fromAWS(),
		"event-dump aws-role as":  fromAWS(impersonate, "true"),
		"event-dump account":      toVendor(),
	}
}

// proven applies g with a proof, which must succeed.
func (w *world) proven(g core.Grant) core.Receipt {
	w.t.Helper()
	e := w.engine()
	p, err := e.Plan(w.t.Context(), g, core.Present)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := e.Apply(w.t.Context(), p, core.ApplyOptions{})
	if err != nil {
		w.t.Fatalf("got %v, want a proven grant; rows that failed: %+v", err, r.Failures())
	}
	return r
}

func TestGranteesWithoutASecretAreProvenWithTheirForgeries(t *testing.T) {
	grants := keylessGrants()
	grants["environment"] = workflow("branch", "", "environment", "prod: eu (1.0)")
	grants["tag"] = workflow("branch", "", "tag", "v1")
	grants["pattern"] = workflow("branch", "release/*", "allow-wildcard-subject", "true")
	for name, g := range grants {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.Plant(providertest.OtherBucket, compiled(t, g))
				r := w.proven(g)
				if r.How != core.Tried || len(r.Missing) > 0 {
					t.Errorf("got a proof that is %s and misses %q, want one that is tried and complete", r.How, r.Missing)
				}
				doors := map[string]core.Outcome{}
				for _, row := range r.Rows {
					if row.Ability == core.Enter {
						doors[row.Key] = row.Got
					}
				}
				id, _ := New(Config{}).Info().Identity(g.Who)
				for _, f := range id.Forgeries {
					if doors[f.Name] != core.Denied {
						t.Errorf("%s: got %q, want it denied", f.Name, doors[f.Name])
					}
				}
				if doors[""] != core.Allowed {
					t.Errorf("the grantee itself: got %q, want it allowed", doors[""])
				}
			})
		})
	}
}

func TestSecondApplyOfAKeylessGrantChangesNothing(t *testing.T) {
	for name, g := range keylessGrants() {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.apply(g)
				p, err := w.engine().Plan(t.Context(), g, core.Present)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range p.Changes {
					if c.Action != core.Keep {
						t.Errorf("got %s %s (%s), want nothing but keeps", c.Action, c.Addr, c.Why)
					}
				}
			})
		})
	}
}

func TestDestroyedPoolsAreUndeletedByTheNextApply(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := workflow()
		w.apply(g)
		if _, _, err := w.reach(g, core.Absent); err != nil {
			t.Fatal(err)
		}
		if left := w.Ours(compiled(t, g)); !slices.Equal(left, []string{"bucket"}) {
			t.Errorf("got %v left after destroy, want the bucket only", left)
		}
		p, _ := w.apply(workflow("branch", "release"))
		f := federationOf(designOf(g, settings{project: SandboxProject}), githubProvider, providerDocument{})
		for _, addr := range []string{f.poolAddr(), f.providerAddr()} {
			if c := change(t, p, addr); c.Action != core.Make || !strings.Contains(c.Why, "undeleted") {
				t.Errorf("got %s %q, want it made by undeleting", c.Action, c.Why)
			}
		}
		w.proven(workflow("branch", "release")) // the condition is that of the new grant
	})
}

func TestStrangersPoolsAreRefused(t *testing.T) {
	g := workflow()
	f := federationOf(designOf(g, settings{project: SandboxProject}), githubProvider, providerDocument{})
	for _, deletedFirst := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			w.ask(w.owner, "POST", iamAPI+"/v1/projects/acme-project/locations/global/workloadIdentityPools?workloadIdentityPoolId="+f.poolID, dict{"description": "by hand"}, nil)
			if deletedFirst {
				w.ask(w.owner, "DELETE", iamAPI+"/v1/"+f.poolName("acme-project"), nil, nil)
			}
			p, err := w.engine().Plan(t.Context(), g, core.Present)
			if err != nil {
				t.Fatal(err)
			}
			if said := refusals(p); !strings.Contains(said, f.poolAddr()) || !strings.Contains(said, "--name OTHER") {
				t.Errorf("got %q, want the stranger's pool refused with a way out", said)
			}
		})
	}
}

func TestProvidersOfOthersInOurPoolAreRefusedAndKeepThePool(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := workflow()
		w.apply(g)
		f := federationOf(designOf(g, settings{project: SandboxProject}), githubProvider, providerDocument{})
		w.ask(w.owner, "POST", iamAPI+"/v1/"+f.poolName("acme-project")+"/providers?workloadIdentityPoolProviderId=backdoor",
			dict{"attributeMapping": dict{"google.subject": "assertion.sub", "attribute.repository_id": "'456789012'"}, "oidc": dict{"issuerUri": "https://example.com"}}, nil)
		p, err := w.engine().Plan(t.Context(), g, core.Present)
		if err != nil {
			t.Fatal(err)
		}
		if said := refusals(p); !strings.Contains(said, "backdoor") {
			t.Errorf("got %q, want the second provider named and refused", said)
		}
		if _, _, err := w.reach(g, core.Absent); err != nil {
			t.Fatal(err)
		}
		if left := w.Ours(compiled(t, g)); !slices.Contains(left, f.poolAddr()) {
			t.Errorf("got %v left, want the pool kept that others use", left)
		}
	})
}

func TestPoolIsNotDroppedOnceOthersLetIdentitiesInByIt(t *testing.T) {
	provider := dict{"attributeMapping": dict{"google.subject": "assertion.sub"}, "oidc": dict{"issuerUri": "https://example.com"}}
	for name, early := range map[string]bool{"before the plan": true, "after it": false} {
		for _, id := range []string{"of-others", githubProvider} {
			inWorld(t, func(t *testing.T, w *world) {
				g := workflow()
				w.apply(g)
				f := federationOf(designOf(g, settings{project: SandboxProject}), githubProvider, providerDocument{})
				plant := func() {
					if id == githubProvider { // what is there is not ours any more
						w.ask(w.owner, "PATCH", iamAPI+"/v1/"+f.providerName(SandboxProject)+"?updateMask=description", dict{"description": "by hand"}, nil)
						return
					}
					w.ask(w.owner, "POST", iamAPI+"/v1/"+f.poolName(SandboxProject)+"/providers?workloadIdentityPoolProviderId="+id, provider, nil)
				}
				if early {
					plant()
				}
				e := w.engine()
				p, err := e.Plan(t.Context(), g, core.Absent)
				if err != nil {
					t.Fatal(err)
				}
				if !early {
					plant()
				}
				_, err = e.Apply(t.Context(), p, core.ApplyOptions{})
				if errors.Is(err, core.ErrMoved) == early {
					t.Errorf("%s, %s: got %v", id, name, err)
				}
				var pool thing
				if !w.ask(w.owner, "GET", iamAPI+"/v1/"+f.poolName(SandboxProject), nil, &pool) || pool.State == deleted {
					t.Errorf("%s, %s: got the pool dropped, with a provider that is not ours", id, name)
				}
			})
		}
	}
}

func TestLaxConditionsAreConvictedAndPutBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := workflow()
		w.apply(g)
		f := federationOf(designOf(g, settings{project: SandboxProject}), githubProvider, providerDocument{})
		w.ask(w.owner, "PATCH", iamAPI+"/v1/"+f.providerName("acme-project")+"?updateMask=attributeCondition", dict{"attributeCondition": `assertion.repository_owner_id == "1234567"`}, nil)
		e := w.engine()
		b := compiled(t, g)
		steps, err := e.Provider.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := e.Prove(t.Context(), b, steps, core.Credential{})
		if !errors.Is(err, core.ErrUnproven) {
			t.Errorf("got %v, want the lax condition convicted", err)
		}
		var passed []string
		for _, row := range proof.Failures() {
			passed = append(passed, row.Key)
		}
		slices.Sort(passed)
		if want := []string{"other-branch", "other-repository", "pull-request"}; !slices.Equal(passed, want) {
			t.Errorf("got %q that passed, want %q", passed, want)
		}
		p, _ := w.apply(g)
		if c := change(t, p, f.providerAddr()); c.Action != core.Alter || !strings.Contains(c.After, "repository_id") {
			t.Errorf("got %s %q, want the condition put back", c.Action, c.After)
		}
		w.proven(g)
	})
}

func TestFiguresOfAKeylessGrant(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const latency = 100 * time.Millisecond
		w.transport.Latency = latency
		for _, c := range []struct {
			what         string
			calls, depth int
		}{{"first apply", 16, 8}, {"apply without a change", 7, 2}} {
			start := time.Now()
			e := w.engine()
			p, err := e.Plan(t.Context(), workflow(), core.Present)
			if err != nil {
				t.Fatal(err)
			}
			r, err := e.Apply(t.Context(), p, core.ApplyOptions{NoProof: true})
			if took := time.Since(start); err != nil || r.Calls != c.calls || r.Depth != c.depth || took != time.Duration(c.depth)*latency {
				t.Errorf("%s: got %d calls, depth %d, %s (%v); want %d, %d", c.what, r.Calls, r.Depth, took, err, c.calls, c.depth)
			}
		}
	})
}
