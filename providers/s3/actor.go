// Actor: trying things as the grantee, with its own key and nothing else.
package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
)

// actor is the grantee.
type actor struct {
	*clients
	mu       sync.Mutex
	versions map[string]string          // of the objects that it has put, by key
	regions  map[string]*shared[string] // of other buckets, by name
}

// newActor signs with c and nothing else: the environment of whoever runs this is the operator's.
func (p *Provider) newActor(ctx context.Context, region string, c core.Credential) (*actor, error) {
	if c.Form != core.PairForm || c.ID == "" || c.Secret.Empty() {
		return nil, &core.Error{Kind: core.ErrInvalid, What: "credential", Err: errors.New("is not an access key ID with its secret")}
	}
	own := credentials.NewStaticCredentialsProvider(c.ID, string(c.Secret.Reveal()), "")
	clients, err := p.connect(ctx, region, own)
	if err != nil {
		return nil, err
	}
	return newActorOf(clients), nil
}

func newActorOf(c *clients) *actor {
	return &actor{clients: c, versions: map[string]string{}, regions: map[string]*shared[string]{}}
}

// Try makes one attempt.
func (a *actor) Try(ctx context.Context, p core.Probe) (core.Outcome, error) {
	if p.Where == core.Elsewhere {
		return a.tryHarmlessly(ctx, p)
	}
	switch p.Ability {
	case core.Create, core.Overwrite:
		return outcome(p.Want, a.put(ctx, p))
	case core.Abort:
		return a.upload(ctx, p)
	case core.Read:
		return a.get(ctx, p, unrepeated)
	case core.Delete:
		_, err := a.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &p.Key}, unrepeated)
		return outcome(p.Want, err)
	case core.Erase:
		_, err := a.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &p.Key, VersionId: aws.String(a.version(p.Key))}, unrepeated)
		return outcome(p.Want, err)
	}
	return a.tryHarmlessly(ctx, p)
}

// unknownUpload is an upload ID that nobody has. S3 decides whether the caller
// may before it looks for the upload.
const unknownUpload = "bucketgrant-probe"

// tryHarmlessly tries in such a way that nothing is written even if it is allowed.
func (a *actor) tryHarmlessly(ctx context.Context, p core.Probe) (core.Outcome, error) {
	there, err := a.at(ctx, p)
	if err != nil {
		return core.Unclear, err
	}
	switch p.Ability {
	case core.Create, core.Overwrite: // a part of no upload takes the same permission as an object
		_, err = a.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: &p.Bucket, Key: &p.Key, UploadId: aws.String(unknownUpload), PartNumber: aws.Int32(1), Body: body()}, there)
	case core.Abort:
		err = a.abort(ctx, p, unknownUpload, there)
	case core.Read:
		return a.get(ctx, p, there)
	case core.List:
		_, err = a.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &p.Bucket, Prefix: &p.Key, MaxKeys: aws.Int32(1)}, there)
	case core.Delete: // a condition that no missing object meets
		_, err = a.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &p.Key, IfMatch: aws.String("*")}, there)
	case core.Erase: // a version that does not exist
		_, err = a.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &p.Key, VersionId: aws.String(noVersion)}, there)
	case core.Resume:
		_, err = a.s3.ListParts(ctx, &s3.ListPartsInput{Bucket: &p.Bucket, Key: &p.Key, UploadId: aws.String(unknownUpload)}, there)
	case core.Locate:
		_, err = a.s3.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &p.Bucket}, there)
	case core.Uploads:
		_, err = a.s3.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &p.Bucket, MaxUploads: aws.Int32(1)}, there)
	case core.Inspect:
		_, err = a.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &p.Bucket}, there)
	case core.Administer:
		_, err = a.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &p.Bucket, Policy: aws.String(a.idlePolicy())}, there)
	case core.Identify:
		_, err = a.iam.ListUsers(ctx, &iam.ListUsersInput{MaxItems: aws.Int32(1)}, once)
	default:
		return core.Unclear, fmt.Errorf("nobody knows how to try %q", p.Ability)
	}
	return outcome(p.Want, err)
}

// at sends a request once, to the region of the probe's bucket. S3 tells the
// region of a bucket to whoever asks, with any answer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (a *actor) at(ctx context.Context, p core.Probe) (func(*s3.Options), error) {
	if p.Where != core.Elsewhere {
		return unrepeated, nil
	}
	region, err := a.regionOf(p.Bucket).get(ctx, func(ctx context.Context) (string, error) {
		_, err := a.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &p.Bucket}, unrepeated)
		if err != nil && status(err) == 0 {
			return "", err
		}
		return header(err, "x-amz-bucket-region"), nil
	})
	if err != nil {
		return nil, err
	}
	return func(o *s3.Options) {
		unrepeated(o)
		if region != "" {
			o.Region = region
		}
	}, nil
}

// regionOf is the region of another bucket, asked for once; "" if S3 does not say.
func (a *actor) regionOf(bucket string) *shared[string] {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.regions[bucket] == nil {
		a.regions[bucket] = &shared[string]{}
	}
	return a.regions[bucket]
}

// idlePolicy is a policy that no bucket accepts, because it is about another
// one; S3 says so only to those who may write policies. It is well formed, since
// what cannot be parsed might be refused before anybody is authorized.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func (a *actor) idlePolicy() string {
	other := "arn:" + partitionOf(a.s3.Options().Region).name + ":s3:::" + unknownUpload + "/*"
	return string(mustJSON(policy{Version: policyVersion, Statement: []statement{{Effect: "Deny", Principal: "*", Action: texts{"s3:GetObject"}, Resource: texts{other}}}}))
}

func unrepeated(o *s3.Options) { o.Retryer = aws.NopRetryer{} }

// body is what a probe writes.
func body() *strings.Reader { return strings.NewReader("bucketgrant probe\n") }

func (a *actor) put(ctx context.Context, p core.Probe) error {
	out, err := a.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &p.Bucket, Key: &p.Key, Body: body(), ContentType: aws.String("text/plain")}, unrepeated)
	if err == nil && p.Ability == core.Create {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.versions[p.Key] = aws.ToString(out.VersionId)
	}
	return err
}

// noVersion is the version of an object that was put before versioning was on.
const noVersion = "null"

// version is the version of the object that Create put under key.
func (a *actor) version(key string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v := a.versions[key]; v != "" {
		return v
	}
	return noVersion
}

// upload begins an upload in parts, sends a part and gives it up. Where that is
// not granted and beginning is refused, giving up is tried by itself as well,
// because it has a permission of its own.
func (a *actor) upload(ctx context.Context, p core.Probe) (core.Outcome, error) {
	begun, err := a.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &p.Bucket, Key: &p.Key}, unrepeated)
	if err != nil {
		got, unclear := outcome(p.Want, err)
		if got != core.Denied || p.Want == core.Allowed {
			return got, unclear
		}
		return outcome(p.Want, a.abort(ctx, p, unknownUpload, unrepeated))
	}
	_, sent := a.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: &p.Bucket, Key: &p.Key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: body()}, unrepeated)
	gaveUp := a.abort(ctx, p, aws.ToString(begun.UploadId), unrepeated)
	if sent != nil && p.Want == core.Allowed { // else only giving up says anything
		return outcome(p.Want, sent)
	}
	return outcome(p.Want, gaveUp)
}

func (a *actor) abort(ctx context.Context, p core.Probe, id string, there func(*s3.Options)) error {
	_, err := a.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &p.Bucket, Key: &p.Key, UploadId: &id}, there)
	return err
}

// get reads an object. Where there is none, S3 refuses a caller who may read but
// not list with the same code; then its message is about listing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (a *actor) get(ctx context.Context, p core.Probe, there func(*s3.Options)) (core.Outcome, error) {
	out, err := a.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key}, there)
	if err == nil {
		_ = out.Body.Close()
	}
	if is(err, codeDenied) && strings.Contains(err.Error(), "perform: s3:ListBucket") {
		return core.Allowed, nil
	}
	return outcome(p.Want, err)
}
