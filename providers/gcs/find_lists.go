// Lists: what a project has that may carry marks, page by page and side by side.
package gcs

import (
	"context"
	"net/url"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// projectSeen is what the lists of a project show. Names and marks are all that
// is read here: what does not carry a mark is left out of everything.
type projectSeen struct {
	project  string
	accounts []*iam.ServiceAccount
	roles    []*iam.Role
	pools    []*iam.WorkloadIdentityPool
	buckets  []bucketListed
	hmac     []hmacMetadata
	unread   map[listName]*core.Finding // why a list could not be read
}

func (p projectSeen) listed(l listName) bool { return p.unread[l] == nil }

// listName is a list of a project, as the address of a finding has it.
type listName string

const (
	accountList listName = "serviceAccounts"
	roleList    listName = "roles"
	poolList    listName = "workloadIdentityPools"
	bucketList  listName = "buckets"
	hmacList    listName = "hmacKeys"
)

// oneList is how one of them is read.
type oneList struct {
	name   listName
	marks  bool                   // grants show by it
	missed func(*foundGrant) bool // a grant would tell more with it
	read   func(context.Context, *cloud, *projectSeen) error
}

// lists are all of them. How much a page holds at most:
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/list
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.roles/list
// https://cloud.google.com/storage/docs/json_api/v1/projects/hmacKeys/list
func lists() []oneList {
	return []oneList{
		{accountList, true, func(g *foundGrant) bool { return g.account == nil }, func(ctx context.Context, c *cloud, p *projectSeen) error {
			return p.iam(ctx, c, "serviceAccounts?pageSize=100", func(page iamPage) { p.accounts = append(p.accounts, page.Accounts...) })
		}},
		{roleList, true, func(g *foundGrant) bool { return g.role == nil }, func(ctx context.Context, c *cloud, p *projectSeen) error {
			return p.iam(ctx, c, "roles?pageSize=1000", func(page iamPage) { p.roles = append(p.roles, page.Roles...) })
		}},
		{poolList, true, func(g *foundGrant) bool { return g.pool == nil && g.role != nil && withPool[whoIn(g.role.Description)] }, func(ctx context.Context, c *cloud, p *projectSeen) error {
			return p.iam(ctx, c, "locations/global/workloadIdentityPools?pageSize=1000", func(page iamPage) { p.pools = append(p.pools, page.Pools...) })
		}},
		{bucketList, false, func(g *foundGrant) bool { return g.Bucket == "" }, func(ctx context.Context, c *cloud, p *projectSeen) error {
			return pages(ctx, c, "storage", "/storage/v1/b?maxResults=1000&project="+url.QueryEscape(p.project), func(page bucketsPage) { p.buckets = append(p.buckets, page.Items...) })
		}},
		{hmacList, false, func(g *foundGrant) bool { return g.Who == core.WhoHMAC }, func(ctx context.Context, c *cloud, p *projectSeen) error {
			return pages(ctx, c, "storage", "/storage/v1/projects/"+url.PathEscape(p.project)+"/hmacKeys?maxResults=250", func(page hmacPage) { p.hmac = append(p.hmac, page.Items...) })
		}},
	}
}

// readLists reads all of them. If none shows grants, the reason is an error.
func readLists(ctx context.Context, c *cloud, project string) (projectSeen, error) {
	seen := projectSeen{project: project, unread: map[listName]*core.Finding{}}
	all := lists()
	errs := make([]error, len(all))
	var reads []func(context.Context) error
	for n, l := range all {
		reads = append(reads, func(ctx context.Context) error {
			errs[n] = l.read(ctx, c, &seen)
			return onlyHopeless(ctx, seen.addr(l.name), errs[n])
		})
	}
	if err := core.Together(ctx, reads...); err != nil {
		return seen, err
	}
	var first error
	shows := false
	for n, l := range all {
		if errs[n] != nil {
			one := notRead(seen.addr(l.name), errs[n])
			seen.unread[l.name] = &one
		}
		shows = shows || l.marks && errs[n] == nil
		if first == nil {
			first = explain(seen.addr(l.name), errs[n])
		}
	}
	if !shows {
		return seen, first
	}
	return seen, nil
}

func (p *projectSeen) addr(l listName) string { return "projects/" + p.project + "/" + string(l) }

// onlyHopeless is err if nothing more can be read at all.
func onlyHopeless(ctx context.Context, addr string, err error) error {
	if err != nil && hopeless(ctx, err) {
		return explain(addr, err)
	}
	return nil
}

// notRead is the finding that something could not be read.
func notRead(addr string, err error) core.Finding {
	why, fix := unread(addr, err)
	return core.Finding{Kind: core.Unread, Addr: addr, Text: "cannot be looked at: " + why, Fix: fix}
}

// iam reads a list of IAM's.
func (p *projectSeen) iam(ctx context.Context, c *cloud, list string, take func(iamPage)) error {
	return pages(ctx, c, "iam", "/v1/projects/"+p.project+"/"+list, take)
}

// iamPage is a page of any of them.
type iamPage struct {
	Accounts  []*iam.ServiceAccount               `json:"accounts"`
	Roles     []*iam.Role                         `json:"roles"`
	Pools     []*iam.WorkloadIdentityPool         `json:"workloadIdentityPools"`
	Providers []*iam.WorkloadIdentityPoolProvider `json:"workloadIdentityPoolProviders"`
	Next      string                              `json:"nextPageToken"`
}

func (p iamPage) next() string { return p.Next }

// bucketListed is a bucket as a list has it.
type bucketListed struct {
	Name     string            `json:"name"`
	Labels   map[string]string `json:"labels"`
	Location string            `json:"location"`
	Created  time.Time         `json:"timeCreated"`
}

type bucketsPage struct {
	Items []bucketListed `json:"items"`
	Next  string         `json:"nextPageToken"`
}

func (p bucketsPage) next() string { return p.Next }

type hmacPage struct {
	Items []hmacMetadata `json:"items"`
	Next  string         `json:"nextPageToken"`
}

func (p hmacPage) next() string { return p.Next }
