// Uploads in parts: their order, their sizes, and the permissions of their own.
package fakegcp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

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

func TestHMACKeysAndUploadsInPartsAreKeptInASnapshot(t *testing.T) {
	i := newInterop(t, "roles/storage.objectUser")
	b, k := bucketKey("backup/big")
	u, err := i.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: k})
	if err != nil {
		t.Fatal(err)
	}
	p, err := i.s3.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: k, UploadId: u.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("hello")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := i.cloud.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fakegcp.Restore(text)
	if err != nil {
		t.Fatal(err)
	}
	c := s3Client(again, i.key.AccessID, i.key.Secret)
	_, err = c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: b, Key: k, UploadId: u.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: p.ETag}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, c, "backup/big"); err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}
