// Role: the policy, the group that carries it and the user in the group, compared with what is there.
package s3

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// roleStep is what carries the permissions.
type roleStep struct{ *session }

// roleView is what IAM shows under the names of the grant.
type roleView struct {
	user   *types.User   // nil if there is none
	group  *types.Group  // nil if there is none
	policy *types.Policy // nil if there is none

	// Of what is ours:
	document   string // of the policy's default version
	policyTags []types.Tag
	carriers   []string // others that the policy is attached to; read for a destroy only
	members    []string // others in the group
	attached   []string // policies on the group, by ARN
	inline     []string // policies in the group
	groups     []string // that the user is in
	direct     []string // policies on and in the user, but for the one that shuts it
	console    bool     // the user has a password
	shut       shutState
	room       room // for groups; read for grants of which there are many
}

// Diff compares what IAM shows with what the grant wants.
func (r *roleStep) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	v, err := r.read(ctx, want, r.userOnce(&r.diffed))
	if err != nil {
		return nil, err
	}
	if want.Present {
		r.seen.user.Store(v)
		return r.present(v), nil
	}
	return r.absent(v), nil
}

// read asks for the three names side by side, and then for the inside of what is ours.
func (r *roleStep) read(ctx context.Context, want core.Want, user func(context.Context) (*types.User, error)) (*roleView, error) {
	v := &roleView{}
	err := gather(ctx,
		func(ctx context.Context) (err error) {
			if v.user, err = user(ctx); err != nil || v.user == nil || !r.ownUser(v.user) {
				return err
			}
			if err := r.contested(iamTags(v.user.Tags)); err != nil {
				return err
			}
			return r.readUserInside(ctx, v)
		},
		func(ctx context.Context) error { return r.readGroup(ctx, v) },
		func(ctx context.Context) error { return r.readPolicy(ctx, v, want) },
		func(ctx context.Context) (err error) {
			if r.oneOfMany() && want.Present {
				v.room, err = r.roomFor(ctx)
			}
			return err
		},
	)
	return v, err
}

// ownUser reports whether a user of our name is ours: path and mark together.
func (r *roleStep) ownUser(u *types.User) bool {
	return aws.ToString(u.Path) == r.path() && r.marked(iamTags(u.Tags))
}

// ownGroup reports whether a group of our name is ours. Groups cannot be tagged.
func (r *roleStep) ownGroup(g *types.Group) bool { return aws.ToString(g.Path) == r.carrierPath() }

func iamTags(list []types.Tag) map[string]string {
	tags := map[string]string{}
	for _, t := range list {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

func (r *roleStep) readUserInside(ctx context.Context, v *roleView) error {
	name := aws.String(r.userName())
	return gather(ctx,
		func(ctx context.Context) error {
			pages := iam.NewListGroupsForUserPaginator(r.iam, &iam.ListGroupsForUserInput{UserName: name})
			for pages.HasMorePages() {
				out, err := pages.NextPage(ctx)
				if err != nil {
					return failed(r.userAddr(), "iam:ListGroupsForUser", err)
				}
				for _, g := range out.Groups {
					v.groups = append(v.groups, aws.ToString(g.GroupName))
				}
			}
			return nil
		},
		func(ctx context.Context) error {
			out, err := r.iam.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: name})
			if gone(err) {
				return nil
			}
			v.console = err == nil && out.LoginProfile != nil
			return failed(r.userAddr(), "iam:GetLoginProfile", err)
		},
		func(ctx context.Context) error {
			attached, err := r.iam.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: name})
			inline, more := r.iam.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: name})
			if err != nil || more != nil {
				return refusals([]error{failed(r.userAddr(), "iam:ListAttachedUserPolicies", err), failed(r.userAddr(), "iam:ListUserPolicies", more)})
			}
			for _, p := range attached.AttachedPolicies {
				v.direct = append(v.direct, aws.ToString(p.PolicyArn))
			}
			names, there := withoutShut(inline.PolicyNames)
			v.direct = append(v.direct, names...)
			if there {
				v.shut, err = r.readUserShut(ctx)
			}
			return err
		},
	)
}

func (r *roleStep) readGroup(ctx context.Context, v *roleView) error {
	name := aws.String(r.carrier())
	pages := iam.NewGetGroupPaginator(r.iam, &iam.GetGroupInput{GroupName: name})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if gone(err) {
			return nil
		}
		if err != nil {
			return failed(r.groupAddr(), "iam:GetGroup", err)
		}
		v.group = out.Group
		for _, u := range out.Users {
			if aws.ToString(u.UserName) != r.userName() {
				v.members = append(v.members, aws.ToString(u.UserName))
			}
		}
	}
	if v.group == nil || !r.ownGroup(v.group) {
		return nil
	}
	return gather(ctx,
		func(ctx context.Context) error {
			out, err := r.iam.ListAttachedGroupPolicies(ctx, &iam.ListAttachedGroupPoliciesInput{GroupName: name})
			if err != nil {
				return failed(r.groupAddr(), "iam:ListAttachedGroupPolicies", err)
			}
			for _, p := range out.AttachedPolicies {
				v.attached = append(v.attached, aws.ToString(p.PolicyArn))
			}
			return nil
		},
		func(ctx context.Context) error {
			out, err := r.iam.ListGroupPolicies(ctx, &iam.ListGroupPoliciesInput{GroupName: name})
			if err != nil {
				return failed(r.groupAddr(), "iam:ListGroupPolicies", err)
			}
			v.inline = out.PolicyNames
			return nil
		},
	)
}

// readPolicy looks for the name under every path, because names are unique
// whatever their path, and because it does so without knowing the account.
func (r *roleStep) readPolicy(ctx context.Context, v *roleView, want core.Want) error {
	pages := iam.NewListPoliciesPaginator(r.iam, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, MaxItems: aws.Int32(1000)})
	for pages.HasMorePages() && v.policy == nil {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return failed(r.policyAddr(), "iam:ListPolicies", err)
		}
		i := slices.IndexFunc(out.Policies, func(p types.Policy) bool { return strings.EqualFold(aws.ToString(p.PolicyName), r.carrier()) })
		if i >= 0 {
			v.policy = &out.Policies[i]
		}
	}
	if v.policy == nil || aws.ToString(v.policy.Path) != r.carrierPath() {
		return nil
	}
	arn := v.policy.Arn
	reads := []func(context.Context) error{
		func(ctx context.Context) error {
			out, err := r.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
			if err != nil {
				return failed(r.policyAddr(), "iam:GetPolicy", err)
			}
			v.policyTags = out.Policy.Tags
			return nil
		},
	}
	if want.Present {
		reads = append(reads, func(ctx context.Context) (err error) {
			v.document, err = r.policyDocument(ctx, arn, v.policy.DefaultVersionId)
			return err
		})
	} else {
		reads = append(reads, func(ctx context.Context) (err error) {
			v.carriers, err = r.otherCarriers(ctx, arn)
			return err
		})
	}
	return gather(ctx, reads...)
}

// policyDocument is one version's text. IAM encodes it as in a URL's path, where "+" is itself.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html
func (r *roleStep) policyDocument(ctx context.Context, arn, version *string) (string, error) {
	out, err := r.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: version})
	if err != nil {
		return "", failed(r.policyAddr(), "iam:GetPolicyVersion", err)
	}
	text, err := url.PathUnescape(aws.ToString(out.PolicyVersion.Document))
	if err != nil {
		return "", &core.Error{What: r.policyAddr(), Err: fmt.Errorf("its document cannot be decoded: %w", err)}
	}
	return text, nil
}

// otherCarriers are what the policy is attached to besides our group.
func (r *roleStep) otherCarriers(ctx context.Context, arn *string) ([]string, error) {
	out, err := r.iam.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: arn})
	if err != nil {
		return nil, failed(r.policyAddr(), "iam:ListEntitiesForPolicy", err)
	}
	var list []string
	for _, g := range out.PolicyGroups {
		if aws.ToString(g.GroupName) != r.carrier() {
			list = append(list, "group "+aws.ToString(g.GroupName))
		}
	}
	for _, u := range out.PolicyUsers {
		list = append(list, "user "+aws.ToString(u.UserName))
	}
	for _, o := range out.PolicyRoles {
		list = append(list, "role "+aws.ToString(o.RoleName))
	}
	return list, nil
}
