// Assume step: roles with policies inside of them, compared with what is there.
package s3

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// assumeStep is the roles of one grant, and what belongs to them.
type assumeStep struct {
	*session
	roles    []wantedRole
	former   []wantedRole                                 // roles that another form of the grant has, and this one has not
	provider *provider                                    // of tokens; nil: none
	policy   *policyPiece                                 // nil: the bucket's policy does not name the role
	further  func(context.Context) (string, error)        // what there is to say of the roles that takes reads of its own; nil: nothing
	demands  func(context.Context) ([]core.Change, error) // what must be so before anything is made; nil: nothing
}

// roleSeen is what IAM shows under the name of a role.
type roleSeen struct {
	role  *types.Role // nil if there is none
	trust string
	// Of what is ours, or is used as it is:
	attached []string          // managed policies, by ARN
	others   []string          // policies inside that the grant does not name
	inline   map[string]string // those that it names, by name
	shut     shutState         // of what is ours
}

// assumeView is everything that a plan looks at.
type assumeView struct {
	account  string
	roles    []roleSeen
	provider providerSeen
	policy   policyView
	more     string
	refused  []core.Change
}

// all are the roles that may be there.
func (a *assumeStep) all() []wantedRole { return slices.Concat(a.roles, a.former) }

// Diff compares what is there with what the grant wants.
func (a *assumeStep) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	v := assumeView{roles: make([]roleSeen, len(a.all()))}
	reads := []func(context.Context) error{
		func(ctx context.Context) error { o, err := a.operator(ctx); v.account = o.Account; return err },
	}
	for i, r := range a.all() {
		reads = append(reads, func(ctx context.Context) (err error) { v.roles[i], err = a.read(ctx, r); return })
	}
	if a.provider != nil {
		reads = append(reads, func(ctx context.Context) (err error) { v.provider, err = a.provider.read(ctx, want); return })
	}
	if a.policy != nil {
		reads = append(reads, func(ctx context.Context) (err error) { v.policy, err = a.policy.read(ctx); return })
	}
	if a.further != nil && want.Present {
		reads = append(reads, func(ctx context.Context) (err error) { v.more, err = a.further(ctx); return })
	}
	if a.demands != nil && want.Present {
		reads = append(reads, func(ctx context.Context) (err error) { v.refused, err = a.demands(ctx); return })
	}
	if err := gather(ctx, reads...); err != nil {
		return nil, err
	}
	if want.Present {
		a.seen.roles.Store(&rolesSeen{a.roles, v})
		return a.present(v), nil
	}
	list := a.absent(v)
	if a.provider != nil {
		list = a.provider.unlessKept(list, v.provider)
	}
	return list, nil
}

// read asks for a role by its name, whatever its path, and then for the inside
// of what is ours or is used.
func (a *assumeStep) read(ctx context.Context, r wantedRole) (roleSeen, error) {
	v, err := a.roleOnce(ctx, r.name, &a.played)
	own := err == nil && v.role != nil && a.ownRole(r, v.role)
	if err != nil || v.role == nil || !r.lends && !own {
		return v, err
	}
	v.inline = map[string]string{}
	reads := []func(context.Context) error{
		func(ctx context.Context) error {
			pages := iam.NewListAttachedRolePoliciesPaginator(a.iam, &iam.ListAttachedRolePoliciesInput{RoleName: &r.name})
			for pages.HasMorePages() {
				out, err := pages.NextPage(ctx)
				if err != nil {
					return failed(roleAddr(r.name), "iam:ListAttachedRolePolicies", err)
				}
				for _, p := range out.AttachedPolicies {
					v.attached = append(v.attached, aws.ToString(p.PolicyArn))
				}
			}
			return nil
		},
		func(ctx context.Context) error {
			pages := iam.NewListRolePoliciesPaginator(a.iam, &iam.ListRolePoliciesInput{RoleName: &r.name})
			for pages.HasMorePages() {
				out, err := pages.NextPage(ctx)
				if err != nil {
					return failed(roleAddr(r.name), "iam:ListRolePolicies", err)
				}
				v.others = append(v.others, out.PolicyNames...)
			}
			names, there := withoutShut(v.others)
			if !there || !own {
				return nil
			}
			v.others = names
			var err error
			v.shut, err = a.readRoleShut(ctx, r.name)
			return err
		},
	}
	documents := make([]string, len(r.inline))
	for i, p := range r.inline {
		reads = append(reads, func(ctx context.Context) (err error) {
			documents[i], err = a.readInline(ctx, r.name, p.name)
			return
		})
	}
	if err := gather(ctx, reads...); err != nil {
		return v, err
	}
	for i, p := range r.inline {
		v.others = slices.DeleteFunc(v.others, func(name string) bool { return name == p.name })
		if documents[i] != "" {
			v.inline[p.name] = documents[i]
		}
	}
	return v, nil
}

// readRole asks for a role; without one if there is none.
func (s *session) readRole(ctx context.Context, name string) (roleSeen, error) {
	out, err := s.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if gone(err) {
		return roleSeen{}, nil
	}
	if err != nil {
		return roleSeen{}, failed(roleAddr(name), "iam:GetRole", err)
	}
	v := roleSeen{role: out.Role}
	v.trust, err = decoded(roleAddr(name), out.Role.AssumeRolePolicyDocument)
	return v, err
}

// readInline is the text of a policy inside of a role, "" if there is none.
func (s *session) readInline(ctx context.Context, role, name string) (string, error) {
	out, err := s.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
	if gone(err) {
		return "", nil
	}
	if err != nil {
		return "", failed(inlineAddr(role, name), "iam:GetRolePolicy", err)
	}
	return decoded(inlineAddr(role, name), out.PolicyDocument)
}

// decoded is a document as IAM hands it out: encoded as in a URL's path, where "+" is itself.
func decoded(addr string, document *string) (string, error) {
	text, err := url.PathUnescape(aws.ToString(document))
	if err != nil {
		return "", &core.Error{What: addr, Err: fmt.Errorf("its document cannot be decoded: %w", err)}
	}
	return text, nil
}

// ownRole reports whether a role of our name is ours: path and mark together.
func (s *session) ownRole(r wantedRole, role *types.Role) bool {
	return aws.ToString(role.Path) == r.path && s.marked(iamTags(role.Tags))
}

// owns are the roles, what is inside of them, and what belongs to them.
func (a *assumeStep) owns(addr string) bool {
	if a.provider != nil && addr == a.provider.addr() || a.policy != nil && a.policy.owns(addr) {
		return true
	}
	for _, r := range a.all() {
		if addr == roleAddr(r.name) || addr == shutAddr(roleAddr(r.name)) || r.lends && (addr == a.usesAddr(r) || addr == passAddr(r)) || slices.ContainsFunc(r.inline, func(p inlinePolicy) bool { return addr == inlineAddr(r.name, p.name) }) {
			return true
		}
	}
	return false
}
