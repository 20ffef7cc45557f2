// Inspection of the grantee: who else can be it, and what has been switched off.
package gcs

import (
	"context"
	"strings"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// account looks whether the service account works. The plan has read it.
func (i *inspector) account(ctx context.Context) ([]core.Finding, error) {
	have, err := i.run.account.read(ctx, i.run)
	if err != nil || have == nil || !i.ours(have.Description) || !have.Disabled {
		return nil, err
	}
	return []core.Finding{{Kind: core.ShutOut, Addr: i.accountAddr(), Text: "is disabled: no key and no token of it works"}}, nil
}

// trust looks for those who may act as the service account, or change who may.
func (i *inspector) trust(ctx context.Context) ([]core.Finding, error) {
	service, err := i.cloud.iam()
	if err != nil {
		return nil, err
	}
	have, err := repeat(ctx, func() (*iam.Policy, error) {
		return service.Projects.ServiceAccounts.GetIamPolicy(i.accountName).OptionsRequestedPolicyVersion(3).Context(ctx).Do()
	})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g, federated := i.whom.(*guest)
	var list []core.Finding
	for _, b := range have.Bindings {
		for _, m := range b.Members {
			fix := "gcloud iam service-accounts remove-iam-policy-binding " + i.email + " --role " + printable(b.Role) + " --member '" + printable(m) + "' --all --project " + i.project
			switch {
			case strings.HasPrefix(m, "deleted:"):
				list = append(list, orphan(i.accountAddr(), b.Role, m, fix))
			case federated && b.Role == workloadUser && g.federation.comesIn(m): // whether it is the very one, the plan compares
			default:
				list = append(list, core.Finding{Kind: core.WideTrust, Addr: i.accountAddr(), Grave: true, Fix: fix, Text: printable(m) + " has " + printable(b.Role) + " on the service account, and may be able to act as it"})
			}
		}
	}
	return list, nil
}

// pool looks for more than one door, a door that is wider than the grant, and one that is shut.
func (i *inspector) pool(ctx context.Context, g *guest) ([]core.Finding, error) {
	pool, err := g.plannedPool(ctx)
	if err != nil || pool == nil || pool.State == deleted || !i.ours(pool.Description) {
		return nil, err
	}
	seen, err := g.readProviders(ctx)
	if err != nil {
		return nil, err
	}
	f := g.federation
	in := " --workload-identity-pool " + f.poolID + " --location global --project " + i.project
	var list []core.Finding
	for _, id := range seen.strangers(g) {
		list = append(list, strangersProvider(f.poolAddr(), f.poolID, i.project, id))
	}
	have := seen.ours
	if have == nil || have.State == deleted || !i.ours(have.Description) {
		return list, nil
	}
	if !sameProvider(have, f.provider) {
		list = append(list, core.Finding{Kind: core.WideTrust, Addr: f.providerAddr(), Grave: true,
			Text: "lets in others than the grant says: " + providerWords(have) + "; the grant says " + providerWords(providerBody(f.provider)),
			Fix:  "gcloud iam workload-identity-pools providers update-" + providerKind(f.provider) + " " + f.providerID + " --attribute-condition '" + f.provider.Condition + "'" + in})
	}
	if pool.Disabled || have.Disabled {
		list = append(list, core.Finding{Kind: core.ShutOut, Addr: f.poolAddr(), Text: "is disabled, or its provider is: nobody comes in"})
	}
	return list, nil
}

// keys looks for those that Google has switched off: somebody else may have them.
func (i *inspector) keys(ctx context.Context, ring core.Keyring) ([]core.Finding, error) {
	have, err := ring.List(ctx)
	var list []core.Finding
	for _, k := range have {
		list = append(list, i.exposure(ring.Addr(k.ID), k)...)
	}
	return list, err
}

// exposure is what is to be said of a key that Google has switched off; nothing of others.
func (n names) exposure(addr string, k core.Key) []core.Finding {
	if k.Off != exposed && k.Off != compromised {
		return nil
	}
	return []core.Finding{{Kind: core.Exposed, Addr: addr, Grave: true, Text: "Google has found it where it does not belong and switched it off: " + k.Off,
		Fix: "gcloud iam service-accounts keys delete " + k.ID + " --iam-account " + n.email + " --project " + n.project}}
}
