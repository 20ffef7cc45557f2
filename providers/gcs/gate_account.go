// Account gate: a service account of ours is disabled, and enabled again.
package gcs

import (
	"context"
	"errors"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// accountDoor is the service account of a grant. Disabling it takes effect at
// once, on tokens that it has been given too; enabled again, they work again.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/disable
type accountDoor struct{ *run }

func (d accountDoor) addr() string { return d.accountAddr() }

func (d accountDoor) leaf(have *iam.ServiceAccount) leaf {
	return leaf{addr: d.addr(), ours: d.ours(have.Description), shut: have.Disabled, marked: isShut(have.Description), enable: d.enableAccount(),
		how:  "is disabled: neither keys nor tokens of it are accepted any more, at once",
		back: "is enabled again; so is every token of it that has not ended"}
}

func (r *run) enableAccount() string {
	return "gcloud iam service-accounts enable " + r.email + " --project " + r.project
}

func (d accountDoor) look(ctx context.Context, open bool) ([]core.Change, error) {
	have, err := d.account.read(ctx, d.run)
	if err != nil || have == nil {
		return nil, err
	}
	return []core.Change{d.leaf(have).change(open)}, nil
}

// turn writes the mark first, so that a run that is stopped in between is told
// from a stranger's work; but the cut is made even if the mark cannot be.
func (d accountDoor) turn(ctx context.Context, open bool) error {
	have, err := d.sameAccount(ctx)
	if err != nil {
		return err
	}
	if have == nil {
		return moved(d.addr(), isGone)
	}
	if done, err := d.leaf(have).mayTurn(open); done || err != nil {
		return err
	}
	service, err := d.cloud.iam()
	if err != nil {
		return err
	}
	accounts, name := service.Projects.ServiceAccounts, d.only(have)
	describe := func() error {
		want := marked(have.Description, open)
		if want == have.Description {
			return nil
		}
		_, err := repeat(ctx, func() (*iam.ServiceAccount, error) {
			return accounts.Patch(name, &iam.PatchServiceAccountRequest{UpdateMask: "description", ServiceAccount: &iam.ServiceAccount{Description: want}}).Context(ctx).Do()
		})
		return err
	}
	if open {
		_, err = repeat(ctx, func() (*iam.Empty, error) {
			return accounts.Enable(name, &iam.EnableServiceAccountRequest{}).Context(ctx).Do()
		})
		if err == nil {
			err = describe()
		}
		return err
	}
	unmarked := describe()
	_, err = repeat(ctx, func() (*iam.Empty, error) {
		return accounts.Disable(name, &iam.DisableServiceAccountRequest{}).Context(ctx).Do()
	})
	if unmarked != nil && err == nil {
		var kind error
		if said, ok := errors.AsType[*core.Error](explain(d.addr(), unmarked)); ok {
			kind = said.Kind
		}
		return &core.Error{Kind: kind, What: d.addr(), Err: &reworded{"is disabled, but could not be marked as revoked (" + quietly(unmarked).Error() + "): restore will not enable it", unmarked}, Hint: d.enableAccount()}
	}
	return errors.Join(unmarked, err)
}

// accountGateOperator is what an account's gate takes.
func accountGateOperator(d design) []core.Permission {
	p := func(action, why string) core.Permission {
		return core.Permission{Action: "iam.serviceAccounts." + action, Resource: "projects/" + d.project, Step: core.GateStep, Verbs: []string{core.ForRevoke}, Why: why}
	}
	return []core.Permission{p("disable", "cuts the access at once, tokens included"), p("enable", "gives it back"),
		p("update", "marks the account as shut by a revocation, so that nothing else is taken for one")}
}
