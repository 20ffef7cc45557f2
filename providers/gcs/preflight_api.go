// Preflight of APIs: a call to one that is switched off fails, whatever the caller may do.
package gcs

import (
	"context"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// servicesOf are the APIs that the grant of d uses, in the operator's hands or the grantee's.
// https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers#before-you-begin
func servicesOf(d design) []string {
	list := []string{"storage", "iam", "cloudresourcemanager"}
	if k := granteeOf(d.grant); slices.ContainsFunc(k.parts(d).resources, func(r core.Resource) bool {
		return strings.HasPrefix(r.Addr, "iam:workloadIdentityPool/")
	}) {
		list = append(list, "sts")
		if accountOf(d) {
			list = append(list, "iamcredentials") // where the grantee becomes the service account
		}
	}
	if granteeOf(d.grant).identity().Form == "" {
		list = append(list, "policytroubleshooter") // who cannot be tried is asked about
	}
	return list
}

type enabledServices struct {
	Services []struct {
		Name  string `json:"name"`
		State string `json:"state"`
	} `json:"services"`
}

// services asks for the state of all of them in one call.
// https://cloud.google.com/service-usage/docs/reference/rest/v1/services/batchGet
func (p *preflight) services(ctx context.Context) ([]core.Check, error) {
	names := servicesOf(p.design)
	query := url.Values{}
	for _, n := range names {
		query.Add("names", "projects/"+p.project+"/services/"+n+"."+universe)
	}
	got, err := fetch[enabledServices](ctx, p.cloud, "serviceusage", "/v1/projects/"+p.project+"/services:batchGet?"+query.Encode())
	if err != nil && hopeless(ctx, err) {
		return nil, err
	}
	states := map[string]string{}
	for _, s := range got.Services {
		states[path.Base(s.Name)] = s.State
	}
	var checks []core.Check
	for _, n := range names {
		service := n + "." + universe
		c := core.Check{Kind: apiCheck, What: service, Outcome: core.Allowed}
		switch {
		case err != nil:
			c.Outcome = core.Unclear
			c.Why, c.Fix = unread("projects/"+p.project, err)
		case states[service] == "DISABLED":
			c.Outcome, c.Why, c.Fix = core.Denied, "is switched off in the project", "gcloud services enable "+service+" --project "+p.project
		case states[service] != "ENABLED":
			c.Outcome, c.Why = core.Unclear, "the answer does not say whether it is enabled"
		}
		checks = append(checks, c)
	}
	return checks, nil
}
