// Keys and doors of the grants that were found: what opens them, and who lets others in.
package gcs

import (
	"context"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// keys asks for the keys of every service account, some side by side: no call
// tells of more than one. HMAC keys were listed for the whole project.
func (f *finder) keys(ctx context.Context) error {
	service, err := f.cloud.iam()
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(slices.Clone(f.grants), func(g *foundGrant) bool { return g.account == nil })
	f.own, err = each(ctx, own, func(ctx context.Context, g *foundGrant) (found[[]core.Key], error) {
		have, err := repeat(ctx, func() (*iam.ListServiceAccountKeysResponse, error) {
			return service.Projects.ServiceAccounts.Keys.List(g.accountName).KeyTypes(userManaged).Context(ctx).Do()
		})
		if isMissing(err) {
			have, err = &iam.ListServiceAccountKeysResponse{}, nil
		}
		var keys []core.Key
		if err == nil {
			keys, err = g.userManaged(have.Keys)
		}
		return found[[]core.Key]{g, keys, err}, onlyHopeless(ctx, g.keyAddr(""), err)
	})
	return err
}

// tellKeys gives every grant its keys.
func (f *finder) tellKeys() {
	for _, own := range f.own {
		g := own.of
		if own.err != nil {
			g.say(notRead(g.keyAddr(""), own.err))
		}
		for _, k := range own.value {
			g.opens(k, g.keyAddr(k.ID), g.Who == core.WhoKey || g.Who == core.WhoCertificate)
			g.say(g.exposure(g.keyAddr(k.ID), k)...)
		}
		for _, k := range f.hmac {
			if k.Email == g.email && accessIDs.MatchString(k.AccessID) {
				g.opens(core.Key{ID: k.AccessID, Created: k.Created, Active: k.State == active}, g.hmacAddr(k.AccessID), g.Who == core.WhoHMAC)
			}
		}
		slices.SortStableFunc(g.Found.Keys, func(a, b core.Key) int { return a.Created.Compare(b.Created) })
	}
}

// userManaged are the keys that people have, as core has them.
func (n names) userManaged(list []*iam.ServiceAccountKey) ([]core.Key, error) {
	var keys []core.Key
	for _, k := range list {
		if k.KeyType != "" && k.KeyType != userManaged {
			continue
		}
		id, err := n.keyID(k)
		if err != nil {
			return keys, err
		}
		keys = append(keys, coreKey(id, k))
	}
	return keys, nil
}

// opens adds a key of the grantee's. One of a kind that grants like this do not
// hand over was made by somebody else.
func (g *foundGrant) opens(k core.Key, addr string, usual bool) {
	if !usual && g.Who != "" {
		g.say(core.Finding{Kind: core.ForeignKey, Addr: addr, Grave: true, Text: "no grant to " + string(g.Who) + " has a key of this kind: who has made it?"})
		return
	}
	g.Found.Keys = append(g.Found.Keys, k)
}

// doors asks every pool for its providers.
func (f *finder) doors(ctx context.Context) (err error) {
	guests := slices.DeleteFunc(slices.Clone(f.grants), func(g *foundGrant) bool { return g.pool == nil })
	f.guests, err = each(ctx, guests, func(ctx context.Context, g *foundGrant) (found[[]*iam.WorkloadIdentityPoolProvider], error) {
		var all []*iam.WorkloadIdentityPoolProvider
		list := "locations/global/workloadIdentityPools/" + poolID(g.grant) + "/providers?pageSize=100"
		err := f.iam(ctx, f.cloud, list, func(page iamPage) { all = append(all, page.Providers...) })
		if isMissing(err) {
			err = nil
		}
		return found[[]*iam.WorkloadIdentityPoolProvider]{g, all, err}, onlyHopeless(ctx, g.poolAddr(), err)
	})
	return err
}

// tellDoors says whom else the pools let in, and whether a provider of ours is shut.
func (f *finder) tellDoors() {
	for _, guest := range f.guests {
		g := guest.of
		if guest.err != nil {
			g.say(notRead(g.poolAddr(), guest.err))
		}
		for _, p := range guest.value {
			id := printable(path.Base(p.Name))
			switch {
			case !strings.HasPrefix(p.Description, mark(g.grant)):
				g.say(strangersProvider(g.poolAddr(), poolID(g.grant), g.project, id))
			case p.Disabled:
				g.say(core.Finding{Kind: core.ShutOut, Addr: g.poolAddr() + "/provider/" + id, Text: "is disabled: nobody comes in by it"})
			}
		}
	}
}

// strangersProvider is a way in that is not ours.
func strangersProvider(addr, pool, project, id string) core.Finding {
	return core.Finding{Kind: core.WideTrust, Addr: addr, Grave: true, Text: "lets others in by a provider that is not ours: " + id,
		Fix: "gcloud iam workload-identity-pools providers delete " + id + " --workload-identity-pool " + pool + " --location global --project " + project}
}
