// Providers of workload identity pools: what Google checks when one is written.
package fakegcp

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// limits of a provider,
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers
const (
	maxCustomAttributes = 50
	maxAttributeKey     = 100
	maxMappingLength    = 2048
	maxConditionLength  = 4096
	maxAudiences        = 10
	maxAudienceLength   = 256
)

var (
	customAttributeRE = regexp.MustCompile(`^attribute\.[a-z0-9_]+$`)
	awsAccountRE      = regexp.MustCompile(`^[0-9]{12}$`)
)

// multiTenantIssuers issue tokens for everybody's organisations under one URL.
// https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines#conditions
var multiTenantIssuers = []string{"https://token.actions.githubusercontent.com", "https://gitlab.com", "https://app.terraform.io"}

// sharedClaims are alike for all tenants of an issuer, or differ with each
// token: a condition on them tells no tenant from another. Google publishes no
// list of those that it accepts.
var sharedClaims = []string{"iss", "exp", "iat", "nbf", "jti"}

// defaultAWSMapping applies to an AWS provider that has no mapping.
var defaultAWSMapping = map[string]string{
	"google.subject":     "assertion.arn",
	"attribute.aws_role": "assertion.arn.contains('assumed-role') ? assertion.arn.extract('{account_arn}assumed-role/') + 'assumed-role/' + assertion.arn.extract('assumed-role/{role_name}/') : assertion.arn",
}

// mapping is the attribute mapping that applies.
func (b *providerBody) mapping() map[string]string {
	if b.AWS != nil && len(b.Mapping) == 0 {
		return defaultAWSMapping
	}
	return b.Mapping
}

// issuer is what organisation policies know the provider's identities by.
func (b *providerBody) issuer() string {
	if b.OIDC != nil {
		return b.OIDC.Issuer
	}
	return "https://sts.amazonaws.com"
}

func (b *providerBody) check() *fault {
	if f := checkPoolText(b.DisplayName, b.Description); f != nil {
		return f
	}
	switch {
	case b.OIDC != nil && b.AWS != nil, b.OIDC == nil && b.AWS == nil:
		return failed(400, "Exactly one provider configuration (aws, oidc, saml or x509) must be specified.")
	case b.AWS != nil && !awsAccountRE.MatchString(b.AWS.Account):
		return failed(400, "Invalid AWS account ID: %q", b.AWS.Account)
	}
	if b.OIDC != nil {
		if f := b.OIDC.check(); f != nil {
			return f
		}
	}
	if f := b.checkMapping(); f != nil {
		return f
	}
	return b.checkCondition()
}

func (o *oidcProvider) check() *fault {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return failed(400, "Invalid issuer URI: %q. It must be an HTTPS URL.", o.Issuer)
	}
	if len(o.Audiences) > maxAudiences {
		return failed(400, "At most %d allowed audiences may be configured, got %d.", maxAudiences, len(o.Audiences))
	}
	for _, a := range o.Audiences {
		if len(a) > maxAudienceLength || a == "" {
			return failed(400, "Each allowed audience must be 1 to %d characters long.", maxAudienceLength)
		}
	}
	if o.JWKS != "" {
		var set jwks
		if err := json.Unmarshal([]byte(o.JWKS), &set); err != nil || len(set.Keys) == 0 || len(set.publicKeys()) != len(set.Keys) {
			return failed(400, "Invalid JWKs: jwks_json must be a JSON Web Key Set of RSA keys.")
		}
	}
	return nil
}

func (b *providerBody) checkMapping() *fault {
	mapping := b.mapping()
	if mapping["google.subject"] == "" {
		return failed(400, "The attribute mapping must have a mapping for google.subject.")
	}
	custom := 0
	for _, key := range slices.Sorted(maps.Keys(mapping)) {
		switch {
		case strings.HasPrefix(key, "attribute."):
			custom++
			fallthrough
		case key != "google.subject" && key != "google.groups":
			if !customAttributeRE.MatchString(key) || len(key) > maxAttributeKey {
				return failed(400, "Invalid mapped attribute key: %s. Custom mapped attributes must be in format 'attribute.{custom_attribute}'", key)
			}
		}
		text := mapping[key]
		if len(text) > maxMappingLength {
			return failed(400, "The attribute mapping for %s is longer than %d characters.", key, maxMappingLength)
		}
		if err := checkClaims(text, "assertion"); err != nil {
			return failed(400, "Invalid attribute mapping expression for %s: %v", key, err)
		}
	}
	if custom > maxCustomAttributes {
		return failed(400, "At most %d custom attributes may be mapped, got %d.", maxCustomAttributes, custom)
	}
	return nil
}

func (b *providerBody) checkCondition() *fault {
	if len(b.Condition) > maxConditionLength {
		return failed(400, "The attribute condition is longer than %d characters.", maxConditionLength)
	}
	if b.Condition != "" {
		if err := checkClaims(b.Condition, "assertion", "google", "attribute"); err != nil {
			return failed(400, "Invalid attribute condition expression: %v", err)
		}
	}
	if b.OIDC == nil || !slices.Contains(multiTenantIssuers, strings.TrimSuffix(b.OIDC.Issuer, "/")) {
		return nil
	}
	claims := referencedClaims(b.Condition, b.Mapping)
	if slices.ContainsFunc(claims, func(c string) bool { return !slices.Contains(sharedClaims, c) }) {
		return nil
	}
	return failed(400, "The attribute condition must reference one of the provider's claims. "+
		"For more information, see https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines#conditions")
}

// checkProviderConstraints applies the organisation policies on whose
// identities may come in.
// https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers#restrict
func (c *Cloud) checkProviderConstraints(b *providerBody) *fault {
	for constraint, value := range map[string]string{
		"constraints/iam.workloadIdentityPoolProviders":   b.issuer(),
		"constraints/iam.workloadIdentityPoolAwsAccounts": b.account(),
	} {
		if value != "" && c.enforced(constraint) && !slices.Contains(c.allowedBy(constraint), value) {
			return constraintViolated("Org Policy violated for value: '"+value+"'.", constraint, "projects/"+c.state.Settings.Project)
		}
	}
	return nil
}

func (b *providerBody) account() string {
	if b.AWS == nil {
		return ""
	}
	return b.AWS.Account
}
