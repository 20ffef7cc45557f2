// Managed folders' policies, and whom they reach: everything below the folder.
package fakegcp

import (
	"maps"
	"slices"
	"strings"
	"time"
)

func folderResourceName(bucket, name string) resource {
	name = "projects/_/buckets/" + bucket + "/managedFolders/" + name
	return resource{Label: name, Name: name, Type: "storage.googleapis.com/ManagedFolder", Service: storageService}
}

// folderSources are the policies of the managed folders that hold a name: the
// folder's own and those of the folders around it. They only add to each other.
// https://cloud.google.com/storage/docs/managed-folders#iam
func (c *Cloud) folderSources(b *bucket, name string) []source {
	var out []source
	for _, n := range slices.Sorted(maps.Keys(b.Folders)) {
		if strings.HasPrefix(name, n) {
			out = append(out, source{Where: "managed folder " + b.Name + "/" + n, Policy: b.Folders[n].Policy.Policy.Seen(), NoPublic: c.publicPrevented(b)})
		}
	}
	return out
}

// mayOnFolder decides on a permission whose resource is a managed folder, which
// need not exist.
func (q *request) mayOnFolder(permission string, b *bucket, name string) bool {
	return q.may(permission, folderResourceName(b.Name, name), append(q.folderSources(b, name), q.sources(b)...))
}

// mayList decides whether the caller may list what begins with a prefix. The
// resource of a listing is the bucket; a managed folder whose name the prefix
// begins with may allow it as well: all that the listing can show is in it.
// Google says that a folder's policy holds for a list "in a bucket or folder",
// and not which prefixes that means; no other could be told from the bucket's.
// https://cloud.google.com/storage/docs/access-control/iam-permissions
func (q *request) mayList(permission string, b *bucket, prefix string) bool {
	folders := q.folderSources(b, prefix)
	if len(folders) > 0 {
		at := folderResourceName(b.Name, prefix)
		if q.decideFor(q.caller, permission, at, folders, time.Now(), false).Allowed {
			return q.may(permission, at, folders)
		}
	}
	return q.mayOnBucket(permission, b)
}

func (q *request) getFolderPolicy() (any, error) {
	b, f, err := q.needFolder("storage.managedFolders.getIamPolicy")
	if err != nil {
		return nil, err
	}
	version, err := q.storageVersion(f.Policy.Policy.Now)
	if err != nil {
		return nil, err
	}
	return q.showFolderPolicy(b, f, version), nil
}

// showFolderPolicy renders a managed folder's policy. Like a bucket's, its etag
// counts the metageneration.
func (q *request) showFolderPolicy(b *bucket, f *managedFolder, version int) wirePolicy {
	w := q.show(f.Policy.Policy.Now, version)
	w.Kind, w.ResourceID, w.Etag = "storage#policy", "projects/_/buckets/"+b.Name+"/managedFolders/"+f.Name, etag(f.Metageneration)
	return w
}

func (q *request) setFolderPolicy() (any, error) {
	b, f, err := q.needFolder("storage.managedFolders.setIamPolicy")
	if err != nil {
		return nil, err
	}
	p, err := q.takeStoragePolicy(b, f.Policy.Policy.Now, f.Metageneration)
	if err != nil {
		return nil, err
	}
	f.Policy.set(p, q.lag())
	f.Metageneration++
	f.Updated = moment()
	return q.showFolderPolicy(b, f, 3), nil
}

func (q *request) testFolderPermissions() (any, error) {
	b, f, err := q.needFolder("")
	if err != nil {
		return nil, err
	}
	return q.testedOnStorage(func(p string) bool { return q.mayOnFolder(p, b, f.Name) })
}
