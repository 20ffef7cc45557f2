// Preflight: what would stop a plan, looked for before anything is written.
package s3

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/bucketgrant/bucketgrant/core"
)

// preflight looks as the operator. It only reads.
type preflight struct{ *session }

// The kinds of checks that AWS has. Nothing on AWS is deleted softly, so that a
// deleted name is free again at once.
const (
	checkPermission   = "permission"
	checkOrganisation = "organisation"
	checkQuota        = "quota"
	checkName         = "name"
)

// Check looks at the operator's permissions, at the account's quotas and at the
// bucket's name, side by side.
func (p *preflight) Check(ctx context.Context, needs []core.Permission) ([]core.Check, error) {
	o, err := p.operator(ctx)
	if err != nil {
		return nil, err
	}
	var may, rooms, names []core.Check
	err = gather(ctx,
		func(ctx context.Context) error { may = p.permissions(ctx, o, needs); return nil },
		func(ctx context.Context) error { rooms = p.quotas(ctx); return nil },
		func(ctx context.Context) error { names = []core.Check{p.bucketsName(ctx)}; return nil })
	return slices.Concat(may, rooms, names), err
}

// bucketsName is whether the bucket's name can be had, or is had already.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (p *preflight) bucketsName(ctx context.Context) core.Check {
	b := &bucketStep{p.session}
	c := core.Check{Kind: checkName, What: "bucket " + p.bucket(), Outcome: core.Denied}
	at, err := b.head(ctx, nil)
	adopt := p.grant.Target.Adopt
	switch {
	case err != nil:
		c.Outcome, c.Why = core.Unclear, err.Error()
	case !at.exists && adopt:
		c.Why, c.Fix = "there is no such bucket, and an adopted one is never made", "leave out --adopt to make it"
	case !at.exists:
		c.Outcome, c.Why = core.Allowed, "the name is free"
	case at.closed:
		c.Why, c.Fix = "somebody else has it, or the operator may not list it", "--bucket with another name, or --namespace account-regional"
	case at.region != "" && at.region != p.region:
		c.Why, c.Fix = fmt.Sprintf("exists in region %q, not in %q", at.region, p.region), "--region "+at.region
	default:
		p.whose(ctx, b, &c)
	}
	return c
}

// whose looks whose a bucket is that exists and may be listed.
func (p *preflight) whose(ctx context.Context, b *bucketStep, c *core.Check) {
	own, err := b.isOwn(ctx)
	var tags map[string]string
	if err == nil && own && !p.grant.Target.Adopt {
		tags, err = b.tags(ctx)
	}
	switch {
	case err != nil:
		c.Outcome, c.Why = core.Unclear, err.Error()
	case !own:
		c.Why, c.Fix = "belongs to another account", "--bucket with another name, or --namespace account-regional"
	case p.grant.Target.Adopt:
		c.Outcome, c.Why = core.Allowed, "exists, and is used as it is"
	case p.serves(tags):
		c.Outcome, c.Why = core.Allowed, "exists, and is ours"
	default:
		c.Why, c.Fix = "exists and is not ours", "--adopt to use it as it is, or --bucket with another name"
	}
}

// preflightPermissions are what it takes to look. Who the operator is, nobody
// knows before it is asked.
func preflightPermissions(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	look, account := verbs(core.ForPreflight), d.accountOrNot("*")
	p.on(d.roleARN(account, "/", "*"), look, "iam:SimulatePrincipalPolicy")
	p.because("asks what the operator itself may do, as a role")
	p.on("arn:"+d.partition.name+":iam::"+account+":user/*", look, "iam:SimulatePrincipalPolicy")
	p.because("asks what the operator itself may do, as a user")
	p.on(d.roleARN(account, "/", "*"), look, "iam:GetRole")
	p.because("finds the path of the operator's role, which its sessions do not show")
	p.on("*", look, "iam:GetAccountSummary")
	p.because("tells how many of what the account has and may have")
	p.on(d.bucketARN(), look, "s3:ListBucket")
	if !d.grant.Target.Adopt {
		p.on(d.bucketARN(), look, "s3:GetBucketTagging")
	}
	if d.grant.Who == core.WhoKey {
		p.on(d.iamARN(account, "user"), look, "iam:ListAccessKeys")
		p.on("arn:"+d.partition.name+":iam::"+account+":user/"+d.userName(), look, "iam:ListAccessKeys")
		p.because("a user that does not exist is asked for without its path")
	}
	return p.list
}

// operatorsARN is the user or role by which IAM's simulator knows a caller. A
// session does not show the path of its role.
func (p *preflight) operatorsARN(ctx context.Context, o core.Operator) (string, error) {
	_, role, assumed := strings.Cut(withoutSession(o.Principal), ":assumed-role/")
	switch {
	case assumed:
		seen, err := p.readRole(ctx, role)
		if err == nil && seen.role != nil {
			return aws.ToString(seen.role.Arn), nil
		}
		return p.roleARN(o.Account, rootPath, role), nil // where most roles stand
	case strings.Contains(o.Principal, ":user/"):
		return o.Principal, nil
	}
	return "", fmt.Errorf("%s is neither a user nor a role, and IAM simulates nobody else", o.Principal)
}
