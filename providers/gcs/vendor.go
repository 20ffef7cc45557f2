// Vendor: a service account that the vendor has in a project of its own, bound as it is.
package gcs

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// vendorGrantee is a service account of somebody else's.
type vendorGrantee struct{}

const vendorSetting = "vendor-principal"

// serviceAccountMember is a service account that people make, or one that a
// service of Google's keeps for a project, such as a data transfer's.
// https://cloud.google.com/iam/docs/service-account-types
var serviceAccountMember = regexp.MustCompile(`^serviceAccount:([a-z0-9][a-z0-9.-]{0,62})@([a-z0-9][a-z0-9.-]*\.gserviceaccount\.com)$`)

func (vendorGrantee) identity() core.Identity {
	return core.Identity{Who: core.WhoAccount, Title: "a service account in the vendor's own project",
		Why:       "nothing is handed over that could be lost; the vendor looks after its own account: choose it for a vendor that runs on Google Cloud",
		Forgeries: []core.Forgery{{Name: otherAccount, Why: "another service account of the vendor's, such as another customer's"}}}
}

func (vendorGrantee) settings() []core.Setting {
	return []core.Setting{{Name: vendorSetting, Usage: "service account of the vendor's that gets access; give what the vendor names for your workspace alone",
		Example: "serviceAccount:uploader@vendor-project.iam.gserviceaccount.com", Required: true}}
}

// vendorOf reads the vendor's account of d.
func vendorOf(d design) (member string, faults core.Faults) {
	member = d.grant.Settings[vendorSetting]
	const accepts = `serviceAccount: and its address, e.g. "serviceAccount:uploader@vendor-project.iam.gserviceaccount.com"`
	rule := ""
	switch kind, rest, _ := strings.Cut(member, ":"); {
	case member == "":
		rule = "is missing"
	case serviceAccountMember.MatchString(member):
	case serviceAccountMember.MatchString("serviceAccount:" + member):
		rule = "does not say what kind of principal it is"
	case kind == "group" || kind == "domain" || strings.HasPrefix(kind, "all") || kind == "principalSet":
		rule = "is more than one identity: whoever is in charge of it decides who gets access"
	case kind == "user":
		rule = "is a person, who leaves the vendor some day"
	case kind == "serviceAccount" && strings.Contains(rest, "?uid="), kind == "deleted":
		rule = "is what a policy shows of an account that was deleted"
	default:
		rule = "is not a service account"
	}
	if rule != "" {
		faults = core.Faults{{Field: vendorSetting, Value: member, Rule: rule, Accepts: accepts}}
	}
	return member, faults
}

// emailOf is the address of a member that [vendorOf] accepts.
func emailOf(member string) string { return strings.TrimPrefix(member, "serviceAccount:") }

func (vendorGrantee) parts(d design) parts {
	member, faults := vendorOf(d)
	p := parts{
		members: []string{member},
		faults:  faults,
		notes:   []string{"whoever may act as " + emailOf(member) + " has this access; that is for the vendor to keep, and cannot be seen from here"},
	}
	switch email := emailOf(member); {
	case strings.HasSuffix(email, "-compute@developer.gserviceaccount.com"), strings.HasSuffix(email, "@appspot.gserviceaccount.com"):
		p.notes = append(p.notes, email+" is the default account of a project: every machine and program there that names no other runs as it, and has this access; ask the vendor for an account made for this")
	case strings.HasSuffix(email, "@cloudservices.gserviceaccount.com"), strings.HasSuffix(email, "@cloudbuild.gserviceaccount.com"):
		p.notes = append(p.notes, email+" is shared by whatever its project builds or deploys, all of which has this access; ask the vendor for an account made for this")
	}
	if strings.HasSuffix(member, "@"+accountDomain(d.project)) || emailOf(member) == d.project+"@appspot.gserviceaccount.com" {
		p.notes = append(p.notes, emailOf(member)+" is in the project of the bucket itself: whoever administers the project can act as it, and other grants of the project may add to this one")
	}
	return p
}

func vendorAddr(member string) string { return "iam:serviceAccount/" + emailOf(member) }

func (vendorGrantee) open(r *run) holder {
	member, _ := vendorOf(r.design)
	return vendor{r, member}
}

func (vendorGrantee) become(_ context.Context, p *Provider, b core.Blueprint, _ core.Credential) (core.Actor, error) {
	s, faults := readSettings(b.Grant)
	d := designOf(b.Grant, s)
	member, wrong := vendorOf(d)
	if err := append(faults, wrong...).Err(); err != nil {
		return nil, err
	}
	return p.asVendor(d, emailOf(member))
}

// vendor is the vendor's account in the cloud. Nothing of it is ours to make, and
// little of it is ours to see: whether it exists shows when it is bound.
type vendor struct {
	*run
	account string // as a member
}

func (v vendor) diff(_ context.Context, want core.Want) ([]core.Change, error) {
	if !want.Present {
		return nil, nil
	}
	return []core.Change{{Step: core.RoleStep, Action: core.Keep, Addr: vendorAddr(v.account), Why: "the vendor's own: nothing of it is changed"}}, nil
}

func (vendor) do(_ context.Context, c core.Change) error {
	return fmt.Errorf("service account %s: no such action %q", c.Addr, c.Action)
}

func (vendor) needs() []string { return nil }

func (v vendor) members(context.Context) ([]string, error) { return []string{v.account}, nil }

// owns is also what is left of the account after the vendor has deleted it, and
// a service account of ours that the grant had before.
func (v vendor) owns(member string) bool {
	return member == v.account || strings.HasPrefix(member, "deleted:"+v.account+"?uid=") || v.isOurs(member)
}

func (vendor) ready(context.Context) error { return nil }

func (vendor) issuer() core.Issuer { return nil }

func (vendor) keyring() core.Keyring { return nil }

func (v vendor) gate() gate { return gate{roleDoor{v.run}} }

func (v vendor) outputs() func(context.Context) ([]core.Output, error) {
	return func(context.Context) ([]core.Output, error) { return vendorOutputs(v.design, emailOf(v.account)), nil }
}

func (v vendor) principal(context.Context) (string, error) { return emailOf(v.account), nil }
