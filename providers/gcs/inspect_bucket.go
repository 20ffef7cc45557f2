// Inspection of the bucket: its guards against being public, and the managed folders in it.
package gcs

import (
	"context"
	"sync"
	"time"

	"cloud.google.com/go/storage"
	"golang.org/x/sync/errgroup"

	"github.com/bucketgrant/bucketgrant/core"
)

// guards looks at what keeps a bucket from being public, whatever its policy says.
// https://cloud.google.com/storage/docs/public-access-prevention
func (i *inspector) guards(ctx context.Context) ([]core.Finding, error) {
	have, err := (&bucket{i.run}).read(ctx)
	if err != nil || have == nil {
		return nil, err
	}
	update := "gcloud storage buckets update gs://" + i.bucket
	var list []core.Finding
	if have.PublicAccessPrevention != storage.PublicAccessPreventionEnforced {
		list = append(list, core.Finding{Kind: core.PublicAccess, Addr: i.bucketAddr(), Text: "public access is not prevented: one binding would make it public",
			Fix: update + " --public-access-prevention"})
	}
	if have.UniformBucketLevelAccess.Enabled {
		return list, nil
	}
	list = append(list, core.Finding{Kind: core.PublicAccess, Addr: i.bucketAddr(), Grave: true, Fix: update + " --uniform-bucket-level-access",
		Text: "access control lists are in force, by which each object can be given to anybody"})
	for _, rule := range append(have.ACL, have.DefaultObjectACL...) {
		if rule.Entity == storage.AllUsers || rule.Entity == storage.AllAuthenticatedUsers || rule.Email == i.email {
			list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: i.bucketAddr(), Grave: true, Fix: update + " --uniform-bucket-level-access",
				Text: "an access control list makes " + printable(string(rule.Entity)) + " " + printable(string(rule.Role))})
		}
	}
	return list, nil
}

type folderList struct {
	Items []folderItem `json:"items"`
	Next  string       `json:"nextPageToken"`
}

type folderItem struct {
	Name    string    `json:"name"`
	Created time.Time `json:"createTime"`
}

func (f folderList) next() string { return f.Next }

// managedFolders lists the managed folders of a bucket; none if there is no such bucket.
func managedFolders(ctx context.Context, c *cloud, bucket string) ([]folderItem, error) {
	var all []folderItem
	err := pages(ctx, c, "storage", bucketPath(bucket)+"/managedFolders?pageSize=1000", func(page folderList) { all = append(all, page.Items...) })
	if isMissing(err) || notUniform(err) {
		return nil, nil
	}
	return all, err
}

// notUniform reports whether there can be no managed folders, since access control lists are in force.
func notUniform(err error) bool { return hasCode(err, 400, 412) }

// looksAtOnce is how many policies are read side by side.
const looksAtOnce = 8

// inFolders looks for bindings of the grantee in managed folders, and for everybody's.
func (i *inspector) inFolders(ctx context.Context) ([]core.Finding, error) {
	folders, err := managedFolders(ctx, i.cloud, i.bucket)
	if err != nil {
		return nil, err
	}
	found, err := each(ctx, folders, func(ctx context.Context, f folderItem) ([]core.Finding, error) {
		name := f.Name
		rules, err := i.cloud.rulesAt(ctx, managedFolderPath(i.bucket, name))
		return i.bindings(i.bucketAddr()+"/folder/"+printable(name), rules, name == i.folder, func(role, member string) string {
			return "gcloud storage managed-folders remove-iam-policy-binding gs://" + i.bucket + "/" + printable(name) + " --role " + role + " --member '" + member + "'"
		}), err
	})
	var list []core.Finding
	for _, some := range found {
		list = append(list, some...)
	}
	return list, err
}

// each calls f for all things, a few at once, and keeps their order. The first error is returned.
func each[T, R any](ctx context.Context, things []T, f func(context.Context, T) (R, error)) ([]R, error) {
	out := make([]R, len(things))
	var group errgroup.Group
	group.SetLimit(looksAtOnce)
	var mu sync.Mutex
	var first error
	for n, thing := range things {
		fork, join := core.Fork(ctx)
		group.Go(func() error {
			defer join()
			var r R
			err := core.Guarded(func() (err error) { r, err = f(fork, thing); return err })
			mu.Lock()
			defer mu.Unlock()
			out[n] = r
			if first == nil {
				first = err
			}
			return nil
		})
	}
	_ = group.Wait()
	return out, first
}
