// The main job, done by real clients.
package fakeaws_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const putOnly = `{"Version":"2012-10-17","Statement":[{"Sid":"Put","Effect":"Allow","Action":["s3:PutObject","s3:AbortMultipartUpload"],"Resource":"arn:aws:s3:::acme-events/events/*"}]}`

// newBucket makes a bucket in eu-west-1.
func newBucket(t *testing.T, c *fakeaws.Cloud, name string) {
	t.Helper()
	must(t)(operator(c, "eu-west-1").s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &name,
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
			LocationConstraint: "eu-west-1",
			Tags:               []s3types.Tag{{Key: aws.String("owner"), Value: aws.String("tests")}},
		},
	}))
}

func TestAPutOnlyUserCanPutAndNothingElse(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	op := operator(c, "eu-west-1")
	ctx := t.Context()
	newBucket(t, c, "acme-events")

	policy, err := op.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: aws.String("acme-put"), Path: aws.String("/bucketgrant/"), PolicyDocument: aws.String(putOnly),
		Tags: []iamtypes.Tag{{Key: aws.String("owner"), Value: aws.String("tests")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	must(t)(op.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("acme"), Path: aws.String("/bucketgrant/")}))
	must(t)(op.iam.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("acme"), PolicyArn: policy.Policy.Arn}))
	must(t)(op.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("acme")}))
	must(t)(op.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("acme"), UserName: aws.String("acme")}))
	key, err := op.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("acme")})
	if err != nil {
		t.Fatal(err)
	}
	vendor := connect(c, "eu-west-1", *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")

	who, err := vendor.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::111122223333:user/acme" {
		t.Fatalf("identity: got %v, %v", who, err)
	}
	put := func(key string) error {
		_, err := vendor.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: &key, Body: strings.NewReader("hello")})
		return err
	}
	wantCode(t, "put inside the prefix", put("events/2026/a b+c.json"), "")
	wantCode(t, "put beside the prefix", put("events-evil/x"), "AccessDenied")
	_, err = vendor.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("events/2026/a b+c.json")})
	wantCode(t, "get", err, "AccessDenied")
	_, err = vendor.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("acme-events")})
	wantCode(t, "list", err, "AccessDenied")
	if want := `is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::acme-events" because no identity-based policy allows the s3:ListBucket action`; !strings.Contains(err.Error(), want) {
		t.Errorf("list: got %v, want a message with %s", err, want)
	}
	_, err = vendor.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("events/2026/a b+c.json")})
	wantCode(t, "delete", err, "AccessDenied")
	_, err = vendor.iam.ListUsers(ctx, &iam.ListUsersInput{})
	wantCode(t, "list users", err, "AccessDenied")

	up, err := vendor.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("acme-events"), Key: aws.String("events/big")})
	if err != nil {
		t.Fatal(err)
	}
	must(t)(vendor.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String("acme-events"), Key: aws.String("events/big"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader([]byte("part"))}))
	must(t)(vendor.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String("acme-events"), Key: aws.String("events/big"), UploadId: up.UploadId}))

	got, err := op.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("acme-events")})
	if err != nil || len(got.Contents) != 1 || *got.Contents[0].Key != "events/2026/a b+c.json" {
		t.Errorf("operator's list: got %+v, %v", got, err)
	}
}
