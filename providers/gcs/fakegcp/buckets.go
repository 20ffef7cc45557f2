// Buckets: insert, get, list, patch, update, delete.
package fakegcp

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const storageService = "storage.googleapis.com"

func storageRoute(method, path, op string, write bool, h func(*request) (any, error)) route {
	return route{Method: method, Path: path, Op: "storage." + op, Write: write, Service: storageService, Style: styleStorage, Handle: h}
}

func bucketRoutes() []route {
	const b = "/storage/v1/b/{bucket}"
	return []route{
		storageRoute("POST", "/storage/v1/b", "buckets.insert", true, (*request).insertBucket),
		storageRoute("GET", "/storage/v1/b", "buckets.list", false, (*request).listBuckets),
		storageRoute("GET", b, "buckets.get", false, (*request).getBucket),
		storageRoute("PATCH", b, "buckets.patch", true, (*request).patchBucket),
		storageRoute("PUT", b, "buckets.update", true, (*request).patchBucket),
		storageRoute("DELETE", b, "buckets.delete", true, (*request).deleteBucket),
		storageRoute("POST", b+"/lockRetentionPolicy", "buckets.lockRetentionPolicy", true, (*request).lockRetention),
		storageRoute("GET", b+"/iam", "buckets.getIamPolicy", false, (*request).getBucketPolicy),
		storageRoute("PUT", b+"/iam", "buckets.setIamPolicy", true, (*request).setBucketPolicy),
		storageRoute("GET", b+"/iam/testPermissions", "buckets.testIamPermissions", false, (*request).testBucketPermissions),
	}
}

func (q *request) getBucket() (any, error) {
	b, err := q.needBucket("storage.buckets.get")
	if err != nil {
		return nil, err
	}
	if err := q.checkMetageneration(b.Metageneration); err != nil {
		return nil, err
	}
	return q.bucketResource(b), nil
}

// checkMetageneration applies the preconditions on a bucket.
func (q *request) checkMetageneration(now int64) error {
	for name, want := range map[string]bool{"ifMetagenerationMatch": true, "ifMetagenerationNotMatch": false} {
		text := q.query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return failed(400, "Invalid value for parameter %s: %q", name, text)
		}
		if (n == now) != want {
			if !want {
				return reply304()
			}
			return notMet("If-Match")
		}
	}
	return nil
}

func reply304() error { return failed(304, "Not Modified") }

type bucketList struct {
	Kind  string           `json:"kind"`
	Items []bucketResource `json:"items,omitempty"`
	Next  string           `json:"nextPageToken,omitempty"`
}

func (q *request) listBuckets() (any, error) {
	if q.query.Get("project") == "" {
		return nil, required("project")
	}
	p := q.projectNamed(q.query.Get("project"))
	if p == nil {
		return nil, failed(400, "Unknown project id: %s", q.query.Get("project"))
	}
	if !q.mayOnProject("storage.buckets.list", p) {
		return nil, q.denied("storage.buckets.list", "project")
	}
	names := slices.Sorted(maps.Keys(q.state.Buckets))
	names = slices.DeleteFunc(names, func(n string) bool {
		return q.state.Buckets[n].Project != p.ID || !strings.HasPrefix(n, q.query.Get("prefix"))
	})
	names, next, err := page(q, names, "maxResults", 1000)
	if err != nil {
		return nil, err
	}
	out := bucketList{Kind: "storage#buckets", Next: next}
	for _, n := range names {
		out.Items = append(out.Items, q.bucketResource(q.state.Buckets[n]))
	}
	return out, nil
}

// page cuts a list at the request's page token and size. A token is the last
// element of the page before it.
func page(q *request, all []string, sizeParam string, size int) ([]string, string, error) {
	if t := q.query.Get("pageToken"); t != "" {
		i, found := slices.BinarySearch(all, t)
		if found {
			i++
		}
		all = all[i:]
	}
	if text := q.query.Get(sizeParam); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, "", failed(400, "Invalid value for parameter %s: %q", sizeParam, text)
		}
		if n > 0 {
			size = min(n, size)
		}
	}
	if len(all) <= size {
		return all, "", nil
	}
	return all[:size], all[size-1], nil
}

// patchBucket merges the body into the bucket's configuration: null removes a
// field. An update replaces the configuration instead.
func (q *request) patchBucket() (any, error) {
	b, err := q.needBucket("storage.buckets.update")
	if err != nil {
		return nil, err
	}
	if err := q.checkMetageneration(b.Metageneration); err != nil {
		return nil, err
	}
	base := []byte("{}")
	if q.Method == "PATCH" {
		if base, err = json.Marshal(b.Config); err != nil {
			return nil, err
		}
	}
	merged, err := mergePatch(base, q.body)
	if err != nil {
		f := failed(400, "Parse Error")
		f.Reason = "parseError"
		return nil, f
	}
	var next bucketConfig
	if err := json.Unmarshal(merged, &next); err != nil {
		return nil, failed(400, "Invalid value: %v", err)
	}
	if q.Method == "PUT" {
		next.Location = or(next.Location, b.Config.Location)
	}
	if f := next.complete(&b.Config); f != nil {
		return nil, f
	}
	if f := q.checkBucketConstraints(&next); f != nil {
		return nil, f
	}
	if changesACL(b.Config, next) && !q.mayOnBucket("storage.buckets.setIamPolicy", b) {
		return nil, q.denied("storage.buckets.setIamPolicy", "Storage bucket")
	}
	if b.uniform() && !next.IAM.Uniform.Enabled && b.Policy.Policy.Now.conditional() {
		return nil, failed(412, "Uniform bucket-level access cannot be disabled while the bucket's IAM policy has conditions.")
	}
	if b.uniform() && !next.IAM.Uniform.Enabled && len(b.Folders) > 0 {
		return nil, failed(412, "Uniform bucket-level access cannot be disabled while the bucket has managed folders.")
	}
	b.Config = next
	b.touch()
	return q.bucketResource(b), nil
}

// changesACL says whether a change touches who has access: that needs
// storage.buckets.setIamPolicy as well.
// https://cloud.google.com/storage/docs/access-control/iam-json
func changesACL(was, now bucketConfig) bool {
	return was.IAM.Prevention != now.IAM.Prevention || string(was.ACL) != string(now.ACL) || string(was.DefaultObjectACL) != string(now.DefaultObjectACL)
}

func (b *bucket) touch() {
	b.Metageneration++
	b.Updated = moment()
}

func (q *request) deleteBucket() (any, error) {
	b, err := q.needBucket("storage.buckets.delete")
	if err != nil {
		return nil, err
	}
	if err := q.checkMetageneration(b.Metageneration); err != nil {
		return nil, err
	}
	for _, generations := range b.Objects {
		if slices.ContainsFunc(generations, func(o *object) bool { return o.SoftDeleted.IsZero() }) {
			return nil, failed(409, "The bucket you tried to delete is not empty.")
		}
	}
	if len(b.Folders) > 0 {
		return nil, failed(409, "The bucket you tried to delete is not empty.")
	}
	delete(q.state.Buckets, b.Name)
	return noContent, nil
}

func (q *request) lockRetention() (any, error) {
	b, err := q.needBucket("storage.buckets.update")
	if err != nil {
		return nil, err
	}
	if q.query.Get("ifMetagenerationMatch") == "" {
		return nil, required("ifMetagenerationMatch")
	}
	if err := q.checkMetageneration(b.Metageneration); err != nil {
		return nil, err
	}
	if b.Config.Retention == nil {
		return nil, failed(400, "The bucket has no retention policy.")
	}
	b.Config.Retention.Locked = true
	b.touch()
	return q.bucketResource(b), nil
}
