// Temporary credentials of a user: how they are made, and what ends them.
package fakeaws_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const denyAll = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`

// sessionOf makes temporary credentials from a key.
func sessionOf(t *testing.T, c *fakeaws.Cloud, k key, seconds int32) (clients, error) {
	t.Helper()
	in := &sts.GetSessionTokenInput{}
	if seconds > 0 {
		in.DurationSeconds = &seconds
	}
	out, err := connect(c, "eu-west-1", k.id, k.secret, "").sts.GetSessionToken(t.Context(), in)
	if err != nil {
		return clients{}, err
	}
	return connect(c, "eu-west-1", *out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken), nil
}

func lists(t *testing.T, who clients) error {
	t.Helper()
	_, err := who.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("acme-events")})
	return err
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_disable-perms.html
func TestASessionOfAUserIsMadeWithoutPermissionAndOutlivesItsKey(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op, name := operator(c, "eu-west-1"), aws.String("uploader")
	k := newKey(t, c, *name, allow(`"s3:ListBucket"`, "arn:aws:s3:::acme-events"))
	first, err := sessionOf(t, c, k, 0)
	must(t)(nil, err)
	wantCode(t, "a session of the user", lists(t, first), "")

	must(t)(op.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("shut"), PolicyDocument: aws.String(denyAll)}))
	second, err := sessionOf(t, c, k, 0)
	wantCode(t, "a session of a user to whom everything is denied", err, "")
	wantCode(t, "what it may do", lists(t, second), "AccessDenied")
	must(t)(op.iam.DeleteUserPolicy(t.Context(), &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("shut")}))

	must(t)(op.iam.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{UserName: name, AccessKeyId: &k.id, Status: iamtypes.StatusTypeInactive}))
	wantCode(t, "the key, switched off", lists(t, connect(c, "eu-west-1", k.id, k.secret, "")), "InvalidAccessKeyId")
	wantCode(t, "its session", lists(t, first), "")
	must(t)(op.iam.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: &k.id}))
	wantCode(t, "the session of a key that is gone", lists(t, first), "")
	must(t)(op.iam.DeleteUserPolicy(t.Context(), &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("inline")}))
	must(t)(op.iam.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: name}))
	must(t)(op.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name}))
	wantCode(t, "the session of a user that is gone, though one of its name is there", lists(t, first), "InvalidAccessKeyId")
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func TestASessionOfAUserHasItsLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakeaws.New(fakeaws.Options{})
		newBucket(t, c, "acme-events")
		k := newKey(t, c, "uploader", allow(`"*"`, "*"))
		for _, seconds := range []int32{899, 129601} {
			_, err := sessionOf(t, c, k, seconds)
			wantCode(t, "a wrong duration", err, "ValidationError")
		}
		s, err := sessionOf(t, c, k, 129600)
		must(t)(nil, err)
		_, err = s.sts.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
		wantCode(t, "a session of a session", err, "AccessDenied")
		_, err = s.iam.ListUsers(t.Context(), &iam.ListUsersInput{})
		wantCode(t, "IAM without another factor", err, "InvalidClientTokenId")
		who, err := s.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil || *who.Arn != "arn:aws:iam::111122223333:user/uploader" {
			t.Errorf("got %+v, %v; want the user itself", who, err)
		}
		time.Sleep(36*time.Hour - time.Second)
		wantCode(t, "before its end", lists(t, s), "")
		time.Sleep(2 * time.Second)
		wantCode(t, "after its end", lists(t, s), "ExpiredToken")
	})
}
