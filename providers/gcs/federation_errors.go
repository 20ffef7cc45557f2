// What an organisation forbids of other people's identities, and what its administrator must add to allow it.
package gcs

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// federatedKinds are the rows of [kinds] that are about identities of others.
func federatedKinds() []kind {
	return []kind{
		// https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers#restrict
		{func(p *problem) bool { return strings.Contains(p.constraint, "workloadIdentityPool") }, core.ErrBlocked,
			func(p *problem) string {
				return p.constraint + " lets no pool accept identities of " + forbiddenValue(p)
			},
			func(p *problem) string {
				return "have an administrator of your organisation add it: gcloud resource-manager org-policies allow " +
					strings.TrimPrefix(p.constraint, "constraints/") + " " + forbiddenValue(p) + " --organization ORGANISATION"
			}},
		// https://cloud.google.com/resource-manager/docs/organization-policy/domain-restricted-sharing
		{func(p *problem) bool { return strings.Contains(p.constraint, "allowedPolicyMember") }, core.ErrBlocked,
			func(p *problem) string {
				return p.constraint + " allows members of your own organisation only, and the grantee is not one"
			},
			func(p *problem) string {
				if strings.Contains(p.constraint, "managed") {
					return "have an administrator of your organisation add the grantee, or principalSet://cloudresourcemanager.googleapis.com/organizations/ITS_ORGANISATION, to " + p.constraint
				}
				return "have an administrator of your organisation add the grantee's directory customer ID (C…) or its organisation's principal set to " + p.constraint
			}},
		// https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines#conditions
		{func(p *problem) bool {
			return p.code == http.StatusBadRequest && strings.Contains(strings.ToLower(p.message), "attribute condition")
		}, core.ErrInvalid,
			func(p *problem) string {
				return "Google does not accept the provider's condition, without which all tenants of the issuer would come in: " + p.message
			},
			func(*problem) string { return "" }},
		{func(p *problem) bool { return p.code == http.StatusBadRequest && missingMember.MatchString(p.message) }, core.ErrInvalid,
			func(p *problem) string {
				return "there is no service account " + missingMember.FindStringSubmatch(p.message)[1] + ": it was misspelt, or its owner has deleted it"
			},
			func(*problem) string {
				return "ask its owner for the address: --" + vendorSetting + " serviceAccount:ADDRESS"
			}},
	}
}

var (
	missingMember = regexp.MustCompile(`^Service account (\S+@\S+) does not exist`)
	violatedValue = regexp.MustCompile(`Org Policy violated for value: '([^']+)'`)
)

// forbiddenValue is the issuer or account that an organisation does not allow.
func forbiddenValue(p *problem) string {
	for _, said := range []string{p.violation, p.message} {
		if m := violatedValue.FindStringSubmatch(said); m != nil {
			return m[1]
		}
	}
	return "this issuer"
}
