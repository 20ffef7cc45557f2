// Promises about others who may act as our service account.
package gcs

import (
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestOthersWhoMayActAsOurAccountAreRefusedByName(t *testing.T) {
	stranger := "user:mallory@example.com"
	for name, g := range map[string]core.Grant{"AWS": fromAWS(impersonate, "true")} {
		for _, c := range []struct {
			role, member string
			refused      bool
		}{
			{workloadUser, stranger, true},
			{workloadUser, "allUsers", true},
			{"roles/iam.serviceAccountTokenCreator", stranger, true},
			{"roles/iam.serviceAccountTokenCreator", "allAuthenticatedUsers", true},
			{"roles/iam.serviceAccountUser", stranger, true},
			{"roles/iam.serviceAccountKeyAdmin", stranger, true},
		} {
			inWorld(t, func(t *testing.T, w *world) {
				w.apply(g)
				address := iamAPI + "/v1/" + namesOf(g, SandboxProject).accountName
				var p dict
				w.ask(w.owner, "POST", address+":getIamPolicy?options.requestedPolicyVersion=3", nil, &p)
				bindings, _ := p["bindings"].([]any)
				p["bindings"] = append(bindings, dict{"role": c.role, "members": []string{c.member}})
				w.ask(w.owner, "POST", address+":setIamPolicy", dict{"policy": p}, nil)
				plan, err := w.engine().Plan(t.Context(), g, core.Present)
				if err != nil {
					t.Fatal(err)
				}
				said := refusals(plan)
				if got := strings.Contains(said, c.member) && strings.Contains(said, "remove-iam-policy-binding"); got != c.refused || !c.refused && said != "" {
					t.Errorf("%s, %s for %s: got %q, want it refused %t", name, c.role, c.member, said, c.refused)
				}
				if _, _, err := w.reach(g, core.Absent); err != nil {
					t.Errorf("%s, %s for %s: got %v, want the grant ended all the same", name, c.role, c.member, err)
				}
			})
		}
	}
}
