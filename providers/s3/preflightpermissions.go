// Preflight of permissions: IAM is asked what the operator may do, before it is tried.
package s3

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// atOnceSimulated is how many questions IAM's simulator is asked side by side.
const atOnceSimulated = 4

// mostSimulated is how many actions one question is about, so that its answer has one page.
const mostSimulated = 50

// permissions asks about each of needs, one question for each resource. What
// cannot be asked is unknown, and said to be.
func (p *preflight) permissions(ctx context.Context, o core.Operator, needs []core.Permission) []core.Check {
	list := make([]core.Check, 0, len(needs))
	at := map[string]int{}
	var resources []string
	actions := map[string][]string{}
	for _, n := range needs {
		what := n.Action + " on " + n.Resource
		if _, asked := at[what]; asked {
			continue
		}
		at[what] = len(list)
		list = append(list, core.Check{Kind: checkPermission, What: what, Outcome: core.Unclear})
		if actions[n.Resource] == nil {
			resources = append(resources, n.Resource)
		}
		actions[n.Resource] = append(actions[n.Resource], n.Action)
	}
	arn, err := p.operatorsARN(ctx, o)
	if err != nil {
		return unknown(list, err)
	}
	type question struct {
		resource string
		actions  []string
	}
	var questions []question
	for _, r := range resources {
		for some := range slices.Chunk(actions[r], mostSimulated) {
			questions = append(questions, question{r, some})
		}
	}
	var failed error
	for some := range slices.Chunk(questions, atOnceSimulated) {
		answers, errs := make([][]types.EvaluationResult, len(some)), make([]error, len(some))
		var asks []func(context.Context) error
		for i, q := range some {
			asks = append(asks, func(ctx context.Context) error {
				answers[i], errs[i] = p.simulate(ctx, arn, p.inAccount(q.resource, o.Account), q.actions)
				return nil
			})
		}
		_ = core.Together(ctx, asks...)
		for i, q := range some {
			for _, r := range answers[i] {
				if n, ok := at[aws.ToString(r.EvalActionName)+" on "+q.resource]; ok {
					judge(&list[n], r)
				}
			}
		}
		if failed = errors.Join(errs...); failed != nil {
			break // whoever may not ask once may not ask again
		}
	}
	return unknown(list, failed)
}

// inAccount is a resource in the operator's account: IAM simulates no account that is left open.
func (p *preflight) inAccount(resource, account string) string {
	if arnField(resource, 4) != "*" {
		return resource
	}
	return "arn:" + arnField(resource, 1) + ":" + arnField(resource, 2) + ":" + arnField(resource, 3) + ":" + account + ":" + arnField(resource, 5)
}

// simulate asks what a user or role may do on one resource, by its own policies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (p *preflight) simulate(ctx context.Context, arn, resource string, actions []string) ([]types.EvaluationResult, error) {
	pages := iam.NewSimulatePrincipalPolicyPaginator(p.iam, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String(arn), ActionNames: actions, ResourceArns: []string{resource},
		ContextEntries: []types.ContextEntry{
			entry("aws:SecureTransport", "true", types.ContextKeyTypeEnumBoolean),
			entry("aws:CurrentTime", time.Now().UTC().Format(time.RFC3339), types.ContextKeyTypeEnumDate),
			entry("aws:RequestedRegion", p.region, types.ContextKeyTypeEnumString),
			entry("aws:ViaAWSService", "false", types.ContextKeyTypeEnumBoolean),
		},
	})
	var list []types.EvaluationResult
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx, twice)
		if err != nil {
			return list, failed("", "iam:SimulatePrincipalPolicy", err)
		}
		list = append(list, out.EvaluationResults...)
	}
	return list, nil
}

// judge writes down what IAM has answered.
func judge(c *core.Check, r types.EvaluationResult) {
	switch {
	case r.OrganizationsDecisionDetail != nil && !r.OrganizationsDecisionDetail.AllowedByOrganizations:
		c.Kind, c.Outcome, c.Why = checkOrganisation, core.Denied, "a service control policy of the organisation does not allow it"
		c.Fix = "ask whoever keeps the organisation's policies about " + aws.ToString(r.EvalActionName)
	case len(r.MissingContextValues) > 0:
		c.Outcome, c.Why = core.Unclear, "the answer depends on "+strings.Join(r.MissingContextValues, ", ")
	case r.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed:
		c.Outcome, c.Why = core.Allowed, ""
	default:
		c.Outcome, c.Fix = core.Denied, "plan --operator-policy prints the policy that allows it"
		switch d := r.PermissionsBoundaryDecisionDetail; {
		case d != nil && !d.AllowedByPermissionsBoundary:
			c.Why = "the operator's permissions boundary does not allow it"
		case r.EvalDecision == types.PolicyEvaluationDecisionTypeExplicitDeny:
			c.Why = "a policy of the operator denies it"
		default:
			c.Why = "no policy of the operator allows it"
		}
	}
}

// unknown says of every check without an answer why there is none.
func unknown(list []core.Check, err error) []core.Check {
	why := "IAM has not answered"
	if err != nil {
		why = "unknown: it could not be asked: " + err.Error()
	}
	for i, c := range list {
		if c.Outcome == core.Unclear && c.Why == "" {
			list[i].Why = why
		}
	}
	return list
}
