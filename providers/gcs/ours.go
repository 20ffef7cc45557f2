// Ours: a second look at what this run has not made itself, right before it is written or given a key.
package gcs

import (
	"context"
	"errors"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// Why a write is not sent.
const (
	notOursNow = "is not ours any more"
	isGone     = "is gone"
	anotherNow = "was given to another identity of the grant meanwhile"
	shutNow    = "was shut meanwhile: the access was revoked"
)

// moved is the error for what is not any more as the plan has seen it.
func moved(addr, why string) error {
	return &core.Error{Kind: core.ErrMoved, What: addr, Err: errors.New(why), Hint: "run the same command again and look at the plan"}
}

// notSeen is the error for what was made a moment ago, perhaps by an earlier run, and
// is not visible yet.
func notSeen(addr string, cause error) error {
	return &core.Error{Kind: core.ErrNotConverged, What: addr, Err: quietly(cause), Hint: "run the same command again in some minutes"}
}

// still is the bucket if it is the plan's: the project's, and marked or
// adopted; nil if there is none any more. Hours may pass between a plan and its
// changes, and a name that was given up is anybody's.
func (r *run) still(ctx context.Context) (*storage.BucketAttrs, error) {
	s, err := (&bucket{r}).look(ctx)
	switch {
	case err != nil:
		return nil, err
	case s.state == nil && s.denied == nil:
		return nil, nil
	case s.state == nil, !s.inProject, !r.grant.Target.Adopt && !r.ourLabels(s.state.Labels):
		return nil, moved(r.bucketAddr(), notOursNow)
	}
	return s.state, nil
}

// sameAccount is the service account of the plan, nil if there is none any
// more. The name alone says little: an account made again under the name of a
// deleted one is another account, with a unique ID of its own.
// https://cloud.google.com/iam/docs/service-accounts-delete-undelete
func (r *run) sameAccount(ctx context.Context) (*iam.ServiceAccount, error) {
	if born := r.account.born.Load(); born != nil {
		return born, nil
	}
	have, err := r.readAccount(ctx)
	if err != nil || have == nil {
		return nil, err
	}
	planned := r.account.planned.Load()
	switch {
	case !r.ours(have.Description):
		return nil, moved(r.accountAddr(), notOursNow)
	case planned != nil && planned.UniqueId != have.UniqueId:
		return nil, moved(r.accountAddr(), "was replaced by another account of that name")
	}
	return have, nil
}

// usableAccount is the service account of the plan, which must be there and enabled.
func (r *run) usableAccount(ctx context.Context) (*iam.ServiceAccount, error) {
	have, err := r.sameAccount(ctx)
	switch {
	case err != nil:
		return nil, err
	case have == nil:
		return nil, moved(r.accountAddr(), isGone)
	case have.Disabled:
		return nil, moved(r.accountAddr(), "was disabled")
	}
	return have, nil
}

// only is the resource name of exactly this account: what is asked of it is
// never done to a later account of the same address.
func (r *run) only(account *iam.ServiceAccount) string {
	return "projects/" + r.project + "/serviceAccounts/" + account.UniqueId
}

// bindable looks at all that the binding ties together, but for what this run
// has made, and says what to write.
func (r *role) bindable(ctx context.Context) (want bindingDocument, err error) {
	err = core.Together(ctx,
		r.where.ready,
		func(ctx context.Context) error {
			if r.made.any(&r.made.role) {
				return nil
			}
			have, err := r.readRole(ctx)
			switch {
			case err != nil:
				return explain(r.roleAddr(), err)
			case have == nil || have.Deleted:
				return moved(r.roleAddr(), isGone)
			case !r.ours(have.Description):
				return moved(r.roleAddr(), notOursNow)
			case r.another(have):
				return moved(r.roleAddr(), anotherNow)
			}
			return r.contested(have)
		},
		r.whom.ready,
		func(ctx context.Context) error {
			members, err := r.whom.members(ctx)
			want = r.binding(members)
			return err
		},
	)
	return want, err
}
