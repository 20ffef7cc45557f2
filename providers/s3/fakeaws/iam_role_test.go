// Roles: who may take them on.
package fakeaws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func TestARoleOpensOnlyToWhomItTrusts(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "eu-west-1")
	ctx := t.Context()
	vendorID, vendorSecret := cloud.AddAccount("444455556666")
	vendor := connect(cloud, "eu-west-1", vendorID, vendorSecret, "")
	newBucket(t, cloud, "acme-events")
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"workspace-7"}}}]}`
	role, err := op.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("vendor"), AssumeRolePolicyDocument: &trust})
	must(t)(role, err)
	must(t)(op.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("vendor"), PolicyName: aws.String("p"), PolicyDocument: aws.String(putOnly)}))
	in := &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("s1")}
	_, err = vendor.sts.AssumeRole(ctx, in)
	wantCode(t, "without the external ID", err, "AccessDenied")
	in.ExternalId = aws.String("workspace-7")
	_, err = op.sts.AssumeRole(ctx, in)
	wantCode(t, "an administrator who is not trusted", err, "AccessDenied")
	got, err := vendor.sts.AssumeRole(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	s := connect(cloud, "eu-west-1", *got.Credentials.AccessKeyId, *got.Credentials.SecretAccessKey, *got.Credentials.SessionToken)
	who, err := s.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:sts::111122223333:assumed-role/vendor/s1" || !strings.HasPrefix(*got.Credentials.AccessKeyId, "ASIA") {
		t.Errorf("got %v, %v", who, err)
	}
	k := key{*got.Credentials.AccessKeyId, *got.Credentials.SecretAccessKey, *got.Credentials.SessionToken}
	if a := call(t, cloud, k, "PUT", "/acme-events/events/x", "x", nil); a.status != 200 {
		t.Errorf("put with the session: got %d %s", a.status, a.body)
	}
	k.token = ""
	if a := call(t, cloud, k, "PUT", "/acme-events/events/x", "x", nil); a.status/100 != 4 {
		t.Errorf("put without the token: got %d, want a refusal", a.status)
	}
	must(t)(op.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("vendor"), PolicyName: aws.String("p")}))
	must(t)(op.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("vendor")}))
	_, err = s.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wantCode(t, "after the role is gone", err, "InvalidClientTokenId")
}

func TestATrustInASharedIssuerNeedsASubject(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx := t.Context()
	p, err := op.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://token.actions.githubusercontent.com"), ClientIDList: []string{"sts.amazonaws.com"}})
	if err != nil || *p.OpenIDConnectProviderArn != "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" {
		t.Fatalf("got %+v, %v", p, err)
	}
	_, err = op.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://token.actions.githubusercontent.com")})
	wantCode(t, "twice", err, "EntityAlreadyExists")
	trust := func(condition string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + *p.OpenIDConnectProviderArn + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{` + condition + `}}}]}`)
	}
	aud := `"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"`
	_, err = op.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: trust(aud)})
	wantCode(t, "audience only", err, "MalformedPolicyDocument")
	_, err = op.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: trust(aud + `,"token.actions.githubusercontent.com:repository":"acme/backup"`)})
	wantCode(t, "another claim", err, "MalformedPolicyDocument")
	_, err = op.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: trust(aud + `,"token.actions.githubusercontent.com:sub":"*"`)})
	wantCode(t, "any subject", err, "MalformedPolicyDocument")
	_, err = op.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: trust(aud + `,"token.actions.githubusercontent.com:sub":"repo:acme/backup:ref:refs/heads/main"`)})
	wantCode(t, "audience and subject", err, "")
	_, err = op.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("r"), PolicyDocument: trust(aud)})
	wantCode(t, "losing the subject later", err, "MalformedPolicyDocument")
}
