// Service account: who the grantee is. Found by its address, ours by its description.
package gcs

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// accountMemo is what the run knows of the service account. Two steps of a plan
// share one look at it.
type accountMemo struct {
	turn    chan struct{} // holds one: who looks, while the other waits
	seen    bool
	listed  atomic.Bool                        // whether the plan's list of keys has had its look
	planned atomic.Pointer[iam.ServiceAccount] // as the plan saw it; nil if there was none
	born    atomic.Pointer[iam.ServiceAccount] // made by a call of this run
}

// read returns the service account as it was when the run began, nil if there was none.
func (m *accountMemo) read(ctx context.Context, r *run) (*iam.ServiceAccount, error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if m.seen {
		return m.planned.Load(), nil
	}
	have, err := r.readAccount(ctx)
	if err == nil {
		m.planned.Store(have)
		m.seen = true
	}
	return have, err
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

func (r *role) wantAccount(have *iam.ServiceAccount) core.Change {
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: r.accountAddr(), Why: "ours"}
	switch {
	case have == nil:
		c.Action, c.Why = core.Make, accountText
	case !r.ours(have.Description):
		c.Action, c.Why, c.Hint = core.Refuse, "exists and was not made for this grant", "--name OTHER"
	case have.Disabled:
		c.Action, c.Why, c.Hint = core.Refuse, "is disabled, and whoever did it had a reason", "gcloud iam service-accounts enable "+r.email+" --project "+r.project
	}
	return c
}

func (r *role) endAccount(have *iam.ServiceAccount) []core.Change {
	if have == nil {
		return nil
	}
	c := core.Change{Step: core.RoleStep, Action: core.Drop, Addr: r.accountAddr(), Needs: []string{r.bindingAddr()}, Why: "can be undeleted for 30 days"}
	if !r.ours(have.Description) {
		c.Action, c.Needs, c.Why = core.Keep, nil, "is not ours: kept"
	}
	return []core.Change{c}
}

// makeAccount creates the service account. A conflict may be the echo of our
// own request, whose answer was lost: the mark decides.
func (r *role) makeAccount(ctx context.Context) error {
	service, err := r.cloud.iam()
	if err != nil {
		return err
	}
	body := &iam.CreateServiceAccountRequest{AccountId: r.accountID, ServiceAccount: &iam.ServiceAccount{
		DisplayName: core.Stem(r.grant.Name, 100), Description: description(r.grant)}}
	created, err := repeat(ctx, func() (*iam.ServiceAccount, error) {
		return service.Projects.ServiceAccounts.Create("projects/"+r.project, body).Context(ctx).Do()
	})
	if err == nil {
		r.account.born.Store(created)
	}
	if hasCode(err, http.StatusConflict) {
		err = r.checkAccount(ctx)
	}
	if err == nil {
		r.made.note(&r.made.account)
	}
	return err
}

// checkAccount waits until the account that is in the way can be read. If it is
// ours, it takes the place of the one that the plan wanted made.
func (r *role) checkAccount(ctx context.Context) error {
	var have *iam.ServiceAccount
	unseen := errors.New("exists, but cannot be read")
	err := until(ctx, func(err error) bool { return errors.Is(err, unseen) }, func() (err error) {
		if have, err = r.readAccount(ctx); err == nil && have == nil {
			err = unseen
		}
		return err
	})
	if err == nil && (!r.ours(have.Description) || have.Disabled) {
		err = &core.Error{Kind: core.ErrNotOurs, What: r.accountAddr(), Hint: "--name OTHER"}
	}
	if err == nil {
		r.account.planned.Store(have)
	}
	return err
}

func (r *role) dropAccount(ctx context.Context) error {
	service, err := r.cloud.iam()
	if err != nil {
		return err
	}
	have, err := r.sameAccount(ctx)
	if err != nil || have == nil {
		return err
	}
	_, err = repeat(ctx, func() (*iam.Empty, error) {
		return service.Projects.ServiceAccounts.Delete(r.only(have)).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil
	}
	return err
}
