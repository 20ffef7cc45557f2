// What an operator looks at before it begins: which services a project has enabled, and which organisation policies hold for it.
package fakegcp

import (
	"slices"
	"strings"
)

const (
	usageService  = "serviceusage.googleapis.com"
	policyService = "orgpolicy.googleapis.com"
)

func lookRoutes() []route {
	return []route{
		{Method: "GET", Path: "/v1/projects/{project}/services:batchGet", Op: "serviceusage.services.batchGet", Service: usageService, Handle: (*request).getServices},
		{Method: "GET", Path: "/v1/projects/{project}/services/{service}", Op: "serviceusage.services.get", Service: usageService, Handle: (*request).getService},
		{Method: "GET", Path: "/v2/projects/{project}/policies/{constraint}:getEffectivePolicy", Op: "orgpolicy.projects.policies.getEffectivePolicy", Service: policyService, Handle: (*request).getEffectivePolicy},
	}
}

type serviceResource struct {
	Name   string        `json:"name"`
	Config serviceConfig `json:"config"`
	State  string        `json:"state"`
	Parent string        `json:"parent"`
}

type serviceConfig struct {
	Name  string `json:"name"`
	Title string `json:"title,omitempty"`
}

type servicesAnswer struct {
	Services []serviceResource `json:"services"`
}

// mostServices is how many one call asks for.
// https://cloud.google.com/service-usage/docs/reference/rest/v1/services/batchGet
const mostServices = 30

func (q *request) getServices() (any, error) {
	p, err := q.needLooked(usageService, "serviceusage.services.get")
	if err != nil {
		return nil, err
	}
	names := q.query["names"]
	if len(names) == 0 || len(names) > mostServices {
		return nil, failed(400, "Request contains an invalid argument.")
	}
	var out servicesAnswer
	for _, n := range names {
		service, ok := strings.CutPrefix(n, "projects/"+q.params["project"]+"/services/")
		if !ok {
			return nil, failed(400, "Request contains an invalid argument.")
		}
		out.Services = append(out.Services, serviceOf(p, service))
	}
	return out, nil
}

func (q *request) getService() (any, error) {
	p, err := q.needLooked(usageService, "serviceusage.services.get")
	if err != nil {
		return nil, err
	}
	return serviceOf(p, q.params["service"]), nil
}

func serviceOf(p *project, service string) serviceResource {
	parent := "projects/" + p.Number
	r := serviceResource{Name: parent + "/services/" + service, Config: serviceConfig{service, serviceTitles[service]}, State: "ENABLED", Parent: parent}
	if slices.Contains(p.Disabled, service) {
		r.State = "DISABLED"
	}
	return r
}

// needLooked returns the project in the path if the caller holds the permission.
func (q *request) needLooked(service, permission string) (*project, error) {
	p := q.projectNamed(q.params["project"])
	if p != nil && q.mayOnProject(permission, p) {
		return p, nil
	}
	f := failed(403, "Permission denied to get service.\nHelp Token: none")
	if service == policyService {
		f = failed(403, "Permission '%s' denied on resource '//cloudresourcemanager.googleapis.com/projects/%s' (or it may not exist).", permission, q.params["project"])
	}
	f.Details = []any{info("IAM_PERMISSION_DENIED", service, map[string]string{"permission": permission, "resource": "projects/" + q.params["project"]})}
	return nil, f
}

type orgPolicy struct {
	Name string        `json:"name"`
	Spec orgPolicySpec `json:"spec"`
}

type orgPolicySpec struct {
	Rules []orgPolicyRule `json:"rules"`
}

type orgPolicyRule struct {
	Values   *orgPolicyValues `json:"values,omitempty"`
	AllowAll bool             `json:"allowAll,omitempty"`
	DenyAll  bool             `json:"denyAll,omitempty"`
	Enforce  *bool            `json:"enforce,omitempty"`
}

type orgPolicyValues struct {
	Allowed []string `json:"allowedValues,omitempty"`
	Denied  []string `json:"deniedValues,omitempty"`
}

// listConstraints allow or deny values; all others are on or off.
// https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints
var listConstraints = map[string]bool{
	"gcp.resourceLocations": true, "iam.allowedPolicyMemberDomains": true, "iam.workloadIdentityPoolAwsAccounts": true,
	"iam.workloadIdentityPoolProviders": true, "storage.restrictAuthTypes": true,
}

// getEffectivePolicy merges what the organisation says: for a constraint that it says nothing of, its default.
// https://cloud.google.com/resource-manager/docs/reference/orgpolicy/rest/v2/projects.policies/getEffectivePolicy
func (q *request) getEffectivePolicy() (any, error) {
	p, err := q.needLooked(policyService, "orgpolicy.policy.get")
	if err != nil {
		return nil, err
	}
	name := q.params["constraint"]
	on := q.enforced("constraints/" + name)
	rule := orgPolicyRule{Enforce: &on}
	if listConstraints[name] {
		allowed := q.allowedBy("constraints/" + name)
		switch {
		case !on:
			rule = orgPolicyRule{AllowAll: true}
		case name == "storage.restrictAuthTypes": // it restricts what it names
			rule = orgPolicyRule{Values: &orgPolicyValues{Denied: []string{"in:ALL_HMAC_SIGNED_REQUESTS"}}}
		case len(allowed) == 0:
			rule = orgPolicyRule{DenyAll: true}
		default:
			rule = orgPolicyRule{Values: &orgPolicyValues{Allowed: allowed}}
		}
	}
	return orgPolicy{"projects/" + p.Number + "/policies/" + name, orgPolicySpec{[]orgPolicyRule{rule}}}, nil
}
