// Impostors: others who may act as a service account of ours, by a binding in the account's own policy.
package gcs

import (
	"slices"
	"strings"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// impostor is somebody who has all of a grant by being its account.
type impostor struct{ member, role string }

func (i impostor) text() string { return printable(i.member) + " (" + printable(i.role) + ")" }

// actingRoles let their members be a service account: by its tokens, by running
// something as it, or by making keys for it.
// https://cloud.google.com/iam/docs/service-account-permissions
func actingRoles() []string {
	return []string{workloadUser, "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountUser", "roles/iam.serviceAccountKeyAdmin"}
}

// impostors are those of an account's policy, which may be nil. The grantee is in
// one role only; everybody on earth is one of them in any role.
func impostors(p *iam.Policy, grantee func(member string) bool) []impostor {
	if p == nil {
		return nil
	}
	var list []impostor
	for _, b := range p.Bindings {
		for _, m := range b.Members {
			everybody := m == "allUsers" || m == "allAuthenticatedUsers"
			its := b.Role == workloadUser && grantee(m)
			if everybody || slices.Contains(actingRoles(), b.Role) && !its && !strings.HasPrefix(m, "deleted:") {
				list = append(list, impostor{m, b.Role})
			}
		}
	}
	return list
}

// refuseImpostors names them: what they do in the account's name is not ours to end.
func (r *run) refuseImpostors(addr string, others []impostor) core.Change {
	var names []string
	for _, o := range others {
		names = append(names, o.text())
	}
	slices.Sort(names)
	return core.Change{Step: core.RoleStep, Action: core.Refuse, Addr: addr,
		Why: "others may act as the service account, and have what the grant gives: " + strings.Join(slices.Compact(names), ", "),
		Hint: "gcloud iam service-accounts remove-iam-policy-binding " + r.email + " --role " + printable(others[0].role) + " --member '" + printable(others[0].member) +
			"' --all --project " + r.project}
}
