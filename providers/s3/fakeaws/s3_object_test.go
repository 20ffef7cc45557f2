// Objects: what a writer meets besides permissions.
package fakeaws_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func allow(actions, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"` + resource + `"}]}`
}

func TestWithACLsOffOnlyTheOwnersACLIsAccepted(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	alice := newUser(t, c, "alice", allow(`"s3:PutObject"`, "arn:aws:s3:::acme-events/*"))
	for acl, want := range map[types.ObjectCannedACL]string{
		"": "",
		types.ObjectCannedACLBucketOwnerFullControl: "",
		types.ObjectCannedACLPrivate:                "AccessControlListNotSupported",
		types.ObjectCannedACLPublicRead:             "AccessControlListNotSupported",
	} {
		_, err := alice.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("x"), ACL: acl, Body: strings.NewReader("x")})
		wantCode(t, "acl "+string(acl), err, want)
	}
	must(t)(operator(c, "eu-west-1").s3.PutBucketOwnershipControls(t.Context(), &s3.PutBucketOwnershipControlsInput{
		Bucket: aws.String("acme-events"), OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}},
	}))
	_, err := alice.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("x"), ACL: types.ObjectCannedACLBucketOwnerFullControl, Body: strings.NewReader("x")})
	wantCode(t, "with ACLs on, without s3:PutObjectAcl", err, "AccessDenied")
}

func TestAMissingKeyIsToldOnlyToWhoMayList(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	for name, v := range map[string]struct{ policy, want string }{
		"reader": {allow(`"s3:GetObject"`, "arn:aws:s3:::acme-events/*"), "AccessDenied"},
		"lister": {allow(`"s3:GetObject","s3:ListBucket"`, "*"), "NoSuchKey"},
	} {
		_, err := newUser(t, c, name, v.policy).s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("missing")})
		wantCode(t, name, err, v.want)
	}
}

func TestPermissionIsAskedBeforeExistence(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	for name, v := range map[string]struct{ policy, put, abort string }{
		"nobody": {allow(`"s3:ListBucket"`, "*"), "AccessDenied", "AccessDenied"},
		"writer": {allow(`"s3:PutObject"`, "*"), "NoSuchUpload", "AccessDenied"},
		"both":   {allow(`"s3:PutObject","s3:AbortMultipartUpload"`, "*"), "NoSuchUpload", "NoSuchUpload"},
	} {
		cl := newUser(t, c, name, v.policy).s3
		_, err := cl.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String("acme-events"), Key: aws.String("x"), UploadId: aws.String("none"), PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
		wantCode(t, name+": part", err, v.put)
		_, err = cl.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: aws.String("acme-events"), Key: aws.String("x"), UploadId: aws.String("none")})
		wantCode(t, name+": abort", err, v.abort)
	}
}

func TestWriteOnceHoldsWhenItIsEnforced(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1")
	put := func(match *string) error {
		_, err := op.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("x"), IfNoneMatch: match, Body: strings.NewReader("x")})
		return err
	}
	wantCode(t, "first", put(aws.String("*")), "")
	wantCode(t, "second", put(aws.String("*")), "PreconditionFailed")
	wantCode(t, "second without the header", put(nil), "")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-events/*","Condition":{"Null":{"s3:if-none-match":"true"},"Bool":{"s3:ObjectCreationOperation":"true"}}}]}`
	wantCode(t, "policy", putPolicy(t, op, policy), "")
	wantCode(t, "third without the header", put(nil), "AccessDenied")
	up, err := op.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("acme-events"), Key: aws.String("y")})
	must(t)(up, err)
	part, err := op.s3.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String("acme-events"), Key: aws.String("y"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
	must(t)(part, err)
	complete := &s3.CompleteMultipartUploadInput{Bucket: aws.String("acme-events"), Key: aws.String("y"), UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}}
	_, err = op.s3.CompleteMultipartUpload(t.Context(), complete)
	wantCode(t, "completing without the header", err, "AccessDenied")
	complete.IfNoneMatch = aws.String("*")
	_, err = op.s3.CompleteMultipartUpload(t.Context(), complete)
	wantCode(t, "completing with the header", err, "")
}

func TestAKeyOfKMSIsAskedForBeforeBytesAreTaken(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	const arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	must(t)(operator(c, "eu-west-1").s3.PutBucketEncryption(t.Context(), &s3.PutBucketEncryptionInput{
		Bucket: aws.String("acme-events"), ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: aws.String(arn)},
			BucketKeyEnabled:                   aws.Bool(true),
		}}},
	}))
	s3put := `{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-events/*"}`
	via := `"Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}`
	kms := func(action string) string {
		return `,{"Effect":"Allow","Action":"kms:` + action + `","Resource":"` + arn + `",` + via + `}`
	}
	doc := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	for name, v := range map[string]struct{ policy, put, part string }{
		"no-key":   {doc(s3put), "AccessDenied", ""},
		"generate": {doc(s3put + kms("GenerateDataKey")), "", "AccessDenied"},
		"both":     {doc(s3put + kms("GenerateDataKey") + kms("Decrypt")), "", ""},
	} {
		cl := newUser(t, c, name, v.policy).s3
		_, err := cl.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("x"), Body: strings.NewReader("x")})
		wantCode(t, name+": put", err, v.put)
		if err != nil {
			continue
		}
		up, err := cl.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("acme-events"), Key: aws.String("y")})
		must(t)(up, err)
		_, err = cl.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String("acme-events"), Key: aws.String("y"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
		wantCode(t, name+": part", err, v.part)
	}
}

func TestMultipartUploadsBecomeOneObject(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	cl, b, k, ctx := operator(c, "eu-west-1").s3, aws.String("acme-events"), aws.String("big"), t.Context()
	up, err := cl.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: k})
	must(t)(up, err)
	first := bytes.Repeat([]byte("a"), 5<<20)
	var parts []types.CompletedPart
	for i, body := range [][]byte{first, []byte("tail")} {
		n := aws.Int32(int32(i + 1))
		p, err := cl.UploadPart(ctx, &s3.UploadPartInput{Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: n, Body: bytes.NewReader(body)})
		must(t)(p, err)
		parts = append(parts, types.CompletedPart{PartNumber: n, ETag: p.ETag})
	}
	list, err := cl.ListParts(ctx, &s3.ListPartsInput{Bucket: b, Key: k, UploadId: up.UploadId})
	if err != nil || len(list.Parts) != 2 {
		t.Errorf("parts: got %+v, %v", list, err)
	}
	uploads, err := cl.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: b})
	if err != nil || len(uploads.Uploads) != 1 || *uploads.Uploads[0].UploadId != *up.UploadId {
		t.Errorf("uploads: got %+v, %v", uploads, err)
	}
	in := &s3.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{parts[1], parts[0]}}}
	_, err = cl.CompleteMultipartUpload(ctx, in)
	wantCode(t, "wrong order", err, "InvalidPartOrder")
	in.MultipartUpload.Parts = parts
	must(t)(cl.CompleteMultipartUpload(ctx, in))
	got, err := cl.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: k, Range: aws.String("bytes=-5")})
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(got.Body); err != nil || body.String() != "atail" {
		t.Errorf("got %q, %v, want the end of both parts", body.String(), err)
	}
	_, err = cl.CompleteMultipartUpload(ctx, in)
	wantCode(t, "twice", err, "NoSuchUpload")
}

func TestListingsFoldAtTheDelimiterAndComeInPages(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	cl, b, ctx := operator(c, "eu-west-1").s3, aws.String("acme-events"), t.Context()
	for _, k := range []string{"a/1", "a/2", "b/1", "c d+é", "z"} {
		must(t)(cl.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: &k, Body: strings.NewReader("x")}))
	}
	var got []string
	for p := s3.NewListObjectsV2Paginator(cl, &s3.ListObjectsV2Input{Bucket: b, Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out.Contents {
			got = append(got, *o.Key)
		}
		for _, o := range out.CommonPrefixes {
			got = append(got, *o.Prefix)
		}
	}
	if want := "a/ b/ c d+é z"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestSSECIsBlockedByDefault(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	k := key{}
	k.id, k.secret = c.Operator()
	header := map[string]string{"X-Amz-Server-Side-Encryption-Customer-Algorithm": "AES256"}
	if a := call(t, c, k, "PUT", "/acme-events/x", "x", header); a.status != 403 {
		t.Errorf("by default: got %d %s, want a refusal", a.status, a.body)
	}
	call(t, c, k, "PUT", "/acme-events?encryption", "<ServerSideEncryptionConfiguration><Rule><BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>", nil)
	if a := call(t, c, k, "PUT", "/acme-events/x", "x", header); a.status != 200 {
		t.Errorf("after it was allowed: got %d %s", a.status, a.body)
	}
}

func TestACopyReadsItsSourceAsTheCaller(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	newBucket(t, c, "acme-archive")
	op := operator(c, "eu-west-1").s3
	must(t)(op.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("a b"), Body: strings.NewReader("hello"), Metadata: map[string]string{"kind": "event"}}))
	in := &s3.CopyObjectInput{Bucket: aws.String("acme-archive"), Key: aws.String("copy"), CopySource: aws.String("acme-events/a%20b")}
	_, err := newUser(t, c, "writer", allow(`"s3:PutObject"`, "arn:aws:s3:::acme-archive/*")).s3.CopyObject(t.Context(), in)
	wantCode(t, "without reading the source", err, "AccessDenied")
	in.ExpectedSourceBucketOwner = aws.String("444455556666")
	_, err = op.CopyObject(t.Context(), in)
	wantCode(t, "another owner of the source than expected", err, "AccessDenied")
	in.ExpectedSourceBucketOwner = aws.String("111122223333")
	must(t)(op.CopyObject(t.Context(), in))
	got, err := op.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("acme-archive"), Key: aws.String("copy")})
	if err != nil || got.Metadata["kind"] != "event" || *got.ContentLength != 5 {
		t.Errorf("got %+v, %v, want the source with its metadata", got, err)
	}
}

func TestTagsOfAnObjectOpenIt(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1").s3
	for key, tagging := range map[string]*string{"shared": aws.String("share=yes"), "secret": nil} {
		must(t)(op.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: &key, Tagging: tagging, Body: strings.NewReader("x")}))
	}
	cl := newUser(t, c, "alice", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/share":"yes"}}}]}`).s3
	for key, want := range map[string]string{"shared": "", "secret": "AccessDenied"} {
		_, err := cl.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme-events"), Key: &key})
		wantCode(t, key, err, want)
	}
}
