// Preflight of organisation policies: what nobody in the project can allow.
package gcs

import (
	"context"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// constraint is one organisation policy that can stop a grant. Those that only
// demand what every bucket of ours has anyway are none.
// https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints
type constraint struct {
	name  string
	stops func(d design) bool   // whether it is about this grant
	value func(d design) string // what a list of values must allow; nil: it is on or off
	means string                // what is forbidden while it is on
	ways  string                // what can be done without it
}

func constraints() []constraint {
	keys := func(d design) bool { return d.grant.Who == core.WhoKey }
	pairs := func(d design) bool { return d.grant.Who == core.WhoHMAC }
	uploads := func(d design) bool { return d.grant.Who == core.WhoCertificate }
	issuers := func(d design) bool { return d.grant.Who == core.WhoOIDC }
	domains := func(d design) bool { return !accountOf(d) }
	ownBucket := func(d design) bool { return !d.grant.Target.Adopt }
	return []constraint{
		{name: "iam.disableServiceAccountCreation", stops: accountOf, means: "service accounts cannot be made", ways: "grant the vendor's own service account on the bucket: --who account"},
		{name: "iam.managed.disableServiceAccountCreation", stops: accountOf, means: "service accounts cannot be made", ways: "grant the vendor's own service account on the bucket: --who account"},
		{name: "iam.disableServiceAccountKeyCreation", stops: keys, means: "keys of service accounts cannot be made", ways: keyless},
		{name: "iam.managed.disableServiceAccountKeyCreation", stops: func(d design) bool { return keys(d) || pairs(d) },
			means: "keys of service accounts cannot be made, HMAC keys included", ways: keyless},
		{name: "iam.disableServiceAccountKeyUpload", stops: uploads, means: "keys cannot be uploaded", ways: federatedOnly},
		{name: "iam.managed.disableServiceAccountKeyUpload", stops: uploads, means: "keys cannot be uploaded", ways: federatedOnly},
		{name: "storage.restrictAuthTypes", stops: pairs, value: func(design) string { return "SERVICE_ACCOUNT_HMAC_SIGNED_REQUESTS" },
			means: "requests that are signed with HMAC keys are refused", ways: "--who key, for programs that can do without the protocol of Amazon S3"},
		{name: "iam.allowedPolicyMemberDomains", stops: domains, value: func(d design) string { return strings.Join(granteeOf(d.grant).parts(d).members, " ") },
			means: "a policy may only name members of organisations that are allowed", ways: "have the vendor's organisation allowed by the administrator of yours"},
		{name: "iam.workloadIdentityPoolProviders", stops: issuers, value: issuerOf, means: "a pool may only take tokens of issuers that are allowed", ways: "have the issuer allowed by the administrator of your organisation"},
		{name: "iam.workloadIdentityPoolAwsAccounts", stops: func(d design) bool { return d.grant.Who == WhoAWSRole }, value: issuerOf,
			means: "a pool may only take identities of AWS accounts that are allowed", ways: "have the account allowed by the administrator of your organisation"},
		{name: "gcp.resourceLocations", stops: ownBucket, value: func(d design) string { return strings.ToLower(d.grant.Target.Region) },
			means: "buckets may only be made in locations that are allowed", ways: "another --location, or --adopt a bucket that is there"},
	}
}

// issuerOf is whom the pool of d takes identities from.
func issuerOf(d design) string {
	for _, one := range granteeOf(d.grant).parts(d).documents {
		if one.Name != "provider" {
			continue
		}
		p := parsed[providerDocument](one.Body)
		if p.AWS != nil {
			return p.AWS.Account
		}
		if p.OIDC != nil {
			return p.OIDC.Issuer
		}
	}
	return ""
}

type effectivePolicy struct {
	Spec struct {
		Rules []struct {
			Enforce  bool `json:"enforce"`
			AllowAll bool `json:"allowAll"`
			DenyAll  bool `json:"denyAll"`
			Values   *struct {
				Allowed []string `json:"allowedValues"`
				Denied  []string `json:"deniedValues"`
			} `json:"values"`
		} `json:"rules"`
	} `json:"spec"`
}

// constraints asks for what holds for the project, whoever in its organisation has said it.
// https://cloud.google.com/resource-manager/docs/reference/orgpolicy/rest/v2/projects.policies/getEffectivePolicy
func (p *preflight) constraints(ctx context.Context) ([]core.Check, error) {
	about := slices.DeleteFunc(constraints(), func(c constraint) bool { return !c.stops(p.design) })
	checks := make([]core.Check, len(about))
	reads := make([]func(context.Context) error, len(about))
	for i, one := range about {
		reads[i] = func(ctx context.Context) error {
			have, err := fetch[effectivePolicy](ctx, p.cloud, "orgpolicy", "/v2/projects/"+p.project+"/policies/"+one.name+":getEffectivePolicy")
			if err != nil && hopeless(ctx, err) {
				return err
			}
			checks[i] = p.constraint(one, have, err)
			return nil
		}
	}
	return checks, core.Together(ctx, reads...)
}

func (p *preflight) constraint(c constraint, have effectivePolicy, err error) core.Check {
	out := core.Check{Kind: organisationCheck, What: "constraints/" + c.name, Outcome: core.Allowed}
	switch {
	case isMissing(err): // a constraint that this organisation does not have
		return out
	case err != nil:
		out.Outcome = core.Unclear
		out.Why, out.Fix = unread("projects/"+p.project, err)
		return out
	}
	for _, r := range have.Spec.Rules {
		if r.Enforce || r.DenyAll {
			out.Outcome, out.Why, out.Fix = core.Denied, c.means, c.ways
			return out
		}
		if r.AllowAll || r.Values == nil || c.value == nil {
			continue
		}
		value := c.value(p.design)
		match := func(s string) bool { return strings.TrimPrefix(s, "is:") == value }
		switch {
		case slices.ContainsFunc(r.Values.Denied, match), slices.Contains(r.Values.Denied, "in:ALL_HMAC_SIGNED_REQUESTS"):
			out.Outcome, out.Why, out.Fix = core.Denied, c.means, c.ways
			return out
		case slices.ContainsFunc(r.Values.Allowed, match), len(r.Values.Allowed) == 0 && !slices.ContainsFunc(r.Values.Denied, grouped):
			continue
		case len(r.Values.Allowed) > 0 && !slices.ContainsFunc(r.Values.Allowed, grouped) && c.name != "iam.allowedPolicyMemberDomains":
			out.Outcome, out.Why, out.Fix = core.Denied, c.means+": "+printable(strings.Join(r.Values.Allowed, ", ")), c.ways
			return out
		}
		out.Outcome, out.Fix = core.Unclear, c.ways
		out.Why = c.means + ", and whether " + value + " is one of them does not show: " + printable(strings.Join(slices.Concat(r.Values.Allowed, r.Values.Denied), ", "))
	}
	return out
}

// grouped reports whether a value stands for several, which only Google knows: "in:eu-locations".
func grouped(value string) bool {
	return strings.HasPrefix(value, "in:") || strings.HasPrefix(value, "under:")
}
