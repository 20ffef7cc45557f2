// OIDC provider: the account's one entry for GitHub as an issuer of tokens, which all roles for workflows share.
package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// provider is the identity provider.
type provider struct{ *session }

// providerSeen is what IAM shows of it.
type providerSeen struct {
	exists  bool
	own     bool
	clients []string
	users   []string // roles that trust it; read for a destroy only
}

func (d design) providerAddr() string { return "iam:oidc-provider/" + issuerHost }

func (d design) providerARN(account string) string {
	return "arn:" + d.partition.name + ":iam::" + account + ":oidc-provider/" + issuerHost
}

func (p *provider) addr() string { return p.providerAddr() }

func (p *provider) read(ctx context.Context, want core.Want) (providerSeen, error) {
	o, err := p.operator(ctx)
	if err != nil {
		return providerSeen{}, err
	}
	var v providerSeen
	var users []string
	reads := []func(context.Context) error{
		func(ctx context.Context) (err error) { v, err = p.look(ctx, o.Account); return },
	}
	if !want.Present {
		reads = append(reads, func(ctx context.Context) (err error) { users, err = p.trustingRoles(ctx, o.Account); return })
	}
	err = gather(ctx, reads...)
	v.users = users
	return v, err
}

func (p *provider) look(ctx context.Context, account string) (providerSeen, error) {
	out, err := p.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(p.providerARN(account))})
	if gone(err) {
		return providerSeen{}, nil
	}
	if err != nil {
		return providerSeen{}, failed(p.addr(), "iam:GetOpenIDConnectProvider", err)
	}
	return providerSeen{exists: true, own: forMany(iamTags(out.Tags)), clients: out.ClientIDList}, nil
}

// trustingRoles are the names of all roles that let somebody in by the provider.
func (p *provider) trustingRoles(ctx context.Context, account string) ([]string, error) {
	arn := p.providerARN(account)
	var names []string
	pages := iam.NewListRolesPaginator(p.iam, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(p.addr(), "iam:ListRoles", err)
		}
		for _, r := range out.Roles {
			text, err := decoded(roleAddr(aws.ToString(r.RoleName)), r.AssumeRolePolicyDocument)
			if err != nil {
				return nil, err
			}
			if trusts(text, arn) {
				names = append(names, aws.ToString(r.RoleName))
			}
		}
	}
	return names, nil
}

func (p *provider) present(v providerSeen) core.Change {
	switch {
	case !v.exists:
		return roleChange(core.Make, p.addr(), "so that GitHub's tokens for "+audience+" are known")
	case slices.Contains(v.clients, audience) && v.own:
		return roleChange(core.Keep, p.addr(), "ours")
	case slices.Contains(v.clients, audience):
		return roleChange(core.Keep, p.addr(), "not ours: used as it is, never changed, never dropped")
	case v.own:
		return roleChange(core.Alter, p.addr(), "lacks the audience "+audience)
	}
	c := roleChange(core.Alter, p.addr(), "not ours; lacks the audience "+audience+", which is added and stays: nothing else is changed, ever")
	c.Before, c.After = strings.Join(v.clients, ", "), strings.Join(append(slices.Clone(v.clients), audience), ", ")
	return c
}

// absent lets it go with the last role that trusts it. names are the addresses
// of this grant's roles; see [provider.unlessKept].
func (p *provider) absent(v providerSeen, names []string) []core.Change {
	keep := func(why string) []core.Change { return []core.Change{roleChange(core.Keep, p.addr(), why)} }
	others := slices.DeleteFunc(slices.Clone(v.users), func(name string) bool { return slices.Contains(names, roleAddr(name)) })
	switch {
	case !v.exists:
		return nil
	case !v.own:
		return keep("not ours: left alone, with the audience " + audience)
	case len(others) > 0:
		return keep("left: other roles trust it: " + strings.Join(others, ", "))
	}
	return []core.Change{roleChange(core.Drop, p.addr(), "ours, and no other role trusts it", names...)}
}

// unlessKept keeps the provider where the plan keeps a role of the grant's name
// that trusts it: one that is not ours, or that others have tied something to.
func (p *provider) unlessKept(plan []core.Change, v providerSeen) []core.Change {
	going := func(addr string) bool {
		return slices.ContainsFunc(plan, func(c core.Change) bool { return c.Addr == addr && c.Action == core.Drop })
	}
	staying := slices.DeleteFunc(slices.Clone(v.users), func(name string) bool { return going(roleAddr(name)) })
	if len(staying) == 0 || !going(p.addr()) {
		return plan
	}
	plan = slices.DeleteFunc(plan, func(c core.Change) bool { return c.Addr == p.addr() })
	return append(plan, roleChange(core.Keep, p.addr(), "left: roles that stay trust it: "+strings.Join(staying, ", ")))
}

func (p *provider) do(ctx context.Context, c core.Change, roles []wantedRole) error {
	o, err := p.operator(ctx)
	if err != nil {
		return err
	}
	switch c.Action {
	case core.Make:
		return p.make(ctx, o.Account)
	case core.Alter:
		return p.admit(ctx, o.Account)
	case core.Drop:
		return p.drop(ctx, o.Account, roles)
	}
	return fmt.Errorf("identity provider %s: no such action %q", c.Addr, c.Action)
}

// make leaves the thumbprint out: IAM trusts GitHub's certificates by their authority.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
func (p *provider) make(ctx context.Context, account string) error {
	_, err := p.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String(github.Issuer), ClientIDList: []string{audience},
		Tags: tagList(sharedMark()),
	})
	if is(err, codeExists) { // made a moment ago, by another grant or by a call of ours whose answer was lost
		return p.admit(ctx, account)
	}
	return failed(p.addr(), "iam:CreateOpenIDConnectProvider", err)
}

// admit adds the audience, which is there if another grant was faster.
func (p *provider) admit(ctx context.Context, account string) error {
	return p.whenSeen(ctx, p.addr(), "iam:AddClientIDToOpenIDConnectProvider", func() error {
		v, err := p.look(ctx, account)
		if err != nil || slices.Contains(v.clients, audience) {
			return err
		}
		_, err = p.iam.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(p.providerARN(account)), ClientID: aws.String(audience)})
		return err
	})
}

// drop looks once more whether anybody needs it: other grants may have come
// since the plan, and a role of this one may be there still. A role of ours that
// was dropped a moment ago may be shown for a while.
func (p *provider) drop(ctx context.Context, account string, roles []wantedRole) error {
	v, err := p.look(ctx, account)
	switch {
	case err != nil || !v.exists:
		return err
	case !v.own:
		return moved(p.addr(), notOursNow)
	}
	err = await(ctx, patience, isNotSeen, func() error { return p.unused(ctx, account, roles) })
	if err != nil {
		return err
	}
	_, err = p.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(p.providerARN(account))})
	if gone(err) {
		return nil
	}
	return failed(p.addr(), "iam:DeleteOpenIDConnectProvider", err)
}

// unused is an error while a role that exists trusts the provider.
func (p *provider) unused(ctx context.Context, account string, roles []wantedRole) error {
	users, err := p.trustingRoles(ctx, account)
	if err != nil {
		return err
	}
	var others []string
	waiting := true
	for _, name := range users {
		i := slices.IndexFunc(roles, func(r wantedRole) bool { return r.name == name })
		if i >= 0 {
			v, err := p.readRole(ctx, name)
			if err != nil {
				return err
			}
			if v.role == nil {
				continue
			}
			waiting = waiting && p.ownRole(roles[i], v.role)
		} else {
			waiting = false
		}
		others = append(others, name)
	}
	if len(others) == 0 {
		return nil
	}
	used := &core.Error{Kind: core.ErrMoved, What: p.addr(), Err: errors.New("by now other roles trust it: " + strings.Join(others, ", ")), Hint: "make the plan again"}
	if waiting {
		return errors.Join(errNotSeen, used)
	}
	return used
}
