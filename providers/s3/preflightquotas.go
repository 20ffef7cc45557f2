// Preflight of quotas: how many of what the account has, and whether the grant still fits.
package s3

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// quota is one figure of the account, and what of the grant counts for it.
type quota struct {
	what       string // as people call it
	used, most string // in IAM's summary
	usual      int    // where the summary does not name the most
	address    string // what the addresses of those resources begin with
}

// accountQuotas are the figures that a grant can run into. IAM's summary counts
// identity providers and does not say how many there may be.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func accountQuotas() []quota {
	return []quota{
		{what: "users", used: "Users", most: "UsersQuota", address: "iam:user/"},
		{what: "groups", used: "Groups", most: "GroupsQuota", address: "iam:group/"},
		{what: "policies", used: "Policies", most: "PoliciesQuota", address: "iam:policy/"},
		{what: "versions of policies", used: "PolicyVersionsInUse", most: "PolicyVersionsInUseQuota", address: "iam:policy/"},
		{what: "roles", used: "Roles", most: "RolesQuota", address: "iam:role/"},
		{what: "identity providers", used: "Providers", usual: 100, address: "iam:oidc-provider/"},
	}
}

// quotas compares what the grant consists of with the room that is left. Only
// where there is none is it asked what of the grant is there already.
func (p *preflight) quotas(ctx context.Context) []core.Check {
	out, err := p.iam.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil {
		return []core.Check{{Kind: checkQuota, What: "users, groups, policies and roles of the account", Outcome: core.Unclear, Why: failed("", "iam:GetAccountSummary", err).Error()}}
	}
	var list []core.Check
	for _, q := range accountQuotas() {
		own := p.counted(q.address)
		if len(own) == 0 {
			continue
		}
		used, most := int(out.SummaryMap[q.used]), cmp.Or(int(out.SummaryMap[q.most]), q.usual)
		c := core.Check{Kind: checkQuota, What: fmt.Sprintf("%s: %d of %d", q.what, used, most), Outcome: core.Allowed}
		switch {
		case most == 0:
			c.Outcome, c.Why = core.Unclear, "IAM does not say how many there may be"
		case used+len(own) > most:
			p.full(ctx, &c, own, most-used, q.most == "")
		}
		list = append(list, c)
	}
	if p.grant.Who == core.WhoKey {
		list = append(list, p.keysRoom(ctx, int(out.SummaryMap["AccessKeysPerUserQuota"])))
	}
	return list
}

// counted are the things of the grant whose addresses begin so, not what hangs on them.
func (p *preflight) counted(address string) []string {
	var own []string
	for _, r := range resources(p.design) {
		if name, ok := strings.CutPrefix(r.Addr, address); ok && !strings.Contains(name, "/") {
			own = append(own, r.Addr)
		}
	}
	return own
}

// full looks whether what there is no room for is there already.
func (p *preflight) full(ctx context.Context, c *core.Check, own []string, left int, guessed bool) {
	missing := 0
	for _, addr := range own {
		there, err := p.there(ctx, addr)
		if err != nil {
			c.Outcome, c.Why = core.Unclear, err.Error()
			return
		}
		if !there {
			missing++
		}
	}
	if missing <= left {
		c.Why = "what the grant has of them is there already"
		return
	}
	c.Outcome, c.Why = core.Denied, fmt.Sprintf("the grant takes %d more, and there is room for %d", missing, max(left, 0))
	if guessed {
		c.Outcome = core.Unclear
		c.Why += ", unless AWS has raised the default"
	}
	c.Fix = "aws service-quotas list-service-quotas --service-code iam --region us-east-1"
}

// there reports whether something of the grant exists, whosever it is.
func (p *preflight) there(ctx context.Context, addr string) (bool, error) {
	r, v := &roleStep{p.session}, &roleView{}
	switch {
	case addr == p.userAddr():
		u, err := p.readUser(ctx)
		return u != nil, err
	case addr == p.groupAddr():
		err := r.readGroup(ctx, v)
		return v.group != nil, err
	case addr == p.policyAddr():
		err := r.readPolicy(ctx, v, core.Present)
		return v.policy != nil, err
	case addr == p.providerAddr():
		o, err := p.operator(ctx)
		if err != nil {
			return false, err
		}
		seen, err := (&provider{p.session}).look(ctx, o.Account)
		return seen.exists, err
	}
	seen, err := p.readRole(ctx, strings.TrimPrefix(addr, "iam:role/"))
	return seen.role != nil, err
}

// keysRoom is whether the user may have another key. A user that is not there has none.
func (p *preflight) keysRoom(ctx context.Context, most int) core.Check {
	c := core.Check{Kind: checkQuota, Outcome: core.Allowed}
	out, err := p.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String(p.userName())})
	used := 0
	switch {
	case gone(err):
	case err != nil:
		c.Outcome, c.Why = core.Unclear, failed(p.keyAddr(""), "iam:ListAccessKeys", err).Error()
	default:
		used = len(out.AccessKeyMetadata)
	}
	c.What = fmt.Sprintf("access keys of %s: %d of %d", p.userName(), used, most)
	if err == nil && most > 0 && used >= most {
		c.Why = "a further key needs one of them to be retired first"
	}
	return c
}
