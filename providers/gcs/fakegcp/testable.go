// The permissions that a custom role may hold, as the API lists them.
package fakegcp

import (
	"slices"
	"strings"
)

type testableBody struct {
	Resource string `json:"fullResourceName"`
	Size     int    `json:"pageSize"`
	Token    string `json:"pageToken"`
}

type testableAnswer struct {
	Permissions []permissionResource `json:"permissions,omitempty"`
	Next        string               `json:"nextPageToken,omitempty"`
}

type permissionResource struct {
	Name  string `json:"name"`
	Level string `json:"customRolesSupportLevel,omitempty"`
	Stage string `json:"stage,omitempty"`
}

// testable lists the permissions that a custom role of the project may hold.
// SUPPORTED is the default level and is not shown.
func (q *request) testable() (any, error) {
	in := testableBody{Size: 100}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.Resource, "//cloudresourcemanager.googleapis.com/projects/") {
		return nil, failed(400, "Invalid full resource name: %q", in.Resource)
	}
	all := slices.Clone(loadCatalogue().Permissions)
	for i, p := range all {
		if spelledInFull(p) {
			all[i] = "iam.googleapis.com/" + strings.TrimPrefix(p, "iam.")
		}
	}
	slices.Sort(all)
	all = slices.DeleteFunc(all, func(p string) bool { return !loadCatalogue().validInProjectRole(p) })
	if i, found := slices.BinarySearch(all, in.Token); found {
		all = all[i+1:]
	}
	out := testableAnswer{}
	if size := min(max(in.Size, 1), 1000); len(all) > size {
		all, out.Next = all[:size], all[size-1]
	}
	for _, p := range all {
		out.Permissions = append(out.Permissions, permissionResource{Name: p, Stage: "GA"})
	}
	return out, nil
}
