// Find: every grant of an account by its marks, in one read of everything that IAM has.
package s3

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/bucketgrant/bucketgrant/core"
)

var _ core.Finder = (*Provider)(nil)

// atOnceKeys is how many users are asked for their keys side by side.
const atOnceKeys = 8

// accountSeen is everything that IAM shows of an account.
type accountSeen struct {
	users    []types.UserDetail
	roles    []types.RoleDetail
	groups   []types.GroupDetail
	policies []types.ManagedPolicyDetail
}

// Find lists the grants in the operator's account. IAM has no regions, so any of
// the operator's partition will do.
func (p *Provider) Find(ctx context.Context, settings map[string]string) (core.Operator, []core.Found, error) {
	cfg, err := p.load(ctx, "", nil)
	if err != nil {
		return core.Operator{}, nil, &core.Error{Kind: core.ErrOperator, What: "AWS configuration", Err: err, Hint: "aws configure list"}
	}
	region := cmp.Or(cfg.Region, quirkyRegion)
	c, err := p.connect(ctx, region, nil)
	if err != nil {
		return core.Operator{}, nil, err
	}
	s := newSession(p, design{region: region, partition: partitionOf(region), account: settings[setAccount]}, c)
	o, err := s.operator(ctx)
	if err != nil {
		return o, nil, err
	}
	seen, err := s.whole(ctx)
	if err != nil {
		return o, nil, err
	}
	found := seen.grants()
	err = s.keysOf(ctx, found)
	list := make([]core.Found, len(found))
	for i, f := range found {
		list[i] = f.Found
	}
	slices.SortStableFunc(list, func(a, b core.Found) int {
		return cmp.Or(cmp.Compare(a.Grant, b.Grant), cmp.Compare(a.Principal, b.Principal))
	})
	return o, list, err
}

// whole reads everything, page by page.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
func (s *session) whole(ctx context.Context) (accountSeen, error) {
	var seen accountSeen
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(s.iam, &iam.GetAccountAuthorizationDetailsInput{
		Filter:   []types.EntityType{types.EntityTypeUser, types.EntityTypeRole, types.EntityTypeGroup, types.EntityTypeLocalManagedPolicy},
		MaxItems: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return seen, failed("", "iam:GetAccountAuthorizationDetails", err)
		}
		seen.users = append(seen.users, out.UserDetailList...)
		seen.roles = append(seen.roles, out.RoleDetailList...)
		seen.groups = append(seen.groups, out.GroupDetailList...)
		seen.policies = append(seen.policies, out.Policies...)
	}
	return seen, nil
}

// foundGrant is a grant, and the user whose keys open it.
type foundGrant struct {
	core.Found
	user string // "" if it has none
}

// grants are the users and roles that carry our mark, and what is left of others.
func (a accountSeen) grants() []foundGrant {
	var list []foundGrant
	for _, u := range a.users {
		tags := iamTags(u.Tags)
		if !strings.HasPrefix(aws.ToString(u.Path), ownPath) || tags[tagManaged] != managedBy || tags[tagGrant] == "" {
			continue
		}
		f := foundGrant{core.Found{Grant: tags[tagGrant], Profile: tags[tagProfile], Who: core.WhoKey, Principal: aws.ToString(u.Arn), Created: aws.ToTime(u.CreateDate)}, aws.ToString(u.UserName)}
		i := inspector{&session{design: design{grant: core.Grant{Name: f.Grant, Who: core.WhoKey}}}}
		say := func(p string) {
			one := i.direct(p)
			one.Addr = "iam:user/" + f.user
			one.Fix = strings.ReplaceAll(one.Fix, "--user-name "+i.userName()+" ", "--user-name "+f.user+" ")
			f.Findings = append(f.Findings, one)
		}
		for _, p := range u.UserPolicyList {
			if found, known := shutIn(p.PolicyName, p.PolicyDocument, "iam:user/"+f.user); known {
				f.Findings = append(f.Findings, found...)
				continue
			}
			say(aws.ToString(p.PolicyName))
		}
		for _, p := range u.AttachedManagedPolicies {
			say(aws.ToString(p.PolicyArn))
		}
		for _, g := range u.GroupList {
			reaches(&f.Found, a.carriedBy(g), f.user)
		}
		if f.Bucket == "" { // its permissions stand in the bucket's policy
			f.Bucket, f.Prefix = tags[tagBucket], tags[tagPrefix]
		}
		list = append(list, f)
	}
	for _, r := range a.roles {
		tags := iamTags(r.Tags)
		if tags[tagManaged] != managedBy || tags[tagGrant] == "" {
			continue
		}
		f := foundGrant{Found: core.Found{Grant: tags[tagGrant], Profile: tags[tagProfile], Who: whoTrusted(r), Principal: aws.ToString(r.Arn), Created: aws.ToTime(r.CreateDate)}}
		for _, p := range r.RolePolicyList {
			if found, known := shutIn(p.PolicyName, p.PolicyDocument, roleAddr(aws.ToString(r.RoleName))); known {
				f.Findings = append(f.Findings, found...)
				continue
			}
			text, _ := decoded("", p.PolicyDocument)
			reaches(&f.Found, text, "")
		}
		list = append(list, f)
	}
	return append(list, a.orphans(list)...)
}

// shutIn tells whether an inline policy is the one that a revocation writes, or
// what a restoration leaves of it, and what is to be said of it.
func shutIn(name, document *string, addr string) (found []core.Finding, known bool) {
	if aws.ToString(name) != shutName {
		return nil, false
	}
	text, _ := decoded("", document)
	s := readShut(text, middleware.Metadata{})
	if s.closed {
		found = []core.Finding{{Kind: core.ShutOut, Addr: addr, Text: "is shut out: the access was revoked", Fix: "restore"}}
	}
	return found, !s.strange()
}

// carriedBy is the text of our policy that a group carries; "" if it carries none.
func (a accountSeen) carriedBy(group string) string {
	for _, g := range a.groups {
		if aws.ToString(g.GroupName) != group || !strings.HasPrefix(aws.ToString(g.Path), ownPath) {
			continue
		}
		for _, at := range g.AttachedManagedPolicies {
			i := slices.IndexFunc(a.policies, func(p types.ManagedPolicyDetail) bool {
				return aws.ToString(p.Arn) == aws.ToString(at.PolicyArn) && strings.HasPrefix(aws.ToString(p.Path), ownPath)
			})
			if i < 0 {
				continue
			}
			for _, v := range a.policies[i].PolicyVersionList {
				if v.IsDefaultVersion {
					text, _ := decoded("", v.Document)
					return text
				}
			}
		}
	}
	return ""
}

// orphans are groups and policies of grants whose user is gone. What many sites
// share belongs to no grant.
func (a accountSeen) orphans(found []foundGrant) []foundGrant {
	var list []foundGrant
	left := func(what, addr, path string) {
		grant, ok := strings.CutPrefix(strings.TrimSuffix(path, "/"), ownPath)
		if !ok || grant == "" || strings.Contains(grant, "/") || slices.ContainsFunc(found, func(f foundGrant) bool { return f.Grant == grant && f.user != "" }) {
			return
		}
		one := core.Finding{Kind: core.OrphanPrincipal, Addr: addr, Text: "the " + what + " is left of a grant whose user is gone", Fix: "destroy, with the grant's own settings"}
		if i := slices.IndexFunc(list, func(f foundGrant) bool { return f.Grant == grant }); i >= 0 {
			list[i].Findings = append(list[i].Findings, one)
			return
		}
		list = append(list, foundGrant{Found: core.Found{Grant: grant, Findings: []core.Finding{one}}})
	}
	for _, g := range a.groups {
		left("group", "iam:group/"+aws.ToString(g.GroupName), aws.ToString(g.Path))
	}
	for _, p := range a.policies {
		left("policy", "iam:policy/"+aws.ToString(p.PolicyName), aws.ToString(p.Path))
	}
	return list
}

// whoTrusted is how those prove who they are whom a role lets in.
func whoTrusted(r types.RoleDetail) core.Who {
	text, err := decoded("", r.AssumeRolePolicyDocument)
	if err != nil {
		return ""
	}
	s, err := speak(firstStatement(text))
	switch {
	case err != nil:
	case len(s.who[federatedKind]) > 0:
		return core.WhoOIDC
	case len(s.who["Service"]) > 0:
		return core.WhoService
	case len(s.who[awsKind]) > 0:
		return core.WhoAccount
	}
	return ""
}

// reaches fills in what a policy of ours tells of the place and of the end.
func reaches(f *core.Found, document, user string) {
	shelf, err := openShelf(document)
	if err != nil {
		return
	}
	for _, raw := range shelf.statements {
		var s struct {
			Resource  listed
			Condition struct {
				DateLessThan map[string]listed
			}
		}
		if json.Unmarshal(raw, &s) != nil {
			continue
		}
		for _, r := range s.Resource {
			_, name, ok := strings.Cut(r, ":s3:::")
			bucket, key, object := strings.Cut(name, "/")
			if ok && object && f.Bucket == "" {
				f.Bucket, f.Prefix = bucket, strings.ReplaceAll(strings.TrimSuffix(key, "*"), "${aws:username}", user)
			}
		}
		if end := s.Condition.DateLessThan["aws:CurrentTime"]; len(end) == 1 {
			f.Expires, _ = time.Parse(time.RFC3339, end[0])
		}
	}
}

// keysOf asks for the keys of every user, some side by side.
func (s *session) keysOf(ctx context.Context, found []foundGrant) error {
	for some := range slices.Chunk(found, atOnceKeys) {
		var reads []func(context.Context) error
		for n := range some {
			if f := &some[n]; f.user != "" {
				reads = append(reads, func(ctx context.Context) (err error) { f.Keys, err = s.keysOfUser(ctx, f.user); return })
			}
		}
		if err := gather(ctx, reads...); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) keysOfUser(ctx context.Context, user string) ([]core.Key, error) {
	addr := "iam:key/" + user
	out, err := s.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: &user})
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, failed(addr, "iam:ListAccessKeys", err)
	}
	var keys []core.Key
	for _, m := range out.AccessKeyMetadata {
		k := core.Key{ID: aws.ToString(m.AccessKeyId), Created: aws.ToTime(m.CreateDate), Active: m.Status == types.StatusTypeActive}
		if err := (&issuer{session: s}).lastUse(ctx, &k); err != nil {
			return nil, err
		}
		if k.ID != "" {
			keys = append(keys, k)
		}
	}
	slices.SortStableFunc(keys, func(a, b core.Key) int { return a.Created.Compare(b.Created) })
	return keys, nil
}

// findPermissions are what it takes to list every grant of the account.
func findPermissions(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	look := verbs(core.ForList)
	p.on("*", look, "iam:GetAccountAuthorizationDetails")
	p.because("finds users, roles, groups and policies by their marks")
	p.on("arn:"+d.partition.name+":iam::"+d.accountOrNot("*")+":user"+ownPath+"*", look, "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed")
	p.because("tells how old the keys are and when they were used")
	return p.list
}
