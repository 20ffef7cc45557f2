// The XML API by Amazon's own S3 client, with an HMAC key: what ClickHouse and the like do.
package fakegcp_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
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

func TestLargeUploadGoesInParts(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	b, k := bucketKey("backup/big")
	start := func() *string {
		t.Helper()
		u, err := i.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: k, ContentType: aws.String("text/plain")})
		if err != nil {
			t.Fatal(err)
		}
		return u.UploadId
	}
	upload := func(id *string, n int32, data []byte) types.CompletedPart {
		t.Helper()
		p, err := i.s3.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: k, UploadId: id, PartNumber: aws.Int32(n), Body: bytes.NewReader(data)})
		if err != nil {
			t.Fatal(err)
		}
		return types.CompletedPart{PartNumber: aws.Int32(n), ETag: p.ETag}
	}
	complete := func(id *string, parts ...types.CompletedPart) error {
		return second(i.s3.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}))
	}
	large := bytes.Repeat([]byte("x"), 5<<20)
	id := start()
	two, one := upload(id, 2, []byte("end")), upload(id, 1, large)
	list, err := i.s3.ListParts(t.Context(), &s3.ListPartsInput{Bucket: b, Key: k, UploadId: id})
	if err != nil || len(list.Parts) != 2 || aws.ToInt32(list.Parts[0].PartNumber) != 1 {
		t.Errorf("got %+v, %v; want both parts in order", list, err)
	}
	uploads, err := i.s3.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: b})
	if err != nil || len(uploads.Uploads) != 1 {
		t.Errorf("got %+v, %v; want the upload", uploads, err)
	}
	wantCode(t, complete(id, two, one), "InvalidPartOrder")
	wantCode(t, complete(id, one, types.CompletedPart{PartNumber: aws.Int32(3), ETag: two.ETag}), "InvalidPart")
	if err := complete(id, one, two); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, i.s3, "backup/big"); err != nil || len(got) != 5<<20+3 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	attrs, err := i.admin.Bucket("acme-clickhouse").Object("backup/big").Attrs(t.Context())
	if err != nil || len(attrs.MD5) != 0 || attrs.ContentType != "text/plain" {
		t.Errorf("got %+v, %v; want no MD5, and the content type", attrs, err)
	}
	wantCode(t, complete(id, one, two), "NoSuchUpload")

	small := start()
	a, z := upload(small, 1, []byte("a")), upload(small, 2, []byte("z"))
	wantCode(t, complete(small, a, z), "EntityTooSmall")
	if _, err := i.s3.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: b, Key: k, UploadId: small}); err != nil {
		t.Error(err)
	}
	_, err = i.s3.ListParts(t.Context(), &s3.ListPartsInput{Bucket: b, Key: k, UploadId: small})
	wantCode(t, err, "NoSuchUpload")
}

func TestUploadInPartsNeedsItsOwnPermissions(t *testing.T) {
	custom := func(permissions ...string) interop {
		i := newInterop(t, "")
		role, err := createRole(i.iam, "custom", permissions...)
		if err != nil {
			t.Fatal(err)
		}
		grantOn(t, i.admin.Bucket("acme-clickhouse").IAM().V3(), role.Name, "serviceAccount:"+i.email, `resource.name.startsWith("projects/_/buckets/acme-clickhouse/objects/backup/")`)
		return i
	}
	initiate := func(i interop, name string) (*s3.CreateMultipartUploadOutput, error) {
		b, k := bucketKey(name)
		return i.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: k})
	}
	create := custom("storage.objects.create")
	if err := put(t, create.s3, "backup/small", "x"); err != nil {
		t.Errorf("a small upload: %v", err)
	}
	_, err := initiate(create, "backup/big")
	wantCode(t, err, "AccessDenied")
	wantCode(t, put(t, create.s3, "backup/small", "y"), "AccessDenied") // replacing takes storage.objects.delete
	_, err = initiate(custom("storage.multipartUploads.create"), "backup/big")
	wantCode(t, err, "AccessDenied")

	both := custom("storage.objects.create", "storage.multipartUploads.create")
	_, err = initiate(both, "elsewhere/big")
	wantCode(t, err, "AccessDenied")
	u, err := initiate(both, "backup/big")
	if err != nil {
		t.Fatal(err)
	}
	b, k := bucketKey("backup/big")
	p, err := both.s3.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: k, UploadId: u.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
	if err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), both.admin.Bucket("acme-clickhouse"), "backup/big", "somebody else's"); err != nil {
		t.Fatal(err)
	}
	finish := &s3.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: u.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: p.ETag}}}}
	_, err = both.s3.CompleteMultipartUpload(t.Context(), finish)
	wantCode(t, err, "AccessDenied")
	if err := both.admin.Bucket("acme-clickhouse").Object("backup/big").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err = both.s3.CompleteMultipartUpload(t.Context(), finish); err != nil {
		t.Errorf("a new object: %v", err)
	}
	_, err = both.s3.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: b, Key: k, UploadId: u.UploadId})
	wantCode(t, err, "AccessDenied")
	_, err = both.s3.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: b})
	wantCode(t, err, "AccessDenied")
}

// earlier signs as if it were twenty minutes ago.
type earlier struct{ next s3.HTTPSignerV4 }

func (e earlier) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, at time.Time, o ...func(*v4.SignerOptions)) error {
	return e.next.SignHTTP(ctx, c, r, hash, service, region, at.Add(-20*time.Minute), o...)
}

// forService signs for another service.
type forService struct {
	next    s3.HTTPSignerV4
	service string
}

func (f forService) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, _, region string, at time.Time, o ...func(*v4.SignerOptions)) error {
	return f.next.SignHTTP(ctx, c, r, hash, f.service, region, at, o...)
}

func TestSignatureIsRefused(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	if err := put(t, i.s3, "a", "x"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(t, s3Client(i.cloud, i.key.AccessID, i.key.Secret+"x"), "b", "x"), "SignatureDoesNotMatch")
	wantCode(t, put(t, s3Client(i.cloud, "GOOG1E"+strings.Repeat("X", 55), i.key.Secret), "b", "x"), "InvalidAccessKeyId")
	signsEncoding := s3Client(i.cloud, i.key.AccessID, i.key.Secret, func(o *s3.Options) { o.HTTPSignerV4 = o.HTTPSignerV4.(unsignedEncoding).next })
	wantCode(t, put(t, signsEncoding, "b", "x"), "SignatureDoesNotMatch")
	for _, c := range []struct {
		name, code string
		signer     func(s3.HTTPSignerV4) s3.HTTPSignerV4
	}{
		{"a request of twenty minutes ago", "RequestTimeTooSkewed", func(next s3.HTTPSignerV4) s3.HTTPSignerV4 { return earlier{next} }},
		{"for another service", "InvalidSecurity", func(next s3.HTTPSignerV4) s3.HTTPSignerV4 { return forService{next, "ec2"} }},
	} {
		client := s3Client(i.cloud, i.key.AccessID, i.key.Secret, func(o *s3.Options) { o.HTTPSignerV4 = c.signer(o.HTTPSignerV4) })
		wantCode(t, put(t, client, "b", "x"), c.code)
	}
	if _, err := get(t, i.s3, "a"); err != nil {
		t.Error(err)
	}
	h := i.admin.HMACKeyHandle(projectID, i.key.AccessID)
	if _, err := h.Update(t.Context(), storage.HMACKeyAttrsToUpdate{State: storage.Inactive}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(t, i.s3, "b", "x"), "InvalidAccessKeyId")
	if _, err := h.Update(t.Context(), storage.HMACKeyAttrsToUpdate{State: storage.Active}); err != nil {
		t.Fatal(err)
	}
	if err := put(t, i.s3, "b", "x"); err != nil {
		t.Errorf("active again: %v", err)
	}
	if _, err := i.iam.Projects.ServiceAccounts.Disable(inProject+"/serviceAccounts/"+i.email, &iam.DisableServiceAccountRequest{}).Do(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(t, i.s3, "c", "x"), "InvalidAccessKeyId")
}

func TestHMACKeyIsSwitchedOffAfterThreeMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInterop(t, "roles/storage.objectUser")
		i.cloud.SetDelay(10 * time.Minute)
		if _, err := i.admin.HMACKeyHandle(projectID, i.key.AccessID).Update(t.Context(), storage.HMACKeyAttrsToUpdate{State: storage.Inactive}); err != nil {
			t.Fatal(err)
		}
		if err := put(t, i.s3, "a", "x"); err != nil {
			t.Errorf("at once: %v, want the key to work still", err)
		}
		time.Sleep(3 * time.Minute)
		wantCode(t, put(t, i.s3, "b", "x"), "InvalidAccessKeyId")
	})
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

func TestChecksumBehindTheBodyIsNotUnderstood(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	c := s3Client(i.cloud, i.key.AccessID, i.key.Secret, func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	})
	b, k := bucketKey("a")
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: struct{ io.Reader }{strings.NewReader("x")}, ContentLength: aws.Int64(1)})
	wantCode(t, err, "InvalidArgument")
}

func TestObjectACLIsRefusedWhereACLsAreOff(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	b, k := bucketKey("a")
	_, err := i.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), ACL: types.ObjectCannedACLPublicRead})
	wantCode(t, err, "InvalidArgument")
	_, err = i.s3.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: b, Key: k})
	wantCode(t, err, "NotImplemented")
}

func TestGooglesOwnSignatureIsAsGood(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	send := func(secret, body string) *http.Response {
		now := time.Now().UTC()
		r, err := http.NewRequestWithContext(t.Context(), "PUT", "https://storage.googleapis.com/acme-clickhouse/a?x=1", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		date, scope := now.Format("20060102T150405Z"), now.Format("20060102")+"/auto/storage/goog4_request"
		sum := sha256.Sum256([]byte("hello"))
		hash := hex.EncodeToString(sum[:])
		r.Header.Set("x-goog-date", date)
		r.Header.Set("x-goog-content-sha256", hash)
		const signed = "host;x-goog-content-sha256;x-goog-date"
		canonical := "PUT\n/acme-clickhouse/a\nx=1\nhost:storage.googleapis.com\nx-goog-content-sha256:" + hash + "\nx-goog-date:" + date + "\n\n" + signed + "\n" + hash
		sum = sha256.Sum256([]byte(canonical))
		key := []byte("GOOG4" + secret)
		for _, part := range append(strings.Split(scope, "/"), "GOOG4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(sum[:])) {
			h := hmac.New(sha256.New, key)
			h.Write([]byte(part))
			key = h.Sum(nil)
		}
		r.Header.Set("Authorization", "GOOG4-HMAC-SHA256 Credential="+i.key.AccessID+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(key))
		return cloudsim.Serve(i.cloud, r)
	}
	if got := send(i.key.Secret, "hello"); got.StatusCode != 200 {
		body, _ := io.ReadAll(got.Body)
		t.Errorf("got %d %s", got.StatusCode, body)
	}
	if got := send(i.key.Secret, "changed"); got.StatusCode != 400 {
		t.Errorf("another body than the one that was signed: got %d, want 400", got.StatusCode)
	}
	got := send("x", "hello")
	body, _ := io.ReadAll(got.Body)
	for _, want := range []string{"<Code>SignatureDoesNotMatch</Code>", "Check your Google secret key and signing method.", "<StringToSign>GOOG4-HMAC-SHA256"} {
		if got.StatusCode != 403 || !strings.Contains(string(body), want) {
			t.Errorf("got %d %s, want 403 with %s", got.StatusCode, body, want)
		}
	}
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
