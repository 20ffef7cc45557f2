// Asking what a bucket's policy lets a role do.
package s3

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// askBucket asks what the bucket's policy lets the role do. IAM takes the policy
// of a resource for users only, so what the bucket's policy says of the role is
// handed over as if it stood inside of the role.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (s *simulator) askBucket(ctx context.Context, in *iam.SimulatePrincipalPolicyInput, role string, want core.Outcome) (core.Outcome, error) {
	text, err := s.bucketsPolicy(ctx)
	if err != nil {
		return core.Unclear, err
	}
	document, err := concerning(aws.ToString(text), role)
	if err != nil || document == "" {
		return core.Denied, err
	}
	out, err := s.iam.SimulateCustomPolicy(ctx, &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{document}, ActionNames: in.ActionNames, ResourceArns: in.ResourceArns, ContextEntries: in.ContextEntries,
	})
	if err != nil {
		return core.Unclear, failed("", "iam:SimulateCustomPolicy", err)
	}
	return verdict(out.EvaluationResults, want)
}

// concerning is what a bucket's policy says of a role, without saying of whom; "" if nothing.
func concerning(text, role string) (string, error) {
	there, err := openShelf(text)
	if err != nil {
		return "", err
	}
	said := &shelf{doc: map[string]json.RawMessage{}}
	for _, raw := range there.statements {
		var s map[string]json.RawMessage
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", err
		}
		who := string(s["Principal"])
		if !strings.Contains(who, `"`+role+`"`) && !strings.Contains(who, `"*"`) {
			continue
		}
		delete(s, "Principal")
		said.statements = append(said.statements, mustJSON(s))
	}
	return said.text(), nil
}
