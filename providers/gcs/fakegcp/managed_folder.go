// Managed folders: insert, get, list, delete.
package fakegcp

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

func managedFolderRoutes() []route {
	const f = "/storage/v1/b/{bucket}/managedFolders"
	return []route{
		storageRoute("POST", f, "managedFolders.insert", true, (*request).insertFolder),
		storageRoute("GET", f, "managedFolders.list", false, (*request).listFolders),
		storageRoute("GET", f+"/{folder}", "managedFolders.get", false, (*request).getFolder),
		storageRoute("DELETE", f+"/{folder}", "managedFolders.delete", true, (*request).deleteFolder),
		storageRoute("GET", f+"/{folder}/iam", "managedFolders.getIamPolicy", false, (*request).getFolderPolicy),
		storageRoute("PUT", f+"/{folder}/iam", "managedFolders.setIamPolicy", true, (*request).setFolderPolicy),
		storageRoute("GET", f+"/{folder}/iam/testPermissions", "managedFolders.testIamPermissions", false, (*request).testFolderPermissions),
	}
}

// managedFolder is a prefix of a bucket that has a policy of its own.
type managedFolder struct {
	Name           string       `json:"name"` // ends with a slash
	Created        time.Time    `json:"created"`
	Updated        time.Time    `json:"updated"`
	Metageneration int64        `json:"metageneration"`
	Policy         policyRecord `json:"policy"`
}

// folderResource is a managed folder in an answer.
type folderResource struct {
	Kind           string    `json:"kind"`
	ID             string    `json:"id"`
	SelfLink       string    `json:"selfLink"`
	Name           string    `json:"name"`
	Bucket         string    `json:"bucket"`
	CreateTime     time.Time `json:"createTime"`
	UpdateTime     time.Time `json:"updateTime"`
	Metageneration int64     `json:"metageneration,string"`
}

func (f *managedFolder) resource(b *bucket) folderResource {
	return folderResource{
		Kind: "storage#managedFolder", ID: b.Name + "/" + f.Name, SelfLink: "https://www.googleapis.com/storage/v1/b/" + b.Name + "/managedFolders/" + strings.ReplaceAll(f.Name, "/", "%2F"),
		Name: f.Name, Bucket: b.Name, CreateTime: f.Created, UpdateTime: f.Updated, Metageneration: f.Metageneration,
	}
}

// folderName is a managed folder's name as it is kept. The API takes it with
// and without the slash at its end.
// https://cloud.google.com/storage/docs/json_api/v1/managedFolder/get
func folderName(name string) string {
	if name == "" || strings.HasSuffix(name, "/") {
		return name
	}
	return name + "/"
}

const maxFolderDepth = 15

// checkFolderName applies https://cloud.google.com/storage/docs/managed-folders#name
func checkFolderName(name string) *fault {
	switch {
	case name == "":
		return required("name")
	case len(name) > 1024 || !utf8.ValidString(name) || strings.ContainsAny(name, "\r\n"),
		name == "./", name == "../", strings.HasPrefix(name, "/"), strings.Contains(name, "//"), strings.HasPrefix(name, ".well-known/acme-challenge/"):
		return failed(400, "Invalid managed folder name: %q", name)
	case strings.Count(name, "/") > maxFolderDepth:
		return failed(400, "The managed folder name %q is nested more than %d levels deep.", name, maxFolderDepth)
	}
	return nil
}

type insertFolderBody struct {
	Name string `json:"name"`
}

func (q *request) insertFolder() (any, error) {
	var in insertFolderBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	b, err := q.needBucket("")
	if err != nil {
		return nil, err
	}
	name := folderName(in.Name)
	if f := checkFolderName(name); f != nil {
		return nil, f
	}
	if !q.mayOnFolder("storage.managedFolders.create", b, name) {
		return nil, q.denied("storage.managedFolders.create", "Storage managed folder")
	}
	if !b.uniform() {
		return nil, notMetBecause("To create managed folders, enable uniform bucket-level access on the bucket first.")
	}
	if b.Folders[name] != nil {
		return nil, failed(409, "The managed folder you tried to create already exists.")
	}
	now := moment()
	f := &managedFolder{Name: name, Created: now, Updated: now, Metageneration: 1}
	f.Policy.set(policy{Version: 1}, nil)
	b.Folders = made(b.Folders)
	b.Folders[name] = f
	return f.resource(b), nil
}

// needFolder returns the bucket and the managed folder in the path if the
// caller holds the permission on it.
func (q *request) needFolder(permission string) (*bucket, *managedFolder, error) {
	b, err := q.needBucket("")
	if err != nil {
		return nil, nil, err
	}
	name := folderName(q.params["folder"])
	if permission != "" && !q.mayOnFolder(permission, b, name) {
		return nil, nil, q.denied(permission, "Storage managed folder")
	}
	f := b.Folders[name]
	if f == nil {
		return nil, nil, failed(404, "The specified managed folder does not exist.")
	}
	return b, f, nil
}

func (q *request) getFolder() (any, error) {
	b, f, err := q.needFolder("storage.managedFolders.get")
	if err != nil {
		return nil, err
	}
	if err := q.checkMetageneration(f.Metageneration); err != nil {
		return nil, err
	}
	return f.resource(b), nil
}

type folderList struct {
	Kind  string           `json:"kind"`
	Items []folderResource `json:"items,omitempty"`
	Next  string           `json:"nextPageToken,omitempty"`
}

func (q *request) listFolders() (any, error) {
	b, err := q.needBucket("")
	if err != nil {
		return nil, err
	}
	prefix := q.query.Get("prefix")
	if !q.mayList("storage.managedFolders.list", b, prefix) {
		return nil, q.denied("storage.managedFolders.list", "Storage bucket")
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(b.Folders)), func(n string) bool { return !strings.HasPrefix(n, prefix) })
	names, next, err := page(q, names, "pageSize", 1000)
	if err != nil {
		return nil, err
	}
	out := folderList{Kind: "storage#managedFolders", Next: next}
	for _, n := range names {
		out.Items = append(out.Items, b.Folders[n].resource(b))
	}
	return out, nil
}

// deleteFolder removes the folder and its policy, not the objects below it. If
// there are any, that must be said, and changes who may reach them: so it takes
// storage.managedFolders.setIamPolicy as well.
// https://cloud.google.com/storage/docs/json_api/v1/managedFolder/delete
func (q *request) deleteFolder() (any, error) {
	b, f, err := q.needFolder("storage.managedFolders.delete")
	if err != nil {
		return nil, err
	}
	if err := q.checkMetageneration(f.Metageneration); err != nil {
		return nil, err
	}
	nonEmpty := q.query.Get("allowNonEmpty") == "true"
	if nonEmpty && !q.mayOnFolder("storage.managedFolders.setIamPolicy", b, f.Name) {
		return nil, q.denied("storage.managedFolders.setIamPolicy", "Storage managed folder")
	}
	if !nonEmpty && !b.emptyBelow(f.Name) {
		return nil, failed(409, "The managed folder you tried to delete is not empty.")
	}
	delete(b.Folders, f.Name)
	return noContent, nil
}

// emptyBelow says whether a managed folder applies to no object and to no
// other managed folder.
func (b *bucket) emptyBelow(name string) bool {
	for other := range b.Folders {
		if other != name && strings.HasPrefix(other, name) {
			return false
		}
	}
	for path, generations := range b.Objects {
		if strings.HasPrefix(path, name) && slices.ContainsFunc(generations, func(o *object) bool { return o.SoftDeleted.IsZero() }) {
			return false
		}
	}
	return true
}
