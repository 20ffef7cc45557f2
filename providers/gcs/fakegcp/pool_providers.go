// Providers of workload identity pools: whose credentials a pool accepts.
package fakegcp

import (
	"maps"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func providerRoutes() []route {
	const p = "/v1/projects/{project}/locations/global/workloadIdentityPools/{pool}/providers"
	const op = poolOp + "providers."
	return []route{
		iamRoute("POST", p, op+"create", true, (*request).createProvider),
		iamRoute("GET", p, op+"list", false, (*request).listProviders),
		iamRoute("GET", p+"/{provider}", op+"get", false, (*request).getProvider),
		iamRoute("PATCH", p+"/{provider}", op+"patch", true, (*request).patchProvider),
		iamRoute("DELETE", p+"/{provider}", op+"delete", true, (*request).deleteProvider),
		iamRoute("POST", p+"/{provider}:undelete", op+"undelete", true, (*request).undeleteProvider),
		iamRoute("GET", p+"/{provider}/operations/{operation}", op+"operations.get", false, (*request).getOperation),
	}
}

// provider is a provider of a workload identity pool.
type provider struct {
	Name    string                           `json:"name"`
	Body    cloudsim.Eventual[*providerBody] `json:"body"`
	Deleted time.Time                        `json:"deleted"` // zero while the provider lives
}

// providerBody is what may change. Readers who see none do not know the provider.
type providerBody struct {
	DisplayName string            `json:"displayName,omitempty"`
	Description string            `json:"description,omitempty"`
	Disabled    bool              `json:"disabled,omitempty"`
	Mapping     map[string]string `json:"attributeMapping,omitempty"`
	Condition   string            `json:"attributeCondition,omitempty"`
	OIDC        *oidcProvider     `json:"oidc,omitempty"`
	AWS         *awsProvider      `json:"aws,omitempty"`
}

type oidcProvider struct {
	Issuer    string   `json:"issuerUri,omitempty"`
	Audiences []string `json:"allowedAudiences,omitempty"`
	JWKS      string   `json:"jwksJson,omitempty"`
}

type awsProvider struct {
	Account string `json:"accountId,omitempty"`
}

// providerResource is a provider in a request or an answer.
type providerResource struct {
	Type       string `json:"@type,omitempty"` // in an operation
	Name       string `json:"name,omitempty"`
	State      string `json:"state,omitempty"`
	ExpireTime string `json:"expireTime,omitempty"`
	providerBody
}

func (v *provider) resource() providerResource {
	return providerResource{Name: v.Name, State: lifeState(v.Deleted), ExpireTime: expireTime(v.Deleted), providerBody: *v.Body.Now}
}

// needProvider returns the pool and the provider in the path, deleted or not.
func (q *request) needProvider(permission string) (*pool, *provider, error) {
	o, err := q.needPool(permission)
	if err != nil {
		return nil, nil, err
	}
	v := o.Providers[q.params["provider"]]
	if v == nil || !q.route.Write && v.Body.Seen() == nil {
		return nil, nil, entityNotFound()
	}
	return o, v, nil
}

// needLiveProvider is [request.needProvider] for a provider that may be changed.
func (q *request) needLiveProvider(permission string) (*provider, error) {
	o, v, err := q.needProvider(permission)
	if err == nil && (!o.Deleted.IsZero() || !v.Deleted.IsZero()) {
		return nil, failedPrecondition("Precondition check failed.")
	}
	return v, err
}

func (q *request) createProvider() (any, error) {
	var in providerResource
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	o, err := q.needLivePool("iam.workloadIdentityPoolProviders.create")
	if err != nil {
		return nil, err
	}
	id := q.query.Get("workloadIdentityPoolProviderId")
	if f := checkPoolID("workload_identity_pool_provider_id", id); f != nil {
		return nil, f
	}
	if f := in.check(); f != nil {
		return nil, f
	}
	if f := q.checkProviderConstraints(&in.providerBody); f != nil {
		return nil, f
	}
	if o.Providers[id] != nil {
		return nil, failed(409, "Requested entity already exists")
	}
	v := &provider{Name: o.Name + "/providers/" + id}
	v.Body.Set(&in.providerBody, q.lag())
	o.Providers[id] = v
	return q.providerOperation(v), nil
}

func (q *request) getProvider() (any, error) {
	_, v, err := q.needProvider("iam.workloadIdentityPoolProviders.get")
	if err != nil {
		return nil, err
	}
	return v.resource(), nil
}

type providerList struct {
	Providers []providerResource `json:"workloadIdentityPoolProviders,omitempty"`
	Next      string             `json:"nextPageToken,omitempty"`
}

func (q *request) listProviders() (any, error) {
	o, err := q.needPool("iam.workloadIdentityPoolProviders.list")
	if err != nil {
		return nil, err
	}
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(o.Providers)), func(id string) bool {
		return !o.Providers[id].Deleted.IsZero() && q.query.Get("showDeleted") != "true"
	})
	ids, next, err := page(q, ids, "pageSize", 50)
	if err != nil {
		return nil, err
	}
	out := providerList{Next: next}
	for _, id := range ids {
		out.Providers = append(out.Providers, o.Providers[id].resource())
	}
	return out, nil
}

func (q *request) patchProvider() (any, error) {
	var in providerResource
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	v, err := q.needLiveProvider("iam.workloadIdentityPoolProviders.update")
	if err != nil {
		return nil, err
	}
	mask, err := q.updateMask()
	if err != nil {
		return nil, err
	}
	next := v.Body.Now.clone()
	for _, field := range mask {
		if !next.take(field, &in.providerBody) {
			return nil, failed(400, "Invalid update mask: %q", field)
		}
	}
	if f := next.check(); f != nil {
		return nil, f
	}
	if f := q.checkProviderConstraints(next); f != nil {
		return nil, f
	}
	v.Body.Set(next, q.lag())
	return q.providerOperation(v), nil
}

func (b *providerBody) clone() *providerBody {
	next := *b
	next.Mapping = maps.Clone(b.Mapping)
	if b.OIDC != nil {
		oidc := *b.OIDC
		next.OIDC = &oidc
	}
	if b.AWS != nil {
		aws := *b.AWS
		next.AWS = &aws
	}
	return &next
}

// take copies a field of the update mask, and says whether there is such a field.
// A provider keeps its kind.
func (b *providerBody) take(field string, in *providerBody) bool {
	switch field {
	case "displayName", "display_name":
		b.DisplayName = in.DisplayName
	case "description":
		b.Description = in.Description
	case "disabled":
		b.Disabled = in.Disabled
	case "attributeMapping", "attribute_mapping":
		b.Mapping = maps.Clone(in.Mapping)
	case "attributeCondition", "attribute_condition":
		b.Condition = in.Condition
	case "oidc", "oidc.issuerUri", "oidc.issuer_uri", "oidc.allowedAudiences", "oidc.allowed_audiences", "oidc.jwksJson", "oidc.jwks_json":
		return b.takeOIDC(field, in.OIDC)
	case "aws", "aws.accountId", "aws.account_id":
		if b.AWS == nil {
			return false
		}
		b.AWS = &awsProvider{}
		if in.AWS != nil {
			b.AWS.Account = in.AWS.Account
		}
	default:
		return false
	}
	return true
}

func (b *providerBody) takeOIDC(field string, in *oidcProvider) bool {
	if b.OIDC == nil {
		return false
	}
	if in == nil {
		in = &oidcProvider{}
	}
	switch field {
	case "oidc":
		*b.OIDC = *in
	case "oidc.issuerUri", "oidc.issuer_uri":
		b.OIDC.Issuer = in.Issuer
	case "oidc.allowedAudiences", "oidc.allowed_audiences":
		b.OIDC.Audiences = in.Audiences
	default:
		b.OIDC.JWKS = in.JWKS
	}
	return true
}

// deleteProvider ends the exchange of tokens. Those that were given live on.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers/delete
func (q *request) deleteProvider() (any, error) {
	v, err := q.needLiveProvider("iam.workloadIdentityPoolProviders.delete")
	if err != nil {
		return nil, err
	}
	v.Deleted = time.Now().UTC()
	return q.providerOperation(v), nil
}

func (q *request) undeleteProvider() (any, error) {
	var in empty
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	o, v, err := q.needProvider("iam.workloadIdentityPoolProviders.undelete")
	if err != nil {
		return nil, err
	}
	if v.Deleted.IsZero() || !o.Deleted.IsZero() {
		return nil, failedPrecondition("Precondition check failed.")
	}
	v.Deleted = time.Time{}
	return q.providerOperation(v), nil
}

func (q *request) providerOperation(v *provider) operationResource {
	r := v.resource()
	r.Type = "type.googleapis.com/google.iam.v1.WorkloadIdentityPoolProvider"
	return q.begin(v.Name, r)
}
