// Policies of service accounts and projects: get, set, test.
package fakegcp

import (
	"strconv"
	"time"
)

type getPolicyBody struct {
	Options struct {
		Version int `json:"requestedPolicyVersion"`
	} `json:"options"`
}

type setPolicyBody struct {
	Policy wirePolicy `json:"policy"`
	Mask   string     `json:"updateMask"`
}

type testPermissionsBody struct {
	Permissions []string `json:"permissions"`
}

// requestedVersion is in the query of a GET and in the body of a POST.
func (q *request) requestedVersion() (int, error) {
	var in getPolicyBody
	if err := q.decode(&in); err != nil {
		return 0, err
	}
	if text := q.query.Get("options.requestedPolicyVersion"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, failed(400, "Invalid value at 'options.requested_policy_version' (TYPE_INT32), %q", text)
		}
		in.Options.Version = n
	}
	return in.Options.Version, nil
}

func (q *request) showRecord(r *policyRecord, version int) wirePolicy {
	w := q.show(r.Policy.Now, version)
	w.Etag = policyEtag(r.Revision)
	if len(w.Bindings) == 0 {
		w.Version, w.Etag = 0, "ACAB"
	}
	return w
}

// replace stores a policy if its etag is that of the stored one.
func (q *request) replace(r *policyRecord, in wirePolicy, on *project) (any, error) {
	if in.Etag != "" && in.Etag != q.showRecord(r, 3).Etag {
		f := failed(409, "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. "+
			"The request's ETag '%s' did not match the current policy's ETag '%s'.", in.Etag, q.showRecord(r, 3).Etag)
		f.Status = "ABORTED"
		return nil, f
	}
	p, f := q.take(in, r.Policy.Now, on)
	if f != nil && f.Status == statuses[412] {
		f.Code = 400 // as every API but Cloud Storage says it
	}
	if f != nil {
		return nil, f
	}
	r.set(p, q.lag())
	return q.showRecord(r, 3), nil
}

// mostTested is how many permissions one call asks for.
const mostTested = 100

func (q *request) tested(may func(permission string) bool) (any, error) {
	var in testPermissionsBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	var out permissionsAnswer
	if len(in.Permissions) > mostTested {
		return nil, failed(400, "Request contains an invalid argument.")
	}
	for _, p := range in.Permissions {
		short, _ := abbreviated(p)
		if !loadCatalogue().exists(short) {
			return nil, failed(400, "Permission %s is not valid for this resource.", p)
		}
		if may(short) {
			out.Permissions = append(out.Permissions, p)
		}
	}
	return out, nil
}

func (q *request) getAccountPolicy() (any, error) {
	a, err := q.needAccount("iam.serviceAccounts.getIamPolicy")
	if err != nil {
		return nil, err
	}
	version, err := q.requestedVersion()
	if err != nil {
		return nil, err
	}
	return q.showRecord(&a.Policy, version), nil
}

func (q *request) setAccountPolicy() (any, error) {
	var in setPolicyBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	a, err := q.needAccount("iam.serviceAccounts.setIamPolicy")
	if err != nil {
		return nil, err
	}
	return q.replace(&a.Policy, in.Policy, q.state.Projects[a.Project])
}

func (q *request) testAccountPermissions() (any, error) {
	a := q.accountByEmail(q.params["id"])
	if a == nil {
		a = q.state.Accounts[q.params["id"]]
	}
	if a == nil || !a.Deleted.IsZero() {
		return nil, failed(404, "Unknown service account")
	}
	return q.tested(func(p string) bool { return q.mayOnAccount(p, a) })
}

const managerService = "cloudresourcemanager.googleapis.com"

func projectRoutes() []route {
	var out []route
	add := func(method, path, op string, write bool, h func(*request) (any, error)) {
		out = append(out, route{Method: method, Path: path, Op: "cloudresourcemanager.projects." + op, Write: write, Service: managerService, Handle: h})
	}
	for _, version := range []string{"/v3", "/v1"} {
		p := version + "/projects/{project}"
		add("POST", p+":getIamPolicy", "getIamPolicy", false, (*request).getProjectPolicy)
		add("POST", p+":setIamPolicy", "setIamPolicy", true, (*request).setProjectPolicy)
		add("POST", p+":testIamPermissions", "testIamPermissions", false, (*request).testProjectPermissions)
	}
	add("GET", "/v3/projects/{project}", "get", false, (*request).getProject)
	add("GET", "/v1/projects/{project}", "get", false, (*request).getProjectV1)
	return out
}

type projectResourceV3 struct {
	Name        string    `json:"name"`
	Parent      string    `json:"parent"`
	ProjectID   string    `json:"projectId"`
	State       string    `json:"state"`
	DisplayName string    `json:"displayName"`
	CreateTime  time.Time `json:"createTime"`
	Etag        string    `json:"etag"`
}

type projectResourceV1 struct {
	ProjectNumber string    `json:"projectNumber"`
	ProjectID     string    `json:"projectId"`
	State         string    `json:"lifecycleState"`
	Name          string    `json:"name"`
	CreateTime    time.Time `json:"createTime"`
}

// needManaged returns the project in the path if the caller holds the
// permission. A project that does not exist is refused the same way.
func (q *request) needManaged(permission string) (*project, error) {
	p := q.projectNamed(q.params["project"])
	if p != nil && q.mayOnProject(permission, p) {
		return p, nil
	}
	f := failed(403, "The caller does not have permission")
	f.Details = []any{info("IAM_PERMISSION_DENIED", managerService, map[string]string{"permission": permission, "resource": "projects/" + q.params["project"]})}
	return nil, f
}

func (q *request) getProject() (any, error) {
	p, err := q.needManaged("resourcemanager.projects.get")
	if err != nil {
		return nil, err
	}
	return projectResourceV3{"projects/" + p.Number, "organizations/100", p.ID, "ACTIVE", p.ID, p.Created.UTC(), `W/"` + p.Number + `"`}, nil
}

func (q *request) getProjectV1() (any, error) {
	p, err := q.needManaged("resourcemanager.projects.get")
	if err != nil {
		return nil, err
	}
	return projectResourceV1{p.Number, p.ID, "ACTIVE", p.ID, p.Created.UTC()}, nil
}

func (q *request) getProjectPolicy() (any, error) {
	p, err := q.needManaged("resourcemanager.projects.getIamPolicy")
	if err != nil {
		return nil, err
	}
	version, err := q.requestedVersion()
	if err != nil {
		return nil, err
	}
	return q.showRecord(&p.Policy, version), nil
}

func (q *request) setProjectPolicy() (any, error) {
	var in setPolicyBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	p, err := q.needManaged("resourcemanager.projects.setIamPolicy")
	if err != nil {
		return nil, err
	}
	return q.replace(&p.Policy, in.Policy, p)
}

func (q *request) testProjectPermissions() (any, error) {
	p := q.projectNamed(q.params["project"])
	if p == nil {
		return q.tested(func(string) bool { return false })
	}
	return q.tested(func(permission string) bool { return q.mayOnProject(permission, p) })
}
