// Leftover: what another identity of the same grant still has open, which is named and never written over.
package gcs

import (
	"slices"
	"strings"

	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

const whoMark = "; who="

// whoText is the identity of a grant as its role's description has it. A role on
// AWS that acts as a service account leaves one behind, so it counts as another.
func whoText(g core.Grant) string {
	if g.Who == WhoAWSRole && g.Settings[impersonate] == "true" {
		return string(WhoAWSRole) + "/" + impersonate
	}
	return string(granteeOf(g).identity().Who)
}

// whoIn is what a role's description says of the identity; "" if nothing.
func whoIn(description string) string {
	_, rest, _ := strings.Cut(description, whoMark)
	who, _, _ := strings.Cut(rest, ";")
	return who
}

// another reports whether a living role of ours is for another identity than
// the grant's. Whatever that one has, a key, a certificate, a pool, lives as
// long as the role: what ends a grant takes both.
func (r *run) another(have *iam.Role) bool {
	who := whoIn(have.Description)
	return !have.Deleted && who != "" && who != whoText(r.grant)
}

// refuseAnother says what is open, and how it ends.
func (r *run) refuseAnother(have *iam.Role) core.Change {
	who := printable(whoIn(have.Description))
	flags, open := "--who "+who, ""
	switch core.Who(who) {
	case core.WhoKey:
		open = "the keys of " + r.email
	case core.WhoHMAC:
		open = "the HMAC keys of " + r.email
	case core.WhoCertificate:
		open = "the certificates uploaded for " + r.email
	case core.WhoAccount:
		open = "the vendor's own service account"
		flags += " --" + vendorSetting + " …"
	case WhoAWSRole:
		open = "whom the pool " + poolID(r.grant.Name) + " lets in from AWS"
		if r.grant.Who == WhoAWSRole {
			flags += " without --" + impersonate
		}
	case WhoAWSRole + "/" + impersonate:
		flags = "--who " + string(WhoAWSRole) + " --" + impersonate
		open = r.email + ", which the vendor's role on AWS acts as"
	case core.WhoOIDC:
		open = "the workflows that the pool " + poolID(r.grant.Name) + " lets in"
	default:
		open = "somebody whom this version does not know"
	}
	return core.Change{Step: core.RoleStep, Action: core.Refuse, Addr: r.roleAddr(),
		Why:  "is in use by another identity of this grant (" + who + "), which would stay open: " + open,
		Hint: endFirst + flags}
}

const endFirst = "end that one first, by destroy with "

// otherMembers are the members of our role who are not this grant's grantee. What
// is left of deleted ones gives nothing.
func otherMembers(policy []*iampb.Binding, r *run) []string {
	var found []string
	for _, b := range policy {
		if b.Role != r.roleName {
			continue
		}
		for _, m := range b.Members {
			if !r.whom.owns(m) && !strings.HasPrefix(m, "deleted:") {
				found = append(found, printable(m))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// refuseMembers names who else has the role, and how that ends.
func (r *run) refuseMembers(members []string) core.Change {
	at := "gs://" + r.bucket
	whom := " --role " + r.roleName + " --member '" + members[0] + "'"
	hint := "gcloud storage buckets remove-iam-policy-binding " + at + whom + " --all"
	if r.folder != "" {
		hint = "gcloud storage managed-folders remove-iam-policy-binding " + at + "/" + r.folder + whom
	}
	if r.grant.Who == core.WhoAccount && serviceAccountMember.MatchString(members[0]) {
		hint = endFirst + "--who " + string(core.WhoAccount) + " --" + vendorSetting + " " + members[0]
	}
	return core.Change{Step: core.RoleStep, Action: core.Refuse, Addr: r.bindingAddr(), Hint: hint,
		Why: "gives the role to others as well, who would stay: " + strings.Join(members, ", ")}
}
