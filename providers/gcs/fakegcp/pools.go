// Workload identity pools: create, get, list, patch, delete, undelete.
package fakegcp

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

const poolOp = "projects.locations.workloadIdentityPools."

func poolRoutes() []route {
	const p = "/v1/projects/{project}/locations/global/workloadIdentityPools"
	return []route{
		iamRoute("POST", p, poolOp+"create", true, (*request).createPool),
		iamRoute("GET", p, poolOp+"list", false, (*request).listPools),
		iamRoute("GET", p+"/{pool}", poolOp+"get", false, (*request).getPool),
		iamRoute("PATCH", p+"/{pool}", poolOp+"patch", true, (*request).patchPool),
		iamRoute("DELETE", p+"/{pool}", poolOp+"delete", true, (*request).deletePool),
		iamRoute("POST", p+"/{pool}:undelete", poolOp+"undelete", true, (*request).undeletePool),
		iamRoute("GET", p+"/{pool}/operations/{operation}", poolOp+"operations.get", false, (*request).getOperation),
	}
}

// poolGrace is how long a deleted pool or provider can be restored. Until then
// its ID cannot be used again.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/delete
const poolGrace = 30 * 24 * time.Hour

// pool is a workload identity pool.
type pool struct {
	Name      string                       `json:"name"` // with the project's number
	Project   string                       `json:"project"`
	Mode      string                       `json:"mode"`
	Body      cloudsim.Eventual[*poolBody] `json:"body"`
	Deleted   time.Time                    `json:"deleted"` // zero while the pool lives
	Providers map[string]*provider         `json:"providers"`
}

// poolBody is what may change. Readers who see none do not know the pool.
type poolBody struct {
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
	Disabled    bool   `json:"disabled"`
	Deleted     bool   `json:"deleted"`
}

// poolResource is a pool in a request or an answer.
type poolResource struct {
	Type        string `json:"@type,omitempty"` // in an operation
	Name        string `json:"name,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	Description string `json:"description,omitempty"`
	State       string `json:"state,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
	Mode        string `json:"mode,omitempty"`
	ExpireTime  string `json:"expireTime,omitempty"`
}

func (p *pool) resource() poolResource {
	b := p.Body.Now
	return poolResource{
		Name: p.Name, DisplayName: b.DisplayName, Description: b.Description, Disabled: b.Disabled, Mode: p.Mode,
		State: lifeState(p.Deleted), ExpireTime: expireTime(p.Deleted),
	}
}

func lifeState(deleted time.Time) string {
	if deleted.IsZero() {
		return "ACTIVE"
	}
	return "DELETED"
}

func expireTime(deleted time.Time) string {
	if deleted.IsZero() {
		return ""
	}
	return deleted.Add(poolGrace).UTC().Format(time.RFC3339)
}

var poolIDRE = regexp.MustCompile(`^[a-z0-9-]{4,32}$`)

// checkPoolID applies the rule for the IDs of pools and providers.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create
func checkPoolID(field, id string) *fault {
	switch {
	case !poolIDRE.MatchString(id):
		return failed(400, "Invalid value for %s: %q. It must be 4-32 characters, and may contain the characters [a-z0-9-].", field, id)
	case strings.HasPrefix(id, "gcp-"):
		return failed(400, "Invalid value for %s: %q. The prefix gcp- is reserved for use by Google.", field, id)
	}
	return nil
}

func checkPoolText(display, description string) *fault {
	switch {
	case len([]rune(display)) > 32:
		return failed(400, "display name must be less than or equal to 32 characters")
	case len([]rune(description)) > 256:
		return failed(400, "description must be less than or equal to 256 characters")
	}
	return nil
}

// needPoolProject returns the project in the path if the caller holds the
// permission. Below a pool, the refusal names the pool.
func (q *request) needPoolProject(permission string) (*project, error) {
	p := q.projectNamed(q.params["project"])
	if p != nil && q.mayOnProject(permission, p) {
		return p, nil
	}
	where := "projects/" + q.params["project"] + "/locations/global"
	if q.params["pool"] != "" {
		where += "/workloadIdentityPools/" + q.params["pool"]
	}
	f := q.forbidden(permission, where)
	f.Message = "Permission '" + permission + "' denied on resource '//iam.googleapis.com/" + where + "' (or it may not exist)."
	return nil, f
}

func poolName(p *project, id string) string {
	return "projects/" + p.Number + "/locations/global/workloadIdentityPools/" + id
}

// needPool returns the pool in the path, deleted or not.
func (q *request) needPool(permission string) (*pool, error) {
	p, err := q.needPoolProject(permission)
	if err != nil {
		return nil, err
	}
	o := q.state.Pools[poolName(p, q.params["pool"])]
	if o == nil || !q.route.Write && o.Body.Seen() == nil {
		return nil, entityNotFound()
	}
	return o, nil
}

// needLivePool is [request.needPool] for a pool that may be changed.
func (q *request) needLivePool(permission string) (*pool, error) {
	o, err := q.needPool(permission)
	if err == nil && !o.Deleted.IsZero() {
		return nil, failedPrecondition("Precondition check failed.")
	}
	return o, err
}

func entityNotFound() *fault { return failed(404, "Requested entity was not found.") }

// expirePools forgets the pools and providers whose time to be restored is over.
func (c *Cloud) expirePools() {
	over := func(deleted time.Time) bool { return !deleted.IsZero() && time.Since(deleted) >= poolGrace }
	for name, p := range c.state.Pools {
		if over(p.Deleted) {
			delete(c.state.Pools, name)
			continue
		}
		maps.DeleteFunc(p.Providers, func(_ string, v *provider) bool { return over(v.Deleted) })
	}
}

func (q *request) createPool() (any, error) {
	var in poolResource
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	p, err := q.needPoolProject("iam.workloadIdentityPools.create")
	if err != nil {
		return nil, err
	}
	id := q.query.Get("workloadIdentityPoolId")
	if f := checkPoolID("workload_identity_pool_id", id); f != nil {
		return nil, f
	}
	if f := checkPoolText(in.DisplayName, in.Description); f != nil {
		return nil, f
	}
	switch in.Mode {
	case "", "MODE_UNSPECIFIED", "FEDERATION_ONLY":
	default:
		return nil, failed(400, "The mode %s is not supported.", in.Mode)
	}
	if q.state.Pools[poolName(p, id)] != nil {
		return nil, failed(409, "Requested entity already exists")
	}
	o := &pool{Name: poolName(p, id), Project: p.ID, Mode: in.Mode, Providers: map[string]*provider{}}
	o.Body.Set(&poolBody{DisplayName: in.DisplayName, Description: in.Description, Disabled: in.Disabled}, q.lag())
	q.state.Pools[o.Name] = o
	return q.poolOperation(o), nil
}

func (q *request) getPool() (any, error) {
	o, err := q.needPool("iam.workloadIdentityPools.get")
	if err != nil {
		return nil, err
	}
	return o.resource(), nil
}

type poolList struct {
	Pools []poolResource `json:"workloadIdentityPools,omitempty"`
	Next  string         `json:"nextPageToken,omitempty"`
}

func (q *request) listPools() (any, error) {
	p, err := q.needPoolProject("iam.workloadIdentityPools.list")
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(q.state.Pools)), func(n string) bool {
		o := q.state.Pools[n]
		return o.Project != p.ID || o.Body.Seen() == nil || !o.Deleted.IsZero() && q.query.Get("showDeleted") != "true"
	})
	names, next, err := page(q, names, "pageSize", 50)
	if err != nil {
		return nil, err
	}
	out := poolList{Next: next}
	for _, n := range names {
		out.Pools = append(out.Pools, q.state.Pools[n].resource())
	}
	return out, nil
}

func (q *request) patchPool() (any, error) {
	var in poolResource
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	o, err := q.needLivePool("iam.workloadIdentityPools.update")
	if err != nil {
		return nil, err
	}
	if f := checkPoolText(in.DisplayName, in.Description); f != nil {
		return nil, f
	}
	mask, err := q.updateMask()
	if err != nil {
		return nil, err
	}
	next := *o.Body.Now
	for _, field := range mask {
		switch field {
		case "displayName", "display_name":
			next.DisplayName = in.DisplayName
		case "description":
			next.Description = in.Description
		case "disabled":
			next.Disabled = in.Disabled
		default:
			return nil, failed(400, "Invalid update mask: %q", field)
		}
	}
	o.Body.Set(&next, q.lag())
	return q.poolOperation(o), nil
}

// updateMask is the list of fields to change, which must be said.
func (q *request) updateMask() ([]string, error) {
	mask := strings.FieldsFunc(q.query.Get("updateMask"), func(c rune) bool { return c == ',' || c == ' ' })
	if len(mask) == 0 {
		return nil, failed(400, "update_mask must be specified.")
	}
	return mask, nil
}

// deletePool ends the pool at once for new tokens, and for those that it gave.
func (q *request) deletePool() (any, error) {
	o, err := q.needLivePool("iam.workloadIdentityPools.delete")
	if err != nil {
		return nil, err
	}
	next := *o.Body.Now
	next.Deleted = true
	o.Deleted = time.Now().UTC()
	o.Body.Set(&next, q.lag())
	return q.poolOperation(o), nil
}

func (q *request) undeletePool() (any, error) {
	var in empty
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	o, err := q.needPool("iam.workloadIdentityPools.undelete")
	if err != nil {
		return nil, err
	}
	if o.Deleted.IsZero() {
		return nil, failedPrecondition("Precondition check failed.")
	}
	next := *o.Body.Now
	next.Deleted = false
	o.Deleted = time.Time{}
	o.Body.Set(&next, q.lag())
	return q.poolOperation(o), nil
}

func (q *request) poolOperation(o *pool) operationResource {
	r := o.resource()
	r.Type = "type.googleapis.com/google.iam.v1.WorkloadIdentityPool"
	return q.begin(o.Name, r)
}
