// Ours: what this session has made itself, and a second look at everything else right before it is written.
package s3

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// born notes that a call of this session has made what has that address.
func (s *session) born(addr string) { s.made.Store(addr, true) }

// bornHere reports whether a call of this session has certainly made what has
// that address. What only turned out to exist and to be ours was not.
func (s *session) bornHere(addr string) bool {
	_, made := s.made.Load(addr)
	return made
}

// arrived notes that something is there that a call of this session has made,
// or a call whose answer an earlier one has lost.
func (s *session) arrived(addr string) { s.recent.Store(addr, true) }

// young reports whether what has that address was made so short a time ago that
// others may not know it yet.
func (s *session) young(addr string) bool {
	_, recent := s.recent.Load(addr)
	return recent
}

// moved is the error for what is not any more as the plan has seen it.
func moved(addr, why string) error {
	return &core.Error{Kind: core.ErrMoved, What: addr, Err: errors.New(why), Hint: "make the plan again"}
}

// notOursNow says why a write is not sent.
const notOursNow = "is not ours any more"

// guard looks at the path and the mark of all that a write is about, unless
// this session has made it: hours may pass between a plan and its changes. What
// is gone is an error for which [gone] holds.
func (r *roleStep) guard(ctx context.Context, addrs ...string) error {
	var reads []func(context.Context) error
	for _, addr := range addrs {
		if !r.bornHere(addr) {
			reads = append(reads, func(ctx context.Context) error { return r.stillOurs(ctx, addr) })
		}
	}
	return core.Together(ctx, reads...)
}

func (r *roleStep) stillOurs(ctx context.Context, addr string) error {
	own, action := false, ""
	var err error
	switch addr {
	case r.userAddr():
		action = "iam:GetUser"
		var out *iam.GetUserOutput
		if out, err = r.iam.GetUser(ctx, &iam.GetUserInput{UserName: aws.String(r.userName())}); err == nil {
			if own = r.ownUser(out.User); own {
				if err := r.contested(iamTags(out.User.Tags)); err != nil {
					return err
				}
			}
		}
	case r.groupAddr():
		action = "iam:GetGroup"
		var out *iam.GetGroupOutput
		if out, err = r.iam.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String(r.carrier()), MaxItems: aws.Int32(1)}); err == nil {
			own = r.ownGroup(out.Group)
		}
	case r.policyAddr():
		action = "iam:GetPolicy"
		var arn *string
		if arn, err = r.policyARN(ctx); err != nil {
			return err
		}
		var out *iam.GetPolicyOutput
		if out, err = r.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn}); err == nil {
			own = r.ownCarrier(iamTags(out.Policy.Tags)) // the ARN holds the path
		}
	}
	switch {
	case err != nil:
		return failed(addr, action, err)
	case !own:
		return moved(addr, notOursNow)
	}
	return nil
}

// confirm looks at the bucket's mark, unless this session has certainly made
// the bucket. In us-east-1 only the tag of this very session makes it certain.
func (b *bucketStep) confirm(ctx context.Context) error {
	if b.fresh.Load() {
		return nil
	}
	created := b.bornHere(b.bucketAddr())
	tags, err := b.tags(ctx)
	switch {
	case is(err, codeDenied) && !created:
		if own, asked := b.isOwn(ctx); asked == nil && !own { // the plan was allowed to look: another account has the bucket now
			return moved(b.bucketAddr(), notOursNow)
		}
		return err
	case err != nil:
		return err
	case !b.serves(tags) && created:
		return &core.Error{Kind: core.ErrNotOurs, What: b.bucketAddr(), Err: errors.New("appeared while the plan was carried out"), Hint: "--adopt to use it as it is"}
	case !b.serves(tags):
		return moved(b.bucketAddr(), notOursNow)
	}
	if tags[tagRun] == b.run {
		b.fresh.Store(true)
	}
	return nil
}

// mayUse looks at the mark of a bucket of ours before something is put into it.
// An adopted one has none; every call names the account that must own it.
func (b *bucketStep) mayUse(ctx context.Context) error {
	if b.grant.Target.Adopt {
		return nil
	}
	return b.confirm(ctx)
}

// unchanged looks at the whole role again before it gets a key: the user must
// be ours, in our group only, with nothing else that gives it permissions, and
// the group must carry our policy only. A user that this session has made has
// just been put together.
func (i *issuer) unchanged(ctx context.Context) error {
	if i.bornHere(i.userAddr()) {
		return nil
	}
	late := func(err error) bool { return i.unseen(err) || i.wrote.Load() && isNotSeen(err) }
	err := await(ctx, patience, late, func() error {
		found, err := i.layout.step(i.session).Diff(ctx, core.Present)
		if err != nil {
			return err
		}
		var differs error
		for _, c := range found {
			switch c.Action {
			case core.Keep:
			case core.Refuse:
				return moved(c.Addr, c.Why)
			case core.Drop: // of what a revocation has left behind, which refuses nobody by now
			default: // missing or different: of what was written a moment ago, perhaps not visible yet
				differs = errors.Join(differs, errNotSeen, moved(c.Addr, "is not as the grant wants it"))
			}
		}
		return differs
	})
	if err != nil && late(err) && ctx.Err() == nil {
		return notSeen(i.userAddr(), "what was written", errNotSeen)
	}
	return err
}
