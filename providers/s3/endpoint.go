// Endpoints: where requests would go, who says so, and whether anybody consented.
package s3

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/bucketgrant/bucketgrant/core"
)

// endpoint is an address that replaces AWS's own, and what sets it.
type endpoint struct{ address, setBy string }

// ourServices are what the program calls; keyServices are what hands out the
// operator's credentials before, in exchange for others: tokens of a single
// sign-on, of aws login, or keys. The names are the SDK's.
func ourServices() []string { return []string{"S3", "IAM", "STS"} }
func keyServices() []string { return []string{"SSO", "SSO OIDC", "Signin"} }

// configured lists all endpoints that the environment and the profile set for
// some services, even those that another one would override.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func configured(ctx context.Context, cfg aws.Config, services []string) []endpoint {
	if ignored, found, err := config.GetIgnoreConfiguredEndpoints(ctx, cfg.ConfigSources); err == nil && found && ignored {
		return nil
	}
	var list []endpoint
	add := func(address string, setBy ...string) {
		if address != "" {
			list = append(list, endpoint{address, strings.Join(setBy, " ")})
		}
	}
	for _, source := range cfg.ConfigSources {
		switch c := source.(type) {
		case config.EnvConfig:
			for _, s := range services {
				address, _, _ := c.GetServiceBaseEndpoint(ctx, s)
				add(address, "AWS_ENDPOINT_URL_"+strings.ToUpper(strings.ReplaceAll(s, " ", "_")))
			}
			add(c.BaseEndpoint, "AWS_ENDPOINT_URL")
		case config.SharedConfig:
			for _, s := range services {
				address, _, _ := c.GetServiceBaseEndpoint(ctx, s)
				add(address, "endpoint_url of", strings.ToLower(strings.ReplaceAll(s, " ", "_")), "in the services of profile", c.Profile)
			}
			add(c.BaseEndpoint, "endpoint_url of profile", c.Profile)
		}
	}
	return list
}

// gate refuses endpoints that are not AWS's own and that nobody consented to:
// everything, keys included, would be sent there. What the clients themselves
// say is looked at as well, wherever they have it from.
func (c *clients) gate(found []endpoint, allow bool) error {
	for _, e := range []*string{c.s3.Options().BaseEndpoint, c.iam.Options().BaseEndpoint, c.sts.Options().BaseEndpoint} {
		if e != nil && !slices.ContainsFunc(found, func(f endpoint) bool { return f.address == *e }) {
			found = append(found, endpoint{*e, "the AWS configuration"})
		}
	}
	setBy := map[string][]string{} // by the address as it is shown
	for _, e := range found {
		if ownEndpoint(e.address) {
			continue
		}
		shown := withoutUser(e.address)
		if !slices.Contains(c.endpoints, shown) {
			c.endpoints = append(c.endpoints, shown)
		}
		setBy[shown] = append(setBy[shown], e.setBy)
	}
	if allow {
		return nil
	}
	var faults core.Faults
	for _, shown := range c.endpoints {
		faults = append(faults, core.Fault{Field: "endpoint", Value: shown,
			Rule:    "is not AWS's own, and comes from " + strings.Join(setBy[shown], " and "),
			Accepts: "unset it, or --allow-endpoint"})
	}
	return faults.Err()
}

// ownHost matches the hosts of the services themselves, not all that end
// alike: customers have host names below amazonaws.com as well.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
var ownHost = regexp.MustCompile(`^(s3|iam|sts|oidc|portal\.sso)(-fips)?(\.dualstack)?(\.[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2})?\.(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.aws)$`)

func ownEndpoint(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "https" && ownHost.MatchString(u.Hostname())
}

// withoutUser is an endpoint without the user and password that it may hold.
func withoutUser(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(not a URL)"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
