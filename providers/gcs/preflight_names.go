// Preflight of names: what is taken, by others or by what was deleted, and how full the project is.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// parsed reads a document that was compiled here; what it is not becomes nothing.
func parsed[T any](raw json.RawMessage) (out T) {
	_ = json.Unmarshal(raw, &out)
	return out
}

// bucketName says whether the bucket's name can be had. A name belongs to the
// whole world, and a refusal tells no more than that it is somebody's.
func (p *preflight) bucketName(ctx context.Context) ([]core.Check, error) {
	c := core.Check{Kind: nameCheck, What: p.bucketAddr(), Outcome: core.Allowed}
	s, err := (&bucket{p.run}).look(ctx)
	switch {
	case err != nil && hopeless(ctx, err):
		return nil, err
	case err != nil:
		c.Outcome = core.Unclear
		c.Why, c.Fix = unread(p.bucketAddr(), err)
	case s.denied != nil, s.state != nil && !s.inProject:
		c.Outcome, c.Why, c.Fix = core.Denied, "belongs to another project", "choose another --bucket"
	case s.state == nil && p.grant.Target.Adopt:
		c.Outcome, c.Why, c.Fix = core.Denied, "is to be adopted, but there is no such bucket", "leave --adopt out and it is made"
	case s.state == nil:
		c.Why = "is free"
	case !p.grant.Target.Adopt && !p.ourLabels(s.state.Labels):
		c.Outcome, c.Why, c.Fix = core.Denied, "is in the project and was not made for this grant", "--adopt"
	default:
		c.Why = "is there"
	}
	return []core.Check{c}, nil
}

// deletedNames looks for what was deleted and still holds its name.
func (p *preflight) deletedNames(ctx context.Context) ([]core.Check, error) {
	looks := []func(context.Context) (*core.Check, error){p.deletedRole}
	if g, is := p.whom.(*guest); is {
		looks = append(looks, func(ctx context.Context) (*core.Check, error) {
			have, err := g.plannedPool(ctx)
			if have == nil {
				have = &iam.WorkloadIdentityPool{}
			}
			return p.gone(ctx, g.federation.poolAddr(), have.State == deleted, have.Description, "30 days", err)
		}, func(ctx context.Context) (*core.Check, error) {
			have, err := g.readProvider(ctx)
			if have == nil {
				have = &iam.WorkloadIdentityPoolProvider{}
			}
			return p.gone(ctx, g.federation.providerAddr(), have.State == deleted, have.Description, "30 days", err)
		})
	}
	found := make([]*core.Check, len(looks))
	all := make([]func(context.Context) error, len(looks))
	for i, look := range looks {
		all[i] = func(ctx context.Context) (err error) { found[i], err = look(ctx); return err }
	}
	err := core.Together(ctx, all...)
	var checks []core.Check
	for _, c := range found {
		if c != nil {
			checks = append(checks, *c)
		}
	}
	return checks, err
}

func (p *preflight) deletedRole(ctx context.Context) (*core.Check, error) {
	have, err := (&role{p.run}).readRole(ctx)
	if have == nil {
		have = &iam.Role{}
	}
	return p.gone(ctx, p.roleAddr(), have.Deleted, have.Description, "up to 37 days", err)
}

// gone is the check of one thing; nil if it is not deleted.
func (p *preflight) gone(ctx context.Context, addr string, deleted bool, description, taken string, err error) (*core.Check, error) {
	switch {
	case err != nil && hopeless(ctx, err):
		return nil, err
	case err != nil:
		c := core.Check{Kind: deletedCheck, What: addr, Outcome: core.Unclear}
		c.Why, c.Fix = unread(addr, err)
		return &c, nil
	case !deleted:
		return nil, nil
	case p.ours(description):
		return &core.Check{Kind: deletedCheck, What: addr, Outcome: core.Allowed, Why: "was deleted, and is undeleted and brought up to date"}, nil
	}
	return &core.Check{Kind: deletedCheck, What: addr, Outcome: core.Denied, Fix: "--name OTHER",
		Why: "was deleted and not made for this grant: its ID stays taken for " + taken}, nil
}

// What a project holds unless Google has raised it.
// https://cloud.google.com/iam/quotas
const (
	usualAccounts = 100
	usualRoles    = 300
)

// quotas counts what the grant adds to. Where it adds nothing, nothing is counted.
func (p *preflight) quotas(ctx context.Context) ([]core.Check, error) {
	var checks [3][]core.Check
	account := func(ctx context.Context) (err error) {
		checks[0], err = p.counted(ctx, accountOf(p.design), "service accounts", "serviceAccounts?pageSize=100", usualAccounts, p.accountName)
		return err
	}
	roles := func(ctx context.Context) (err error) {
		checks[1], err = p.counted(ctx, true, "custom roles", "roles?pageSize=300&showDeleted=true", usualRoles, p.roleName)
		return err
	}
	keys := func(ctx context.Context) error {
		list := p.whom.issuer()
		if list == nil {
			return nil
		}
		have, err := list.List(ctx)
		c := core.Check{Kind: quotaCheck, What: fmt.Sprintf("keys of the service account: %d of %d", len(have), mostKeys), Outcome: core.Allowed}
		switch {
		case err != nil && hopeless(ctx, err):
			return err
		case err != nil:
			c.What, c.Outcome = "keys of the service account", core.Unclear
			c.Why, c.Fix = unread(p.accountAddr(), err)
		case len(have) >= mostKeys:
			c.Outcome, c.Why, c.Fix = core.Denied, "a service account holds at most 10 keys", listKeys(p.design)
		}
		checks[2] = []core.Check{c}
		return nil
	}
	err := core.Together(ctx, account, roles, keys)
	return append(append(checks[0], checks[1]...), checks[2]...), err
}

// listKeys shows the keys of the grantee's service account.
func listKeys(d design) string {
	if d.grant.Who == core.WhoHMAC {
		return "gcloud storage hmac list --service-account " + d.email + " --project " + d.project
	}
	return "gcloud iam service-accounts keys list --iam-account " + d.email + " --project " + d.project
}

// counted counts the things of one kind in the project, unless ours is among them already.
func (p *preflight) counted(ctx context.Context, adds bool, what, list string, usual int, ours string) ([]core.Check, error) {
	if !adds {
		return nil, nil
	}
	n, has := 0, false
	err := pages(ctx, p.cloud, "iam", "/v1/projects/"+p.project+"/"+list, func(page namedThings) {
		for _, one := range append(page.Accounts, page.Roles...) {
			n++
			has = has || one.Name == ours
		}
	})
	c := core.Check{Kind: quotaCheck, What: fmt.Sprintf("%s: %d of %d, unless Google has raised it", what, n, usual), Outcome: core.Allowed}
	switch {
	case err != nil && hopeless(ctx, err):
		return nil, err
	case err != nil:
		c.What, c.Outcome = what, core.Unclear
		c.Why, c.Fix = unread("projects/"+p.project, err)
	case has:
		c.Why = "the grant's own is among them"
	case n >= usual:
		c.Outcome, c.Why = core.Unclear, "the project holds as many as it may by default, and what was agreed with Google does not show"
		c.Fix = "https://console.cloud.google.com/iam-admin/quotas?project=" + url.QueryEscape(p.project)
	}
	return []core.Check{c}, nil
}

type namedThings struct {
	Accounts []namedThing `json:"accounts"`
	Roles    []namedThing `json:"roles"`
	Next     string       `json:"nextPageToken"`
}

type namedThing struct {
	Name string `json:"name"`
}

func (n namedThings) next() string { return n.Next }

// paged is one page of a list.
type paged interface{ next() string }

// pages fetches every page of a list; path has a query already.
func pages[T paged](ctx context.Context, c *cloud, service, path string, each func(T)) error {
	const most = 10_000 // pages; more would be a loop
	for token, n := "", 0; n < most; n++ {
		at := path
		if token != "" {
			at += "&pageToken=" + url.QueryEscape(token)
		}
		page, err := fetch[T](ctx, c, service, at)
		if err != nil {
			return err
		}
		each(page)
		if token = page.next(); token == "" {
			return nil
		}
	}
	return errors.New("the list has more than " + strconv.Itoa(most) + " pages")
}
