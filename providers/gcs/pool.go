// Pool: the door that identities of others come in by. Ours by its description; a deleted one is restored.
package gcs

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// poolMemo is what the run knows of the pool. Two readers of a plan share one look at it.
type poolMemo struct {
	turn    chan struct{} // holds one: who looks, while the other waits
	seen    bool
	planned *iam.WorkloadIdentityPool
	number  atomic.Pointer[string] // of the project; nil until it is known
}

// deleted is the state of what can be restored for 30 days.
const deleted = "DELETED"

// plannedPool returns the pool as it was when the run began, deleted or not; nil if there was none.
func (g *guest) plannedPool(ctx context.Context) (*iam.WorkloadIdentityPool, error) {
	select {
	case g.memo.turn <- struct{}{}:
		defer func() { <-g.memo.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if g.memo.seen {
		return g.memo.planned, nil
	}
	have, err := g.readPool(ctx)
	if err == nil {
		g.memo.planned, g.memo.seen = have, true
	}
	return have, err
}

// readPool returns the pool, deleted or not; nil if there is none.
func (g *guest) readPool(ctx context.Context) (*iam.WorkloadIdentityPool, error) {
	service, err := g.cloud.iam()
	if err != nil {
		return nil, err
	}
	have, err := repeat(ctx, func() (*iam.WorkloadIdentityPool, error) {
		return service.Projects.Locations.WorkloadIdentityPools.Get(g.federation.poolName(g.project)).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil, nil
	}
	if err == nil {
		g.learn(have.Name)
	}
	return have, err
}

// learn takes the project's number from the name of a pool: names of pools have
// it, whatever they were asked for by.
func (g *guest) learn(name string) {
	if number := numberIn(name); number != "" {
		g.memo.number.Store(&number)
	}
}

// number is the project's; "" if there is no pool that would tell.
func (g *guest) number(ctx context.Context) (string, error) {
	if n := g.memo.number.Load(); n != nil {
		return *n, nil
	}
	look := g.plannedPool
	if g.opened.Load() {
		look = g.readPool
	}
	have, err := look(ctx)
	n := g.memo.number.Load()
	switch {
	case err != nil || have == nil:
		return "", err
	case n == nil:
		return "", errNoNumber
	}
	return *n, nil
}

// errNoNumber is what a pool's name must tell, because members of policies need it.
var errNoNumber = errors.New("the project's number is not known")

// usablePool is the pool of the plan, which must be there and open.
func (g *guest) usablePool(ctx context.Context) (*iam.WorkloadIdentityPool, error) {
	have, err := g.readPool(ctx)
	switch {
	case err != nil:
		return nil, err
	case have == nil || have.State == deleted:
		return nil, moved(g.federation.poolAddr(), isGone)
	case !g.ours(have.Description):
		return nil, moved(g.federation.poolAddr(), notOursNow)
	case have.Disabled:
		return nil, moved(g.federation.poolAddr(), "was disabled")
	}
	return have, nil
}

func (g *guest) wantPool(have *iam.WorkloadIdentityPool) core.Change {
	f := g.federation
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: f.poolAddr(), Why: "ours"}
	switch {
	case have == nil:
		c.Action, c.Why = core.Make, poolText
	case !g.ours(have.Description):
		c.Action, c.Why, c.Hint = core.Refuse, "exists and was not made for this grant", "--name OTHER"
		if have.State == deleted {
			c.Why = "was not made for this grant, and was deleted less than 30 days ago: until then its ID stays reserved"
		}
	case have.State == deleted:
		c.Action, c.Why = core.Make, "was deleted less than 30 days ago: undeleted and brought up to date"
	case isShut(have.Description):
		c = refuseShut(c, have.Disabled)
	case have.Disabled:
		c.Action, c.Why, c.Hint = core.Refuse, "is disabled, and whoever did it had a reason", g.enablePool()
	}
	return c
}

// endPool drops the pool after its provider. One that others use for providers
// of their own stays.
func (g *guest) endPool(have *iam.WorkloadIdentityPool, seen providersSeen) []core.Change {
	if have == nil || have.State == deleted {
		return nil
	}
	c := core.Change{Step: core.RoleStep, Action: core.Drop, Addr: g.federation.poolAddr(), Needs: []string{g.bindingAddr(), g.federation.providerAddr()},
		Why: "can be undeleted for 30 days, and its ID cannot be used otherwise; the next apply undeletes it"}
	switch {
	case !g.ours(have.Description):
		c.Action, c.Needs, c.Why = core.Keep, nil, "is not ours: kept"
	case len(seen.strangers(g)) > 0:
		c.Action, c.Needs, c.Why = core.Keep, nil, "others let identities in by it ("+strings.Join(seen.strangers(g), ", ")+"): kept"
	}
	return []core.Change{c}
}

// makePool creates the pool, or restores the one that is there. A conflict may
// be the echo of our own request, whose answer was lost: the mark decides.
func (g *guest) makePool(ctx context.Context, a core.Action) error {
	service, err := g.cloud.iam()
	if err != nil {
		return err
	}
	pools := service.Projects.Locations.WorkloadIdentityPools
	f, want := g.federation, g.federation.pool()
	planned, err := g.plannedPool(ctx)
	if err != nil {
		return err
	}
	if planned == nil && a == core.Make {
		op, err := repeat(ctx, func() (*iam.Operation, error) {
			return pools.Create("projects/"+g.project+"/locations/global", &iam.WorkloadIdentityPool{DisplayName: want.DisplayName, Description: want.Description}).
				WorkloadIdentityPoolId(f.poolID).Context(ctx).Do()
		})
		if err == nil {
			if err := g.opens(ctx); err != nil {
				return err
			}
			return g.finish(ctx, f.poolAddr(), op)
		}
		if !hasCode(err, http.StatusConflict) {
			return err
		}
	}
	have, err := g.existing(ctx)
	if err != nil {
		return err
	}
	if have.State == deleted {
		op, err := pools.Undelete(f.poolName(g.project), &iam.UndeleteWorkloadIdentityPoolRequest{}).Context(ctx).Do()
		if err != nil {
			return err
		}
		if err := g.finish(ctx, f.poolAddr(), op); err != nil {
			return err
		}
		if isShut(have.Description) { // the grant that was revoked has ended; this is another one
			if err := g.turnPool(ctx, have, true); err != nil {
				return err
			}
		}
	}
	return g.opens(ctx)
}

// opens notes that this run has made the pool: what was seen of it before is out of date.
func (g *guest) opens(ctx context.Context) error {
	select {
	case g.memo.turn <- struct{}{}:
		defer func() { <-g.memo.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	g.memo.seen = false
	g.opened.Store(true)
	g.made.note(&g.made.grantee)
	return nil
}

// existing waits until the pool that is in the way can be read, and refuses
// one that is not ours or that somebody has closed.
func (g *guest) existing(ctx context.Context) (*iam.WorkloadIdentityPool, error) {
	var have *iam.WorkloadIdentityPool
	unseen := notSeen(g.federation.poolAddr(), errors.New("exists, but cannot be read yet"))
	err := until(ctx, func(err error) bool { return errors.Is(err, unseen) }, func() (err error) {
		if have, err = g.readPool(ctx); err == nil && have == nil {
			err = unseen
		}
		return err
	})
	ended := err == nil && have.State == deleted && isShut(have.Description)
	if err == nil && (!g.ours(have.Description) || have.Disabled && !ended) {
		err = &core.Error{Kind: core.ErrNotOurs, What: g.federation.poolAddr(), Hint: "--name OTHER"}
	}
	return have, err
}

func (g *guest) dropPool(ctx context.Context) error {
	service, err := g.cloud.iam()
	if err != nil {
		return err
	}
	var have *iam.WorkloadIdentityPool
	var seen providersSeen
	err = core.Together(ctx, // hours may have passed since the plan
		func(ctx context.Context) (err error) { have, err = g.readPool(ctx); return err },
		func(ctx context.Context) (err error) { seen, err = g.readProviders(ctx); return err },
	)
	switch {
	case err != nil:
		return err
	case have == nil || have.State == deleted:
		return nil
	case !g.ours(have.Description):
		return moved(g.federation.poolAddr(), notOursNow)
	case len(seen.strangers(g)) > 0:
		return moved(g.federation.poolAddr(), "others let identities in by it now: "+strings.Join(seen.strangers(g), ", "))
	}
	op, err := repeat(ctx, func() (*iam.Operation, error) {
		return service.Projects.Locations.WorkloadIdentityPools.Delete(g.federation.poolName(g.project)).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil
	}
	if err != nil {
		if have, lost := g.readPool(ctx); lost == nil && (have == nil || have.State == deleted) {
			return nil // an earlier attempt did it
		}
		return err
	}
	return g.finish(ctx, g.federation.poolAddr(), op)
}
