// Pool provider: whose tokens the pool takes, and on what condition. That must never be laxer than the grant.
package gcs

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// providersSeen is what the pool has.
type providersSeen struct {
	ours   *iam.WorkloadIdentityPoolProvider // the one with our ID, deleted or not; nil if there is none
	others []string                          // the IDs of those that live, sorted
}

// strangers are the providers that are not ours, that of our ID included: they go with the pool.
func (s providersSeen) strangers(g *guest) []string {
	if s.ours != nil && s.ours.State != deleted && !g.ours(s.ours.Description) {
		return append(slices.Clone(s.others), g.federation.providerID)
	}
	return s.others
}

// readProviders reads all providers of the pool: whoever adds one lets more in than the grant says.
func (g *guest) readProviders(ctx context.Context) (seen providersSeen, err error) {
	service, err := g.cloud.iam()
	if err != nil {
		return seen, err
	}
	for token := ""; ; {
		list, err := repeat(ctx, func() (*iam.ListWorkloadIdentityPoolProvidersResponse, error) {
			return service.Projects.Locations.WorkloadIdentityPools.Providers.List(g.federation.poolName(g.project)).
				ShowDeleted(true).PageSize(100).PageToken(token).Context(ctx).Do()
		})
		if isMissing(err) {
			return seen, nil
		}
		if err != nil {
			return seen, err
		}
		for _, p := range list.WorkloadIdentityPoolProviders {
			switch id := path.Base(p.Name); {
			case id == g.federation.providerID:
				seen.ours = p
			case p.State != deleted:
				seen.others = append(seen.others, printable(id))
			}
		}
		if token = list.NextPageToken; token == "" {
			slices.Sort(seen.others)
			return seen, nil
		}
	}
}

func (g *guest) wantProvider(pool *iam.WorkloadIdentityPool, seen providersSeen) core.Change {
	f := g.federation
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: f.providerAddr(), Why: "lets in whom the grant says"}
	have := seen.ours
	switch {
	case pool != nil && g.ours(pool.Description) && len(seen.others) > 0:
		c.Action, c.Why = core.Refuse, "its pool lets others in as well, by providers that are not ours: "+strings.Join(seen.others, ", ")
		c.Hint = "gcloud iam workload-identity-pools providers delete " + seen.others[0] + " --workload-identity-pool " + f.poolID + " --location global --project " + g.project
	case have == nil:
		c.Action, c.Why = core.Make, f.providerText()
	case !g.ours(have.Description):
		c.Action, c.Why, c.Hint = core.Refuse, "exists and was not made for this grant", "--name OTHER"
	case have.State == deleted, pool != nil && pool.State == deleted:
		c.Action, c.Why = core.Make, "was deleted less than 30 days ago: undeleted and brought up to date"
	case have.Disabled:
		c.Action, c.Why = core.Refuse, "is disabled, and whoever did it had a reason"
		c.Hint = "gcloud iam workload-identity-pools providers update-" + providerKind(f.provider) + " " + f.providerID +
			" --workload-identity-pool " + f.poolID + " --location global --no-disabled --project " + g.project
	case !sameProvider(have, f.provider):
		c.Action, c.Why, c.Before, c.After = core.Alter, "lets in others than the grant says"+f.turnover(have), providerWords(have), providerWords(providerBody(f.provider))
	}
	if c.Action == core.Make || c.Action == core.Alter {
		c.Needs = []string{f.poolAddr()}
	}
	return c
}

// providerKind is the part of gcloud's commands that differs.
func providerKind(p providerDocument) string {
	if p.AWS != nil {
		return "aws"
	}
	return "oidc"
}

// sameProvider compares whom a provider lets in, and as whom.
func sameProvider(have *iam.WorkloadIdentityPoolProvider, want providerDocument) bool {
	same := have.AttributeCondition == want.Condition && maps.Equal(have.AttributeMapping, want.Mapping)
	switch {
	case want.AWS != nil:
		return same && have.Aws != nil && have.Aws.AccountId == want.AWS.Account
	case have.Oidc == nil:
		return false
	}
	// Keys of somebody's own would sign for the issuer; audiences would take tokens that are for others.
	return same && have.Oidc.IssuerUri == want.OIDC.Issuer && have.Oidc.JwksJson == "" && len(have.Oidc.AllowedAudiences) == 0
}

// providerWords says whom a provider lets in, for people.
func providerWords(p *iam.WorkloadIdentityPoolProvider) string {
	from := "nobody"
	switch {
	case p.Aws != nil:
		from = "the AWS account " + p.Aws.AccountId
	case p.Oidc != nil:
		from = p.Oidc.IssuerUri
		if p.Oidc.JwksJson != "" {
			from += " with keys of somebody's own"
		}
		if len(p.Oidc.AllowedAudiences) > 0 {
			from += " for " + strings.Join(p.Oidc.AllowedAudiences, ", ")
		}
	}
	var as []string
	for _, k := range slices.Sorted(maps.Keys(p.AttributeMapping)) {
		as = append(as, k+" = "+p.AttributeMapping[k])
	}
	return printable(from + " if " + p.AttributeCondition + "; " + strings.Join(as, ", "))
}

// providerBody is the document as the client library's type.
func providerBody(d providerDocument) *iam.WorkloadIdentityPoolProvider {
	p := &iam.WorkloadIdentityPoolProvider{DisplayName: d.DisplayName, Description: d.Description,
		AttributeMapping: d.Mapping, AttributeCondition: d.Condition}
	if d.OIDC != nil {
		p.Oidc = &iam.Oidc{IssuerUri: d.OIDC.Issuer}
	}
	if d.AWS != nil {
		p.Aws = &iam.Aws{AccountId: d.AWS.Account}
	}
	return p
}

// endProvider drops the provider before its pool. Tokens that it has already
// given live on for up to an hour; the binding, which goes first, ends them.
func (g *guest) endProvider(pool *iam.WorkloadIdentityPool, seen providersSeen) []core.Change {
	have := seen.ours
	if have == nil || have.State == deleted || pool == nil || pool.State == deleted {
		return nil
	}
	c := core.Change{Step: core.RoleStep, Action: core.Drop, Addr: g.federation.providerAddr(), Needs: []string{g.bindingAddr()}, Why: "can be undeleted for 30 days"}
	if !g.ours(have.Description) {
		c.Action, c.Needs, c.Why = core.Keep, nil, "is not ours: kept"
	}
	return []core.Change{c}
}

// readProvider returns the provider, deleted or not; nil if there is none.
func (g *guest) readProvider(ctx context.Context) (*iam.WorkloadIdentityPoolProvider, error) {
	service, err := g.cloud.iam()
	if err != nil {
		return nil, err
	}
	have, err := repeat(ctx, func() (*iam.WorkloadIdentityPoolProvider, error) {
		return service.Projects.Locations.WorkloadIdentityPools.Providers.Get(g.federation.providerName(g.project)).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil, nil
	}
	return have, err
}

// makeProvider creates the provider, or undeletes and corrects the one that is there.
func (g *guest) makeProvider(ctx context.Context, a core.Action) error {
	service, err := g.cloud.iam()
	if err != nil {
		return err
	}
	providers := service.Projects.Locations.WorkloadIdentityPools.Providers
	f := g.federation
	var refusal error // of the creation
	if a == core.Make {
		// The pool may be so young that it is not known there yet.
		young := func(err error) bool { return isMissing(err) && g.opened.Load() }
		var op *iam.Operation
		refusal = until(ctx, young, func() (err error) {
			op, err = repeat(ctx, func() (*iam.Operation, error) {
				return providers.Create(f.poolName(g.project), providerBody(f.provider)).WorkloadIdentityPoolProviderId(f.providerID).Context(ctx).Do()
			})
			return err
		})
		if refusal == nil {
			return g.finish(ctx, f.providerAddr(), op)
		}
		if hasCode(refusal, http.StatusBadRequest) { // so Google refuses what is put into a pool that was deleted meanwhile
			if pool, err := g.readPool(ctx); err == nil && (pool == nil || pool.State == deleted) {
				return moved(f.poolAddr(), isGone)
			}
		}
		if !hasCode(refusal, http.StatusConflict) {
			return refusal
		}
	}
	var have *iam.WorkloadIdentityPoolProvider
	unseen := notSeen(f.providerAddr(), errors.New("exists, but cannot be read yet"))
	err = until(ctx, func(err error) bool { return errors.Is(err, unseen) }, func() (err error) {
		if have, err = g.readProvider(ctx); err == nil && have == nil && refusal != nil {
			err = unseen
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case have == nil:
		return moved(f.providerAddr(), isGone)
	case !g.ours(have.Description) && a == core.Alter:
		return moved(f.providerAddr(), notOursNow)
	case !g.ours(have.Description):
		return &core.Error{Kind: core.ErrNotOurs, What: f.providerAddr(), Hint: "--name OTHER"}
	}
	if !sameProvider(have, f.provider) && have.State != deleted {
		return g.patchProvider(ctx)
	}
	if have.State != deleted {
		return nil
	}
	op, err := providers.Undelete(f.providerName(g.project), &iam.UndeleteWorkloadIdentityPoolProviderRequest{}).Context(ctx).Do()
	if err != nil {
		return err
	}
	if err := g.finish(ctx, f.providerAddr(), op); err != nil {
		return err
	}
	if sameProvider(have, f.provider) {
		return nil
	}
	return g.patchProvider(ctx)
}

// patchProvider puts back whom the provider lets in.
func (g *guest) patchProvider(ctx context.Context) error {
	service, err := g.cloud.iam()
	if err != nil {
		return err
	}
	f := g.federation
	want := providerBody(f.provider)
	op, err := service.Projects.Locations.WorkloadIdentityPools.Providers.Patch(f.providerName(g.project), want).
		UpdateMask("displayName,description,attributeMapping,attributeCondition," + providerKind(f.provider)).Context(ctx).Do()
	if err != nil {
		return err
	}
	return g.finish(ctx, f.providerAddr(), op)
}

func (g *guest) dropProvider(ctx context.Context) error {
	service, err := g.cloud.iam()
	if err != nil {
		return err
	}
	have, err := g.readProvider(ctx)
	switch {
	case err != nil:
		return err
	case have == nil || have.State == deleted:
		return nil
	case !g.ours(have.Description):
		return moved(g.federation.providerAddr(), notOursNow)
	}
	op, err := repeat(ctx, func() (*iam.Operation, error) {
		return service.Projects.Locations.WorkloadIdentityPools.Providers.Delete(g.federation.providerName(g.project)).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil
	}
	if err != nil {
		if have, lost := g.readProvider(ctx); lost == nil && (have == nil || have.State == deleted) {
			return nil // an earlier attempt did it
		}
		return err
	}
	return g.finish(ctx, g.federation.providerAddr(), op)
}
