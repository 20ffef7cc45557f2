// Pool gate: a pool of ours that is disabled gives no tokens, and takes none that it has given.
package gcs

import (
	"context"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// poolDoor is the pool of a grant.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools#WorkloadIdentityPool
type poolDoor struct{ *guest }

func (d poolDoor) addr() string { return d.federation.poolAddr() }

func (d poolDoor) leaf(have *iam.WorkloadIdentityPool) leaf {
	return leaf{addr: d.addr(), ours: d.ours(have.Description), shut: have.Disabled, marked: isShut(have.Description), enable: d.enablePool(),
		how: "is disabled: it gives no tokens, and those that it has given are not accepted any more", back: "is enabled again; so is every token of it that has not ended"}
}

func (g *guest) enablePool() string {
	return "gcloud iam workload-identity-pools update " + g.federation.poolID + " --location global --no-disabled --project " + g.project
}

// look leaves a pool alone that others have put providers into: they would be
// shut out as well, and the role is enough.
func (d poolDoor) look(ctx context.Context, open bool) ([]core.Change, error) {
	var have *iam.WorkloadIdentityPool
	var seen providersSeen
	err := core.Together(ctx,
		func(ctx context.Context) (err error) { have, err = d.readPool(ctx); return err },
		func(ctx context.Context) (err error) { seen, err = d.readProviders(ctx); return err },
	)
	if err != nil || have == nil || have.State == deleted {
		return nil, err
	}
	keep := core.Change{Step: core.GateStep, Action: core.Keep, Addr: d.addr(), Why: "is not ours: kept, the role is enough"}
	c := d.leaf(have).change(open)
	switch {
	case !d.ours(have.Description):
		c = keep
	case c.Action == core.Alter && !open && len(seen.strangers(d.guest)) > 0:
		c = keep
		c.Why = "others let identities in by it, who would be shut out as well: kept, the role is enough"
	}
	return []core.Change{c}, nil
}

// turn writes the switch and the mark at once.
func (d poolDoor) turn(ctx context.Context, open bool) error {
	have, err := d.readPool(ctx)
	switch {
	case err != nil:
		return err
	case have == nil || have.State == deleted:
		return moved(d.addr(), isGone)
	}
	if done, err := d.leaf(have).mayTurn(open); done || err != nil {
		return err
	}
	return d.turnPool(ctx, have, open)
}

func (g *guest) turnPool(ctx context.Context, have *iam.WorkloadIdentityPool, open bool) error {
	service, err := g.cloud.iam()
	if err != nil {
		return err
	}
	next := &iam.WorkloadIdentityPool{Disabled: !open, Description: marked(have.Description, open), ForceSendFields: []string{"Disabled"}}
	op, err := repeat(ctx, func() (*iam.Operation, error) {
		return service.Projects.Locations.WorkloadIdentityPools.Patch(g.federation.poolName(g.project), next).UpdateMask("disabled,description").Context(ctx).Do()
	})
	if err != nil {
		return err
	}
	return g.finish(ctx, g.federation.poolAddr(), op)
}
