// Quotas of an account, as the summary tells them and as the calls meet them.
package fakeaws_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func TestAFullAccountRefusesOneMore(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	ctx := t.Context()
	for _, v := range []struct {
		quota, used string
		create      func(name string) error
	}{
		{"GroupsQuota", "Groups", func(name string) error {
			_, err := op.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: &name})
			return err
		}},
		{"UsersQuota", "Users", func(name string) error {
			_, err := op.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
			return err
		}},
		{"RolesQuota", "Roles", func(name string) error {
			_, err := op.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(backupTrust)})
			return err
		}},
		{"PoliciesQuota", "Policies", func(name string) error {
			_, err := op.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: aws.String(anything)})
			return err
		}},
	} {
		before := summary(t, op)
		cloud.SetQuota(v.quota, int(before[v.used])+2)
		wantCode(t, v.quota+": one below", v.create("a"), "")
		wantCode(t, v.quota+": the last", v.create("b"), "")
		wantCode(t, v.quota+": one more", v.create("c"), "LimitExceeded")
		after := summary(t, op)
		if after[v.used] != before[v.used]+2 || after[v.quota] != after[v.used] {
			t.Errorf("%s: the summary says %d of %d, want %d", v.quota, after[v.used], after[v.quota], before[v.used]+2)
		}
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func TestThereIsRoomForThreeHundredGroups(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	want := map[string]int32{"GroupsQuota": 300, "UsersQuota": 5000, "RolesQuota": 1000, "PoliciesQuota": 1500, "AssumeRolePolicySizeQuota": 2048}
	got := summary(t, op)
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: got %d, want %d", name, got[name], n)
		}
	}
	for n := range 301 {
		_, err := op.CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: aws.String(fmt.Sprint("site", n))})
		if full := n == 300; full && (code(err) != "LimitExceeded" || !strings.Contains(err.Error(), "Cannot exceed quota for GroupsPerAccount: 300")) || !full && err != nil {
			t.Errorf("group %d: %v", n+1, err)
		}
	}
}

func TestInlinePoliciesAndTrustHaveTheirSizes(t *testing.T) {
	op := operator(fakeaws.New(fakeaws.Options{}), "us-east-1").iam
	ctx, name := t.Context(), aws.String("x")
	must(t)(op.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name}))
	must(t)(op.CreateUser(ctx, &iam.CreateUserInput{UserName: name}))
	must(t)(op.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(backupTrust)}))
	padded := func(size int) *string { // white space is not counted
		frame := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::"}]}`
		return aws.String(strings.Replace(frame, `:::"`, `:::`+strings.Repeat("a", size-len(frame))+`"     `, 1))
	}
	for _, v := range []struct {
		kind string
		most int
		put  func(doc *string) error
	}{
		{"user", 2048, func(doc *string) error {
			_, err := op.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: name, PolicyDocument: doc})
			return err
		}},
		{"group", 5120, func(doc *string) error {
			_, err := op.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: name, PolicyName: name, PolicyDocument: doc})
			return err
		}},
		{"role", 10240, func(doc *string) error {
			_, err := op.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: doc})
			return err
		}},
	} {
		wantCode(t, v.kind+" at its size", v.put(padded(v.most)), "")
		wantCode(t, v.kind+" above it", v.put(padded(v.most+1)), "LimitExceeded")
	}
	trust := func(size int) *string {
		return aws.String(strings.Replace(backupTrust, `"sts:AssumeRole"`, `"sts:AssumeRole","Condition":{"StringEquals":{"aws:x":"`+strings.Repeat("a", size)+`"}}`, 1))
	}
	_, err := op.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: trust(1800)})
	wantCode(t, "a long trust", err, "")
	_, err = op.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: trust(2048)})
	wantCode(t, "too long a trust", err, "LimitExceeded")
}

func TestARestoredCloudKeepsItsQuotas(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	cloud.SetQuota("GroupsQuota", 0)
	b, err := cloud.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fakeaws.Restore(b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = operator(again, "us-east-1").iam.CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: aws.String("x")})
	wantCode(t, "a group", err, "LimitExceeded")
}

func summary(t *testing.T, op *iam.Client) map[string]int32 {
	t.Helper()
	out, err := op.GetAccountSummary(t.Context(), &iam.GetAccountSummaryInput{})
	if err != nil {
		t.Fatal(err)
	}
	return out.SummaryMap
}
