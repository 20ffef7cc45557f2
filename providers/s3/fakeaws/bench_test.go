// How fast the cloud serves a fleet of sites.
package fakeaws_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// BenchmarkSites makes sites side by side: a user, a group, a policy and a key
// each, and an object that the key writes. It reports calls per second.
func BenchmarkSites(b *testing.B) {
	cloud := fakeaws.New(fakeaws.Options{})
	cloud.SetQuota("GroupsQuota", 1_000_000)
	cloud.SetQuota("UsersQuota", 1_000_000)
	cloud.SetQuota("PoliciesQuota", 1_000_000)
	op := operator(cloud, "eu-west-1")
	if _, err := op.s3.CreateBucket(b.Context(), create("acme-sites", "eu-west-1")); err != nil {
		b.Fatal(err)
	}
	var calls, next atomic.Int64
	b.ResetTimer()
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := oneSite(b.Context(), cloud, op, fmt.Sprintf("site%d.example", n), &calls); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	b.ReportMetric(float64(calls.Load())/b.Elapsed().Seconds(), "calls/s")
}

func oneSite(ctx context.Context, cloud *fakeaws.Cloud, op clients, site string, calls *atomic.Int64) error {
	name := &site
	var arn *string
	var key *iam.CreateAccessKeyOutput
	policy := allow(`"s3:PutObject"`, "arn:aws:s3:::acme-sites/"+site+"/*")
	for _, step := range []func() error{
		func() error {
			_, err := op.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Path: aws.String("/sites/")})
			return err
		},
		func() error {
			_, err := op.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name})
			return err
		},
		func() error {
			p, err := op.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: name, PolicyDocument: &policy})
			if err == nil {
				arn = p.Policy.Arn
			}
			return err
		},
		func() error {
			_, err := op.iam.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: name, PolicyArn: arn})
			return err
		},
		func() error {
			_, err := op.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: name, UserName: name})
			return err
		},
		func() error {
			_, err := op.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name})
			return err
		},
		func() error {
			_, err := op.iam.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: name})
			return err
		},
		func() error {
			_, err := op.iam.GetGroup(ctx, &iam.GetGroupInput{GroupName: name})
			return err
		},
		func() error {
			_, err := op.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
			return err
		},
		func() (err error) {
			key, err = op.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
			return err
		},
	} {
		calls.Add(1)
		if err := step(); err != nil {
			return err
		}
	}
	own := connect(cloud, "eu-west-1", *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	for i := range 10 {
		calls.Add(1)
		if _, err := own.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("acme-sites"), Key: aws.String(fmt.Sprint(site, "/", i)), Body: strings.NewReader("x")}); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkPutUnderALongPolicy writes under a bucket policy that is almost as
// long as one can be.
func BenchmarkPutUnderALongPolicy(b *testing.B) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "eu-west-1")
	if _, err := op.s3.CreateBucket(b.Context(), create("acme-sites", "eu-west-1")); err != nil {
		b.Fatal(err)
	}
	var statements []string
	for n := range 70 {
		name := fmt.Sprintf("site%d.example", n)
		if _, err := op.iam.CreateUser(b.Context(), &iam.CreateUserInput{UserName: &name}); err != nil {
			b.Fatal(err)
		}
		statements = append(statements, `{"Sid":"`+fmt.Sprint("S", n)+`","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/`+name+`"},"Action":["s3:PutObject","s3:GetObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::acme-sites/`+name+`/*"}`)
	}
	policy := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	if _, err := op.s3.PutBucketPolicy(b.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("acme-sites"), Policy: &policy}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := op.s3.PutObject(b.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-sites"), Key: aws.String("x"), Body: strings.NewReader("x")}); err != nil {
			b.Fatal(err)
		}
	}
}
