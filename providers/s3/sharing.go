// Sharing: buckets and groups of ours that serve several grants.
package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// carrierMark is the tags of the policy. One that serves many sites says in a
// tag what it was made to say, so that a repair can be told from another wish.
func (r *roleStep) carrierMark() map[string]string {
	if r.common == "" {
		return r.mark()
	}
	tags := sharedMark()
	tags[tagSays] = r.says()
	return tags
}

// says is a fingerprint of the wanted policy.
func (r *roleStep) says() string {
	text, _ := meaning(mustJSON(r.provider.grantPolicy(r.design)))
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:16]
}

// ownCarrier reports whether tags say that the policy is ours, for this grant.
func (r *roleStep) ownCarrier(tags map[string]string) bool {
	if r.common != "" {
		return forMany(tags)
	}
	return r.marked(tags)
}

// saysOther reports whether the policy was made to say something else for other sites.
func (r *roleStep) saysOther(v *roleView) bool {
	return r.common != "" && len(v.members) > 0 && iamTags(v.policyTags)[tagSays] != r.says()
}

// oncePerGroup makes a part of what many sites share: in turn, and once for all
// sites that one process settles side by side. What was made before this site
// has looked may be gone again, and counts for nothing. Others may make it
// meanwhile: what turns out to exist and to be ours is fine.
func (r *roleStep) oncePerGroup(ctx context.Context, addr string, do func(context.Context) error) error {
	if r.common == "" {
		return do(ctx)
	}
	name := r.carrierPath() + " " + addr + " " + r.says()
	return r.provider.turn(ctx, name, func() error {
		if at, done := r.provider.settled.Load(name); done && at.(time.Time).After(r.begun) {
			r.arrived(addr)
			return nil
		}
		err := do(ctx)
		if err == nil {
			r.provider.settled.Store(name, time.Now())
		}
		return err
	})
}

// ownPolicyARN is the ARN of our policy in the account of a group that is there.
func (r *roleStep) ownPolicyARN(g *types.Group) string {
	return r.iamARN(arnField(aws.ToString(g.Arn), 4), "policy")
}

// newGroup is the change that makes the group, if the account has room for it.
func (r *roleStep) newGroup(v *roleView) core.Change {
	why := "under path " + r.carrierPath()
	if v.room.quota == 0 {
		return roleChange(core.Make, r.groupAddr(), why)
	}
	nth := r.provider.groups.plan(v.room, r.carrier())
	if nth > v.room.quota {
		c := roleChange(core.Refuse, r.groupAddr(), fmt.Sprintf("would be group %d of the %d that the account may have", nth, v.room.quota))
		c.Hint = "--" + setGroup + " NAME: one group for many sites, each confined to the folder that is called like its user"
		return c
	}
	return roleChange(core.Make, r.groupAddr(), fmt.Sprintf("%s; group %d of the %d that the account may have", why, nth, v.room.quota))
}

// oneOfMany reports whether further grants are likely, each with a group of its
// own: its bucket is there for several.
func (d design) oneOfMany() bool { return d.grant.Target.Shared || d.grant.Target.Adopt }

// room is how many groups an account has, and how many it may have.
type room struct{ groups, quota int }

// groupCount is what the grants of one run, planned side by side, make of the room.
type groupCount struct {
	mu     sync.Mutex
	at     time.Time
	last   *shared[room]
	wanted map[string]bool // the groups that plans have asked for since
}

// roomAge is how long an answer about the room is good for.
const roomAge = time.Minute

// roomFor asks how many groups there are, once for all grants that are planned together.
func (r *roleStep) roomFor(ctx context.Context) (room, error) {
	return r.provider.groups.reading().get(ctx, func(ctx context.Context) (room, error) {
		out, err := r.iam.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
		if err != nil {
			return room{}, failed(r.groupAddr(), "iam:GetAccountSummary", err)
		}
		return room{int(out.SummaryMap["Groups"]), int(out.SummaryMap["GroupsQuota"])}, nil
	})
}

// reading is the one that plans share, a new one if the last is old.
func (g *groupCount) reading() *shared[room] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last == nil || time.Since(g.at) > roomAge {
		g.at, g.last, g.wanted = time.Now(), &shared[room]{}, map[string]bool{}
	}
	return g.last
}

// plan returns how many groups there will be with that one, and counts it in if it fits.
func (g *groupCount) plan(there room, name string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := there.groups + len(g.wanted)
	if !g.wanted[name] {
		n++
	}
	if n <= there.quota {
		g.wanted[name] = true
	}
	return n
}

// otherUsers are the other grants for which the bucket is there: their policies
// name it. Who else put a statement into its policy counts as well.
func (b *bucketStep) otherUsers(ctx context.Context) ([]string, error) {
	owner, err := b.owner(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	text, err := b.readPolicy(ctx, owner)
	if err != nil {
		return nil, err
	}
	there, err := openShelf(text)
	if err != nil {
		return nil, &core.Error{What: b.bucketAddr(), Err: err}
	}
	for _, s := range there.own(func(sid string) bool { return sid != tlsSid && !b.ownSid(sid) }) {
		found[fmt.Sprintf("a statement %q in its policy", sidOf(s))] = true
	}
	if b.common != "" {
		v := &roleView{}
		if err := (&roleStep{b.session}).readGroup(ctx, v); err != nil {
			return nil, err
		}
		for _, user := range v.members {
			found["user "+user] = true
		}
	}
	policies, err := b.ownPolicies(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range policies {
		if strings.EqualFold(aws.ToString(p.PolicyName), b.carrier()) {
			continue
		}
		text, err := (&roleStep{b.session}).policyDocument(ctx, p.Arn, p.DefaultVersionId)
		if err != nil {
			return nil, err
		}
		if b.namedIn(text) {
			found["policy "+aws.ToString(p.PolicyName)] = true
		}
	}
	roles, err := b.otherRoles(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range roles {
		found["role "+name] = true
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// ownPolicies are the policies of all grants of ours.
func (b *bucketStep) ownPolicies(ctx context.Context) ([]types.Policy, error) {
	var list []types.Policy
	pages := iam.NewListPoliciesPaginator(b.iam, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, PathPrefix: aws.String(ownPath), MaxItems: aws.Int32(1000)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(b.bucketAddr(), "iam:ListPolicies", err)
		}
		list = append(list, out.Policies...)
	}
	return list, nil
}
