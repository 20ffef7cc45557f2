// Door: a user or a role by which a grantee gets in, and the one policy inside of it that shuts it.
package s3

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// door is one principal of a grant.
type door interface {
	addr() string // of the principal

	// look reads whose it is; again, if it must not share the answer of whoever else plans.
	look(ctx context.Context, again bool) (standing, error)

	note(ctx context.Context) (shutState, error)
	write(ctx context.Context, text string) error
	erase(ctx context.Context) error
}

// standing is whose a principal is.
type standing struct {
	there  bool
	ours   bool
	shared string // why it is not shut for this grant alone; "" if it can be
}

// doors are the principals of a session's grant, those of its other forms included.
func (s *session) doors() []door {
	roles, ok := s.layout.step(s).(*assumeStep)
	if !ok {
		return []door{&userDoor{&roleStep{s}}}
	}
	var list []door
	for _, r := range roles.all() {
		list = append(list, &roleDoor{s, r})
	}
	return list
}

// sideDoors are those that the grant has had with other identities, and which
// nobody may have ended.
func (s *session) sideDoors() []door {
	var list []door
	for _, d := range otherForms(s.design) {
		list = append(list, newSession(s.provider, d, s.clients).doors()...)
	}
	return list
}

// otherForms is the grant with each of the other identities by which it may be found.
func otherForms(d design) []design {
	var list []design
	for _, one := range rivals(d) {
		list = append(list, one.design)
	}
	if d.grant.Who != core.WhoKey {
		d.grant.Who, d.layout, d.common = core.WhoKey, groupLayout{}, ""
		list = append(list, d)
	}
	return list
}

// userDoor is the user of a grant.
type userDoor struct{ *roleStep }

func (u *userDoor) addr() string { return u.userAddr() }

func (u *userDoor) look(ctx context.Context, again bool) (standing, error) {
	read := u.readUser
	if !again {
		read = u.userOnce(&u.gated)
	}
	user, err := read(ctx)
	if err != nil || user == nil {
		return standing{}, err
	}
	return standing{there: true, ours: u.ownUser(user)}, nil
}

func (u *userDoor) note(ctx context.Context) (shutState, error) { return u.readUserShut(ctx) }

// readUserShut reads the policy that shuts the user.
func (s *session) readUserShut(ctx context.Context) (shutState, error) {
	out, err := s.iam.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: aws.String(s.userName()), PolicyName: aws.String(shutName)})
	if gone(err) {
		return shutState{}, nil
	}
	if err != nil {
		return shutState{}, failed(shutAddr(s.userAddr()), "iam:GetUserPolicy", err)
	}
	text, err := decoded(shutAddr(s.userAddr()), out.PolicyDocument)
	return readShut(text, out.ResultMetadata), err
}

func (u *userDoor) write(ctx context.Context, text string) error {
	_, err := u.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String(u.userName()), PolicyName: aws.String(shutName), PolicyDocument: &text})
	return failed(shutAddr(u.addr()), "iam:PutUserPolicy", err)
}

func (u *userDoor) erase(ctx context.Context) error {
	_, err := u.iam.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: aws.String(u.userName()), PolicyName: aws.String(shutName)})
	return u.unlessGone(shutAddr(u.addr()), "iam:DeleteUserPolicy", err)
}

// roleDoor is one of the roles of a grant.
type roleDoor struct {
	*session
	role wantedRole
}

func (r *roleDoor) addr() string { return roleAddr(r.role.name) }

// look tells a role that others use as well: it is not this grant's alone to shut.
func (r *roleDoor) look(ctx context.Context, again bool) (standing, error) {
	read := r.readRole
	if !again {
		read = func(ctx context.Context, name string) (roleSeen, error) { return r.roleOnce(ctx, name, &r.gated) }
	}
	v, err := read(ctx, r.role.name)
	if err != nil || v.role == nil {
		return standing{}, err
	}
	s := standing{there: true, ours: r.ownRole(r.role, v.role)}
	switch heirs := r.roleUsers(v); {
	case !r.role.lends:
	case !s.ours:
		s.shared = "is used as it is, and not ours to shut"
	case len(heirs) > 0:
		s.shared = "other grants use it too: " + strings.Join(heirs, ", ")
	}
	return s, nil
}

func (r *roleDoor) note(ctx context.Context) (shutState, error) {
	return r.readRoleShut(ctx, r.role.name)
}

// readRoleShut reads the policy that shuts a role.
func (s *session) readRoleShut(ctx context.Context, role string) (shutState, error) {
	out, err := s.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: aws.String(shutName)})
	if gone(err) {
		return shutState{}, nil
	}
	if err != nil {
		return shutState{}, failed(shutAddr(roleAddr(role)), "iam:GetRolePolicy", err)
	}
	text, err := decoded(shutAddr(roleAddr(role)), out.PolicyDocument)
	return readShut(text, out.ResultMetadata), err
}

func (r *roleDoor) write(ctx context.Context, text string) error {
	_, err := r.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &r.role.name, PolicyName: aws.String(shutName), PolicyDocument: &text})
	return failed(shutAddr(r.addr()), "iam:PutRolePolicy", err)
}

func (r *roleDoor) erase(ctx context.Context) error {
	_, err := r.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &r.role.name, PolicyName: aws.String(shutName)})
	if gone(err) {
		return nil
	}
	return failed(shutAddr(r.addr()), "iam:DeleteRolePolicy", err)
}

// unbar drops the policy of a door from within the role step. What was
// planned for what stood there is not done to anything else: by now somebody may
// have shut the grantee out again.
func unbar(ctx context.Context, d door, c core.Change) error {
	if c.Action != core.Drop {
		return fmt.Errorf("role %s: no such action %q", c.Addr, c.Action)
	}
	v, err := d.look(ctx, true)
	switch {
	case err != nil:
		return err
	case !v.there:
		return nil
	case !v.ours:
		return moved(d.addr(), notOursNow)
	case c.Before != "":
		s, err := d.note(ctx)
		if err != nil {
			return err
		}
		if s.text != "" && !samePolicy([]byte(s.text), []byte(c.Before)) {
			return moved(c.Addr, "says something else by now")
		}
	}
	return d.erase(ctx)
}
