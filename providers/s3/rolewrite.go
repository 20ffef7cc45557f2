// Role writes: each change of the role, made so that doing it twice is doing it once.
package s3

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// mostVersions is how many versions of a policy IAM keeps.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const mostVersions = 5

// owns are the policy, the group, the user and what ties them together.
func (r *roleStep) owns(addr string) bool {
	return slices.Contains([]string{r.policyAddr(), r.groupAddr(), r.userAddr(), shutAddr(r.userAddr()), r.attachAddr(), r.memberAddr()}, addr)
}

// Do writes one change.
func (r *roleStep) Do(ctx context.Context, c core.Change) error {
	r.wrote.Store(true)
	if c.Addr == shutAddr(r.userAddr()) {
		return unbar(ctx, &userDoor{r}, c)
	}
	type deed struct {
		addr   string
		action core.Action
	}
	var do func(context.Context) error
	switch (deed{c.Addr, c.Action}) {
	case deed{r.policyAddr(), core.Make}:
		do = func(ctx context.Context) error { return r.oncePerGroup(ctx, c.Addr, r.makePolicy) }
	case deed{r.policyAddr(), core.Alter}:
		do = r.alterPolicy
	case deed{r.policyAddr(), core.Drop}:
		do = r.dropPolicy
	case deed{r.groupAddr(), core.Make}:
		do = func(ctx context.Context) error { return r.oncePerGroup(ctx, c.Addr, r.makeGroup) }
	case deed{r.groupAddr(), core.Drop}:
		do = r.dropGroup
	case deed{r.userAddr(), core.Make}:
		do = r.makeUser
	case deed{r.userAddr(), core.Alter}:
		do = r.boundUser
	case deed{r.userAddr(), core.Drop}:
		do = r.dropUser
	case deed{r.attachAddr(), core.Make}:
		do = func(ctx context.Context) error { return r.oncePerGroup(ctx, c.Addr, r.attach) }
	case deed{r.attachAddr(), core.Drop}:
		do = r.detach
	case deed{r.memberAddr(), core.Make}:
		do = r.join
	case deed{r.memberAddr(), core.Drop}:
		do = r.leave
	default:
		return fmt.Errorf("role %s: no such action %q", c.Addr, c.Action)
	}
	return do(ctx)
}

// policyARN is the ARN of our policy in the operator's account.
func (r *roleStep) policyARN(ctx context.Context) (*string, error) {
	o, err := r.operator(ctx)
	return aws.String(r.iamARN(o.Account, "policy")), err
}

// tagValue is what the value of a tag may hold.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
var tagValue = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$`)

// userTags are the user's mark, and what its key is for: keys have no tags.
func (r *roleStep) userTags() []types.Tag {
	tags := r.mark()
	tags[tagBucket] = r.bucket()
	if tagValue.MatchString(r.grant.Target.Prefix) {
		tags[tagPrefix] = r.grant.Target.Prefix
	}
	if r.native.Purpose != "" {
		tags[tagPurpose] = r.native.Purpose
	}
	return tagList(r.claimed(tags))
}

func tagList(tags map[string]string) []types.Tag {
	var list []types.Tag
	for k, v := range sortedTags(tags) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return list
}

// appeared looks at what has taken a name since the plan: a call of ours whose
// answer was lost may have done it.
func (r *roleStep) appeared(ctx context.Context, addr string) (seen, own bool, err error) {
	v := &roleView{}
	switch addr {
	case r.policyAddr():
		err = r.readPolicy(ctx, v, core.Present)
		seen = v.policy != nil
		own = seen && r.ownPolicy(v) && samePolicy([]byte(v.document), mustJSON(r.provider.grantPolicy(r.design)))
	case r.groupAddr():
		err = r.readGroup(ctx, v)
		seen = v.group != nil
		own = seen && r.ownGroup(v.group)
	case r.userAddr():
		v.user, err = r.readUser(ctx)
		seen = v.user != nil
		own = seen && r.ownUser(v.user) && (r.boundary == "" || boundaryOf(v.user) == r.boundary)
		if own {
			err = r.contested(iamTags(v.user.Tags))
		}
	}
	return seen, own, err
}

// make creates something; a name that is taken by what is ours already is fine.
func (r *roleStep) make(ctx context.Context, addr, action string, create func() error) error {
	cause := create()
	if cause == nil {
		r.born(addr)
		r.arrived(addr)
	}
	if !is(cause, codeExists) {
		return failed(addr, action, cause)
	}
	return await(ctx, patience, func(err error) bool { return isNotSeen(err) || r.unseen(err) }, func() error {
		seen, own, err := r.appeared(ctx, addr)
		switch {
		case err != nil:
			return err
		case own:
			r.arrived(addr)
			return nil
		case seen:
			return failed(addr, action, cause)
		}
		return errors.Join(errNotSeen, notSeen(addr, action, cause))
	})
}

func (r *roleStep) makePolicy(ctx context.Context) error {
	return r.make(ctx, r.policyAddr(), "iam:CreatePolicy", func() error {
		_, err := r.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{
			PolicyName: aws.String(r.carrier()), Path: aws.String(r.carrierPath()), Tags: tagList(r.carrierMark()),
			Description:    aws.String(r.policyWords()),
			PolicyDocument: aws.String(string(mustJSON(r.provider.grantPolicy(r.design)))),
		})
		return err
	})
}

// policyWords is the policy's description. It can never be changed.
func (r *roleStep) policyWords() string {
	if r.common != "" {
		return "What each site of the group " + r.common + " may do in its own folder of " + r.bucket() + ". Made by bucketgrant."
	}
	return "What the grant " + r.grant.Name + " allows. Made by bucketgrant."
}

func (r *roleStep) makeGroup(ctx context.Context) error {
	return r.make(ctx, r.groupAddr(), "iam:CreateGroup", func() error {
		_, err := r.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String(r.carrier()), Path: aws.String(r.carrierPath())})
		return err
	})
}

func (r *roleStep) makeUser(ctx context.Context) error {
	in := &iam.CreateUserInput{UserName: aws.String(r.userName()), Path: aws.String(r.path()), Tags: r.userTags()}
	if r.boundary != "" {
		in.PermissionsBoundary = aws.String(r.boundary)
	}
	return r.make(ctx, r.userAddr(), "iam:CreateUser", func() error {
		_, err := r.iam.CreateUser(ctx, in)
		return err
	})
}

// alterPolicy writes a new version, and makes room for it if it must: the
// oldest version that is not in force goes.
func (r *roleStep) alterPolicy(ctx context.Context) error {
	arn, err := r.policyARN(ctx)
	if err != nil {
		return err
	}
	if err := r.guard(ctx, r.policyAddr()); err != nil {
		return err
	}
	versions, err := r.versions(ctx, arn)
	if err != nil {
		return err
	}
	if old := idle(versions); len(versions) >= mostVersions && len(old) > 0 {
		if err := r.dropVersion(ctx, arn, old[0]); err != nil {
			return err
		}
	}
	document := string(mustJSON(r.provider.grantPolicy(r.design)))
	_, err = r.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(document), SetAsDefault: true})
	return failed(r.policyAddr(), "iam:CreatePolicyVersion", err)
}

// versions lists the policy's versions, oldest first.
func (r *roleStep) versions(ctx context.Context, arn *string) ([]types.PolicyVersion, error) {
	out, err := r.iam.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn})
	if err != nil {
		return nil, failed(r.policyAddr(), "iam:ListPolicyVersions", err)
	}
	slices.SortFunc(out.Versions, func(a, b types.PolicyVersion) int { return aws.ToTime(a.CreateDate).Compare(aws.ToTime(b.CreateDate)) })
	return out.Versions, nil
}

// idle are the versions that are not in force.
func idle(versions []types.PolicyVersion) []types.PolicyVersion {
	return slices.DeleteFunc(slices.Clone(versions), func(v types.PolicyVersion) bool { return v.IsDefaultVersion })
}

func (r *roleStep) dropVersion(ctx context.Context, arn *string, v types.PolicyVersion) error {
	_, err := r.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: v.VersionId})
	return r.unlessGone(r.policyAddr(), "iam:DeletePolicyVersion", err)
}

func (r *roleStep) unlessGone(addr, action string, err error) error {
	if gone(err) {
		return nil
	}
	return failed(addr, action, err)
}

func (r *roleStep) dropPolicy(ctx context.Context) error {
	arn, err := r.policyARN(ctx)
	if err != nil {
		return err
	}
	var versions []types.PolicyVersion
	if err = r.guard(ctx, r.policyAddr()); err == nil {
		versions, err = r.versions(ctx, arn)
	}
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, v := range idle(versions) {
		if err := r.dropVersion(ctx, arn, v); err != nil {
			return err
		}
	}
	_, err = r.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	return r.unlessGone(r.policyAddr(), "iam:DeletePolicy", err)
}

func (r *roleStep) dropGroup(ctx context.Context) error {
	err := r.guard(ctx, r.groupAddr())
	if err == nil {
		_, err = r.iam.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: aws.String(r.carrier())})
	}
	return r.unlessGone(r.groupAddr(), "iam:DeleteGroup", err)
}

func (r *roleStep) dropUser(ctx context.Context) error {
	err := r.guard(ctx, r.userAddr())
	if err == nil {
		_, err = r.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String(r.userName())})
	}
	r.ended.Store(err == nil)
	return r.unlessGone(r.userAddr(), "iam:DeleteUser", err)
}

func (r *roleStep) boundUser(ctx context.Context) error {
	if err := r.guard(ctx, r.userAddr()); err != nil {
		return err
	}
	_, err := r.iam.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String(r.userName()), PermissionsBoundary: aws.String(r.boundary)})
	return failed(r.userAddr(), "iam:PutUserPermissionsBoundary", err)
}

// attach waits until policy and group are seen everywhere.
func (r *roleStep) attach(ctx context.Context) error {
	arn, err := r.policyARN(ctx)
	if err != nil {
		return err
	}
	return r.whenSeen(ctx, r.attachAddr(), "iam:AttachGroupPolicy", func() error {
		if err := r.guard(ctx, r.policyAddr(), r.groupAddr()); err != nil {
			return err
		}
		_, err := r.iam.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String(r.carrier()), PolicyArn: arn})
		return err
	})
}

func (r *roleStep) detach(ctx context.Context) error {
	arn, err := r.policyARN(ctx)
	if err != nil {
		return err
	}
	if err = r.guard(ctx, r.policyAddr(), r.groupAddr()); err == nil {
		_, err = r.iam.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: aws.String(r.carrier()), PolicyArn: arn})
	}
	return r.unlessGone(r.attachAddr(), "iam:DetachGroupPolicy", err)
}

// join waits until user and group are seen everywhere.
func (r *roleStep) join(ctx context.Context) error {
	return r.whenSeen(ctx, r.memberAddr(), "iam:AddUserToGroup", func() error {
		if err := r.guard(ctx, r.userAddr(), r.groupAddr()); err != nil {
			return err
		}
		_, err := r.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String(r.carrier()), UserName: aws.String(r.userName())})
		return err
	})
}

func (r *roleStep) leave(ctx context.Context) error {
	err := r.guard(ctx, r.userAddr(), r.groupAddr())
	if err == nil {
		_, err = r.iam.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String(r.carrier()), UserName: aws.String(r.userName())})
	}
	return r.unlessGone(r.memberAddr(), "iam:RemoveUserFromGroup", err)
}
