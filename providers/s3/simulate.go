// Simulator: asking IAM what the grantee may do, where nobody can become the grantee.
package s3

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

type simulator struct{ *session }

// Simulate asks about the actions that trying p would take. IAM does not look
// at the bucket's policy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (s *simulator) Simulate(ctx context.Context, p core.Probe) (core.Outcome, error) {
	actions := s.actionsOf(p.Ability)
	if len(actions) == 0 {
		return core.Unclear, fmt.Errorf("no action is known for %q", p.Ability)
	}
	o, err := s.operator(ctx)
	if err != nil {
		return core.Unclear, err
	}
	bucket := "arn:" + s.partition.name + ":s3:::" + p.Bucket
	resource := bucket
	info, _ := core.DescribeAbility(p.Ability)
	in := &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String(s.iamARN(o.Account, "user")),
		ActionNames:     actions,
		ContextEntries:  []types.ContextEntry{entry("aws:SecureTransport", "true", types.ContextKeyTypeEnumBoolean), entry("aws:CurrentTime", time.Now().UTC().Format(time.RFC3339), types.ContextKeyTypeEnumDate)},
	}
	switch {
	case p.Ability == core.List:
		in.ContextEntries = append(in.ContextEntries, entry("s3:prefix", p.Key, types.ContextKeyTypeEnumString))
	case info.Reach == core.ObjectReach:
		resource = bucket + "/" + p.Key
	case info.Reach == core.OwnerReach:
		resource = "*"
	}
	in.ResourceArns = []string{resource}
	out, err := s.iam.SimulatePrincipalPolicy(ctx, in)
	if err != nil {
		return core.Unclear, failed("", "iam:SimulatePrincipalPolicy", err)
	}
	return verdict(out.EvaluationResults, p.Want)
}

// verdict sums up one answer for each action: all must be allowed where p is
// wanted, none where it is not.
func verdict(results []types.EvaluationResult, want core.Outcome) (core.Outcome, error) {
	allowed := 0
	for _, r := range results {
		if len(r.MissingContextValues) > 0 {
			return core.Unclear, fmt.Errorf("%s: the answer depends on %v", aws.ToString(r.EvalActionName), r.MissingContextValues)
		}
		if r.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed {
			allowed++
		}
	}
	switch {
	case len(results) == 0:
		return core.Unclear, fmt.Errorf("there is no answer")
	case allowed == len(results), allowed > 0 && want != core.Allowed:
		return core.Allowed, nil
	}
	return core.Denied, nil
}

func entry(key, value string, kind types.ContextKeyTypeEnum) types.ContextEntry {
	return types.ContextEntry{ContextKeyName: aws.String(key), ContextKeyValues: []string{value}, ContextKeyType: kind}
}

// actionsOf is what trying an ability takes, beyond the abilities that can be granted.
func (s *simulator) actionsOf(a core.Ability) []string {
	one := []core.Ability{a}
	switch a {
	case core.Erase:
		return []string{"s3:DeleteObjectVersion"}
	case core.Inspect:
		return []string{"s3:GetBucketPolicy"}
	case core.Administer:
		return []string{"s3:PutBucketPolicy"}
	case core.Identify:
		return []string{"iam:ListUsers"}
	}
	return slices.Concat(s.provider.actions(one, objectLevel), s.provider.actions(one, bucketLevel))
}
