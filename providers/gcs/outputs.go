// Outputs: where the bucket is, in the forms that programs ask for.
package gcs

import (
	"context"
	"net/url"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// bucketOutputs name the bucket and the grant's folder in it.
func (r *run) bucketOutputs() []core.Output {
	inside := (&url.URL{Path: r.bucket + "/" + r.prefix}).EscapedPath()
	return []core.Output{
		{Name: "bucket_name", Value: "//storage.googleapis.com/projects/_/buckets/" + r.bucket, Why: "the bucket's full resource name"},
		{Name: "folder_url", Value: r.cloud.at.storage + "/" + strings.TrimPrefix(inside, "/"), Why: "where the grant begins, for programs that take a URL"},
		{Name: "gs_uri", Value: "gs://" + r.bucket + "/" + r.prefix, Why: "the same, for Google's own tools"},
	}
}

func (r *run) keyOutputs(context.Context) ([]core.Output, error) { return r.bucketOutputs(), nil }

// s3Outputs add what a client of Amazon S3 must be told to find Cloud Storage.
func (r *run) s3Outputs(context.Context) ([]core.Output, error) {
	return append([]core.Output{{Name: "endpoint", Value: r.cloud.at.storage, Why: "where programs that speak S3 find the bucket; the region is " + anyRegion + ", addresses are path-style"}},
		r.bucketOutputs()...), nil
}
