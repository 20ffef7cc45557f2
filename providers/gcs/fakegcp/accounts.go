// Service accounts: create, get, list, patch, disable, enable, delete, undelete, and who may use them.
package fakegcp

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
)

func accountRoutes() []route {
	const a = "/v1/projects/{project}/serviceAccounts"
	const op = "projects.serviceAccounts."
	return []route{
		iamRoute("POST", a, op+"create", true, (*request).createAccount),
		iamRoute("GET", a, op+"list", false, (*request).listAccounts),
		iamRoute("GET", a+"/{id}", op+"get", false, (*request).getAccount),
		iamRoute("PATCH", a+"/{id}", op+"patch", true, (*request).patchAccount),
		iamRoute("DELETE", a+"/{id}", op+"delete", true, (*request).deleteAccount),
		iamRoute("POST", a+"/{id}:disable", op+"disable", true, (*request).disableAccount),
		iamRoute("POST", a+"/{id}:enable", op+"enable", true, (*request).enableAccount),
		iamRoute("POST", a+"/{id}:undelete", op+"undelete", true, (*request).undeleteAccount),
		iamRoute("POST", a+"/{id}:getIamPolicy", op+"getIamPolicy", false, (*request).getAccountPolicy),
		iamRoute("POST", a+"/{id}:setIamPolicy", op+"setIamPolicy", true, (*request).setAccountPolicy),
		iamRoute("POST", a+"/{id}:testIamPermissions", op+"testIamPermissions", false, (*request).testAccountPermissions),
	}
}

const (
	maxAccounts  = 100                 // unless Google has raised it: https://cloud.google.com/iam/quotas
	accountGrace = 30 * 24 * time.Hour // https://cloud.google.com/iam/docs/service-accounts-delete-undelete
)

var accountIDRE = regexp.MustCompile(`^[a-z]([-a-z0-9]{4,28}[a-z0-9])$`)

type createAccountBody struct {
	AccountID string          `json:"accountId"`
	Account   accountResource `json:"serviceAccount"`
}

func (q *request) createAccount() (any, error) {
	var in createAccountBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	p, err := q.needProject("iam.serviceAccounts.create")
	if err != nil {
		return nil, err
	}
	if !accountIDRE.MatchString(in.AccountID) {
		return nil, failed(400, "The account ID \"%s\" does not have a length between 6 and 30, or does not match the regular expression [a-z]([-a-z0-9]*[a-z0-9]).", in.AccountID)
	}
	if f := checkAccountText(in.Account.DisplayName, in.Account.Description); f != nil {
		return nil, f
	}
	for _, k := range []string{"constraints/iam.disableServiceAccountCreation", "constraints/iam.managed.disableServiceAccountCreation"} {
		if q.enforced(k) {
			return nil, constraintViolated("Service account creation is not allowed on this project.", k, "projects/"+p.ID)
		}
	}
	if a := q.accountByEmail(in.AccountID + "@" + p.ID + ".iam.gserviceaccount.com"); a != nil {
		f := failed(409, "Service account %s already exists within project projects/%s.", in.AccountID, p.ID)
		f.Details = []any{resourceInfo{"type.googleapis.com/google.rpc.ResourceInfo", a.name()}}
		return nil, f
	}
	if len(q.accountsOf(p)) >= cmp.Or(q.state.Settings.ServiceAccounts, maxAccounts) {
		return nil, failed(429, "Maximum number of service accounts on project reached.")
	}
	return q.newAccount(p, in.AccountID, in.Account.DisplayName, in.Account.Description, q.lagWithin(knownAfter)).resource(), nil
}

type resourceInfo struct {
	Type string `json:"@type"`
	Name string `json:"resourceName"`
}

func checkAccountText(display, description string) *fault {
	if len(display) > 100 {
		return failed(400, "The display name must be at most 100 bytes long.")
	}
	if len(description) > 256 {
		return failed(400, "The description must be at most 256 bytes long.")
	}
	return nil
}

type accountList struct {
	Accounts []accountResource `json:"accounts,omitempty"`
	Next     string            `json:"nextPageToken,omitempty"`
}

func (q *request) listAccounts() (any, error) {
	p, err := q.needProject("iam.serviceAccounts.list")
	if err != nil {
		return nil, err
	}
	var emails []string
	for _, a := range q.accountsOf(p) {
		if a.Known.Seen() {
			emails = append(emails, a.Email)
		}
	}
	emails, next, err := page(q, emails, "pageSize", 100)
	if err != nil {
		return nil, err
	}
	out := accountList{Next: next}
	for _, e := range emails {
		out.Accounts = append(out.Accounts, q.accountByEmail(e).resource())
	}
	return out, nil
}

func (q *request) getAccount() (any, error) {
	a, err := q.needAccount("iam.serviceAccounts.get")
	if err != nil {
		return nil, err
	}
	return a.resource(), nil
}

type patchAccountBody struct {
	Account accountResource `json:"serviceAccount"`
	Mask    string          `json:"updateMask"`
}

// patchAccount answers with the name and the changed fields only, as Google does.
func (q *request) patchAccount() (any, error) {
	var in patchAccountBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	a, err := q.needAccount("iam.serviceAccounts.update")
	if err != nil {
		return nil, err
	}
	if f := checkAccountText(in.Account.DisplayName, in.Account.Description); f != nil {
		return nil, f
	}
	out := accountResource{Name: a.name()}
	for field := range strings.SplitSeq(in.Mask, ",") {
		switch strings.TrimSpace(field) {
		case "displayName", "display_name":
			a.DisplayName = in.Account.DisplayName
			out.DisplayName = a.DisplayName
		case "description":
			a.Description = in.Account.Description
			out.Description = a.Description
		default:
			return nil, failed(400, "Invalid update mask: %q", in.Mask)
		}
	}
	a.Revision++
	return out, nil
}

// deleteAccount keeps the account for thirty days: it can be restored by its unique ID.
func (q *request) deleteAccount() (any, error) {
	a, err := q.needAccount("iam.serviceAccounts.delete")
	if err != nil {
		return nil, err
	}
	a.Deleted = time.Now()
	return empty{}, nil
}

// disableAccount takes effect at once: existing access tokens are refused.
func (q *request) disableAccount() (any, error) {
	a, err := q.needAccount("iam.serviceAccounts.disable")
	if err != nil {
		return nil, err
	}
	a.Disabled = true
	a.Revision++
	return empty{}, nil
}

func (q *request) enableAccount() (any, error) {
	a, err := q.needAccount("iam.serviceAccounts.enable")
	if err != nil {
		return nil, err
	}
	a.Disabled = false
	a.Revision++
	return empty{}, nil
}

type restoredAccount struct {
	Account accountResource `json:"restoredAccount"`
}

// undeleteAccount restores an account by its unique ID, unless its time is
// over or another account has taken its address.
func (q *request) undeleteAccount() (any, error) {
	a := q.state.Accounts[q.params["id"]]
	p := q.projectNamed(q.params["project"])
	if a != nil {
		p = q.state.Projects[a.Project]
	}
	if p == nil || !q.mayOnProject("iam.serviceAccounts.undelete", p) {
		return nil, q.forbidden("iam.serviceAccounts.undelete", "projects/"+q.params["project"]+"/serviceAccounts/"+q.params["id"])
	}
	switch {
	case a == nil || !a.Deleted.IsZero() && time.Since(a.Deleted) >= accountGrace:
		return nil, failed(404, "Unknown service account")
	case a.Deleted.IsZero():
		return nil, failedPrecondition(fmt.Sprintf("Service account %s is not deleted.", a.Email))
	case q.accountByEmail(a.Email) != nil:
		return nil, failed(409, "Service account %s already exists.", a.Email)
	}
	a.Deleted = time.Time{}
	return restoredAccount{a.resource()}, nil
}
