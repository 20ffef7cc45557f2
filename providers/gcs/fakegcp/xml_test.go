// The XML API by Amazon's own S3 client, with an HMAC key: what ClickHouse and the like do.
package fakegcp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// unsignedEncoding keeps Accept-Encoding out of the signature: Google's front
// end changes that header.
type unsignedEncoding struct{ next s3.HTTPSignerV4 }

func (u unsignedEncoding) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, at time.Time, o ...func(*v4.SignerOptions)) error {
	r.Header.Del("Accept-Encoding")
	return u.next.SignHTTP(ctx, c, r, hash, service, region, at, o...)
}

// s3Client is Amazon's client with an HMAC key, set up as Google documents it.
func s3Client(cloud *fakegcp.Cloud, accessID, secret string, options ...func(*s3.Options)) *s3.Client {
	base := s3.Options{
		BaseEndpoint: aws.String("https://storage.googleapis.com"), Region: "auto", UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(accessID, secret, ""), HTTPClient: &http.Client{Transport: &cloudsim.Transport{Handler: cloud, Classify: cloud.Classify}},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	return s3.New(base, append([]func(*s3.Options){func(o *s3.Options) { o.HTTPSignerV4 = unsignedEncoding{o.HTTPSignerV4} }}, options...)...)
}

// interop is a cloud with a bucket and a service account with an HMAC key.
type interop struct {
	cloud *fakegcp.Cloud
	admin *storage.Client
	iam   *iam.Service
	email string
	key   *storage.HMACKey
	s3    *s3.Client
}

func newInterop(t *testing.T, role string) interop {
	t.Helper()
	cloud := fakegcp.New(fakegcp.Options{})
	i := interop{cloud: cloud, admin: storageClient(t, cloud, cloud.Operator()), iam: iamClient(t, cloud, cloud.Operator())}
	b := makeBucket(t, i.admin, "acme-clickhouse")
	i.email, _ = makeAccount(t, i.iam, "clickhouse")
	if role != "" {
		grantOn(t, b.IAM().V3(), role, "serviceAccount:"+i.email, "")
	}
	var err error
	if i.key, err = i.admin.CreateHMACKey(t.Context(), projectID, i.email); err != nil {
		t.Fatal(err)
	}
	i.s3 = s3Client(cloud, i.key.AccessID, i.key.Secret)
	return i
}

// wantCode fails the test unless err is an error of the XML API with the code.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func bucketKey(name string) (*string, *string) {
	return aws.String("acme-clickhouse"), aws.String(name)
}

func put(t *testing.T, c *s3.Client, name, text string) error {
	t.Helper()
	b, k := bucketKey(name)
	return second(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader(text)}))
}

func get(t *testing.T, c *s3.Client, name string) (string, error) {
	t.Helper()
	b, k := bucketKey(name)
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: k})
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(out.Body)
	return string(text), err
}

func TestS3ClientWorksWithAnHMACKey(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	for name, c := range map[string]*s3.Client{
		"path style":     i.s3,
		"virtual-hosted": s3Client(i.cloud, i.key.AccessID, i.key.Secret, func(o *s3.Options) { o.UsePathStyle = false }),
		"another region": s3Client(i.cloud, i.key.AccessID, i.key.Secret, func(o *s3.Options) { o.Region = "europe-west3" }),
	} {
		t.Run(name, func(t *testing.T) {
			for _, object := range []string{"disk/a b+c", "disk/ü/%", "disk/x=1&y~"} {
				if err := put(t, c, object, "hello"); err != nil {
					t.Errorf("put %q: %v", object, err)
				}
				if got, err := get(t, c, object); err != nil || got != "hello" {
					t.Errorf("get %q: got %q, %v", object, got, err)
				}
			}
			b, k := bucketKey("disk/a b+c")
			head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: k})
			if err != nil || aws.ToInt64(head.ContentLength) != 5 || aws.ToString(head.ETag) != `"5d41402abc4b2a76b9719d911017c592"` {
				t.Errorf("head: got %+v, %v", head, err)
			}
			var names []string
			pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: b, Prefix: aws.String("disk/"), MaxKeys: aws.Int32(2)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range page.Contents {
					names = append(names, aws.ToString(o.Key))
				}
			}
			if len(names) != 3 {
				t.Errorf("list: got %q, want three", names)
			}
			v1, err := c.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: b, Delimiter: aws.String("/")})
			if err != nil || len(v1.CommonPrefixes) != 1 || aws.ToString(v1.CommonPrefixes[0].Prefix) != "disk/" {
				t.Errorf("list v1: got %+v, %v", v1, err)
			}
			if _, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("acme-clickhouse/disk/a%20b%2Bc")}); err != nil {
				t.Errorf("copy: %v", err)
			}
			for _, name := range append(names, "copy") {
				if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String(name)}); err != nil {
					t.Errorf("delete %q: %v", name, err)
				}
			}
			_, err = get(t, c, "copy")
			wantCode(t, err, "NoSuchKey")
			_, err = c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: b})
			if err == nil {
				t.Error("head bucket: allowed without storage.buckets.get")
			}
		})
	}
	if last := i.cloud.Ledger().All(); last[len(last)-1].Principal != i.email {
		t.Errorf("the ledger says %q, want the key's account", last[len(last)-1].Principal)
	}
}

func TestManyObjectsAreDeletedAtOnceEachByItsOwnPermission(t *testing.T) {
	i := newInterop(t, "roles/storage.objectCreator")
	grantOn(t, i.admin.Bucket("acme-clickhouse").IAM().V3(), "roles/storage.objectUser", "serviceAccount:"+i.email, `resource.name.startsWith("projects/_/buckets/acme-clickhouse/objects/tmp/")`)
	for _, name := range []string{"tmp/1", "tmp/2", "kept"} {
		if err := put(t, i.s3, name, "x"); err != nil {
			t.Fatal(err)
		}
	}
	b, _ := bucketKey("")
	id := func(name string) types.ObjectIdentifier { return types.ObjectIdentifier{Key: aws.String(name)} }
	out, err := i.s3.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{id("tmp/1"), id("tmp/2"), id("kept")}}})
	if err != nil || len(out.Deleted) != 2 || len(out.Errors) != 1 || aws.ToString(out.Errors[0].Code) != "AccessDenied" {
		t.Errorf("got %+v, %v; want two deleted and one refused", out, err)
	}
}

func TestObjectACLIsRefusedWhereACLsAreOff(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	b, k := bucketKey("a")
	_, err := i.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), ACL: types.ObjectCannedACLPublicRead})
	wantCode(t, err, "InvalidArgument")
	_, err = i.s3.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: b, Key: k})
	wantCode(t, err, "NotImplemented")
}

func TestManagedFolderOpensItsPrefixToAnS3Client(t *testing.T) {
	i := newInterop(t, "")
	grantFolder(t, rawClient(t, i.cloud, i.cloud.Operator()), "acme-clickhouse", "disk/", "roles/storage.objectUser", "serviceAccount:"+i.email)
	if err := put(t, i.s3, "disk/1", "x"); err != nil {
		t.Error(err)
	}
	wantCode(t, put(t, i.s3, "disk2/1", "x"), "AccessDenied")
	b, _ := bucketKey("")
	list := func(prefix string) error {
		return second(i.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b, Prefix: aws.String(prefix)}))
	}
	if err := list("disk/"); err != nil {
		t.Error(err)
	}
	wantCode(t, list(""), "AccessDenied")
}
