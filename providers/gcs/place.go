// Place: where the role is bound: in the policy of the bucket, or of a managed folder of it.
package gcs

import (
	"context"
	"fmt"
	"strconv"

	iamv3 "cloud.google.com/go/iam"
	"cloud.google.com/go/iam/apiv1/iampb"

	"github.com/bucketgrant/bucketgrant/core"
)

// place is a resource with an allow policy that our binding is written into. It
// belongs to the role step.
type place interface {
	// look reads the policy, and compares what has to be there beside the bucket
	// with what is wanted. There are no bindings if there is no such place, or if
	// it is a stranger's, which the bucket step refuses.
	look(ctx context.Context, want core.Want) (seen, error)

	// do carries out one change of a look.
	do(ctx context.Context, c core.Change) error

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

// seen is what a look at a place shows.
type seen struct {
	bindings []*iampb.Binding
	stale    bool          // our role is bound on the whole bucket as well, from an earlier shape of the grant
	changes  []core.Change // of what has to be there beside the bucket
}

// policy is an allow policy as it was read.
type policy struct {
	bindings []*iampb.Binding
	etag     string
	read     *iamv3.Policy3 // of a bucket; carries the etag, so it is this object that is written back
}

// placeOf is where r's role is bound.
func placeOf(r *run) place {
	if r.folder != "" {
		return folderPolicy{r}
	}
	return bucketPolicy{r}
}

// inFolder reports whether g is bound on a managed folder: Cloud Storage decides
// on listing for the bucket as a whole, and for a managed folder below which
// everything is that is asked for. No condition of a bucket's binding can say so.
// https://cloud.google.com/storage/docs/managed-folders
func inFolder(g core.Grant) bool { return g.Target.Prefix != "" && g.Allows(core.List) }

// placeText is where the role holds, for people.
func placeText(g core.Grant) string {
	switch {
	case g.Target.Prefix == "":
		return "this bucket only"
	case inFolder(g):
		return "the managed folder " + strconv.Quote(g.Target.Prefix) + " of this bucket only"
	}
	return "this bucket only, for keys that begin with " + strconv.Quote(g.Target.Prefix)
}

// bucketPolicy is the policy of the bucket itself.
type bucketPolicy struct{ *run }

func (b bucketPolicy) look(ctx context.Context, _ core.Want) (seen, error) {
	p, err := b.policy(ctx)
	if err != nil {
		return seen{}, b.unlessStrange(ctx, b.bindingAddr(), err)
	}
	return seen{bindings: p.bindings}, nil
}

// unlessStrange is nil if err says that there is no such place, or that it is a stranger's.
func (r *run) unlessStrange(ctx context.Context, addr string, err error) error {
	if isMissing(err) {
		return nil
	}
	if refused(err) {
		if owned, lost := r.owned(ctx); lost == nil && !owned {
			return nil
		}
	}
	return explain(addr, err)
}

func (b bucketPolicy) do(_ context.Context, c core.Change) error {
	return fmt.Errorf("bucket policy %s: no such action %q", c.Addr, c.Action)
}

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
