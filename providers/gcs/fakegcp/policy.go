// Allow policies: bindings of a role, its members and a condition, as they are stored.
package fakegcp

import (
	"slices"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// policy is an allow policy.
type policy struct {
	Version  int       `json:"version"`
	Bindings []binding `json:"bindings"`
}

// binding gives a role to members, under a condition.
type binding struct {
	Role      string   `json:"role"`
	Members   []member `json:"members"`
	Condition *expr    `json:"condition"`
}

// member is a principal as a policy names it. A service account is held by its
// unique ID: an account that is made again under the same email address is
// another principal.
// https://cloud.google.com/iam/docs/service-accounts-delete-undelete
type member struct {
	Text string `json:"text"` // "serviceAccount:a@p.iam.gserviceaccount.com", "allUsers"
	UID  string `json:"uid"`  // unique ID, for a service account
}

// expr is a condition in the Common Expression Language.
type expr struct {
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Expression  string `json:"expression,omitempty"`
	Location    string `json:"location,omitempty"`
}

// policyRecord is a policy and how much of it authorization sees.
type policyRecord struct {
	Policy   cloudsim.Eventual[policy] `json:"policy"`
	Revision int64                     `json:"revision"`
}

func (r *policyRecord) set(p policy, lag *cloudsim.Lag) {
	r.Policy.Set(p, lag)
	r.Revision++
}

// forget removes every binding of a role, without any change of revision.
func (r *policyRecord) forget(role string) {
	now := r.Policy.Now.clone()
	now.Bindings = slices.DeleteFunc(now.Bindings, func(b binding) bool { return b.Role == role })
	r.Policy.Set(now, nil)
}

func (p policy) clone() policy {
	q := policy{Version: p.Version, Bindings: slices.Clone(p.Bindings)}
	for i := range q.Bindings {
		q.Bindings[i].Members = slices.Clone(q.Bindings[i].Members)
	}
	return q
}

// conditional says whether any binding has a condition.
func (p policy) conditional() bool {
	return slices.ContainsFunc(p.Bindings, func(b binding) bool { return b.Condition != nil })
}

// hasMember says whether any binding names the member.
func (p policy) hasMember(text string) bool {
	return slices.ContainsFunc(p.Bindings, func(b binding) bool {
		return slices.ContainsFunc(b.Members, func(m member) bool { return m.Text == text })
	})
}
