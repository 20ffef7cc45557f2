// Custom roles: create, get, list, patch, delete, undelete.
package fakegcp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func roleRoutes() []route {
	const r = "/v1/projects/{project}/roles"
	return []route{
		iamRoute("POST", r, "projects.roles.create", true, (*request).createRole),
		iamRoute("GET", r, "projects.roles.list", false, (*request).listRoles),
		iamRoute("GET", r+"/{id}", "projects.roles.get", false, (*request).getRole),
		iamRoute("PATCH", r+"/{id}", "projects.roles.patch", true, (*request).patchRole),
		iamRoute("DELETE", r+"/{id}", "projects.roles.delete", true, (*request).deleteRole),
		iamRoute("POST", r+"/{id}:undelete", "projects.roles.undelete", true, (*request).undeleteRole),
		iamRoute("GET", "/v1/roles/{id}", "roles.get", false, (*request).getPredefined),
		iamRoute("POST", "/v1/permissions:queryTestablePermissions", "permissions.queryTestablePermissions", false, (*request).testable),
	}
}

// A deleted role can be restored for seven days. Then it is removed for good,
// and for thirty days more its ID cannot be used.
// https://cloud.google.com/iam/docs/creating-custom-roles#deleting-custom-role
const (
	undeleteWindow = 7 * 24 * time.Hour
	blockedWindow  = 37 * 24 * time.Hour
	maxRoles       = 300
)

type createRoleBody struct {
	RoleID string       `json:"roleId"`
	Role   roleResource `json:"role"`
}

func (q *request) createRole() (any, error) {
	var in createRoleBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	p, err := q.needProject("iam.roles.create")
	if err != nil {
		return nil, err
	}
	if !roleIDRE.MatchString(in.RoleID) {
		return nil, failed(400, "The role_id must have a minimum length of 3 and a maximum length of 64, and may only contain letters, numbers, underscores and periods: %q", in.RoleID)
	}
	if in.Role.Name != "" {
		return nil, failed(400, "The role name must not be set when creating a role.")
	}
	if f := checkRoleBody(in.Role); f != nil {
		return nil, f
	}
	name := "projects/" + p.ID + "/roles/" + in.RoleID
	switch old := q.state.Roles[name]; {
	case old != nil && old.Body.Now.Deleted:
		f := failed(400, "You can't create a role with role_id (%s) where there is an existing role with that role_id in a deleted state.", in.RoleID)
		f.Status = "FAILED_PRECONDITION"
		return nil, f
	case old != nil:
		return nil, failed(409, "A role named %s in %s already exists.", in.RoleID, "projects/"+p.ID)
	case time.Now().Before(q.state.Retired[name]):
		f := failed(400, "You can't create a role_id (%s) which has been marked for deletion.", in.RoleID)
		f.Status = "FAILED_PRECONDITION"
		return nil, f
	case len(q.rolesOf(p)) >= maxRoles:
		return nil, failed(429, "Maximum number of roles reached. Maximum is: %d", maxRoles)
	}
	r := &role{Name: name, Revision: 1}
	body := roleBody{Title: in.Role.Title, Description: in.Role.Description, Stage: or(in.Role.Stage, "ALPHA"), Permissions: sorted(in.Role.Permissions)}
	r.Body.Set(body, q.lag())
	r.Known.Set(true, q.lagWithin(knownAfter))
	q.state.Roles[name] = r
	return r.resource(true), nil
}

// expireRoles removes the deleted roles whose time to be restored is over, and
// every binding of them.
func (c *Cloud) expireRoles() {
	for name, r := range c.state.Roles {
		if r.Body.Now.Deleted && time.Since(r.Deleted) >= undeleteWindow {
			c.state.Retired[name] = r.Deleted.Add(blockedWindow)
			delete(c.state.Roles, name)
			for _, b := range c.state.Buckets {
				b.Policy.forget(name)
				for _, f := range b.Folders {
					f.Policy.forget(name)
				}
			}
			for _, p := range c.state.Projects {
				p.Policy.forget(name)
			}
			for _, a := range c.state.Accounts {
				a.Policy.forget(name)
			}
		}
	}
}

func (c *Cloud) rolesOf(p *project) []string {
	var out []string
	for name := range maps.Keys(c.state.Roles) {
		if strings.HasPrefix(name, "projects/"+p.ID+"/roles/") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// needRole returns the role in the path if the caller holds the permission.
func (q *request) needRole(permission string) (*role, error) {
	p := q.projectNamed(q.params["project"])
	name := "projects/" + q.params["project"] + "/roles/" + q.params["id"]
	if p == nil || !q.mayOnProject(permission, p) {
		return nil, q.forbidden(permission, name)
	}
	r := q.state.Roles["projects/"+p.ID+"/roles/"+q.params["id"]]
	if r == nil || !q.route.Write && !r.Known.Seen() {
		return nil, failed(404, "The role named %s was not found.", name)
	}
	return r, nil
}

func (q *request) getRole() (any, error) {
	r, err := q.needRole("iam.roles.get")
	if err != nil {
		return nil, err
	}
	return r.resource(true), nil
}

func (q *request) getPredefined() (any, error) {
	name := "roles/" + q.params["id"]
	permissions, ok := loadCatalogue().Roles[name]
	if !ok {
		return nil, failed(404, "The role named %s was not found.", name)
	}
	return roleResource{Name: name, Title: q.params["id"], Stage: "GA", Permissions: permissions, Etag: "AA=="}, nil
}

type roleList struct {
	Roles []roleResource `json:"roles,omitempty"`
	Next  string         `json:"nextPageToken,omitempty"`
}

func (q *request) listRoles() (any, error) {
	p, err := q.needProject("iam.roles.list")
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(q.rolesOf(p), func(n string) bool {
		r := q.state.Roles[n]
		return !r.Known.Seen() || r.Body.Now.Deleted && q.query.Get("showDeleted") != "true"
	})
	names, next, err := page(q, names, "pageSize", 300)
	if err != nil {
		return nil, err
	}
	out := roleList{Next: next}
	for _, n := range names {
		out.Roles = append(out.Roles, q.state.Roles[n].resource(q.query.Get("view") == "FULL"))
	}
	return out, nil
}

// patchRole changes the fields of the update mask, or every field that the body has.
func (q *request) patchRole() (any, error) {
	var in roleResource
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	r, err := q.needRole("iam.roles.update")
	if err != nil {
		return nil, err
	}
	if f := r.checkEtag(in.Etag); f != nil {
		return nil, f
	}
	next := r.Body.Now
	if next.Deleted {
		f := failed(400, "The role named %s is in a deleted state. Undelete it before making changes.", r.Name)
		f.Status = "FAILED_PRECONDITION"
		return nil, f
	}
	if f := checkRoleBody(in); f != nil {
		return nil, f
	}
	mask := strings.FieldsFunc(q.query.Get("updateMask"), func(c rune) bool { return c == ',' })
	all := len(mask) == 0
	for _, field := range mask {
		if !slices.Contains([]string{"title", "description", "stage", "includedPermissions", "included_permissions"}, field) {
			return nil, failed(400, "Invalid field in update mask: %s", field)
		}
	}
	has := func(field string, set bool) bool { return slices.Contains(mask, field) || all && set }
	if has("title", in.Title != "") {
		next.Title = in.Title
	}
	if has("description", in.Description != "") {
		next.Description = in.Description
	}
	if has("stage", in.Stage != "") {
		next.Stage = or(in.Stage, "ALPHA")
	}
	if has("includedPermissions", in.Permissions != nil) || has("included_permissions", false) {
		next.Permissions = sorted(in.Permissions)
	}
	r.change(next, q.lag())
	return r.resource(true), nil
}

func (r *role) change(next roleBody, lag *cloudsim.Lag) {
	r.Body.Set(next, lag)
	r.Revision++
}

func (r *role) checkEtag(sent string) *fault {
	if sent == "" || sent == policyEtag(r.Revision) {
		return nil
	}
	f := failed(409, "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.")
	f.Status = "ABORTED"
	return f
}

func (q *request) deleteRole() (any, error) {
	r, err := q.needRole("iam.roles.delete")
	if err != nil {
		return nil, err
	}
	if f := r.checkEtag(q.query.Get("etag")); f != nil {
		return nil, f
	}
	if r.Body.Now.Deleted {
		return nil, failedPrecondition(fmt.Sprintf("The role named %s is already in a deleted state.", r.Name))
	}
	next := r.Body.Now
	next.Deleted = true
	r.Deleted = time.Now()
	r.change(next, q.lag())
	return r.resource(true), nil
}

func failedPrecondition(message string) *fault {
	f := failed(400, "%s", message)
	f.Status = "FAILED_PRECONDITION"
	return f
}

type undeleteRoleBody struct {
	Etag string `json:"etag"`
}

func (q *request) undeleteRole() (any, error) {
	var in undeleteRoleBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	r, err := q.needRole("iam.roles.undelete")
	if err != nil {
		return nil, err
	}
	if f := r.checkEtag(in.Etag); f != nil {
		return nil, f
	}
	if !r.Body.Now.Deleted {
		return nil, failedPrecondition(fmt.Sprintf("The role named %s is not in a deleted state.", r.Name))
	}
	next := r.Body.Now
	next.Deleted = false
	r.Deleted = time.Time{}
	r.change(next, q.lag())
	return r.resource(true), nil
}
