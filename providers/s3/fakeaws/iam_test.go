// IAM's own rules: names, limits, and what must go before a thing can be deleted.
package fakeaws_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func TestNamesAreCheckedAndUniqueWithoutRegardToCaseAndPath(t *testing.T) {
	c := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	must(t)(c.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("Alice"), Path: aws.String("/a/")}))
	for _, v := range []struct {
		want string
		in   *iam.CreateUserInput
	}{
		{"EntityAlreadyExists", &iam.CreateUserInput{UserName: aws.String("alice"), Path: aws.String("/b/")}},
		{"ValidationError", &iam.CreateUserInput{UserName: aws.String("al ice")}},
		{"ValidationError", &iam.CreateUserInput{UserName: aws.String(strings.Repeat("a", 65))}},
		{"ValidationError", &iam.CreateUserInput{UserName: aws.String("bob"), Path: aws.String("no-slash")}},
		{"InvalidInput", &iam.CreateUserInput{UserName: aws.String("tagged"), Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}}},
		{"InvalidInput", &iam.CreateUserInput{UserName: aws.String("tagged"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("")}, {Key: aws.String("A"), Value: aws.String("")}}}},
		{"NoSuchEntity", &iam.CreateUserInput{UserName: aws.String("bounded"), PermissionsBoundary: aws.String("arn:aws:iam::111122223333:policy/missing")}},
	} {
		_, err := c.CreateUser(t.Context(), v.in)
		wantCode(t, *v.in.UserName, err, v.want)
	}
	got, err := c.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("ALICE")})
	if err != nil || *got.User.Arn != "arn:aws:iam::111122223333:user/a/Alice" || !strings.HasPrefix(*got.User.UserId, "AIDA") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAUserHasAtMostTwoKeys(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	alice := newUser(t, cloud, "alice", anything)
	k, err := alice.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{}) // without a name: the caller's own
	if err != nil || *k.AccessKey.UserName != "alice" || !strings.HasPrefix(*k.AccessKey.AccessKeyId, "AKIA") {
		t.Fatalf("got %+v, %v, want a second key of alice", k, err)
	}
	must(t)(op.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: k.AccessKey.AccessKeyId, Status: types.StatusTypeInactive}))
	_, err = op.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("alice")})
	wantCode(t, "a third key, one being inactive", err, "LimitExceeded")
	used, err := op.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKey.AccessKeyId})
	if err != nil || used.AccessKeyLastUsed.LastUsedDate != nil || *used.UserName != "alice" {
		t.Errorf("last used: got %+v, %v, want never", used, err)
	}
	must(t)(op.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: k.AccessKey.AccessKeyId}))
	_, err = op.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: k.AccessKey.AccessKeyId})
	wantCode(t, "deleting twice", err, "NoSuchEntity")
	_, err = op.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("alice")})
	wantCode(t, "after deleting one", err, "")
}

func TestAUserIsDeletedLast(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	ctx := t.Context()
	name, group, arn := aws.String("alice"), aws.String("g"), aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
	must(t)(op.CreateUser(ctx, &iam.CreateUserInput{UserName: name}))
	must(t)(op.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: group}))
	var keyID *string
	for _, v := range []struct {
		what     string
		add, rid func() (any, error)
	}{
		{
			"password",
			func() (any, error) {
				return op.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: name, Password: aws.String("not-kept-anywhere")})
			},
			func() (any, error) { return op.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: name}) },
		},
		{
			"access key",
			func() (any, error) {
				k, err := op.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
				if err == nil {
					keyID = k.AccessKey.AccessKeyId
				}
				return k, err
			},
			func() (any, error) {
				return op.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: keyID})
			},
		},
		{
			"inline policy",
			func() (any, error) {
				return op.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(anything)})
			},
			func() (any, error) {
				return op.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("p")})
			},
		},
		{
			"attached policy",
			func() (any, error) {
				return op.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: name, PolicyArn: arn})
			},
			func() (any, error) {
				return op.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: name, PolicyArn: arn})
			},
		},
		{
			"membership",
			func() (any, error) {
				return op.AddUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: name, GroupName: group})
			},
			func() (any, error) {
				return op.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{UserName: name, GroupName: group})
			},
		},
	} {
		must(t)(v.add())
		_, err := op.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name})
		wantCode(t, "with a "+v.what, err, "DeleteConflict")
		must(t)(v.rid())
		_, err = v.rid()
		wantCode(t, v.what+" removed twice", err, "NoSuchEntity")
	}
	must(t)(op.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name}))
	_, err := op.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name})
	wantCode(t, "twice", err, "NoSuchEntity")
}

func TestAPolicyIsDeletedAfterItsVersionsAndAttachments(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx := t.Context()
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/a+b %/*"}]}`
	p, err := op.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("p"), Path: aws.String("/x/y/"), PolicyDocument: &text})
	must(t)(p, err)
	arn := p.Policy.Arn
	if *arn != "arn:aws:iam::111122223333:policy/x/y/p" {
		t.Errorf("got %s", *arn)
	}
	v, err := op.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})
	must(t)(v, err)
	if got, err := url.PathUnescape(*v.PolicyVersion.Document); err != nil || got != text || strings.Contains(*v.PolicyVersion.Document, "+") {
		t.Errorf("document: got %s, want it escaped as RFC 3986 says", *v.PolicyVersion.Document)
	}
	for range 4 {
		must(t)(op.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &text, SetAsDefault: true}))
	}
	_, err = op.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &text})
	wantCode(t, "a sixth version", err, "LimitExceeded")
	must(t)(op.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")}))
	must(t)(op.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("g"), PolicyArn: arn}))
	must(t)(op.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("g"), PolicyArn: arn})) // twice is once
	e, err := op.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: arn})
	if err != nil || len(e.PolicyGroups) != 1 || *e.PolicyGroups[0].GroupName != "g" {
		t.Errorf("entities: got %+v, %v", e, err)
	}
	_, err = op.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	wantCode(t, "attached", err, "DeleteConflict")
	_, err = op.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: aws.String("g")})
	wantCode(t, "group with a policy", err, "DeleteConflict")
	must(t)(op.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: aws.String("g"), PolicyArn: arn}))
	_, err = op.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v5")})
	wantCode(t, "the default version", err, "DeleteConflict")
	for n := 1; n <= 4; n++ {
		_, err = op.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
		wantCode(t, "with versions", err, "DeleteConflict")
		must(t)(op.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String(fmt.Sprint("v", n))}))
	}
	must(t)(op.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn}))
}

func TestPolicyDocumentsAreCheckedForSyntaxOnly(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	wrap := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	for _, v := range []struct{ name, text, want string }{
		{"unknown action", wrap(`{"Effect":"Allow","Action":"s3:ListObjectsV2","Resource":"*"}`), ""},
		{"not JSON", `{`, "MalformedPolicyDocument"},
		{"unknown element", wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Comment":"x"}`), "MalformedPolicyDocument"},
		{"unknown version", `{"Version":"2020-01-01","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, "MalformedPolicyDocument"},
		{"principal", wrap(`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`), "MalformedPolicyDocument"},
		{"no resource", wrap(`{"Effect":"Allow","Action":"s3:*"}`), "MalformedPolicyDocument"},
		{"no vendor", wrap(`{"Effect":"Allow","Action":"PutObject","Resource":"*"}`), "MalformedPolicyDocument"},
		{"resource is no ARN", wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"bucket/*"}`), "MalformedPolicyDocument"},
		{"wrong effect", wrap(`{"Effect":"allow","Action":"s3:*","Resource":"*"}`), "MalformedPolicyDocument"},
		{"sid", wrap(`{"Sid":"a-b","Effect":"Allow","Action":"s3:*","Resource":"*"}`), "MalformedPolicyDocument"},
		{"sid twice", wrap(`{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}`), "MalformedPolicyDocument"},
		{"unknown operator", wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringIs":{"aws:x":"y"}}}`), "MalformedPolicyDocument"},
		{"a letter beyond Latin-1", wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/ж*"}`), "ValidationError"},
		{"too long", wrap(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + strings.Repeat("a", 6144) + `"}`), "LimitExceeded"},
		{"long only by white space", wrap(`{"Effect":"Allow",` + strings.Repeat(" ", 6144) + `"Action":"s3:*","Resource":"*"}`), ""},
	} {
		name := "p-" + strings.ReplaceAll(v.name, " ", "-")
		_, err := op.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &v.text})
		wantCode(t, v.name, err, v.want)
	}
}

func TestListsComeInPages(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx := t.Context()
	must(t)(op.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")}))
	for n := range 7 {
		name := fmt.Sprint("u", n)
		must(t)(op.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Path: aws.String("/many/")}))
		must(t)(op.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("g"), UserName: &name}))
	}
	pages, users := 0, 0
	for p := iam.NewGetGroupPaginator(op, &iam.GetGroupInput{GroupName: aws.String("g"), MaxItems: aws.Int32(3)}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		users += len(out.Users)
	}
	if pages != 3 || users != 7 {
		t.Errorf("got %d users in %d pages, want 7 in 3", users, pages)
	}
	list, err := op.ListUsers(ctx, &iam.ListUsersInput{PathPrefix: aws.String("/many/")})
	if err != nil || len(list.Users) != 7 {
		t.Errorf("got %v, %v, want 7 users below the path", list, err)
	}
	policies, err := op.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal})
	if err != nil || len(policies.Policies) != 0 {
		t.Errorf("got %v, %v, want no local policies", policies, err)
	}
}
