// Assume writes: each change of a role, made so that doing it twice is doing it once.
package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// Do writes one change.
func (a *assumeStep) Do(ctx context.Context, c core.Change) error {
	a.wrote.Store(true)
	switch {
	case a.policy != nil && a.policy.owns(c.Addr):
		return a.policy.do(ctx, c)
	case a.provider != nil && c.Addr == a.provider.addr():
		return a.provider.do(ctx, c, a.all())
	}
	for _, r := range a.all() {
		if c.Addr == roleAddr(r.name) {
			return a.doRole(ctx, r, c)
		}
		if c.Addr == shutAddr(roleAddr(r.name)) {
			return unbar(ctx, &roleDoor{a.session, r}, c)
		}
		if r.lends && (c.Addr == a.usesAddr(r) || c.Addr == passAddr(r)) {
			return a.doUse(ctx, r, c)
		}
		for _, p := range r.inline {
			if c.Addr == inlineAddr(r.name, p.name) {
				return a.doInline(ctx, r, p, c)
			}
		}
	}
	return fmt.Errorf("role %s: nobody knows it", c.Addr)
}

func (a *assumeStep) doRole(ctx context.Context, r wantedRole, c core.Change) error {
	switch c.Action {
	case core.Make:
		return a.makeRole(ctx, r)
	case core.Alter:
		return a.alterRole(ctx, r)
	case core.Drop:
		return a.dropRole(ctx, r)
	}
	return fmt.Errorf("role %s: no such action %q", c.Addr, c.Action)
}

func (a *assumeStep) makeRole(ctx context.Context, r wantedRole) error {
	o, err := a.operator(ctx)
	if err != nil {
		return err
	}
	addr := roleAddr(r.name)
	in := &iam.CreateRoleInput{
		RoleName: &r.name, Path: &r.path, Description: &r.about, Tags: tagList(a.bears(r, a.mark())),
		AssumeRolePolicyDocument: aws.String(string(mustJSON(r.trust(o.Account)))),
	}
	if a.boundary != "" {
		in.PermissionsBoundary = &a.boundary
	}
	_, cause := a.iam.CreateRole(ctx, in)
	switch {
	case cause == nil:
		a.born(addr)
		a.arrived(addr)
		return nil
	case !is(cause, codeExists):
		return untrusted(addr, "iam:CreateRole", cause)
	}
	// A call of ours whose answer was lost may have made it.
	return await(ctx, patience, isNotSeen, func() error {
		v, err := a.readRole(ctx, r.name)
		switch {
		case err != nil:
			return err
		case v.role == nil:
			return errors.Join(errNotSeen, notSeen(addr, "iam:CreateRole", cause))
		case a.ownRole(r, v.role) && samePolicy([]byte(v.trust), mustJSON(r.trust(o.Account))):
			a.arrived(addr)
			return a.contested(iamTags(v.role.Tags))
		}
		return failed(addr, "iam:CreateRole", cause)
	})
}

// untrusted is the error of a call that names a principal. IAM refuses one that
// does not exist.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html
func untrusted(addr, action string, err error) error {
	if is(err, codeMalformed) && strings.Contains(err.Error(), "Invalid principal") {
		return &core.Error{Kind: core.ErrInvalid, What: addr, Err: brief{action, err}, Hint: "ask the grantee for the ARN of a role that exists, or give --" + setVendorAccount + " alone"}
	}
	return failed(addr, action, err)
}

// codeMalformed is IAM's code for a policy that it does not take.
const codeMalformed = "MalformedPolicyDocument"

// guardRole looks at the path and the mark of a role right before it is written,
// unless this session has made it. What is gone is an error for which [gone] holds.
func (a *assumeStep) guardRole(ctx context.Context, r wantedRole) error {
	addr := roleAddr(r.name)
	if a.bornHere(addr) || r.lends {
		return nil
	}
	out, err := a.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &r.name})
	switch {
	case err != nil:
		return failed(addr, "iam:GetRole", err)
	case !a.ownRole(r, out.Role):
		return moved(addr, notOursNow)
	}
	return a.contested(iamTags(out.Role.Tags))
}

// alterRole writes trust and boundary and waits until they are seen.
func (a *assumeStep) alterRole(ctx context.Context, r wantedRole) error {
	addr := roleAddr(r.name)
	o, err := a.operator(ctx)
	if err != nil {
		return err
	}
	v, err := a.readRole(ctx, r.name)
	switch {
	case err != nil:
		return err
	case v.role == nil:
		return moved(addr, "is gone")
	case !a.ownRole(r, v.role):
		return moved(addr, notOursNow)
	}
	if err := a.contested(iamTags(v.role.Tags)); err != nil {
		return err
	}
	want := string(mustJSON(r.trust(o.Account)))
	if !samePolicy([]byte(v.trust), []byte(want)) {
		if _, err := a.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &r.name, PolicyDocument: &want}); err != nil {
			return untrusted(addr, "iam:UpdateAssumeRolePolicy", err)
		}
	}
	if a.boundary != "" && boundaryOfRole(v) != a.boundary {
		if _, err := a.iam.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: &r.name, PermissionsBoundary: &a.boundary}); err != nil {
			return failed(addr, "iam:PutRolePermissionsBoundary", err)
		}
	}
	err = await(ctx, patience, isNotSeen, func() error {
		v, err := a.readRole(ctx, r.name)
		if err != nil {
			return err
		}
		if v.role == nil || !samePolicy([]byte(v.trust), []byte(want)) {
			return errNotSeen
		}
		return nil
	})
	if isNotSeen(err) {
		return &core.Error{Kind: core.ErrMoved, What: addr, Err: errors.New("its trust policy was written, but is not what is there: somebody else writes it too"), Hint: "run the same command again"}
	}
	return err
}

func (a *assumeStep) dropRole(ctx context.Context, r wantedRole) error {
	addr := roleAddr(r.name)
	v, err := a.readRole(ctx, r.name) // lent roles included: only what carries our mark goes
	switch {
	case err != nil:
		return err
	case v.role == nil:
		return nil
	case !a.ownRole(r, v.role):
		return moved(addr, notOursNow)
	case len(a.roleUsers(v)) > 0:
		return moved(addr, "by now other grants use it: "+strings.Join(a.roleUsers(v), ", "))
	}
	for _, p := range r.inline {
		if !p.former { // has a change of its own
			continue
		}
		if _, err := a.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &r.name, PolicyName: &p.name}); err != nil && !gone(err) {
			return failed(inlineAddr(r.name, p.name), "iam:DeleteRolePolicy", err)
		}
	}
	_, err = a.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &r.name})
	if err == nil && a.claims(r) {
		a.ended.Store(true)
	}
	if gone(err) {
		return nil
	}
	return failed(addr, "iam:DeleteRole", err)
}

func (a *assumeStep) doInline(ctx context.Context, r wantedRole, p inlinePolicy, c core.Change) error {
	addr := inlineAddr(r.name, p.name)
	switch c.Action {
	case core.Make, core.Alter:
		return a.whenSeen(ctx, addr, "iam:PutRolePolicy", func() error {
			if err := a.guardInline(ctx, r, p); err != nil {
				return err
			}
			_, err := a.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &r.name, PolicyName: &p.name, PolicyDocument: aws.String(string(mustJSON(p.body)))})
			return err
		})
	case core.Drop:
		err := a.guardInline(ctx, r, p)
		if err == nil {
			_, err = a.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &r.name, PolicyName: &p.name})
		}
		if gone(err) {
			return nil
		}
		return failed(addr, "iam:DeleteRolePolicy", err)
	}
	return fmt.Errorf("role %s: no such action %q", c.Addr, c.Action)
}

// guardInline is [assumeStep.guardRole]. In a role that is not ours only the
// document tells our policy from others of its name.
func (a *assumeStep) guardInline(ctx context.Context, r wantedRole, p inlinePolicy) error {
	if !r.lends || a.bornHere(roleAddr(r.name)) {
		return a.guardRole(ctx, r)
	}
	v, err := a.readRole(ctx, r.name)
	if err != nil || v.role != nil && a.ownRole(r, v.role) {
		return err
	}
	there, err := a.readInline(ctx, r.name, p.name)
	if err == nil && there != "" && !samePolicy([]byte(there), mustJSON(p.body)) {
		err = moved(inlineAddr(r.name, p.name), "says something else by now, in a role that is not ours")
	}
	return err
}
