// Caretaker: the operator's side of a proof: another bucket to be refused at, and the cleaning up.
package s3

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
)

type caretaker struct{ *session }

// Elsewhere names the first other bucket of the account, by name; one in the
// same region if there is one.
func (c *caretaker) Elsewhere(ctx context.Context) (string, error) {
	out, err := c.s3.ListBuckets(ctx, &s3.ListBucketsInput{MaxBuckets: aws.Int32(1000)})
	if err != nil {
		return "", failed("", "s3:ListAllMyBuckets", err)
	}
	var near, far []string
	for _, b := range out.Buckets {
		switch name := aws.ToString(b.Name); {
		case name == c.bucket():
		case aws.ToString(b.BucketRegion) == c.region:
			near = append(near, name)
		default:
			far = append(far, name)
		}
	}
	if len(near) == 0 {
		near = far
	}
	if len(near) == 0 {
		return "", nil
	}
	return slices.Min(near), nil
}

// Sweep removes what a proof has written: every version under exactly these
// keys, and unfinished uploads to them.
func (c *caretaker) Sweep(ctx context.Context, keys []string) error {
	owner, err := c.owner(ctx)
	if err != nil {
		return err
	}
	ours := map[string]bool{}
	folders := map[string]string{} // folder → the longest start that all our keys in it share
	for _, k := range keys {
		ours[k] = true
		folder := k[:strings.LastIndex(k, "/")+1]
		if start, ok := folders[folder]; ok {
			folders[folder] = sharedStart(start, k)
		} else {
			folders[folder] = k
		}
	}
	var tasks []func(context.Context) error
	for _, start := range slices.Sorted(maps.Values(folders)) {
		tasks = append(tasks,
			func(ctx context.Context) error { return c.sweepVersions(ctx, owner, start, ours) },
			func(ctx context.Context) error { return c.sweepUploads(ctx, owner, start, ours) })
	}
	return core.Together(ctx, tasks...)
}

func sharedStart(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// sweepVersions removes versions and delete markers, a page at a time: S3
// lists and removes up to 1,000 in one call.
func (c *caretaker) sweepVersions(ctx context.Context, owner *string, start string, ours map[string]bool) error {
	pages := s3.NewListObjectVersionsPaginator(c.s3, &s3.ListObjectVersionsInput{Bucket: aws.String(c.bucket()), Prefix: &start, ExpectedBucketOwner: owner})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return failed(c.bucketAddr(), "s3:ListBucketVersions", err)
		}
		var doomed []types.ObjectIdentifier
		for _, v := range out.Versions {
			if ours[aws.ToString(v.Key)] {
				doomed = append(doomed, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
			}
		}
		for _, m := range out.DeleteMarkers {
			if ours[aws.ToString(m.Key)] {
				doomed = append(doomed, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
			}
		}
		if len(doomed) == 0 {
			continue
		}
		done, err := c.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(c.bucket()), ExpectedBucketOwner: owner, Delete: &types.Delete{Objects: doomed, Quiet: aws.Bool(true)}})
		if err != nil {
			return failed(c.bucketAddr(), "s3:DeleteObjectVersion", err)
		}
		var errs []error
		for _, e := range done.Errors {
			errs = append(errs, fmt.Errorf("s3:DeleteObjectVersion: %s: %s", aws.ToString(e.Key), aws.ToString(e.Code)))
		}
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
	}
	return nil
}

func (c *caretaker) sweepUploads(ctx context.Context, owner *string, start string, ours map[string]bool) error {
	pages := s3.NewListMultipartUploadsPaginator(c.s3, &s3.ListMultipartUploadsInput{Bucket: aws.String(c.bucket()), Prefix: &start, ExpectedBucketOwner: owner})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return failed(c.bucketAddr(), "s3:ListBucketMultipartUploads", err)
		}
		for _, u := range out.Uploads {
			if !ours[aws.ToString(u.Key)] {
				continue
			}
			_, err := c.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(c.bucket()), Key: u.Key, UploadId: u.UploadId, ExpectedBucketOwner: owner})
			if err != nil && !is(err, "NoSuchUpload") {
				return failed(c.bucketAddr(), "s3:AbortMultipartUpload", err)
			}
		}
	}
	return nil
}

// Plant puts a few bytes under each key, as the operator.
func (c *caretaker) Plant(ctx context.Context, keys []string) error {
	owner, err := c.owner(ctx)
	if err != nil {
		return err
	}
	var tasks []func(context.Context) error
	for _, key := range keys {
		tasks = append(tasks, func(ctx context.Context) error {
			_, err := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(c.bucket()), Key: &key, Body: strings.NewReader("probe"), ExpectedBucketOwner: owner})
			return failed(c.bucketAddr(), "s3:PutObject", err)
		})
	}
	return core.Together(ctx, tasks...)
}
