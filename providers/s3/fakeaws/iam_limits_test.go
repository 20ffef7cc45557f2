// What bounds an identity: quotas, boundaries, and permissions beside the obvious one.
package fakeaws_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func TestQuotasAreAWSs(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx, name := t.Context(), aws.String("alice")
	must(t)(op.CreateUser(ctx, &iam.CreateUserInput{UserName: name}))
	for n := range 11 {
		want := ""
		if n == 10 {
			want = "LimitExceeded"
		}
		stem := fmt.Sprint("x", n)
		must(t)(op.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: &stem}))
		_, err := op.AddUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: name, GroupName: &stem})
		wantCode(t, fmt.Sprint("group ", n+1), err, want)
		p, err := op.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &stem, PolicyDocument: aws.String(anything)})
		must(t)(p, err)
		_, err = op.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: name, PolicyArn: p.Policy.Arn})
		wantCode(t, fmt.Sprint("policy ", n+1), err, want)
	}
	inline := func(name string, size int) error {
		doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::` + strings.Repeat("a", size) + `"}]}`
		_, err := op.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("alice"), PolicyName: &name, PolicyDocument: &doc})
		return err
	}
	wantCode(t, "inline policy", inline("one", 1000), "")
	wantCode(t, "two inline policies above their sum", inline("two", 1000), "LimitExceeded")
	wantCode(t, "the same one anew", inline("one", 1500), "")
}

func TestTaggingAtCreationNeedsItsOwnPermission(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	half := newUser(t, cloud, "half", allow(`"iam:CreateUser","iam:CreatePolicy","iam:CreateRole"`, "*")).iam
	full := newUser(t, cloud, "full", allow(`"iam:CreateUser","iam:CreatePolicy","iam:CreateRole","iam:TagUser","iam:TagPolicy","iam:TagRole"`, "*")).iam
	tags := []types.Tag{{Key: aws.String("owner"), Value: aws.String("tests")}}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	for want, cl := range map[string]*iam.Client{"AccessDenied": half, "": full} {
		_, err := cl.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("u"), Tags: tags})
		wantCode(t, "user", err, want)
		_, err = cl.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: aws.String(anything), Tags: tags})
		wantCode(t, "policy", err, want)
		_, err = cl.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: &trust, Tags: tags})
		wantCode(t, "role", err, want)
	}
}

func TestADelegatedAdministratorMayHaveToSetABoundary(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	cl := newUser(t, cloud, "admin", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:CreateUser","Resource":"arn:aws:iam::*:user/made/*",
		"Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::aws:policy/AmazonS3FullAccess"}}}]}`).iam
	for _, v := range []struct {
		path, boundary *string
		want           string
	}{
		{aws.String("/made/"), aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess"), ""},
		{aws.String("/made/"), aws.String("arn:aws:iam::aws:policy/AdministratorAccess"), "AccessDenied"},
		{aws.String("/made/"), nil, "AccessDenied"},
		{aws.String("/other/"), aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess"), "AccessDenied"},
	} {
		_, err := cl.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("u"), Path: v.path, PermissionsBoundary: v.boundary})
		wantCode(t, aws.ToString(v.path)+aws.ToString(v.boundary), err, v.want)
	}
}

func TestABoundaryLimitsWhatAUserMayDo(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	alice := newUser(t, cloud, "alice", anything)
	must(t)(op.PutUserPermissionsBoundary(t.Context(), &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("alice"), PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")}))
	_, err := alice.iam.ListUsers(t.Context(), &iam.ListUsersInput{})
	if code(err) != "AccessDenied" || !strings.Contains(err.Error(), "because no permissions boundary allows the iam:ListUsers action") {
		t.Errorf("got %v, want a refusal that names the boundary", err)
	}
	must(t)(op.DeleteUserPermissionsBoundary(t.Context(), &iam.DeleteUserPermissionsBoundaryInput{UserName: aws.String("alice")}))
	must(t)(alice.iam.ListUsers(t.Context(), &iam.ListUsersInput{}))
}
