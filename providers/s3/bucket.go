// Bucket: finding out whose the bucket is, making it, and letting it go.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// bucketStep is the bucket with its protection.
type bucketStep struct{ *session }

// place is what a HEAD request tells of a bucket.
type place struct {
	exists bool
	closed bool   // exists, and the caller may not even list it
	region string // "" if the answer did not say
}

// Diff compares the bucket with what the grant wants.
func (b *bucketStep) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	at, err := b.placeOnce(ctx, &b.placedBucket)
	if err != nil {
		return nil, err
	}
	if want.Present {
		return b.present(ctx, at)
	}
	return b.absent(ctx, at, want.DropBucket)
}

// head asks for the bucket. The answer names the region whatever its status.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (b *bucketStep) head(ctx context.Context, owner *string) (place, error) {
	out, err := b.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner})
	if err == nil {
		return place{exists: true, region: aws.ToString(out.BucketRegion)}, nil
	}
	region := header(err, "X-Amz-Bucket-Region")
	switch s := status(err); {
	case s == http.StatusNotFound:
		return place{}, nil
	case s == http.StatusForbidden:
		return place{exists: true, closed: true, region: region}, nil
	case s == http.StatusMovedPermanently, s == http.StatusBadRequest && region != "" && region != b.region:
		return place{exists: true, region: region}, nil
	}
	return place{}, failed(b.bucketAddr(), "s3:ListBucket", err)
}

func (b *bucketStep) present(ctx context.Context, at place) ([]core.Change, error) {
	adopt := b.grant.Target.Adopt
	switch {
	case !at.exists && adopt:
		return b.refuse("there is no such bucket, and an adopted one is never made", "leave out --adopt to make it"), nil
	case !at.exists:
		return b.makeAll(), nil
	case at.closed:
		return b.refuse("exists and belongs to another account, or the operator may not list it", "--bucket with another name, or --namespace account-regional"), nil
	case at.region != "" && at.region != b.region:
		return b.refuse(fmt.Sprintf("exists in region %q, not in %q", at.region, b.region), "--region "+at.region), nil
	}
	var own, asked bool
	var tags map[string]string
	var kept string
	var drift []core.Change
	reads := []func(context.Context) error{
		func(ctx context.Context) (err error) { own, err = b.isOwn(ctx); asked = err == nil; return },
	}
	if adopt {
		reads = append(reads, func(ctx context.Context) (err error) { kept, err = b.keepsReplaced(ctx); return })
	} else {
		reads = append(reads,
			func(ctx context.Context) (err error) { tags, err = b.tags(ctx); return },
			func(ctx context.Context) (err error) { drift, err = b.drift(ctx); return })
	}
	err := gather(ctx, reads...)
	switch {
	case err == nil && own && adopt:
		return []core.Change{{Step: core.BucketStep, Action: core.Keep, Addr: b.bucketAddr(), Why: "adopted: never changed, never dropped; " + kept}}, nil
	case asked && !own:
		return b.refuse("exists and belongs to another account", "--bucket with another name, or --namespace account-regional"), nil
	case err != nil:
		return nil, err
	case b.serves(tags):
	case b.otherGrant(tags) != "":
		return b.refuse(fmt.Sprintf("made for the grant %q", b.otherGrant(tags)), "--adopt adds a second grant to it"), nil
	case forMany(tags):
		return b.refuse("ours, but made for grants of another kind, which share it", "--adopt adds this grant to it"), nil
	default:
		return b.refuse("exists and is not ours", "--adopt to use it as it is, or --bucket with another name"), nil
	}
	return append([]core.Change{{Step: core.BucketStep, Action: core.Keep, Addr: b.bucketAddr(), Why: "ours, in " + b.region}}, drift...), nil
}

// absent lets the bucket go only if that was asked for, and nothing is lost with it.
func (b *bucketStep) absent(ctx context.Context, at place, drop bool) ([]core.Change, error) {
	if !at.exists {
		return nil, nil
	}
	keep := func(why string) ([]core.Change, error) {
		return []core.Change{{Step: core.BucketStep, Action: core.Keep, Addr: b.bucketAddr(), Why: why}}, nil
	}
	switch {
	case b.grant.Target.Adopt:
		return keep("adopted: never dropped")
	case at.closed && !drop:
		return keep("not ours, or closed to the operator: left alone")
	case at.region != "" && at.region != b.region:
		return keep("in another region: left alone")
	}
	var own, asked, holds bool
	var tags map[string]string
	var users []string
	reads := []func(context.Context) error{
		func(ctx context.Context) (err error) { own, err = b.isOwn(ctx); asked = err == nil; return },
		func(ctx context.Context) (err error) { tags, err = b.tags(ctx); return },
	}
	if drop && !at.closed {
		reads = append(reads, func(ctx context.Context) (err error) { holds, err = b.holdsAnything(ctx); return })
	}
	if drop && b.grant.Target.Shared {
		reads = append(reads, func(ctx context.Context) (err error) { users, err = b.otherUsers(ctx); return })
	}
	err := gather(ctx, reads...)
	unlisted := at.closed || asked && !own
	switch {
	case unlisted && drop && b.serves(tags): // which only the owner's own bucket shows
		return nil, &core.Error{Kind: core.ErrOperator, What: b.bucketAddr(), Err: errors.New("is ours, and the operator may not list it"), Hint: "s3:ListBucket, on the bucket, is needed to drop it"}
	case unlisted:
		return keep("not ours, or closed to the operator: left alone")
	case err != nil:
		return nil, err
	case b.serves(tags):
	case b.otherGrant(tags) != "":
		return keep(fmt.Sprintf("made for the grant %q: left alone", b.otherGrant(tags)))
	default:
		return keep("not ours: left alone")
	}
	switch {
	case !drop && b.grant.Target.Shared:
		return keep("stays: other grants may share it")
	case !drop:
		return keep("stays with its data and its protection")
	case holds:
		return keep("holds objects or versions of objects, which are never deleted here")
	case len(users) > 0:
		return keep("stays: others use it: " + strings.Join(users, ", "))
	}
	// The grant's own traces in the bucket go first, so that two writes of it never meet.
	needs := []string{b.statementAddr(), b.markerAddr()}
	return []core.Change{{Step: core.BucketStep, Action: core.Drop, Addr: b.bucketAddr(), Why: "ours and empty", Needs: needs}}, nil
}

// isOwn reports whether the bucket belongs to the operator's account: another
// account's bucket answers too, if its policy lets the operator list it.
func (b *bucketStep) isOwn(ctx context.Context) (bool, error) {
	owner, err := b.owner(ctx)
	if err != nil {
		return false, err
	}
	at, err := b.head(ctx, owner)
	if err != nil {
		return false, err
	}
	return at.exists && !at.closed, nil
}

// isOurs reports whether the bucket carries the mark of this grant.
func (b *bucketStep) isOurs(ctx context.Context) (bool, error) {
	tags, err := b.tags(ctx)
	return b.serves(tags), err
}

func (b *bucketStep) tags(ctx context.Context) (map[string]string, error) {
	owner, err := b.owner(ctx)
	if err != nil {
		return nil, err
	}
	out, err := b.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner})
	if empty(err) {
		return nil, nil
	}
	if err != nil {
		return nil, failed(b.bucketAddr(), "s3:GetBucketTagging", err)
	}
	tags := map[string]string{}
	for _, t := range out.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

func (b *bucketStep) holdsAnything(ctx context.Context) (bool, error) {
	owner, err := b.owner(ctx)
	if err != nil {
		return false, err
	}
	out, err := b.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner, MaxKeys: aws.Int32(2)})
	if err != nil {
		return false, failed(b.bucketAddr(), "s3:ListBucketVersions", err)
	}
	if len(out.Versions) == 1 && len(out.DeleteMarkers) == 0 && b.marker && aws.ToString(out.Versions[0].Key) == b.folder() {
		there, err := (&markerPiece{b.session}).look(ctx) // it goes with the grant
		return !there.own, err
	}
	return len(out.Versions)+len(out.DeleteMarkers) > 0, nil
}

func (b *bucketStep) refuse(why, hint string) []core.Change {
	return []core.Change{{Step: core.BucketStep, Action: core.Refuse, Addr: b.bucketAddr(), Why: why, Hint: hint}}
}

// makeAll is the plan for a bucket that does not exist.
func (b *bucketStep) makeAll() []core.Change {
	list := []core.Change{{Step: core.BucketStep, Action: core.Make, Addr: b.bucketAddr(), Why: "in " + b.region}}
	for _, part := range parts() {
		list = append(list, b.partChange(core.Make, part))
	}
	return list
}

// Do writes one change of the bucket or of one of its parts.
func (b *bucketStep) Do(ctx context.Context, c core.Change) error {
	b.wrote.Store(true)
	if c.Addr != b.bucketAddr() {
		for _, part := range parts() {
			if c.Addr == b.partAddr(part) && c.Action != core.Drop {
				return b.settle(ctx, part)
			}
		}
	}
	switch c.Action {
	case core.Make:
		return b.create(ctx)
	case core.Drop:
		return b.drop(ctx)
	}
	return fmt.Errorf("bucket %s: no such action %q", c.Addr, c.Action)
}

// create makes the bucket, marked in the same call.
func (b *bucketStep) create(ctx context.Context) error {
	in := &s3.CreateBucketInput{Bucket: aws.String(b.bucket()), CreateBucketConfiguration: &types.CreateBucketConfiguration{}}
	tags := b.bucketMark()
	if b.region == quirkyRegion {
		tags[tagRun] = b.run
	}
	for k, v := range sortedTags(tags) {
		in.CreateBucketConfiguration.Tags = append(in.CreateBucketConfiguration.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	if b.region != quirkyRegion {
		in.CreateBucketConfiguration.LocationConstraint = types.BucketLocationConstraint(b.region)
	}
	if b.regional {
		in.BucketNamespace = types.BucketNamespaceAccountRegional
	}
	err := await(ctx, patience, func(err error) bool { return is(err, codeAborted) }, func() error {
		_, err := b.s3.CreateBucket(ctx, in)
		return err
	})
	if is(err, codeBucketOwned) {
		return b.adoptOwn(ctx, err)
	}
	if err == nil {
		b.born(b.bucketAddr())
		b.fresh.Store(b.region != quirkyRegion)
	}
	return failed(b.bucketAddr(), "s3:CreateBucket", err)
}

// quirkyRegion has no name as a location constraint, and answers the creation
// of a bucket that the caller has already with success. Whether the bucket was
// made by that call, its tags say.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
const quirkyRegion = "us-east-1"

// adoptOwn goes on with a bucket that appeared since the plan, if it carries
// our mark: then it was made by a call of ours whose answer was lost.
func (b *bucketStep) adoptOwn(ctx context.Context, cause error) error {
	ours, err := b.isOurs(ctx)
	if err != nil {
		return err
	}
	if !ours {
		return &core.Error{Kind: core.ErrNotOurs, What: b.bucketAddr(), Err: brief{"s3:CreateBucket", cause}, Hint: "--adopt to use it as it is"}
	}
	return nil
}

func (b *bucketStep) drop(ctx context.Context) error {
	owner, err := b.owner(ctx)
	if err != nil {
		return err
	}
	if err = b.confirm(ctx); err == nil {
		_, err = b.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(b.bucket()), ExpectedBucketOwner: owner})
	}
	if gone(err) {
		return nil
	}
	return failed(b.bucketAddr(), "s3:DeleteBucket", err)
}
