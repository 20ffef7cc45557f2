// Grantee: whom the role is bound to, and how whoever that is proves it.
package gcs

import (
	"context"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// design is one grant with the names that it compiles to.
type design struct {
	names
	grant    core.Grant
	settings settings
}

func designOf(g core.Grant, s settings) design {
	return design{names: namesOf(g, s.project), grant: g, settings: s}
}

// grantee is one kind of grantee, as a blueprint knows it: nothing of it asks the cloud.
type grantee interface {
	// identity describes it. Who is what a grant names it by.
	identity() core.Identity

	// settings are those that it reads beside everybody's; two kinds may share one.
	settings() []core.Setting

	// parts are what it adds to the blueprint of d.
	parts(d design) parts

	// open is the grantee of r in the cloud.
	open(r *run) holder

	// become tries things as the grantee of b, as [core.Provider] has it for Act.
	// c is empty where it is handed no secret.
	become(ctx context.Context, p *Provider, b core.Blueprint, c core.Credential) (core.Actor, error)
}

// parts are what a kind of grantee adds to a blueprint.
type parts struct {
	members   []string          // of the binding, as its document shows them
	resources []core.Resource   // of the role step and the credential step, beside role and binding
	documents []core.Document   // beside those of role, binding and bucket
	operator  []core.Permission // for its resources
	notes     []string          // as [core.Blueprint.Notes]
	checks    []core.Probe      // as [core.Blueprint.Checks]
	faults    core.Faults       // in its settings
}

// holder is the grantee of one grant in the cloud. Its resources belong to the
// role step; what they need and who needs them, their changes say.
type holder interface {
	// diff compares its resources with what is wanted, like [core.Step]. What it
	// drops needs the binding's address, so that the binding goes first.
	diff(ctx context.Context, want core.Want) ([]core.Change, error)

	// do carries out one change of a diff.
	do(ctx context.Context, c core.Change) error

	// needs are the addresses that must be settled before the binding is written.
	needs() []string

	// members are whom the binding names. They may be known before they exist.
	members(ctx context.Context) ([]string, error)

	// owns reports whether a member of our role is this grantee, or what is left
	// of an earlier one of the same name. It asks nobody.
	owns(member string) bool

	// ready looks again, right before the binding is written, whether what the
	// plan has seen is still there and ours; what this run has made is.
	ready(ctx context.Context) error

	// issuer is the credential step; nil if no secret is handed over.
	issuer() core.Issuer

	// keyring is the keys that open the grant; nil if it has none.
	keyring() core.Keyring

	// gate is what shuts it out at once.
	gate() gate

	// outputs is what the grantee must be told beside where the bucket is; it may be nil.
	outputs() func(context.Context) ([]core.Output, error)

	// principal is whom the simulator asks about; "" if it cannot be asked.
	principal(ctx context.Context) (string, error)
}

// grantees are the kinds that there are, those without a secret first.
func grantees() []grantee {
	return append(federated(), certificateGrantee{}, keyGrantee{}, hmacGrantee{})
}

// granteeOf is the kind of grantee that g names. Core has refused what is none.
func granteeOf(g core.Grant) grantee {
	all := grantees()
	i := slices.IndexFunc(all, func(k grantee) bool { return k.identity().Who == g.Who })
	if i < 0 {
		return keyGrantee{}
	}
	return all[i]
}
