// Where nobody can be the grantee, the policies in force are read.
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

// simulated proves g without anybody who could be its grantee.
func (w *world) simulated(g core.Grant) (core.Proof, error) {
	w.t.Helper()
	e := &core.Engine{Provider: New(Config{Transport: w.transport, Credentials: w.fake.Operator()}), RunID: "run", Patience: time.Second}
	b := compiled(w.t, g)
	steps, err := e.Provider.Open(w.t.Context(), b)
	if err != nil {
		w.t.Fatal(err)
	}
	return e.Prove(w.t.Context(), b, steps, core.Credential{})
}

func inPrefix(g core.Grant, prefix string) core.Grant {
	g.Target.Prefix = prefix
	return g
}

func TestGuestsAreSimulatedByThePoliciesInForce(t *testing.T) {
	expiring := fromAWS()
	expiring.Limits.Expires = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	grants := keylessGrants()
	grants["in a folder"] = inPrefix(workflow(), "db/")
	grants["until a day"] = expiring
	for name, g := range grants {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.apply(g)
				proof, err := w.simulated(g)
				if err != nil || proof.How != core.Simulated || len(proof.Missing) == 0 {
					t.Errorf("got %v, %s, missing %q; want it simulated, and the forgeries named as not tried; failures %+v", err, proof.How, proof.Missing, proof.Failures())
				}
			})
		})
	}
}

func TestReadingConvictsWhatIsTooWide(t *testing.T) {
	for name, g := range map[string]core.Grant{"workflow": workflow(), "AWS": fromAWS(), "in a folder": inPrefix(workflow(), "db/")} {
		for _, excess := range []string{project, string(core.Delete), string(core.Inspect), string(core.Identify), wholeBucket} {
			if excess == wholeBucket && g.Target.Prefix == "" || excess == project && g.Target.Prefix == "" {
				continue // it is what the grant says
			}
			t.Run(name+" with "+excess, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.apply(g)
					b := compiled(t, g)
					w.Plant(providertest.OtherBucket, b)
					w.Tamper(b, "", excess)
					proof, err := w.simulated(g)
					if !errors.Is(err, core.ErrUnproven) || len(proof.Failures()) == 0 {
						t.Errorf("got %v, want it convicted", err)
					}
				})
			})
		}
	}
}

// bindInFolder makes a managed folder, in whose policy the grantee of g has a role.
func (w *world) bindInFolder(g core.Grant, folder, role string) {
	w.t.Helper()
	n := namesOf(g, SandboxProject)
	w.ask(w.owner, "POST", storageAPI+bucketPath(n.bucket)+"/managedFolders", dict{"name": folder}, nil)
	w.ask(w.owner, "PUT", storageAPI+managedFolderPath(n.bucket, folder)+"/iam", dict{"version": 3, "bindings": []dict{{"role": role, "members": []string{w.bound(compiled(w.t, g))}}}}, nil)
}

func TestManagedFoldersOfOthersAreRead(t *testing.T) {
	strictlyIn := func(g core.Grant, prefix string) core.Grant { return strict(inPrefix(g, prefix)) }
	for name, g := range map[string]core.Grant{
		"in a folder": inPrefix(workflow(), "db/"), "no list": strictlyIn(fromAWS(), "events/"), "AWS": fromAWS(), "as an account": fromAWS(impersonate, "true"),
		"a vendor": toVendor(),
	} {
		sibling := ""
		for _, p := range core.ProbesFor(compiled(t, g), New(Config{}).Info().Abilities, "run", "") {
			if p.Where == core.Sibling && p.Ability == core.Read {
				sibling = p.Key[:strings.Index(p.Key, "/")+1]
			}
		}
		for _, folder := range []string{sibling, sibling + ".bucketgrant-probe/"} {
			t.Run(name+" "+folder, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.apply(g)
					if proof, err := w.simulated(g); err != nil {
						t.Fatalf("got %v, failures %+v, want it sound at first", err, proof.Failures())
					}
					w.bindInFolder(g, folder, "roles/storage.objectAdmin")
					proof, err := w.simulated(g)
					convicted := slices.ContainsFunc(proof.Failures(), func(r core.Row) bool { return r.Where == core.Sibling && r.Got == core.Allowed })
					if !errors.Is(err, core.ErrUnproven) || !convicted {
						t.Errorf("got %v with failures %+v, want the folder beside the grant's convicted", err, proof.Failures())
					}
				})
			})
		}
	}
}

func TestManagedFoldersThatMayNotBeReadAreUnclear(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := inPrefix(workflow(), "db/")
		w.apply(g)
		b := compiled(t, g)
		w.bindInFolder(g, "db2/", "roles/storage.objectAdmin")
		var may []string
		for _, p := range b.Operator {
			if p.Action != "storage.managedFolders.getIamPolicy" {
				may = append(may, p.Action)
			}
		}
		key := w.fake.AddOperator(SandboxProject, "half-blind", may...)
		e := &core.Engine{Provider: New(Config{Transport: w.transport, Credentials: key}), RunID: "run", Patience: time.Second}
		steps, err := e.Provider.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := e.Prove(t.Context(), b, steps, core.Credential{})
		for _, r := range proof.Rows {
			if r.Where == core.Sibling && r.Got == core.Denied {
				t.Errorf("got %+v, want nothing said about folders that may not be read", r)
			}
		}
		if err == nil {
			t.Error("got a sound proof, want it left open")
		}
	})
}

func TestConditionsOfOthersAreNotGuessed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := workflow()
		w.apply(g)
		n := namesOf(g, SandboxProject)
		w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
			return append(p, bindingDocument{Role: "roles/storage.objectAdmin", Members: []string{w.bound(compiled(t, g))},
				Condition: &conditionDocument{Title: "sometimes", Expression: `request.time.getHours("UTC") < 6`}})
		})
		proof, err := w.simulated(g)
		unclear := 0
		for _, row := range proof.Failures() {
			if row.Got == core.Unclear {
				unclear++
			}
		}
		if !errors.Is(err, core.ErrUnproven) || unclear == 0 {
			t.Errorf("got %v with %d unclear rows, want it left open", err, unclear)
		}
	})
}
