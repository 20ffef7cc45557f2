// The real clients on top of the fake, and what the tests share.
package fakeaws_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// clients are the three real clients of one identity.
type clients struct {
	iam *iam.Client
	sts *sts.Client
	s3  *s3.Client
}

func connect(c http.Handler, region, id, secret, token string) clients {
	cfg := aws.Config{
		Region:      region,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
		HTTPClient:  &http.Client{Transport: &cloudsim.Transport{Handler: c}},
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	return clients{iam.NewFromConfig(cfg), sts.NewFromConfig(cfg), s3.NewFromConfig(cfg)}
}

func operator(c *fakeaws.Cloud, region string) clients {
	id, secret := c.Operator()
	return connect(c, region, id, secret, "")
}

// newUser makes a user with an inline policy and returns its clients.
func newUser(t *testing.T, c *fakeaws.Cloud, name, policy string) clients {
	t.Helper()
	k := newKey(t, c, name, policy)
	return connect(c, "eu-west-1", k.id, k.secret, "")
}

// newKey makes a user with an inline policy and returns its access key.
func newKey(t *testing.T, c *fakeaws.Cloud, name, policy string) key {
	t.Helper()
	op := operator(c, "eu-west-1")
	must(t)(op.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}))
	if policy != "" {
		must(t)(op.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("inline"), PolicyDocument: &policy}))
	}
	k, err := op.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return key{id: *k.AccessKey.AccessKeyId, secret: *k.AccessKey.SecretAccessKey}
}

// must returns a function that ends the test on an error and drops the answer.
func must(t *testing.T) func(any, error) {
	t.Helper()
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// code is the error code that a client saw; "" for success.
func code(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return err.Error()
}

func wantCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("%s: got %q (%v), want %q", what, got, err, want)
	}
}
