// Service accounts as they are kept: who they are, who may use them, how they are found.
package fakegcp

import (
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// accountResource is a service account in an answer.
type accountResource struct {
	Name        string `json:"name"`
	ProjectID   string `json:"projectId,omitempty"`
	UniqueID    string `json:"uniqueId,omitempty"`
	Email       string `json:"email,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	Etag        string `json:"etag,omitempty"`
	Description string `json:"description,omitempty"`
	ClientID    string `json:"oauth2ClientId,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

func (a *account) name() string { return "projects/" + a.Project + "/serviceAccounts/" + a.Email }

func (a *account) member() member {
	return member{Text: "serviceAccount:" + a.Email, UID: a.UniqueID}
}

func (a *account) resource() accountResource {
	return accountResource{
		Name: a.name(), ProjectID: a.Project, UniqueID: a.UniqueID, Email: a.Email, DisplayName: a.DisplayName,
		Etag: policyEtag(a.Revision), Description: a.Description, ClientID: a.ClientID, Disabled: a.Disabled,
	}
}

// accountByEmail returns the account that lives under an email address, or nil.
func (c *Cloud) accountByEmail(email string) *account {
	for _, a := range c.state.Accounts {
		if a.Email == strings.ToLower(email) && a.Deleted.IsZero() {
			return a
		}
	}
	return nil
}

// newAccount makes an account that other services know after a delay.
func (c *Cloud) newAccount(p *project, id, display, description string, lag *cloudsim.Lag) *account {
	uid := c.serial(21)
	host := p.ID + ".iam.gserviceaccount.com"
	if domain, rest, ok := strings.Cut(p.ID, ":"); ok { // a project of a domain: "example.com:p"
		host = rest + "." + domain + ".iam.gserviceaccount.com"
	}
	a := &account{
		UniqueID: uid, ClientID: uid, Project: p.ID, Email: id + "@" + host, DisplayName: display, Description: description, Created: time.Now(), Revision: 1,
	}
	a.Known.Set(true, lag)
	c.state.Accounts[uid] = a
	return a
}

// accountPolicySources are the policies that say who may use an account.
func (c *Cloud) accountPolicySources(a *account) []source {
	out := []source{{Where: "service account " + a.Email, Policy: a.Policy.Policy.Seen()}}
	if p := c.state.Projects[a.Project]; p != nil {
		out = append(out, projectSource(p))
	}
	return out
}

func (q *request) mayOnAccount(permission string, a *account) bool {
	return q.may(permission, resource{Label: a.name()}, q.accountPolicySources(a)) // IAM's resources provide no attributes
}

// needAccount returns the account in the path, by email or unique ID, if the
// caller holds the permission. With the project wildcard, a missing account
// and a forbidden one are refused alike.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/get
func (q *request) needAccount(permission string) (*account, error) {
	a := q.accountByEmail(q.params["id"])
	if b := q.state.Accounts[q.params["id"]]; b != nil && b.Deleted.IsZero() {
		a = b
	}
	if a != nil && !q.route.Write && !a.Known.Seen() {
		a = nil // whoever reads may not find it for a while: https://cloud.google.com/iam/docs/service-accounts-create
	}
	p := q.projectNamed(q.params["project"])
	name := "projects/" + q.params["project"] + "/serviceAccounts/" + q.params["id"]
	if a != nil && (q.params["project"] == "-" || p != nil && a.Project == p.ID) {
		if q.mayOnAccount(permission, a) {
			return a, nil
		}
		return nil, q.forbidden(permission, name)
	}
	if p == nil || !q.mayOnProject(permission, p) {
		return nil, q.forbidden(permission, name)
	}
	return nil, failed(404, "Unknown service account")
}

// accountsOf returns the names of a project's living accounts.
func (c *Cloud) accountsOf(p *project) []*account {
	var out []*account
	for _, a := range c.state.Accounts {
		if a.Project == p.ID && a.Deleted.IsZero() {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b *account) int { return strings.Compare(a.Email, b.Email) })
	return out
}
