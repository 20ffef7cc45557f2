// Buckets: names, regions, owners, and what a new one looks like.
package fakeaws_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func create(name, constraint string) *s3.CreateBucketInput {
	in := &s3.CreateBucketInput{Bucket: &name}
	if constraint != "" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(constraint)}
	}
	return in
}

func TestBucketsAreBornWhereTheRulesSay(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	for _, v := range []struct{ client, constraint, name, want, region string }{
		{"us-east-1", "", "in-virginia", "", ""},
		{"us-east-1", "us-east-1", "named-virginia", "InvalidLocationConstraint", ""},
		{"us-east-1", "eu-west-1", "in-ireland", "", "eu-west-1"},
		{"us-east-1", "nowhere", "in-nowhere", "InvalidLocationConstraint", ""},
		{"eu-west-1", "", "unsaid", "IllegalLocationConstraintException", ""},
		{"eu-west-1", "eu-central-1", "elsewhere", "IllegalLocationConstraintException", ""},
		{"eu-west-1", "eu-west-1", "ireland-again", "", "eu-west-1"},
		{"eu-west-1", "EU", "old-ireland", "", "eu-west-1"},
		{"us-east-1", "", "in-virginia", "", ""}, // re-creating one's own is a success there
		{"eu-west-1", "eu-west-1", "ireland-again", "BucketAlreadyOwnedByYou", ""},
		{"us-east-1", "", "Upper-Case", "InvalidBucketName", ""},
		{"us-east-1", "", "a..b", "InvalidBucketName", ""},
		{"us-east-1", "", "192.168.5.4", "InvalidBucketName", ""},
		{"us-east-1", "", "xn--bucket", "InvalidBucketName", ""},
		{"us-east-1", "", "bucket-s3alias", "InvalidBucketName", ""},
		{"us-east-1", "", "acme-111122223333-us-east-1-an", "InvalidBucketName", ""},
	} {
		cl := operator(c, v.client).s3
		_, err := cl.CreateBucket(t.Context(), create(v.name, v.constraint))
		wantCode(t, v.name+" through "+v.client, err, v.want)
		if err != nil {
			continue
		}
		got, err := operator(c, "us-east-1").s3.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: &v.name})
		if err != nil || string(got.LocationConstraint) != v.region {
			t.Errorf("%s: got %+v, %v, want region %q", v.name, got, err, v.region)
		}
	}
	in := create("acme-111122223333-us-east-1-an", "")
	in.BucketNamespace = types.BucketNamespaceAccountRegional
	_, err := operator(c, "us-east-1").s3.CreateBucket(t.Context(), in)
	wantCode(t, "account-regional name", err, "")
	in = create("acme-444455556666-us-east-1-an", "")
	in.BucketNamespace = types.BucketNamespaceAccountRegional
	_, err = operator(c, "us-east-1").s3.CreateBucket(t.Context(), in)
	wantCode(t, "another account's regional name", err, "InvalidBucketName")
}

func TestAStrangersBucketStaysTheirs(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	id, secret := c.AddAccount("444455556666")
	stranger := connect(c, "eu-west-1", id, secret, "")
	must(t)(stranger.s3.CreateBucket(t.Context(), create("theirs", "eu-west-1")))
	op := operator(c, "eu-west-1").s3
	_, err := op.CreateBucket(t.Context(), create("theirs", "eu-west-1"))
	wantCode(t, "create", err, "BucketAlreadyExists")
	_, err = op.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("theirs")})
	wantCode(t, "head", err, "Forbidden")
	if e, ok := errors.AsType[*awshttp.ResponseError](err); !ok || e.Response.Header.Get("X-Amz-Bucket-Region") != "eu-west-1" {
		t.Errorf("head: got %v, want the region in the header", err)
	}
	_, err = op.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("nobodys")})
	wantCode(t, "head of none", err, "NotFound")
	_, err = stranger.s3.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("theirs"), ExpectedBucketOwner: aws.String("111122223333")})
	wantCode(t, "another owner than expected", err, "Forbidden")
	// Even a bucket that is opened to us says no to whoever expects it to be ours.
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":["arn:aws:s3:::theirs","arn:aws:s3:::theirs/*"]}]}`
	must(t)(stranger.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("theirs"), Policy: &policy}))
	put := &s3.PutObjectInput{Bucket: aws.String("theirs"), Key: aws.String("k"), Body: strings.NewReader("x")}
	must(t)(op.PutObject(t.Context(), put))
	put.ExpectedBucketOwner, put.Body = aws.String("111122223333"), strings.NewReader("x")
	_, err = op.PutObject(t.Context(), put)
	wantCode(t, "put with the expected owner", err, "AccessDenied")
	_, err = op.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("theirs"), Policy: &policy})
	wantCode(t, "another account's policy", err, "MethodNotAllowed")
}

func TestAWrongRegionIsToldTheRightOne(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	far := operator(c, "us-west-2").s3
	_, err := far.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("acme-events")})
	wantCode(t, "head", err, "MovedPermanently")
	if e, ok := errors.AsType[*awshttp.ResponseError](err); !ok || e.Response.Header.Get("X-Amz-Bucket-Region") != "eu-west-1" {
		t.Errorf("head: got %v, want the region in the header", err)
	}
	_, err = far.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("acme-events")})
	wantCode(t, "list", err, "PermanentRedirect")
	k := key{}
	k.id, k.secret = c.Operator()
	r := request(t, "GET", "/acme-events", "", nil)
	r.URL.Host, r.Host = "s3.us-west-2.amazonaws.com", ""
	if a := send(t, c, signAt(t, r, k, now())); a.status != 400 || between(a.body, "<Region>", "</Region>") != "us-west-2" {
		t.Errorf("signed for another region than the host's: got %d %s", a.status, a.body)
	}
	r = request(t, "GET", "/", "", nil)
	r.URL.Host, r.Host = "acme-events.s3.amazonaws.com", ""
	if a := send(t, c, signAt(t, r, k, now())); a.status != 200 {
		t.Errorf("the bucket's own name: got %d %s", a.status, a.body)
	}
}

func TestNewBucketsHaveTodaysDefaults(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	cl, b, ctx := operator(c, "eu-west-1").s3, aws.String("acme-events"), t.Context()
	access, err := cl.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b})
	must(t)(access, err)
	if p := access.PublicAccessBlockConfiguration; !*p.BlockPublicAcls || !*p.IgnorePublicAcls || !*p.BlockPublicPolicy || !*p.RestrictPublicBuckets {
		t.Errorf("public access: got %+v, want all blocked", p)
	}
	owner, err := cl.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: b})
	must(t)(owner, err)
	if got := owner.OwnershipControls.Rules[0].ObjectOwnership; got != types.ObjectOwnershipBucketOwnerEnforced {
		t.Errorf("ownership: got %s", got)
	}
	enc, err := cl.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: b})
	must(t)(enc, err)
	if r := enc.ServerSideEncryptionConfiguration.Rules[0]; r.ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAes256 || len(r.BlockedEncryptionTypes.EncryptionType) != 1 {
		t.Errorf("encryption: got %+v, want AES256 and SSE-C blocked", r)
	}
	ver, err := cl.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b})
	if err != nil || ver.Status != "" {
		t.Errorf("versioning: got %+v, %v, want none", ver, err)
	}
	tags, err := cl.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: b})
	if err != nil || len(tags.TagSet) != 1 || *tags.TagSet[0].Key != "owner" {
		t.Errorf("tags: got %+v, %v, want those of the creation", tags, err)
	}
	_, err = cl.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	wantCode(t, "policy", err, "NoSuchBucketPolicy")
	_, err = cl.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: b})
	wantCode(t, "lifecycle", err, "NoSuchLifecycleConfiguration")
	must(t)(cl.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: b}))
	_, err = cl.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b})
	wantCode(t, "deleted public access block", err, "NoSuchPublicAccessBlockConfiguration")
	must(t)(cl.DeleteBucketOwnershipControls(ctx, &s3.DeleteBucketOwnershipControlsInput{Bucket: b}))
	_, err = cl.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: b})
	wantCode(t, "deleted ownership", err, "OwnershipControlsNotFoundError")
	must(t)(cl.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: b}))
	_, err = cl.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: b})
	wantCode(t, "deleted tags", err, "NoSuchTagSet")
}

func TestALifecycleComesBackAsItWasWritten(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	cl := operator(c, "eu-west-1").s3
	rule := types.LifecycleRule{
		ID: aws.String("tidy"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("events/")},
		AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)},
		NoncurrentVersionExpiration:    &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(30)},
	}
	put := func(r types.LifecycleRule) error {
		_, err := cl.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{
			Bucket: aws.String("acme-events"), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{r}},
		})
		return err
	}
	wantCode(t, "put", put(rule), "")
	got, err := cl.GetBucketLifecycleConfiguration(t.Context(), &s3.GetBucketLifecycleConfigurationInput{Bucket: aws.String("acme-events")})
	if err != nil || len(got.Rules) != 1 || *got.Rules[0].Filter.Prefix != "events/" || *got.Rules[0].AbortIncompleteMultipartUpload.DaysAfterInitiation != 7 ||
		*got.Rules[0].NoncurrentVersionExpiration.NoncurrentDays != 30 || got.TransitionDefaultMinimumObjectSize != types.TransitionDefaultMinimumObjectSizeAllStorageClasses128k {
		t.Errorf("got %+v, %v", got, err)
	}
	rule.AbortIncompleteMultipartUpload, rule.NoncurrentVersionExpiration = nil, nil
	wantCode(t, "no action", put(rule), "InvalidRequest")
	rule.Expiration, rule.Filter = &types.LifecycleExpiration{Days: aws.Int32(1)}, nil
	wantCode(t, "no filter", put(rule), "MalformedXML")
}

func TestOnlyAnEmptyBucketCanBeDeleted(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	cl, b, ctx := operator(c, "eu-west-1").s3, aws.String("acme-events"), t.Context()
	must(t)(cl.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}))
	must(t)(cl.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("1")}))
	must(t)(cl.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("2")}))
	must(t)(cl.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: aws.String("k")}))
	_, err := cl.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("k")})
	wantCode(t, "behind a delete marker", err, "NoSuchKey")
	list, err := cl.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: b})
	if err != nil || len(list.Versions) != 2 || len(list.DeleteMarkers) != 1 || !*list.DeleteMarkers[0].IsLatest {
		t.Fatalf("versions: got %+v, %v, want two and a marker", list, err)
	}
	_, err = cl.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b})
	wantCode(t, "with versions", err, "BucketNotEmpty")
	var ids []types.ObjectIdentifier
	for _, v := range list.Versions {
		ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	ids = append(ids, types.ObjectIdentifier{Key: aws.String("k"), VersionId: list.DeleteMarkers[0].VersionId})
	out, err := cl.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: ids}})
	if err != nil || len(out.Deleted) != 3 || len(out.Errors) != 0 {
		t.Errorf("delete: got %+v, %v", out, err)
	}
	must(t)(cl.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b}))
	_, err = cl.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b})
	wantCode(t, "twice", err, "NoSuchBucket")
}

func TestAnUnknownPartOfABucketIsNotTakenForTheBucket(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	k := key{}
	k.id, k.secret = c.Operator()
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		if a := call(t, c, k, method, "/acme-events?cors", "", nil); a.status != 501 {
			t.Errorf("%s ?cors: got %d %s, want 501", method, a.status, a.body)
		}
	}
}
