// What was written can be read, by every way of reading it.
package fakeaws_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func tags(pairs ...string) []types.Tag {
	var list []types.Tag
	for p := range slices.Chunk(pairs, 2) {
		list = append(list, types.Tag{Key: &p[0], Value: &p[1]})
	}
	return list
}

func keysOf(list []types.Tag) []string {
	var keys []string
	for _, t := range list {
		keys = append(keys, *t.Key+"="+*t.Value)
	}
	return keys
}

func TestTagsAreMergedAndTakenAway(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx, name := t.Context(), aws.String("x")
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	must(t)(op.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Tags: tags("a", "1", "b", "2")}))
	p, err := op.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: name, PolicyDocument: aws.String(anything), Tags: tags("a", "1", "b", "2")})
	must(t)(p, err)
	must(t)(op.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: &trust, Tags: tags("a", "1", "b", "2")}))
	more, gone := tags("b", "3", "c", "4"), []string{"a"}
	must(t)(op.TagUser(ctx, &iam.TagUserInput{UserName: name, Tags: more}))
	must(t)(op.UntagUser(ctx, &iam.UntagUserInput{UserName: name, TagKeys: gone}))
	must(t)(op.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: p.Policy.Arn, Tags: more}))
	must(t)(op.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: p.Policy.Arn, TagKeys: gone}))
	must(t)(op.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: more}))
	must(t)(op.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: gone}))
	u, err := op.ListUserTags(ctx, &iam.ListUserTagsInput{UserName: name})
	must(t)(u, err)
	l, err := op.ListPolicyTags(ctx, &iam.ListPolicyTagsInput{PolicyArn: p.Policy.Arn})
	must(t)(l, err)
	r, err := op.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	must(t)(r, err)
	for what, got := range map[string][]types.Tag{"user": u.Tags, "policy": l.Tags, "role": r.Role.Tags} {
		if keys := keysOf(got); !slices.Equal(keys, []string{"b=3", "c=4"}) {
			t.Errorf("%s: got %v", what, keys)
		}
	}
}

func TestPoliciesOfAHolderCanBeListedAndRead(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx, name := t.Context(), aws.String("g")
	must(t)(op.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name, Path: aws.String("/p/")}))
	must(t)(op.CreateUser(ctx, &iam.CreateUserInput{UserName: name}))
	must(t)(op.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: name, UserName: name}))
	must(t)(op.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: name, PolicyName: aws.String("in"), PolicyDocument: aws.String(putOnly)}))
	arn := aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
	must(t)(op.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: name, PolicyArn: arn}))
	inline, err := op.ListGroupPolicies(ctx, &iam.ListGroupPoliciesInput{GroupName: name})
	if err != nil || !slices.Equal(inline.PolicyNames, []string{"in"}) {
		t.Errorf("inline: got %+v, %v", inline, err)
	}
	text, err := op.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: name, PolicyName: aws.String("in")})
	must(t)(text, err)
	if got, _ := url.PathUnescape(*text.PolicyDocument); got != putOnly {
		t.Errorf("inline document: got %s", got)
	}
	attached, err := op.ListAttachedGroupPolicies(ctx, &iam.ListAttachedGroupPoliciesInput{GroupName: name})
	if err != nil || len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "AmazonS3ReadOnlyAccess" {
		t.Errorf("attached: got %+v, %v", attached, err)
	}
	groups, err := op.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: name})
	if err != nil || len(groups.Groups) != 1 || *groups.Groups[0].Arn != "arn:aws:iam::111122223333:group/p/g" {
		t.Errorf("groups: got %+v, %v", groups, err)
	}
	managed, err := op.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil || *managed.Policy.AttachmentCount != 1 {
		t.Errorf("AWS's policy: got %+v, %v, want one attachment", managed, err)
	}
	all, err := op.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{})
	if err != nil || len(all.UserDetailList) != 2 || len(all.GroupDetailList) != 1 || len(all.GroupDetailList[0].GroupPolicyList) != 1 || all.UserDetailList[0].GroupList[0] != "g" {
		t.Errorf("details: got %+v, %v", all, err)
	}
	sum, err := op.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil || sum.SummaryMap["Users"] != 2 || sum.SummaryMap["AccessKeysPerUserQuota"] != 2 {
		t.Errorf("summary: got %+v, %v", sum, err)
	}
	_, err = op.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: name})
	wantCode(t, "login profile", err, "NoSuchEntity")
}

func TestAProvidersAudiencesCanGrow(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx := t.Context()
	p, err := op.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://idp.example/x"), ClientIDList: []string{"one"}, Tags: tags("a", "1")})
	must(t)(p, err)
	arn := p.OpenIDConnectProviderArn
	must(t)(op.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("two")}))
	must(t)(op.RemoveClientIDFromOpenIDConnectProvider(ctx, &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("one")}))
	got, err := op.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
	if err != nil || *got.Url != "idp.example/x" || !slices.Equal(got.ClientIDList, []string{"two"}) || len(got.Tags) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	list, err := op.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	if err != nil || len(list.OpenIDConnectProviderList) != 1 {
		t.Errorf("list: got %+v, %v", list, err)
	}
	must(t)(op.TagOpenIDConnectProvider(ctx, &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, Tags: tags("b", "2")}))
	must(t)(op.UntagOpenIDConnectProvider(ctx, &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, TagKeys: []string{"a"}}))
	marks, err := op.ListOpenIDConnectProviderTags(ctx, &iam.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: arn})
	if err != nil || len(marks.Tags) != 1 || *marks.Tags[0].Key != "b" {
		t.Errorf("tags: got %+v, %v", marks, err)
	}
	must(t)(op.UpdateOpenIDConnectProviderThumbprint(ctx, &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: arn, ThumbprintList: []string{strings.Repeat("a", 40)}}))
	for range 2 { // the second deletion finds nothing, which is no error
		must(t)(op.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}))
	}
	_, err = op.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
	wantCode(t, "after deletion", err, "NoSuchEntity")
}

func TestATrustPolicyCanBeReplaced(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx, name := t.Context(), aws.String("r")
	trust := func(service string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`)
	}
	must(t)(op.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: trust("backup.amazonaws.com")}))
	must(t)(op.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: trust("ec2.amazonaws.com")}))
	must(t)(op.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")}))
	r, err := op.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	must(t)(r, err)
	if got, _ := url.PathUnescape(*r.Role.AssumeRolePolicyDocument); got != *trust("ec2.amazonaws.com") || r.Role.PermissionsBoundary == nil {
		t.Errorf("got %s and %+v", got, r.Role.PermissionsBoundary)
	}
	list, err := op.ListRoles(ctx, &iam.ListRolesInput{})
	if err != nil || len(list.Roles) != 1 {
		t.Errorf("list: got %+v, %v", list, err)
	}
	must(t)(op.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: name}))
	_, err = op.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: aws.String(anything)})
	wantCode(t, "a trust policy without a principal", err, "MalformedPolicyDocument")
	for what, text := range map[string]string{
		"an action of another service": strings.ReplaceAll(*trust("ec2.amazonaws.com"), "sts:AssumeRole", "s3:GetObject"),
		"every action":                 strings.ReplaceAll(*trust("ec2.amazonaws.com"), "sts:AssumeRole", "*"),
		"a service that is none":       *trust("backup"),
		"a service with a wildcard":    *trust("*.amazonaws.com"),
	} {
		_, err = op.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: &text})
		wantCode(t, what, err, "MalformedPolicyDocument")
	}
	_, err = op.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, Description: aws.String(strings.Repeat("x", 1001))})
	wantCode(t, "too long a description", err, "ValidationError")
	must(t)(op.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, Description: aws.String("for backups")}))
	r, err = op.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	if err != nil || *r.Role.Description != "for backups" || *r.Role.MaxSessionDuration != 3600 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
func TestTheAccountIsToldInPages(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx := t.Context()
	for n := range 60 {
		name := fmt.Sprint("site", n)
		must(t)(op.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}))
		must(t)(op.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: &name}))
		must(t)(op.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: aws.String(anything)}))
	}
	users, groups, policies, pages := 0, 0, 0, 0
	for p := iam.NewGetAccountAuthorizationDetailsPaginator(op, &iam.GetAccountAuthorizationDetailsInput{}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		users, groups, policies = users+len(page.UserDetailList), groups+len(page.GroupDetailList), policies+len(page.Policies)
	}
	if users != 61 || groups != 60 || policies != 60 || pages != 2 {
		t.Errorf("got %d users, %d groups, %d policies on %d pages, want 61, 60, 60 on 2", users, groups, policies, pages)
	}
	only, err := op.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{types.EntityTypeGroup}})
	if err != nil || len(only.GroupDetailList) != 60 || len(only.UserDetailList) != 0 || only.IsTruncated {
		t.Errorf("groups alone: got %d groups and %d users, %v", len(only.GroupDetailList), len(only.UserDetailList), err)
	}
}
