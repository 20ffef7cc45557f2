// Simulator: asking IAM what the grantee may do, where nobody can become the grantee.
package s3

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

type simulator struct {
	*session
	policy shared[string] // the bucket's
}

// Simulate asks about the actions that trying p would take, or about p's own.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (s *simulator) Simulate(ctx context.Context, p core.Probe) (core.Outcome, error) {
	o, err := s.operator(ctx)
	if err != nil {
		return core.Unclear, err
	}
	in := &iam.SimulatePrincipalPolicyInput{
		ContextEntries: s.context(p),
	}
	bucket := "arn:" + s.partition.name + ":s3:::" + p.Bucket
	info, _ := core.DescribeAbility(p.Ability)
	in.ActionNames, in.ResourceArns = s.actionsOf(p.Ability), []string{bucket}
	switch {
	case p.Action != "":
		in.ActionNames, in.ResourceArns = []string{p.Action}, []string{p.Key}
	case p.Ability == core.List:
	case info.Reach == core.ObjectReach:
		in.ResourceArns = []string{bucket + "/" + p.Key}
	case info.Reach == core.OwnerReach:
		in.ResourceArns = []string{"*"}
	}
	if len(in.ActionNames) == 0 {
		return core.Unclear, fmt.Errorf("no action is known for %q", p.Ability)
	}
	if _, alone := s.layout.(userLayout); alone && info.Reach != core.OwnerReach {
		if in.ResourcePolicy, err = s.bucketsPolicy(ctx); err != nil {
			return core.Unclear, err
		}
	}
	return s.ask(ctx, in, s.grantees(o.Account, in.ActionNames, p.Want), p)
}

// heard reports whether what the bucket's policy gives decides a probe that the
// grantee's own policies refuse: what nobody may do, nothing else may allow.
func (s *simulator) heard(p core.Probe) bool {
	info, _ := core.DescribeAbility(p.Ability)
	_, told := s.layout.(userLayout)
	l, _ := s.layout.(assumeLayout)
	return !told && p.Bucket == s.bucket() && info.Reach != core.OwnerReach && (p.Want != core.Allowed || l.inPolicyOnly(s.design))
}

// grantees are whom a probe of these actions is about.
func (s *simulator) grantees(account string, actions []string, want core.Outcome) []string {
	if l, ok := s.layout.(backupLayout); ok {
		return l.grantees(s.design, account, actions, want)
	}
	return []string{s.layout.grantee(s.design, account)}
}

// ask sums up what each grantee may do: all where it is wanted, none where it is not.
func (s *simulator) ask(ctx context.Context, in *iam.SimulatePrincipalPolicyInput, grantees []string, p core.Probe) (core.Outcome, error) {
	sum := core.Denied
	for i, arn := range grantees {
		got, err := s.askOne(ctx, in, arn, p)
		switch {
		case err != nil:
			return got, err
		case i == 0, p.Want != core.Allowed && got == core.Allowed, p.Want == core.Allowed && got != core.Allowed:
			sum = got
		}
	}
	return sum, nil
}

// askOne asks what one grantee may do, by its own policies or by the bucket's.
func (s *simulator) askOne(ctx context.Context, in *iam.SimulatePrincipalPolicyInput, arn string, p core.Probe) (core.Outcome, error) {
	in.PolicySourceArn = aws.String(arn)
	out, err := s.iam.SimulatePrincipalPolicy(ctx, in)
	if err != nil {
		return core.Unclear, failed("", "iam:SimulatePrincipalPolicy", err)
	}
	got, err := verdict(out.EvaluationResults, p.Want)
	if err == nil && got == core.Denied && s.heard(p) {
		return s.askBucket(ctx, in, arn, p.Want)
	}
	return got, err
}

// context is what a request would bring along: the time, TLS, where it comes
// from, and the prefix that a listing asks for.
func (s *simulator) context(p core.Probe) []types.ContextEntry {
	list := []types.ContextEntry{
		entry("aws:SecureTransport", "true", types.ContextKeyTypeEnumBoolean),
		entry("aws:CurrentTime", time.Now().UTC().Format(time.RFC3339), types.ContextKeyTypeEnumDate),
	}
	if networks := s.grant.Limits.From; len(networks) > 0 {
		from := insideOf(networks)
		if outside, ok := outsideOf(networks); ok && p.Where == outsideNetwork {
			from = outside
		}
		list = append(list, entry("aws:SourceIp", from.String(), types.ContextKeyTypeEnumIp))
	}
	switch {
	case p.Ability == core.List:
		list = append(list, entry("s3:prefix", p.Key, types.ContextKeyTypeEnumString))
	case p.Action == "s3:ListBucket":
		list = append(list, entry("s3:prefix", s.grant.Target.Prefix, types.ContextKeyTypeEnumString))
	}
	return list
}

// bucketsPolicy is the bucket's policy, which IAM does not look at by itself.
func (s *simulator) bucketsPolicy(ctx context.Context) (*string, error) {
	text, err := s.policy.get(ctx, func(ctx context.Context) (string, error) {
		owner, err := s.owner(ctx)
		if err != nil {
			return "", err
		}
		return (&bucketStep{s.session}).readPolicy(ctx, owner)
	})
	if err != nil || text == "" {
		return nil, err
	}
	return &text, nil
}

// verdict sums up one answer for each action: all must be allowed where p is
// wanted, none where it is not.
func verdict(results []types.EvaluationResult, want core.Outcome) (core.Outcome, error) {
	allowed := 0
	for _, r := range results {
		missing := slices.DeleteFunc(slices.Clone(r.MissingContextValues), oldSessions)
		if len(missing) > 0 {
			return core.Unclear, fmt.Errorf("%s: the answer depends on %v", aws.ToString(r.EvalActionName), missing)
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

// oldSessions reports whether a key of a condition is the one by which sessions
// from before a restoration are refused: the grantee is asked about without one of those.
func oldSessions(key string) bool { return strings.EqualFold(key, tokenIssued) }

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
