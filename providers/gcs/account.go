// Service account: who the grantee is. Found by its address, ours by its description.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// accountMemo is what the run knows of the service account. Two steps of a plan
// share one look at it.
type accountMemo struct {
	turn    turn
	seen    bool
	listed  atomic.Bool                        // whether the plan's list of keys has had its look
	planned atomic.Pointer[iam.ServiceAccount] // as the plan saw it; nil if there was none
	born    atomic.Pointer[iam.ServiceAccount] // made by a call of this run
}

// read returns the service account as it was when the run began, nil if there
// was none; one that this run has made is looked at again.
func (m *accountMemo) read(ctx context.Context, r *run) (*iam.ServiceAccount, error) {
	end, err := m.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if m.seen && m.born.Load() == nil {
		return m.planned.Load(), nil
	}
	have, err := r.readAccount(ctx)
	if err == nil {
		m.planned.Store(have)
		m.seen = true
	}
	return have, err
}

// accountIsOurs reports whether there is a service account whose keys concern us.
func (r *run) accountIsOurs(ctx context.Context) (bool, error) {
	look := func(ctx context.Context) (*iam.ServiceAccount, error) { return r.account.read(ctx, r) }
	if r.account.listed.Swap(true) { // the plan has had its look, perhaps hours ago
		look = r.readAccount
	}
	have, err := look(ctx)
	return err == nil && (r.made.any(&r.made.grantee) || have != nil && r.ours(have.Description)), err
}

func (r *run) readAccount(ctx context.Context) (*iam.ServiceAccount, error) {
	service, err := r.cloud.iam()
	if err != nil {
		return nil, err
	}
	have, err := repeat(ctx, func() (*iam.ServiceAccount, error) {
		return service.Projects.ServiceAccounts.Get(r.accountName).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil, nil
	}
	return have, err
}

// accountText is what the service account is, for people.
const accountText = "service account, without any role in the project"

// accountParts are what a service account of ours adds to a blueprint.
func accountParts(d design) parts {
	project := "projects/" + d.project
	return parts{
		members:   []string{d.member()},
		resources: []core.Resource{{Step: core.RoleStep, Addr: d.accountAddr(), What: accountText}},
		operator: append([]core.Permission{
			{Action: "iam.serviceAccounts.get", Resource: project, Step: core.RoleStep, Verbs: []string{core.ForPlan, core.ForApply, core.ForDestroy, core.ForRotate, core.ForRevoke}},
			{Action: "iam.serviceAccounts.create", Resource: project, Step: core.RoleStep, Verbs: []string{core.ForApply}},
			{Action: "iam.serviceAccounts.delete", Resource: project, Step: core.RoleStep, Verbs: []string{core.ForDestroy}},
		}, accountGateOperator(d)...),
	}
}

// ownAccount is a service account of the project's, made for the grantee.
type ownAccount struct {
	*run
	keys ring // of what is handed over; nil: nothing is
	tell func(context.Context) ([]core.Output, error)
}

func (a ownAccount) diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	have, err := a.account.read(ctx, a.run)
	if err != nil {
		return nil, explain(a.accountAddr(), err)
	}
	if want.Present {
		return []core.Change{a.want(have)}, nil
	}
	return a.end(have), nil
}

func (a ownAccount) do(ctx context.Context, c core.Change) error {
	switch {
	case c.Addr == a.accountAddr() && c.Action == core.Make:
		return a.make(ctx)
	case c.Addr == a.accountAddr() && c.Action == core.Drop:
		return a.drop(ctx)
	}
	return fmt.Errorf("service account %s: no such action %q", c.Addr, c.Action)
}

func (a ownAccount) needs() []string { return []string{a.accountAddr()} }

func (a ownAccount) members(context.Context) ([]string, error) { return []string{a.member()}, nil }

func (a ownAccount) owns(member string) bool { return a.isOurs(member) }

func (a ownAccount) ready(ctx context.Context) error {
	_, err := a.usableAccount(ctx)
	return explain(a.accountAddr(), err)
}

func (a ownAccount) issuer() core.Issuer {
	if a.keys == nil {
		return nil
	}
	return a.keys
}

func (a ownAccount) keyring() core.Keyring {
	if a.keys == nil {
		return nil
	}
	return a.keys
}

func (a ownAccount) gate() gate { return gate{accountDoor{a.run}} }

func (a ownAccount) outputs() func(context.Context) ([]core.Output, error) { return a.tell }

func (a ownAccount) principal(context.Context) (string, error) { return a.email, nil }

func (a ownAccount) want(have *iam.ServiceAccount) core.Change {
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: a.accountAddr(), Why: "ours"}
	switch {
	case have == nil:
		c.Action, c.Why = core.Make, accountText
	case !a.ours(have.Description):
		c.Action, c.Why, c.Hint = core.Refuse, "exists and was not made for this grant", "--name OTHER"
	case isShut(have.Description):
		c = refuseShut(c, have.Disabled)
	case have.Disabled:
		c.Action, c.Why, c.Hint = core.Refuse, "is disabled, and whoever did it had a reason", a.enableAccount()
	}
	return c
}

func (a ownAccount) end(have *iam.ServiceAccount) []core.Change {
	if have == nil {
		return nil
	}
	c := core.Change{Step: core.RoleStep, Action: core.Drop, Addr: a.accountAddr(), Needs: []string{a.bindingAddr()}, Why: "can be undeleted for 30 days"}
	if !a.ours(have.Description) {
		c.Action, c.Needs, c.Why = core.Keep, nil, "is not ours: kept"
	}
	return []core.Change{c}
}

// make creates the service account. A conflict may be the echo of our
// own request, whose answer was lost: the mark decides.
func (a ownAccount) make(ctx context.Context) error {
	service, err := a.cloud.iam()
	if err != nil {
		return err
	}
	body := &iam.CreateServiceAccountRequest{AccountId: a.accountID, ServiceAccount: &iam.ServiceAccount{
		DisplayName: core.Stem(a.grant.Name, 100), Description: description(a.grant)}}
	created, err := repeat(ctx, func() (*iam.ServiceAccount, error) {
		return service.Projects.ServiceAccounts.Create("projects/"+a.project, body).Context(ctx).Do()
	})
	if err == nil {
		a.account.born.Store(created)
	}
	if hasCode(err, http.StatusConflict) {
		err = a.check(ctx)
	}
	if err == nil {
		a.made.note(&a.made.grantee)
	}
	return err
}

// check waits until the account that is in the way can be read. If it is
// ours, it takes the place of the one that the plan wanted made.
func (a ownAccount) check(ctx context.Context) error {
	var have *iam.ServiceAccount
	unseen := notSeen(a.accountAddr(), errors.New("exists, but cannot be read yet"))
	err := until(ctx, func(err error) bool { return errors.Is(err, unseen) }, func() (err error) {
		if have, err = a.readAccount(ctx); err == nil && have == nil {
			err = unseen
		}
		return err
	})
	if err == nil && (!a.ours(have.Description) || have.Disabled) {
		err = &core.Error{Kind: core.ErrNotOurs, What: a.accountAddr(), Hint: "--name OTHER"}
	}
	if err == nil {
		a.account.planned.Store(have)
	}
	return err
}

func (a ownAccount) drop(ctx context.Context) error {
	service, err := a.cloud.iam()
	if err != nil {
		return err
	}
	have, err := a.sameAccount(ctx)
	if err != nil || have == nil {
		return err
	}
	_, err = repeat(ctx, func() (*iam.Empty, error) {
		return service.Projects.ServiceAccounts.Delete(a.only(have)).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil
	}
	return err
}
