// Changes that take their time, in virtual time.
package fakeaws_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const delay = 10 * time.Second

func TestNewThingsAreInvisibleUntilTheyHaveSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakeaws.New(fakeaws.Options{Delay: delay})
		op := operator(c, "eu-west-1")
		ctx := t.Context()
		newBucket(t, c, "acme-events")
		alice := newUser(t, c, "alice", anything)
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"s3:DeleteObject","Resource":"arn:aws:s3:::acme-events/*"}]}`
		for _, v := range []struct {
			name  string
			early string
			do    func() error
		}{
			{"get user", "NoSuchEntity", func() error {
				_, err := op.iam.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("alice")})
				return err
			}},
			{"identity", "InvalidClientTokenId", func() error {
				_, err := alice.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
				return err
			}},
			{"list buckets", "InvalidAccessKeyId", func() error {
				_, err := alice.s3.ListBuckets(ctx, &s3.ListBucketsInput{})
				return err
			}},
			{"bucket policy", "MalformedPolicy", func() error {
				_, err := op.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("acme-events"), Policy: &policy})
				return err
			}},
		} {
			wantCode(t, v.name+" at once", v.do(), v.early)
			defer func() { wantCode(t, v.name+" later", v.do(), "") }()
		}
		time.Sleep(delay)
	})
}

func TestPoliciesReachAuthorizationAfterTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakeaws.New(fakeaws.Options{})
		op := operator(c, "eu-west-1")
		ctx := t.Context()
		newBucket(t, c, "acme-events")
		alice := newUser(t, c, "alice", "")
		group := aws.String("writers")
		put := func() error {
			_, err := alice.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("acme-events"), Key: aws.String("events/x"), Body: strings.NewReader("x")})
			return err
		}
		p, err := op.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("put"), PolicyDocument: aws.String(putOnly)})
		must(t)(p, err)
		must(t)(op.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: group}))
		must(t)(op.iam.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: group, PolicyArn: p.Policy.Arn}))
		step := func(name, before, after string, change func() error) {
			t.Helper()
			if err := change(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			wantCode(t, name+" at once", put(), before)
			time.Sleep(delay)
			wantCode(t, name+" later", put(), after)
		}
		c.SetDelay(delay)
		step("joining", "AccessDenied", "", func() error {
			_, err := op.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: group, UserName: aws.String("alice")})
			return err
		})
		step("a version that denies", "", "AccessDenied", func() error {
			_, err := op.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: p.Policy.Arn, SetAsDefault: true, PolicyDocument: aws.String(strings.ReplaceAll(putOnly, "Allow", "Deny"))})
			return err
		})
		step("going back", "AccessDenied", "", func() error {
			_, err := op.iam.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: p.Policy.Arn, VersionId: aws.String("v1")})
			return err
		})
		step("detaching", "", "AccessDenied", func() error {
			_, err := op.iam.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: group, PolicyArn: p.Policy.Arn})
			return err
		})
	})
}

func TestADeletedKeyWorksUntilTheDeletionHasSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakeaws.New(fakeaws.Options{})
		k := newKey(t, c, "alice", anything)
		alice := connect(c, "eu-west-1", k.id, k.secret, "")
		c.SetDelay(delay)
		must(t)(operator(c, "eu-west-1").iam.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: &k.id}))
		_, err := alice.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		wantCode(t, "at once", err, "")
		time.Sleep(delay)
		_, err = alice.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		wantCode(t, "later", err, "InvalidClientTokenId")
	})
}

func TestWritesToOneBucketCollideWhileItSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakeaws.New(fakeaws.Options{Settle: time.Second})
		newBucket(t, c, "acme-events")
		op := operator(c, "eu-west-1")
		write := func() error {
			_, err := op.s3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
				Bucket: aws.String("acme-events"), VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
			})
			return err
		}
		wantCode(t, "first", write(), "")
		wantCode(t, "second at once", write(), "OperationAborted")
		time.Sleep(time.Second)
		wantCode(t, "second later", write(), "")
	})
}
