// Trust: who may take a role on, as documents.
package s3

import (
	"time"
)

// The kinds of principals in a trust policy, besides [awsPrincipal].
type (
	federatedPrincipal struct{ Federated string }
	servicePrincipal   struct{ Service string }
)

// trusting is a trust policy with one statement, which ends at e if e is a moment.
func trusting(principal any, action string, e time.Time, conditions map[string]map[string]texts) policy {
	s := statement{Effect: "Allow", Principal: principal, Action: texts{action}, Condition: conditions}
	if !e.IsZero() {
		s.until(e)
	}
	return policy{Version: policyVersion, Statement: []statement{s}}
}

// vendorTrust lets a principal of another account in that shows the external ID.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
func vendorTrust(v vendor, e time.Time) policy {
	return trusting(awsPrincipal{v.principal}, "sts:AssumeRole", e, map[string]map[string]texts{
		"StringEquals": {"sts:ExternalId": {v.externalID}},
	})
}

// workflowTrust lets tokens of an issuer in that are for AWS and about one of
// the subjects. Each condition names one value that has to be there: with
// ForAllValues a token without the claim would pass.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func workflowTrust(w workflow, provider string, e time.Time) policy {
	aud, sub := issuerHost+":aud", issuerHost+":sub"
	conditions := map[string]map[string]texts{"StringEquals": {aud: {audience}}}
	if w.HasWildcard() {
		conditions["StringLike"] = map[string]texts{sub: w.subjects()}
	} else {
		conditions["StringEquals"][sub] = w.subjects()
	}
	return trusting(federatedPrincipal{provider}, "sts:AssumeRoleWithWebIdentity", e, conditions)
}

// serviceTrust lets a service of AWS in. It has no condition on the account that
// the service works for: AWS's own default role has none, a role can only be
// passed to the service inside of its account, and that the service sends the
// key when it takes a role on is not documented.
// https://docs.aws.amazon.com/aws-backup/latest/devguide/cross-service-confused-deputy-prevention.html
func serviceTrust(service string, e time.Time) policy {
	return trusting(servicePrincipal{service}, "sts:AssumeRole", e, nil)
}
