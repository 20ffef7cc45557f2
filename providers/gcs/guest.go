// Guest: a grantee whom a pool of ours lets in, directly or as a service account of ours.
package gcs

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/bucketgrant/bucketgrant/core"
)

// guest is an identity of another issuer in the cloud.
type guest struct {
	*run
	federation federation
	member     func(number string) string        // whom a policy names
	tell       func(number string) []core.Output // beside where the bucket is
	as         *ownAccount                       // whom it acts as; nil: itself
	memo       poolMemo
	opened     atomic.Bool // this run has made the pool
}

func newGuest(r *run, f federation) *guest {
	return &guest{run: r, federation: f, memo: poolMemo{turn: make(chan struct{}, 1)}}
}

func (g *guest) diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	var seen providersSeen
	var account, trust []core.Change
	reads := []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := g.plannedPool(ctx)
			return explain(g.federation.poolAddr(), err)
		},
		func(ctx context.Context) (err error) {
			seen, err = g.readProviders(ctx)
			return explain(g.federation.providerAddr(), err)
		},
	}
	if g.as != nil {
		reads = append(reads,
			func(ctx context.Context) (err error) { account, err = g.as.diff(ctx, want); return err },
			func(ctx context.Context) (err error) { trust, err = g.diffTrust(ctx, want); return err })
	}
	if err := core.Together(ctx, reads...); err != nil {
		return nil, err
	}
	pool, err := g.plannedPool(ctx)
	if err != nil {
		return nil, err
	}
	if want.Present {
		return slices.Concat([]core.Change{g.wantPool(pool), g.wantProvider(pool, seen)}, account, trust), nil
	}
	return slices.Concat(g.endProvider(pool, seen), g.endPool(pool, seen), account), nil
}

func (g *guest) do(ctx context.Context, c core.Change) error {
	switch {
	case c.Addr == g.federation.poolAddr() && c.Action == core.Drop:
		return g.dropPool(ctx)
	case c.Addr == g.federation.poolAddr():
		return g.makePool(ctx, c.Action)
	case c.Addr == g.federation.providerAddr() && c.Action == core.Drop:
		return g.dropProvider(ctx)
	case c.Addr == g.federation.providerAddr():
		return g.makeProvider(ctx, c.Action)
	case g.as != nil && c.Addr == g.trustAddr():
		return g.trust(ctx)
	case g.as != nil:
		return g.as.do(ctx, c)
	}
	return fmt.Errorf("grantee %s: no such action %q", c.Addr, c.Action)
}

// needs is the provider as well: nobody is bound before the door is as narrow as the grant.
func (g *guest) needs() []string {
	if g.as != nil {
		return g.as.needs()
	}
	return []string{g.federation.poolAddr(), g.federation.providerAddr()}
}

// members are none as long as there is no pool: its project's number is not known.
func (g *guest) members(ctx context.Context) ([]string, error) {
	if g.as != nil {
		return g.as.members(ctx)
	}
	number, err := g.number(ctx)
	if err != nil || number == "" {
		return nil, explain(g.federation.poolAddr(), err)
	}
	return []string{g.member(number)}, nil
}

// owns is the same whether the guest acts as itself or not, so that either form
// takes the place of the other.
func (g *guest) owns(member string) bool { return g.federation.comesIn(member) || g.isOurs(member) }

func (g *guest) ready(ctx context.Context) error {
	if g.as != nil {
		return g.as.ready(ctx)
	}
	if g.opened.Load() {
		return nil
	}
	_, err := g.usablePool(ctx)
	return explain(g.federation.poolAddr(), err)
}

func (*guest) issuer() core.Issuer { return nil }

func (*guest) keyring() core.Keyring { return nil }

func (g *guest) gate() gate {
	if g.as != nil {
		return g.as.gate()
	}
	return gate{roleDoor{g.run}, poolDoor{g}}
}

func (g *guest) outputs() func(context.Context) ([]core.Output, error) {
	return func(ctx context.Context) ([]core.Output, error) {
		number, err := g.number(ctx)
		switch {
		case err != nil:
			return nil, explain(g.federation.poolAddr(), err)
		case number == "":
			return nil, moved(g.federation.poolAddr(), isGone)
		}
		return g.tell(number), nil
	}
}

// principal is an address where the guest acts as a service account: Policy
// Troubleshooter knows no other principals.
// https://cloud.google.com/policy-intelligence/docs/reference/policytroubleshooter/rest/v3/iam/troubleshoot#AccessTuple
func (g *guest) principal(ctx context.Context) (string, error) {
	if g.as != nil {
		return g.as.principal(ctx)
	}
	return "", nil
}
