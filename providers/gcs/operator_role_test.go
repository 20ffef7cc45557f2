// The operator's roles: made in the cloud as they are printed, they are enough, and nothing of them is superfluous.
package gcs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// verbs are all runs that a permission can be for, with what each takes beside itself.
func verbs() map[string][]string {
	return map[string][]string{
		core.ForPlan:      {core.ForPlan},
		core.ForApply:     {core.ForPlan, core.ForApply, core.ForRepair},
		core.ForProve:     {core.ForPlan, core.ForProve},
		core.ForDestroy:   {core.ForPlan, core.ForDestroy},
		core.ForRotate:    {core.ForPlan, core.ForProve, core.ForRotate},
		core.ForRevoke:    {core.ForRevoke},
		core.ForStatus:    {core.ForPlan, core.ForStatus},
		core.ForList:      {core.ForList},
		core.ForPreflight: {core.ForPlan, core.ForPreflight},
	}
}

func needsFor(b core.Blueprint, runs []string) []core.Permission {
	return slices.DeleteFunc(slices.Clone(b.Operator), func(p core.Permission) bool {
		return !slices.ContainsFunc(p.Verbs, func(v string) bool { return slices.Contains(runs, v) })
	})
}

// everyGrant is every profile's golden and every identity's.
func everyGrant() map[string]core.Grant { return joined(goldens(), ownGrants(), keylessGrants()) }

func TestOperatorRolesHoldExactlyWhatIsNeededAndCanBeMade(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		seen := map[core.Who]bool{}
		made := map[string]bool{}
		for name, g := range everyGrant() {
			seen[g.Who] = true
			b := compiled(t, g)
			for verb, runs := range verbs() {
				needs := needsFor(b, runs)
				var held []string
				for _, d := range New(Config{}).OperatorPolicy(b, needs) {
					r := parsed[operatorRole](d.Body)
					if r.Stage != stageGA || r.Title == "" || !slices.IsSorted(r.Permissions) || !strings.Contains(d.Why, "gcloud iam roles create") {
						t.Errorf("%s, %s: a role is complete, in order, and says where it is bound: got %s (%s)", name, verb, d.Body, d.Why)
					}
					held = append(held, r.Permissions...)
					if text := string(d.Body); !made[text] {
						made[text] = true
						w.makeRole(r.Permissions)
					}
				}
				for _, n := range needs {
					if !slices.Contains(held, spelledForRole(n.Action)) || !lookup(n.Action).Known {
						t.Errorf("%s, %s: got no %s in the roles, which is needed and exists", name, verb, n.Action)
					}
				}
				for _, p := range held {
					if !slices.ContainsFunc(needs, func(n core.Permission) bool { return spelledForRole(n.Action) == p }) {
						t.Errorf("%s, %s: got %s, which nobody needs", name, verb, p)
					}
				}
			}
		}
		for _, i := range identities() {
			if !seen[i.Who] {
				t.Errorf("no grant to %s was tried", i.Who)
			}
		}
	})
}

// makeRole makes a custom role of the project, which must be accepted, and returns its name.
func (w *world) makeRole(permissions []string) string {
	w.t.Helper()
	w.operators++
	id := fmt.Sprintf("operator_%d", w.operators)
	w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/roles", dict{"roleId": id, "role": dict{"title": id, "stage": "GA", "includedPermissions": permissions}}, nil)
	name := "projects/" + SandboxProject + "/roles/" + id
	w.ask(w.owner, "DELETE", iamAPI+"/v1/"+name, nil, nil) // so that none of them counts or shows
	return name
}

// operatorWith is an operator who holds exactly what the documents say.
func (w *world) operatorWith(docs []core.Document, but string) core.Provider {
	var p []core.Permission
	for _, d := range docs {
		for _, action := range parsed[operatorRole](d.Body).Permissions {
			if action != but {
				p = append(p, core.Permission{Action: strings.Replace(action, "iam.googleapis.com/", "iam.", 1)})
			}
		}
	}
	return w.ProviderAs(p)
}

func TestOperatorWithExactlyTheRolesForAPlanCanPlanAndWithoutOneOfThemCannot(t *testing.T) {
	for name, g := range joined(ownGrants(), keylessGrants()) {
		inWorld(t, func(t *testing.T, w *world) {
			b := compiled(t, g)
			docs := New(Config{}).OperatorPolicy(b, needsFor(b, verbs()[core.ForPlan]))
			w.apply(g)
			plan := func(but string) error {
				p, err := (&core.Engine{Provider: w.operatorWith(docs, but), Journal: &memory{}, RunID: "run"}).Plan(t.Context(), g, core.Present)
				if err == nil && len(p.Refused()) > 0 {
					err = errors.New(refusals(p))
				}
				return err
			}
			if err := plan(""); err != nil {
				t.Errorf("%s: an operator with the roles can plan: got %v", name, err)
			}
			for _, d := range docs {
				for _, one := range parsed[operatorRole](d.Body).Permissions {
					if plan(one) == nil {
						t.Errorf("%s: got a plan without %s", name, one)
					}
				}
			}
		})
	}
}

func TestWhatNoRoleOfAProjectHoldsIsNamedApart(t *testing.T) {
	needs := []core.Permission{{Action: "resourcemanager.projects.list", Resource: "organizations/1"}, {Action: "storage.buckets.list", Resource: "projects/acme-project"}}
	docs := New(Config{}).OperatorPolicy(compiled(t, eventDump()), needs)
	if len(docs) != 2 || docs[1].Name != "operator-apart" || !strings.Contains(string(docs[1].Body), "resourcemanager.projects.list") || strings.Contains(string(docs[0].Body), "resourcemanager") {
		t.Errorf("a permission that no role of a project can hold is named apart: got %+v", docs)
	}
}
