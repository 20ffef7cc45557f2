// Sharing with roles: the grants without a secret for which a shared bucket is there.
package s3

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// atOnceRoles is how many roles are looked into side by side.
const atOnceRoles = 8

// otherRoles are the roles of other grants whose policies name the bucket. Those
// that may be ours stand under our path or trust GitHub, and the policy inside of
// them has our name: what their tags say is not asked. A few that use the bucket
// are enough to leave it, so the search ends with them.
func (b *bucketStep) otherRoles(ctx context.Context) ([]string, error) {
	names, err := b.candidates(ctx)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(names, atOnceRoles) {
		texts := make([]string, len(some))
		var reads []func(context.Context) error
		for i, name := range some {
			reads = append(reads, func(ctx context.Context) (err error) {
				texts[i], err = b.readInline(ctx, name, inlineName)
				return
			})
		}
		if err := gather(ctx, reads...); err != nil {
			return nil, err
		}
		var users []string
		for i, name := range some {
			if b.namedIn(texts[i]) {
				users = append(users, name)
			}
		}
		if len(users) > 0 {
			return users, nil
		}
	}
	return nil, nil
}

// candidates are the roles of the account that may be another grant's.
func (b *bucketStep) candidates(ctx context.Context) ([]string, error) {
	o, err := b.operator(ctx)
	if err != nil {
		return nil, err
	}
	own := b.ownRoleNames()
	var names []string
	pages := iam.NewListRolesPaginator(b.iam, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(b.bucketAddr(), "iam:ListRoles", err)
		}
		for _, r := range out.Roles {
			name := aws.ToString(r.RoleName)
			text, err := decoded(roleAddr(name), r.AssumeRolePolicyDocument)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(own, name) && (strings.HasPrefix(aws.ToString(r.Path), rolePath) || trusts(text, b.providerARN(o.Account))) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// ownRoleNames are the names of this grant's roles, which go before the bucket.
func (d design) ownRoleNames() []string {
	switch l := d.layout.(type) {
	case assumeLayout:
		return []string{l.shape(d).name}
	case backupLayout:
		var names []string
		for _, r := range l.both(d) {
			names = append(names, r.name)
		}
		return names
	}
	return nil
}

// namedIn reports whether a policy names the bucket or what is in it.
func (d design) namedIn(text string) bool {
	var doc any
	if json.Unmarshal([]byte(text), &doc) != nil {
		return strings.Contains(text, d.bucketARN())
	}
	var names func(any) bool
	names = func(v any) bool {
		switch v := v.(type) {
		case string:
			return v == d.bucketARN() || strings.HasPrefix(v, d.bucketARN()+"/")
		case []any:
			return slices.ContainsFunc(v, names)
		case map[string]any:
			for _, one := range v {
				if names(one) {
					return true
				}
			}
		}
		return false
	}
	return names(doc)
}

// sharingPermissions are what it takes to find out who else uses a bucket, before it is dropped.
func sharingPermissions(d design) []core.Permission {
	if !d.grant.Target.Shared || d.grant.Target.Adopt {
		return nil
	}
	p := permit{step: core.BucketStep}
	account := "arn:" + d.partition.name + ":iam::" + d.accountOrNot("*")
	p.on("*", verbs(core.ForDestroy), "iam:ListPolicies")
	p.on(account+":policy"+ownPath+"*", verbs(core.ForDestroy), "iam:GetPolicyVersion")
	p.on("*", verbs(core.ForDestroy), "iam:ListRoles")
	p.because("tells whether a role uses a bucket that is shared, before it is dropped")
	p.on(account+":role/*", verbs(core.ForRepair), "iam:GetRolePolicy")
	p.because("only if other grants have roles: tells whether one of them uses a bucket that is shared, before it is dropped")
	return p.list
}
