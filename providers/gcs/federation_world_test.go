// What the judge sees and does of grantees: whoever they are.
package gcs

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

var _ providertest.Loser = (*world)(nil)

// isOurs is whom the grant of b binds.
func (w *world) isOurs(b core.Blueprint) func(member string) bool {
	return granteeOf(b.Grant).open(&run{design: designOf(b.Grant, settings{project: SandboxProject})}).owns
}

// bound is the member that the grant of b binds.
func (w *world) bound(b core.Blueprint) string {
	r := &run{design: designOf(b.Grant, settings{project: SandboxProject}), cloud: w.owner}
	members, err := granteeOf(b.Grant).open(r).members(w.t.Context())
	if err != nil || len(members) == 0 {
		w.t.Fatalf("got members %v (%v), want one", members, err)
	}
	return members[0]
}

// federated is what lets the grantee of b in, if it is not of this cloud.
func (w *world) federated(b core.Blueprint) (federation, bool) {
	d := designOf(b.Grant, settings{project: SandboxProject})
	var f federation
	switch b.Grant.Who {
	case core.WhoOIDC:
		_, f, _ = workflowOf(d)
	case WhoAWSRole:
		_, f, _ = awsRoleOf(d)
	}
	return f, f.poolID != ""
}

// hasAccount reports whether the grantee of b is a service account of ours.
func hasAccount(b core.Blueprint) bool {
	return b.Grant.Who != core.WhoOIDC && b.Grant.Who != core.WhoAccount && (b.Grant.Who != WhoAWSRole || b.Grant.Settings[impersonate] == "true")
}

const (
	pools   = iamAPI + "/v1/projects/" + SandboxProject + "/locations/global/workloadIdentityPools"
	anybody = "anybody of the same owner"
)

// plantPrincipal makes what stands where the grantee of b would.
func (w *world) plantPrincipal(b core.Blueprint) {
	n := namesOf(b.Grant, SandboxProject)
	if f, is := w.federated(b); is {
		w.ask(w.owner, "POST", pools+"?workloadIdentityPoolId="+f.poolID, dict{"displayName": "Made by hand"}, nil)
	} else if hasAccount(b) {
		w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts",
			dict{"accountId": n.accountID, "serviceAccount": dict{"displayName": "Made by hand"}}, nil)
	}
}

// thing is what has a mark.
type thing struct{ Name, DisplayName, Description, State string }

// foreignPools are those that are not marked as this tool's.
func (w *world) foreignPools() string {
	var list struct{ WorkloadIdentityPools []thing }
	w.ask(w.owner, "GET", pools+"?showDeleted=true", nil, &list)
	var text strings.Builder
	for _, p := range list.WorkloadIdentityPools {
		if !strings.HasPrefix(p.Description, managedBy) {
			fmt.Fprintf(&text, "pool %+v\n", p)
		}
	}
	return text.String()
}

// oursInPools are the grant's pool and what is in it.
func (w *world) oursInPools(b core.Blueprint) []string {
	f, is := w.federated(b)
	var pool, provider thing
	if !is || !w.ask(w.owner, "GET", iamAPI+"/v1/"+f.poolName(SandboxProject), nil, &pool) || pool.State == deleted || !f.ours(pool.Description) {
		return nil
	}
	found := []string{f.poolAddr()}
	if w.ask(w.owner, "GET", iamAPI+"/v1/"+f.providerName(SandboxProject), nil, &provider) && provider.State != deleted && f.ours(provider.Description) {
		found = append(found, f.providerAddr())
	}
	return found
}

// openWide lets in whoever has the same owner, or the same account.
func (w *world) openWide(b core.Blueprint) {
	f, _ := w.federated(b)
	condition := `assertion.repository_owner_id == "1234567"`
	if f.provider.AWS != nil {
		condition = `assertion.account == "422074288268"`
		all := []string{"principalSet://iam.googleapis.com/" + f.poolName("123456789012") + "/*"}
		if hasAccount(b) {
			w.ask(w.owner, "POST", iamAPI+"/v1/"+f.accountName+":setIamPolicy", dict{"policy": dict{"bindings": []any{dict{"role": workloadUser, "members": all}}}}, nil)
		} else {
			w.editPolicy(f.bucket, func(p []bindingDocument) []bindingDocument {
				return append(p, bindingDocument{Role: f.roleName, Members: all})
			})
		}
	}
	w.ask(w.owner, "PATCH", iamAPI+"/v1/"+f.providerName(SandboxProject)+"?updateMask=attributeCondition", dict{"attributeCondition": condition}, nil)
}

// Lose deletes the grantee's service account or pool.
func (w *world) Lose(b core.Blueprint) bool {
	n := namesOf(b.Grant, SandboxProject)
	f, is := w.federated(b)
	switch {
	case hasAccount(b):
		w.ask(w.owner, "DELETE", iamAPI+"/v1/"+n.accountName, nil, nil)
	case is:
		w.ask(w.owner, "DELETE", iamAPI+"/v1/"+f.poolName(SandboxProject), nil, nil)
	default:
		return false
	}
	return true
}

// excess reports whether a can be added to what b gives, and taken away again by
// what is ours: whoever has an account of its own keeps what others give it.
func (w *world) excess(b core.Blueprint, a core.Ability) bool {
	gap, is := b.Gap(a)
	return (!is || gap.Outcome != core.Allowed) && (b.Grant.Who != core.WhoAccount || a != core.Overwrite)
}

// projectWide is a permission that nobody should have in the whole project.
func (w *world) projectWide(b core.Blueprint) string {
	if b.Grant.Who == core.WhoAccount {
		return "storage.objects.list"
	}
	return "storage.objects.create"
}

var _ providertest.Minter = (*world)(nil)

// Minted are the access tokens and the keys of AWS sessions that the fake cloud has given out.
func (w *world) Minted() [][]byte {
	raw, err := w.fake.Snapshot()
	if err != nil {
		w.t.Fatal(err)
	}
	var state struct {
		Tokens  map[string]json.RawMessage
		AWSKeys map[string]struct{ Secret, Token string }
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		w.t.Fatal(err)
	}
	var list [][]byte
	for token := range state.Tokens {
		list = append(list, []byte(token))
	}
	for _, k := range state.AWSKeys {
		list = append(list, []byte(k.Secret), []byte(k.Token))
	}
	return list
}
