//go:build conformance

// Groups for versitygw, which has none: what they allow is given to their users as inline policies.
package main

import (
	"encoding/json"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// lentName is the inline policy by which a user has what its groups allow.
const lentName = "lent-by-its-groups"

// lend gives every user of the shadow what its groups allow.
func (p *shadowed) lend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx := p.t.Context()
	users, err := p.inFake.ListUsers(ctx, &iam.ListUsersInput{})
	if err != nil {
		p.t.Errorf("the shadow: %v", err)
		return
	}
	for _, u := range users.Users {
		statements := p.allowed(*u.UserName)
		switch {
		case len(statements) > 0:
			text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements}) //nolint:errchkjson // it was JSON before
			_, err = p.inReal.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: u.UserName, PolicyName: aws.String(lentName), PolicyDocument: aws.String(string(text))})
			p.lent[*u.UserName] = true
		case p.lent[*u.UserName]:
			_, err = p.inReal.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: u.UserName, PolicyName: aws.String(lentName)})
			delete(p.lent, *u.UserName)
		}
		if err != nil {
			p.t.Errorf("what the groups of %s allow: %v", *u.UserName, err)
		}
	}
}

// allowed are the statements of the managed policies of a user's groups.
func (p *shadowed) allowed(user string) (all []any) {
	ctx := p.t.Context()
	groups, err := p.inFake.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: &user})
	if err != nil {
		p.t.Errorf("the shadow: %v", err)
		return nil
	}
	for _, g := range groups.Groups {
		attached, err := p.inFake.ListAttachedGroupPolicies(ctx, &iam.ListAttachedGroupPoliciesInput{GroupName: g.GroupName})
		if err != nil {
			p.t.Errorf("the shadow: %v", err)
			continue
		}
		for _, a := range attached.AttachedPolicies {
			statements, err := p.statements(a.PolicyArn)
			if err != nil {
				p.t.Errorf("the shadow's policy %s: %v", *a.PolicyArn, err)
			}
			all = append(all, statements...)
		}
	}
	return all
}

// statements are those of a managed policy as it is now.
func (p *shadowed) statements(arn *string) ([]any, error) {
	ctx := p.t.Context()
	about, err := p.inFake.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil {
		return nil, err
	}
	v, err := p.inFake.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: about.Policy.DefaultVersionId})
	if err != nil {
		return nil, err
	}
	text, err := url.PathUnescape(*v.PolicyVersion.Document)
	if err != nil {
		return nil, err
	}
	var doc struct{ Statement []any }
	err = json.Unmarshal([]byte(text), &doc)
	return doc.Statement, err
}
