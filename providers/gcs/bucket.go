// Bucket: the first step. Made with our mark in the creating call, kept, adopted, or refused.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/bucketgrant/bucketgrant/core"
)

// bucket is the bucket step.
type bucket struct{ *run }

// sight is what can be seen of the bucket.
type sight struct {
	state     *storage.BucketAttrs // nil: no such bucket, or it cannot be read
	inProject bool
	denied    error // why it cannot be read
}

// look reads the bucket, and whether the project owns it.
func (b *bucket) look(ctx context.Context) (sight, error) {
	var s sight
	err := core.Together(ctx,
		func(ctx context.Context) (err error) {
			s.state, err = b.read(ctx)
			if refused(err) {
				s.denied, err = err, nil
			}
			return err
		},
		func(ctx context.Context) (err error) { s.inProject, err = b.owned(ctx); return },
	)
	if err == nil && s.state != nil && !s.inProject {
		s.inProject, err = b.owned(ctx) // made between the two looks, by another grant of this run
	}
	if err == nil && s.denied != nil && s.inProject {
		err = s.denied // the project's own, but this operator may not read it
	}
	return s, explain(b.bucketAddr(), err)
}

// handle is the bucket in the client library.
func (r *run) handle() (*storage.BucketHandle, error) {
	client, err := r.cloud.storage()
	if err != nil {
		return nil, err
	}
	return client.Bucket(r.bucket), nil
}

// read returns the bucket, or nil if there is none. The client asks for access
// control lists as well; who may not see those gets the rest.
// https://cloud.google.com/storage/docs/access-control/iam-json
func (b *bucket) read(ctx context.Context) (*storage.BucketAttrs, error) {
	handle, err := b.handle()
	if err != nil {
		return nil, err
	}
	state, err := handle.Attrs(ctx)
	if isMissing(err) {
		return nil, nil
	}
	return state, err
}

// owned reports whether the bucket is one of the project's. Names are unique
// in the world, so a name alone says nothing about an owner.
func (r *run) owned(ctx context.Context) (bool, error) {
	list, err := r.buckets(ctx, r.bucket, 1)
	return len(list) > 0 && list[0] == r.bucket, err
}

// buckets names the first few of the project's buckets that begin with prefix, in order.
func (r *run) buckets(ctx context.Context, prefix string, most int) ([]string, error) {
	client, err := r.cloud.storage()
	if err != nil {
		return nil, err
	}
	it := client.Buckets(ctx, r.project)
	it.Prefix = prefix
	it.PageInfo().MaxSize = most
	var found []string
	for len(found) < most {
		one, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return nil, err
		}
		found = append(found, one.Name)
	}
	return found, nil
}

// Diff compares the bucket with what is wanted.
func (b *bucket) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	s, err := b.look(ctx)
	if err != nil {
		return nil, err
	}
	c := core.Change{Step: core.BucketStep, Action: core.Keep, Addr: b.bucketAddr()}
	if !want.Present {
		return b.ending(ctx, c, s, want)
	}
	refuse := func(why, hint string) ([]core.Change, error) {
		c.Action, c.Why, c.Hint = core.Refuse, why, hint
		return []core.Change{c}, nil
	}
	adopt := b.grant.Target.Adopt
	switch {
	case s.denied != nil, s.state != nil && !s.inProject:
		return refuse("belongs to another project", "choose another --bucket")
	case s.state == nil && adopt:
		return refuse("is to be adopted, but there is no such bucket", "leave --adopt out and it is made")
	case s.state == nil:
		c.Action, c.Why = core.Make, "in "+location(b.grant.Target.Region)+", with "+bucketText(b.settings)
		return []core.Change{c}, nil
	case !adopt && !b.ourLabels(s.state.Labels) && madeFor(s.state.Labels) != "":
		return refuse(madeFor(s.state.Labels), "--adopt adds a second grant to it")
	case !adopt && !b.ourLabels(s.state.Labels):
		return refuse("exists and was not made for this grant", "--adopt")
	case !strings.EqualFold(s.state.Location, b.grant.Target.Region):
		return refuse(fmt.Sprintf("is in %s, not in %s, and cannot be moved", s.state.Location, location(b.grant.Target.Region)), "--location "+s.state.Location)
	case adopt && !s.state.UniformBucketLevelAccess.Enabled:
		return refuse("has access control lists, which could give more than the grant; its owner must switch uniform access on",
			"gcloud storage buckets update gs://"+b.bucket+" --uniform-bucket-level-access")
	case adopt:
		c.Why = "adopted: nothing of it is changed but " + additionText(b.design)
	default:
		c.Why = "ours, in " + s.state.Location
		if b.shared {
			c.Why += ", shared"
		}
		if d := b.drift(s.state); len(d.why) > 0 {
			c.Action, c.Why = core.Alter, strings.Join(d.why, ", ")
		}
	}
	return []core.Change{c}, nil
}

// ending is what becomes of the bucket when the grant ends: as a rule, nothing.
func (b *bucket) ending(ctx context.Context, c core.Change, s sight, want core.Want) ([]core.Change, error) {
	switch {
	case s.state == nil && s.denied == nil:
		return nil, nil
	case s.state != nil && s.inProject && !b.ourLabels(s.state.Labels) && madeFor(s.state.Labels) != "":
		c.Why = madeFor(s.state.Labels) + ": kept"
	case s.state == nil, !s.inProject, b.grant.Target.Adopt, !b.ourLabels(s.state.Labels):
		c.Why = "is not ours: kept"
	case !want.DropBucket:
		c.Why = "kept, with what is in it"
	default:
		empty, used, err := b.disused(ctx)
		switch {
		case err != nil:
			return nil, explain(c.Addr, err)
		case !empty:
			c.Why = "holds objects: kept, since data is never deleted"
			return []core.Change{c}, nil
		case used != "":
			c.Why = "is used by " + used + ": kept"
			return []core.Change{c}, nil
		}
		c.Action, c.Why, c.Needs = core.Drop, "empty", []string{b.bindingAddr()}
		if b.folder != "" {
			c.Needs = append(c.Needs, b.folderAddr())
		}
	}
	return []core.Change{c}, nil
}

// empty reports whether the bucket holds no object, and no older version of one.
func (b *bucket) empty(ctx context.Context) (bool, error) {
	handle, err := b.handle()
	if err != nil {
		return false, err
	}
	it := handle.Objects(ctx, &storage.Query{Versions: true, Projection: storage.ProjectionNoACL})
	it.PageInfo().MaxSize = 1
	_, err = it.Next()
	if errors.Is(err, iterator.Done) {
		return true, nil
	}
	return false, err
}

// Do carries one change out.
func (b *bucket) Do(ctx context.Context, c core.Change) error {
	switch c.Action {
	case core.Make:
		return explainWrite(c.Addr, b.make(ctx))
	case core.Alter:
		return explainWrite(c.Addr, b.repair(ctx))
	case core.Drop:
		return explainWrite(c.Addr, b.drop(ctx))
	}
	return fmt.Errorf("bucket %s: no such action %q", c.Addr, c.Action)
}

// drop deletes the bucket as it was a moment ago: one that changes meanwhile stays.
func (b *bucket) drop(ctx context.Context) error {
	handle, err := b.handle()
	if err != nil {
		return err
	}
	have, err := b.still(ctx)
	if err != nil || have == nil {
		return err
	}
	err = handle.If(storage.BucketConditions{MetagenerationMatch: have.MetaGeneration}).Delete(ctx)
	switch {
	case isMissing(err):
		return nil
	case hasCode(err, http.StatusPreconditionFailed):
		return moved(b.bucketAddr(), "was changed a moment ago")
	}
	return err
}

// make creates the bucket. A conflict may be the echo of our own request, whose
// answer was lost: the project and the mark decide, never the message.
func (b *bucket) make(ctx context.Context) error {
	handle, err := b.handle()
	if err != nil {
		return err
	}
	err = handle.Create(ctx, b.project, bucketFor(b.grant, b.settings).attrs())
	if err == nil {
		b.made.note(&b.made.bucket)
	}
	if !hasCode(err, http.StatusConflict) {
		return err
	}
	s, err := b.look(ctx)
	if err != nil {
		return err
	}
	if s.state == nil || !s.inProject || !b.ourLabels(s.state.Labels) {
		return &core.Error{Kind: core.ErrNotOurs, What: b.bucketAddr(), Err: errors.New("somebody else made it meanwhile"), Hint: "choose another --bucket"}
	}
	return nil
}
