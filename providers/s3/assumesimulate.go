// Asking what a bucket's policy lets the grantee do, beyond what its own policies say.
package s3

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// askBucket asks what the bucket's policy lets the grantee do. Where nothing is
// wanted to be allowed, statements that deny are heard only if others allow: what
// depends on something that nobody knows, such as a network, would make unclear
// what is clear.
func (s *simulator) askBucket(ctx context.Context, in *iam.SimulatePrincipalPolicyInput, arn string, want core.Outcome) (core.Outcome, error) {
	text, err := s.bucketsPolicy(ctx)
	if err != nil {
		return core.Unclear, err
	}
	gives, takes, err := concerning(aws.ToString(text), arn)
	switch {
	case err != nil:
		return core.Unclear, &core.Error{What: s.partAddr(policyPart), Err: err}
	case len(gives.statements) == 0:
		return core.Denied, nil
	case want != core.Allowed:
		got, err := s.askStatements(ctx, in, arn, gives, want)
		if err != nil || got == core.Denied || len(takes.statements) == 0 {
			return got, err
		}
	}
	gives.statements = slices.Concat(gives.statements, takes.statements)
	return s.askStatements(ctx, in, arn, gives, want)
}

// askStatements asks what the statements of a bucket's policy let the grantee do.
// IAM takes the policy of a resource for users only: for a role it is handed over
// as if it stood inside of the role, without saying of whom it speaks.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (s *simulator) askStatements(ctx context.Context, in *iam.SimulatePrincipalPolicyInput, arn string, said *shelf, want core.Outcome) (core.Outcome, error) {
	entries := slices.Concat(in.ContextEntries, callerEntries(said.text(), arn))
	if strings.HasPrefix(arnField(arn, 5), "user/") {
		with := *in
		with.PolicySourceArn, with.ResourcePolicy, with.ContextEntries = &arn, aws.String(said.text()), entries
		out, err := s.iam.SimulatePrincipalPolicy(ctx, &with)
		if err != nil {
			return core.Unclear, failed("", "iam:SimulatePrincipalPolicy", err)
		}
		return verdict(out.EvaluationResults, want)
	}
	document, err := said.inside()
	if err != nil {
		return core.Unclear, err
	}
	out, err := s.iam.SimulateCustomPolicy(ctx, &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{document}, ActionNames: in.ActionNames, ResourceArns: in.ResourceArns, ContextEntries: entries,
	})
	if err != nil {
		return core.Unclear, failed("", "iam:SimulateCustomPolicy", err)
	}
	return verdict(out.EvaluationResults, want)
}

// callerEntries are what a request says of who sends it, where a policy asks for it.
func callerEntries(policy, arn string) []types.ContextEntry {
	var list []types.ContextEntry
	for key, value := range map[string]string{"aws:PrincipalArn": arn, "aws:PrincipalAccount": arnField(arn, 4)} {
		if strings.Contains(strings.ToLower(policy), strings.ToLower(key)) {
			list = append(list, entry(key, value, types.ContextKeyTypeEnumString))
		}
	}
	return list
}

// concerning are the statements of a bucket's policy that give something to the
// grantee, and those that take something away.
func concerning(text, arn string) (gives, takes *shelf, err error) {
	there, err := openShelf(text)
	if err != nil {
		return nil, nil, err
	}
	version := there.doc["Version"]
	if version == nil { // as AWS reads it: variables are none
		version = mustJSON("2008-10-17")
	}
	empty := func() *shelf { return &shelf{doc: map[string]json.RawMessage{"Version": version}} }
	gives, takes = empty(), empty()
	for _, raw := range there.statements {
		s, err := speak(raw)
		switch {
		case err != nil:
			return nil, nil, err
		case !s.about(arn):
		case s.allows():
			gives.statements = append(gives.statements, raw)
		default:
			takes.statements = append(takes.statements, raw)
		}
	}
	return gives, takes, nil
}

// inside is the document as it would stand inside of a role: without principals,
// and without names, which may hold less there.
func (s *shelf) inside() (string, error) {
	bare := &shelf{doc: map[string]json.RawMessage{"Version": s.doc["Version"]}}
	for _, raw := range s.statements {
		var one map[string]json.RawMessage
		if err := json.Unmarshal(raw, &one); err != nil {
			return "", err
		}
		for _, name := range []string{"Principal", "NotPrincipal", "Sid"} {
			delete(one, name)
		}
		bare.statements = append(bare.statements, mustJSON(one))
	}
	return bare.text(), nil
}
