// Roles as the API shows them, and what Google checks in one.
package fakegcp

import (
	"regexp"
	"slices"
)

// roleResource is a role in a request or an answer. The stage ALPHA is not shown.
type roleResource struct {
	Name        string   `json:"name,omitempty"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Permissions []string `json:"includedPermissions,omitempty"`
	Stage       string   `json:"stage,omitempty"`
	Etag        string   `json:"etag,omitempty"`
	Deleted     bool     `json:"deleted,omitempty"`
}

func (r *role) resource(full bool) roleResource {
	b := r.Body.Now
	out := roleResource{Name: r.Name, Title: b.Title, Description: b.Description, Stage: b.Stage, Etag: policyEtag(r.Revision), Deleted: b.Deleted}
	if out.Stage == "ALPHA" {
		out.Stage = ""
	}
	if full {
		out.Permissions = slices.Clone(b.Permissions)
	}
	return out
}

// policyEtag looks like the etags of IAM: eight bytes of a time.
func policyEtag(revision int64) string {
	return etag(revision + 1<<48)
}

var roleIDRE = regexp.MustCompile(`^[a-zA-Z0-9_.]{3,64}$`)

var stages = map[string]bool{"": true, "ALPHA": true, "BETA": true, "GA": true, "DEPRECATED": true, "DISABLED": true, "EAP": true}

// checkRoleBody applies https://cloud.google.com/iam/docs/creating-custom-roles
func checkRoleBody(in roleResource) *fault {
	switch {
	case len(in.Title) > 100:
		return failed(400, "The role title must be at most 100 bytes long.")
	case len(in.Description) > 300:
		return failed(400, "The role description must be at most 300 bytes long.")
	case !stages[in.Stage]:
		return failed(400, "Invalid value at 'role.stage' (type.googleapis.com/google.iam.admin.v1.Role.RoleLaunchStage), \"%s\"", in.Stage)
	}
	size := len(in.Title) + len(in.Description)
	for _, p := range in.Permissions {
		size += len(p)
		if !loadCatalogue().validInProjectRole(p) {
			return failed(400, "Permission %s is not valid.", p)
		}
	}
	if size > 64<<10 {
		return failed(400, "The total size of the title, description, and permission names for a custom role is limited to 64 KB.")
	}
	return nil
}

func sorted(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}
