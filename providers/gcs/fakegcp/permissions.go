// The permissions that exist and the roles that Google defines, as data.
package fakegcp

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

//go:embed permissions.json
var permissionsJSON []byte

// catalogue is the content of permissions.json.
type catalogue struct {
	Source            string              `json:"source"`
	Permissions       []string            `json:"permissions"`
	NotInProjectRoles []string            `json:"notInProjectRoles"`
	Roles             map[string][]string `json:"roles"`
}

var loadCatalogue = sync.OnceValue(func() *catalogue {
	c := &catalogue{}
	if err := json.Unmarshal(permissionsJSON, c); err != nil {
		panic("fakegcp: permissions.json: " + err.Error())
	}
	// The basic roles do not hold what is inside a bucket: that comes from the
	// convenience bindings on the bucket itself.
	// https://cloud.google.com/storage/docs/access-control/iam-roles#basic-roles
	c.Roles["roles/viewer"] = c.Roles["roles/storage.viewer"]
	c.Roles["roles/editor"] = slices.Concat(c.Roles["roles/storage.editor"], []string{
		"iam.serviceAccounts.actAs", "iam.serviceAccounts.create", "iam.serviceAccounts.delete", "iam.serviceAccounts.disable",
		"iam.serviceAccounts.enable", "iam.serviceAccounts.get", "iam.serviceAccounts.list", "iam.serviceAccounts.update",
		"iam.serviceAccountKeys.create", "iam.serviceAccountKeys.delete", "iam.serviceAccountKeys.get", "iam.serviceAccountKeys.list",
		"iam.roles.get", "iam.roles.list", "resourcemanager.projects.getIamPolicy",
	})
	c.Roles["roles/owner"] = slices.Concat(c.Roles["roles/editor"], c.Roles["roles/iam.roleAdmin"],
		c.Roles["roles/iam.serviceAccountAdmin"], c.Roles["roles/iam.serviceAccountKeyAdmin"], c.Roles["roles/resourcemanager.projectIamAdmin"])
	return c
})

// exists says whether Google knows the permission.
func (c *catalogue) exists(permission string) bool {
	_, found := slices.BinarySearch(c.Permissions, permission)
	return found
}

// validInProjectRole says whether a project's custom role may hold the permission.
// https://cloud.google.com/iam/docs/custom-roles-permissions-support
func (c *catalogue) validInProjectRole(permission string) bool {
	short, full := abbreviated(permission)
	return c.exists(short) && full == spelledInFull(short) && !slices.Contains(c.NotInProjectRoles, permission)
}

// spelledInFull reports whether roles name the permission with its service's full
// name, as they do for whatever belongs to workload identity pools.
// https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers#required-roles
func spelledInFull(short string) bool {
	return strings.HasPrefix(short, "iam.workloadIdentityPool") && !strings.Contains(short, "PolicyBinding")
}

// abbreviated is the permission as messages have it, and whether it was spelled in full.
func abbreviated(permission string) (short string, full bool) {
	rest, full := strings.CutPrefix(permission, "iam.googleapis.com/")
	if full {
		rest = "iam." + rest
	}
	return rest, full
}
