// Claim: which run is at work on a grant, as a tag of its user, or of its first role.
package s3

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// mostTag is how long the value of a tag may be.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
const mostTag = 256

// claimer keeps the claim in a tag. IAM has no way to write a tag only if it is
// still what was read, so whoever writes one looks first, and each later look at
// the principal tells whether another run has claimed it since.
type claimer struct {
	*session
	at bearer
}

// bearer is the principal that bears the claim.
type bearer interface {
	addr() string

	// tags are those of the principal, nil if there is none of ours; again, if
	// the answer of whoever else plans must not be shared.
	tags(ctx context.Context, again bool) (map[string]string, error)

	tag(ctx context.Context, t types.Tag) error
}

// newClaimer is nil for a grant that has no principal of its own: a role that a
// source document names serves many grants, and none of them may hold up the others.
func newClaimer(s *session) core.Claimer {
	roles, ok := s.layout.step(s).(*assumeStep)
	switch {
	case !ok:
		return &claimer{s, userBearer{&roleStep{s}}}
	case len(roles.roles) == 0 || !roles.claims(roles.roles[0]):
		return nil
	}
	return &claimer{s, roleBearer{s, roles.roles[0]}}
}

// Claimed is the tag as the plan's reads have shown it.
func (c *claimer) Claimed(ctx context.Context) (string, error) {
	tags, err := c.at.tags(ctx, false)
	if err == nil && tags != nil {
		c.borne.Store(true)
	}
	return tags[tagClaim], err
}

// Claim looks again; the tag follows beside the first changes.
func (c *claimer) Claim(ctx context.Context, claim core.Claiming) error {
	c.claim.Store(&claim)
	if !c.borne.Load() {
		return nil // the call that makes the principal brings it along
	}
	tags, err := c.at.tags(ctx, true)
	if err != nil || tags == nil {
		return err
	}
	return claim.Against(tags[tagClaim])
}

// Note writes the tag of a principal that was there.
func (c *claimer) Note(ctx context.Context) error {
	if !c.borne.Load() {
		return nil
	}
	return c.write(ctx, c.claim.Load().Text(mostTag))
}

// Release writes that the run has ended, on whatever it has made or claimed.
func (c *claimer) Release(ctx context.Context) (not bool, err error) {
	if c.ended.Load() {
		return false, nil
	}
	if !c.borne.Load() && !c.bornHere(c.at.addr()) {
		return true, nil
	}
	if !c.bornHere(c.at.addr()) {
		tags, err := c.at.tags(ctx, true)
		if err != nil || tags == nil || errors.Is(c.claim.Load().Against(tags[tagClaim]), core.ErrLocked) {
			return false, err // another run is at work there by now
		}
	}
	return false, c.write(ctx, c.claim.Load().Over(mostTag))
}

func (c *claimer) write(ctx context.Context, text string) error {
	err := await(ctx, patience, func(err error) bool { return c.bornHere(c.at.addr()) && gone(err) }, func() error {
		return c.at.tag(ctx, types.Tag{Key: aws.String(tagClaim), Value: &text})
	})
	if gone(err) || c.ended.Load() {
		return nil // IAM may refuse what is about a principal that it does not know any more
	}
	return err
}

// contested is why this run stops at a principal with these tags.
func (s *session) contested(tags map[string]string) error {
	if c := s.claim.Load(); c != nil {
		return c.Against(tags[tagClaim])
	}
	return nil
}

// claimed adds the claim of this run to the tags of what is made.
func (s *session) claimed(tags map[string]string) map[string]string {
	if c := s.claim.Load(); c != nil {
		tags[tagClaim] = c.Text(mostTag)
	}
	return tags
}

// claimNeeds is what it takes to mark a principal, and to say on it which run is at work.
func claimNeeds(p *permit, principal, action string, when ...string) {
	p.on(principal, when, action)
	p.because("marks it as ours, and tells other machines which run is at work")
}

// bears adds the claim to the tags of a role that is made, if it is the one that bears it.
func (a *assumeStep) bears(r wantedRole, tags map[string]string) map[string]string {
	if !a.claims(r) {
		return tags
	}
	return a.claimed(tags)
}

// claims reports whether r bears the claims of its grant.
func (a *assumeStep) claims(r wantedRole) bool { return len(a.roles) > 0 && bearsClaims(r, a.roles[0]) }

// bearsClaims reports whether r, of a grant whose first role is that one, bears its claims.
func bearsClaims(r, first wantedRole) bool { return !r.lends && r.name == first.name }

// userBearer is the user of a grant.
type userBearer struct{ *roleStep }

func (u userBearer) addr() string { return u.userAddr() }

func (u userBearer) tags(ctx context.Context, again bool) (map[string]string, error) {
	read := u.readUser
	if !again {
		read = u.userOnce(&u.minded)
	}
	user, err := read(ctx)
	if err != nil || user == nil || !u.ownUser(user) {
		return nil, err
	}
	return iamTags(user.Tags), nil
}

func (u userBearer) tag(ctx context.Context, t types.Tag) error {
	_, err := u.iam.TagUser(ctx, &iam.TagUserInput{UserName: aws.String(u.userName()), Tags: []types.Tag{t}})
	return failed(u.userAddr(), "iam:TagUser", err)
}

// roleBearer is a role of a grant.
type roleBearer struct {
	*session
	role wantedRole
}

func (r roleBearer) addr() string { return roleAddr(r.role.name) }

func (r roleBearer) tags(ctx context.Context, again bool) (map[string]string, error) {
	read := r.readRole
	if !again {
		read = func(ctx context.Context, name string) (roleSeen, error) { return r.roleOnce(ctx, name, &r.minded) }
	}
	v, err := read(ctx, r.role.name)
	if err != nil || v.role == nil || !r.ownRole(r.role, v.role) {
		return nil, err
	}
	return iamTags(v.role.Tags), nil
}

func (r roleBearer) tag(ctx context.Context, t types.Tag) error {
	_, err := r.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: &r.role.name, Tags: []types.Tag{t}})
	return failed(r.addr(), "iam:TagRole", err)
}
