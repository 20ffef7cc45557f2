// The policy simulator.
package fakeaws_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

func TestTheSimulatorDecidesAsTheCloudDoes(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	newKey(t, cloud, "alice", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"},
		{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":"p/*"}}}]}`)
	out, err := op.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String("arn:aws:iam::111122223333:user/alice"),
		ActionNames:     []string{"s3:PutObject", "s3:DeleteObject", "s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::b/k"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]types.PolicyEvaluationDecisionType{"s3:PutObject": "allowed", "s3:DeleteObject": "explicitDeny", "s3:GetObject": "implicitDeny"}
	for _, r := range out.EvaluationResults {
		if r.EvalDecision != want[*r.EvalActionName] || len(r.ResourceSpecificResults) != 1 || *r.ResourceSpecificResults[0].EvalResourceName != "arn:aws:s3:::b/k" {
			t.Errorf("%s: got %+v, want %s", *r.EvalActionName, r, want[*r.EvalActionName])
		}
	}
	custom, err := op.SimulateCustomPolicy(t.Context(), &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":{"StringLike":{"s3:prefix":"p/*"}}}]}`},
		ActionNames:     []string{"s3:ListBucket"},
	})
	if err != nil || len(custom.EvaluationResults) != 1 || len(custom.EvaluationResults[0].MissingContextValues) != 1 {
		t.Fatalf("got %+v, %v, want s3:prefix to be missing", custom, err)
	}
	custom, err = op.SimulateCustomPolicy(t.Context(), &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{anything}, ActionNames: []string{"s3:ListBucket"},
		ContextEntries: []types.ContextEntry{{ContextKeyName: aws.String("s3:prefix"), ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{"p/x"}}},
	})
	if err != nil || custom.EvaluationResults[0].EvalDecision != "allowed" {
		t.Errorf("got %+v, %v, want allowed", custom, err)
	}
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
func TestTheSimulatorSumsUpAndTellsEachResource(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	name := aws.String("backup")
	role, err := op.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: name, Path: aws.String("/service-role/"), AssumeRolePolicyDocument: aws.String(backupTrust)})
	must(t)(role, err)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::mine/*"},{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::mine/secret/*"}]}`
	must(t)(op.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: &policy}))
	for _, v := range []struct {
		resources []string
		each      []types.PolicyEvaluationDecisionType
		sum       types.PolicyEvaluationDecisionType
	}{
		{[]string{"arn:aws:s3:::mine/a"}, []types.PolicyEvaluationDecisionType{"allowed"}, "allowed"},
		{[]string{"arn:aws:s3:::mine/a", "arn:aws:s3:::other/a"}, []types.PolicyEvaluationDecisionType{"allowed", "implicitDeny"}, "implicitDeny"},
		{[]string{"arn:aws:s3:::mine/secret/a", "arn:aws:s3:::other/a", "arn:aws:s3:::mine/a"}, []types.PolicyEvaluationDecisionType{"explicitDeny", "implicitDeny", "allowed"}, "explicitDeny"},
		{nil, nil, "implicitDeny"},
	} {
		out, err := op.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{PolicySourceArn: role.Role.Arn, ActionNames: []string{"s3:GetObject"}, ResourceArns: v.resources})
		if err != nil {
			t.Fatal(err)
		}
		var each []types.PolicyEvaluationDecisionType
		for _, r := range out.EvaluationResults[0].ResourceSpecificResults {
			each = append(each, r.EvalResourceDecision)
		}
		if len(out.EvaluationResults) != 1 || out.EvaluationResults[0].EvalDecision != v.sum || !slices.Equal(each, v.each) {
			t.Errorf("%v: got %s of %v, want %s of %v", v.resources, out.EvaluationResults[0].EvalDecision, each, v.sum, v.each)
		}
	}
}

func TestTheSimulatorTakesAResourcesPolicyForUsersOnly(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	newKey(t, cloud, "alice", "")
	must(t)(op.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(backupTrust)}))
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`
	simulate := func(source string, policy, caller *string) (types.PolicyEvaluationDecisionType, error) {
		out, err := op.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String("arn:aws:iam::111122223333:" + source), ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::b/k"}, ResourcePolicy: policy, CallerArn: caller,
		})
		if err != nil {
			return "", err
		}
		return out.EvaluationResults[0].EvalDecision, nil
	}
	if got, err := simulate("user/alice", &policy, nil); got != "allowed" {
		t.Errorf("with the resource's policy: got %s, %v, want allowed", got, err)
	}
	if got, err := simulate("user/alice", nil, nil); got != "implicitDeny" {
		t.Errorf("without: got %s, %v, want implicitDeny: the simulator fetches no resource's policy", got, err)
	}
	_, err := simulate("role/r", &policy, nil)
	wantCode(t, "for a role", err, "InvalidInput")
	_, err = simulate("user/missing", nil, nil)
	wantCode(t, "for nobody", err, "NoSuchEntity")
	_, err = simulate("user/alice", nil, aws.String("arn:aws:sts::111122223333:assumed-role/r/s"))
	wantCode(t, "with a session as the caller", err, "InvalidInput")
}

func TestTheSimulatorNamesWhatIsMissing(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	name := aws.String("sites")
	must(t)(op.CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: name}))
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":"${aws:username}/*"}}}]}`
	must(t)(op.PutGroupPolicy(t.Context(), &iam.PutGroupPolicyInput{GroupName: name, PolicyName: name, PolicyDocument: &policy}))
	ask := func(source, action, resource string, known ...types.ContextEntry) types.EvaluationResult {
		t.Helper()
		out, err := op.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String("arn:aws:iam::111122223333:" + source), ActionNames: []string{action}, ResourceArns: []string{resource}, ContextEntries: known,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.EvaluationResults[0]
	}
	entry := func(key, value string) types.ContextEntry {
		return types.ContextEntry{ContextKeyName: &key, ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{value}}
	}
	for _, v := range []struct {
		got     types.EvaluationResult
		want    types.PolicyEvaluationDecisionType
		missing []string
	}{
		{ask("group/sites", "s3:PutObject", "arn:aws:s3:::b/a.example/x"), "implicitDeny", []string{"aws:username"}},
		{ask("group/sites", "s3:ListBucket", "arn:aws:s3:::b"), "implicitDeny", []string{"s3:prefix"}},
		{ask("group/sites", "s3:PutObject", "arn:aws:s3:::b/a.example/x", entry("aws:username", "a.example")), "implicitDeny", []string{"aws:SourceIp"}},
		{ask("group/sites", "s3:PutObject", "arn:aws:s3:::b/a.example/x", entry("aws:username", "a.example"), entry("aws:SourceIp", "203.0.113.9")), "allowed", nil},
		{ask("group/sites", "s3:PutObject", "arn:aws:s3:::b/a.example/x", entry("aws:username", "b.example"), entry("aws:SourceIp", "203.0.113.9")), "implicitDeny", nil},
	} {
		each := v.got.ResourceSpecificResults[0]
		if v.got.EvalDecision != v.want || !slices.Equal(v.got.MissingContextValues, v.missing) || !slices.Equal(each.MissingContextValues, v.missing) {
			t.Errorf("%s on %s: got %s, missing %v, want %s, missing %v", *v.got.EvalActionName, *each.EvalResourceName, v.got.EvalDecision, v.got.MissingContextValues, v.want, v.missing)
		}
	}
}
