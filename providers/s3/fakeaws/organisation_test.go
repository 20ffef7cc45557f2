// The organisation's policies: they bound everybody in the account.
package fakeaws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
func TestServiceControlPoliciesBoundEverybody(t *testing.T) {
	const account = "111122223333"
	cloud := fakeaws.New(fakeaws.Options{})
	op := operator(cloud, "us-east-1").iam
	cloud.SetServiceControlPolicy(account, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:CreateUser","Resource":"*"}]}`)
	_, err := op.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("alice")})
	if wantCode(t, "a denied action", err, "AccessDenied"); err != nil && !strings.Contains(err.Error(), "with an explicit deny in a service control policy") {
		t.Errorf("got %v, want the layer named", err)
	}
	cloud.SetServiceControlPolicy(account, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","iam:Simulate*"],"Resource":"*"}]}`)
	_, err = op.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("alice")})
	if wantCode(t, "an action that is left out", err, "AccessDenied"); err != nil && !strings.Contains(err.Error(), "because no service control policy allows the iam:CreateUser action") {
		t.Errorf("got %v, want the layer named", err)
	}
	out, err := op.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String("arn:aws:iam::" + account + ":user/operator"), ActionNames: []string{"s3:GetObject", "iam:CreateUser"}, ResourceArns: []string{"*"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		r := out.EvaluationResults[i]
		if d := r.OrganizationsDecisionDetail; d == nil || d.AllowedByOrganizations != want || (r.EvalDecision == "allowed") != want {
			t.Errorf("%s: got %s, %+v, want allowed %v", *r.EvalActionName, r.EvalDecision, d, want)
		}
	}
	cloud.SetServiceControlPolicy(account, "")
	_, err = op.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("alice")})
	wantCode(t, "without an organisation", err, "")
}
