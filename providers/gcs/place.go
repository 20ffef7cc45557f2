// Place: where the role is bound, and whose policy that is.
package gcs

import (
	"context"

	iamv3 "cloud.google.com/go/iam"
	"cloud.google.com/go/iam/apiv1/iampb"

	"github.com/bucketgrant/bucketgrant/core"
)

// place is a resource with an allow policy that our binding is written into. It
// belongs to the role step.
type place interface {
	// addr is the address of what has to be there beside the bucket; "" if nothing has to.
	addr() string

	// diff compares that with what is wanted, like [core.Step].
	diff(ctx context.Context, want core.Want) ([]core.Change, error)

	// do carries out one change of a diff.
	do(ctx context.Context, c core.Change) error

	// bindings reads the policy's; none if there is no such place, or if it is a
	// stranger's, which the bucket step refuses.
	bindings(ctx context.Context) ([]*iampb.Binding, error)

	// policy reads the policy, to be written back.
	policy(ctx context.Context) (*policy, error)

	// write replaces the policy by one that was read and changed; a conflict if
	// somebody else has changed it meanwhile.
	write(ctx context.Context, p *policy) error

	// ready looks again, right before a write, whether the place is still there and ours.
	ready(ctx context.Context) error

	// fresh reports whether this run has made the place, so that nobody else can have a binding in it.
	fresh() bool
}

// policy is an allow policy as it was read.
type policy struct {
	bindings []*iampb.Binding
	read     *iamv3.Policy3 // carries the etag, so it is this object that is written back
}

// bucketPolicy is the policy of the bucket itself.
type bucketPolicy struct{ *run }

func (bucketPolicy) addr() string { return "" }

func (bucketPolicy) diff(context.Context, core.Want) ([]core.Change, error) { return nil, nil }

func (bucketPolicy) do(context.Context, core.Change) error { return nil }

// handle3 reads and writes the bucket's policy as version 3: at any lower
// version conditions are lost.
// https://cloud.google.com/iam/docs/policies#specifying-version-get
func (b bucketPolicy) handle3() (*iamv3.Handle3, error) {
	handle, err := b.handle()
	if err != nil {
		return nil, err
	}
	return handle.IAM().V3(), nil
}

func (b bucketPolicy) bindings(ctx context.Context) ([]*iampb.Binding, error) {
	p, err := b.policy(ctx)
	switch {
	case err == nil:
		return p.bindings, nil
	case isMissing(err):
		return nil, nil
	case refused(err):
		if owned, lost := b.owned(ctx); lost == nil && !owned {
			return nil, nil
		}
	}
	return nil, err
}

func (b bucketPolicy) policy(ctx context.Context) (*policy, error) {
	h, err := b.handle3()
	if err != nil {
		return nil, err
	}
	p, err := h.Policy(ctx)
	if err != nil {
		return nil, err
	}
	return &policy{bindings: p.Bindings, read: p}, nil
}

func (b bucketPolicy) write(ctx context.Context, p *policy) error {
	h, err := b.handle3()
	if err != nil {
		return err
	}
	p.read.Bindings = p.bindings
	return h.SetPolicy(ctx, p.read)
}

func (b bucketPolicy) ready(ctx context.Context) error {
	if b.fresh() {
		return nil
	}
	have, err := b.still(ctx)
	if err == nil && have == nil {
		err = moved(b.bucketAddr(), isGone)
	}
	return err
}

func (b bucketPolicy) fresh() bool { return b.made.any(&b.made.bucket) }
