// IAM v1: how its methods are named and how it refuses.
package fakegcp

import (
	"strings"
)

const iamService = "iam.googleapis.com"

func iamRoute(method, path, op string, write bool, h func(*request) (any, error)) route {
	return route{Method: method, Path: path, Op: "iam." + op, Write: write, Service: iamService, Handle: h}
}

// forbidden is IAM's refusal. It does not tell a missing resource from one
// that the caller may not see.
func (q *request) forbidden(permission, resource string) *fault {
	f := failed(403, "Permission '%s' denied on resource (or it may not exist).", permission)
	if strings.HasPrefix(permission, "iam.roles.") {
		f.Message = "You don't have permission to " + strings.TrimPrefix(permission, "iam.roles.") + " the role at " + resource + "."
	}
	meta := map[string]string{"permission": permission}
	if resource != "" {
		meta["resource"] = resource
	}
	f.Details = []any{info("IAM_PERMISSION_DENIED", "iam.googleapis.com", meta)}
	return f
}

// needProject returns the project in the path if the caller holds the
// permission on it. A project that does not exist is refused the same way.
func (q *request) needProject(permission string) (*project, error) {
	p := q.projectNamed(q.params["project"])
	if p == nil || !q.mayOnProject(permission, p) {
		return nil, q.forbidden(permission, "projects/"+q.params["project"])
	}
	return p, nil
}
