// Buckets: insert, get, list, patch, update, delete.
package fakegcp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
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

func bucketResourceName(name string) resource {
	return resource{Name: "projects/_/buckets/" + name, Type: "storage.googleapis.com/Bucket", Service: storageService}
}

// sources are the policies that apply to a bucket and to what is in it.
func (c *Cloud) sources(b *bucket) []source {
	out := []source{{Where: "bucket " + b.Name, Policy: b.Policy.Policy.Seen(), NoPublic: c.publicPrevented(b)}}
	if p := c.state.Projects[b.Project]; p != nil {
		s := projectSource(p)
		s.NoPublic = c.publicPrevented(b)
		out = append(out, s)
	}
	return out
}

func (c *Cloud) publicPrevented(b *bucket) bool {
	return b.prevented() || c.enforced("constraints/storage.publicAccessPrevention")
}

// mayOnBucket decides on a permission whose resource is the bucket.
func (q *request) mayOnBucket(permission string, b *bucket) bool {
	return q.may(permission, bucketResourceName(b.Name), q.sources(b), nil)
}

// denied is Cloud Storage's refusal.
// https://cloud.google.com/storage/docs/troubleshooting#access-permission
func (q *request) denied(permission, kind string) *fault {
	who, code, reason := or(q.caller.Email, "Anonymous caller"), 403, "forbidden"
	if q.caller.anonymous() {
		code, reason = 401, "required"
	}
	f := failed(code, "%s does not have %s access to the Google Cloud %s. Permission '%s' denied on resource (or it may not exist).", who, permission, kind, permission)
	f.Reason = reason
	return f
}

// needBucket returns the named bucket if the caller holds the permission on it.
func (q *request) needBucket(permission string) (*bucket, error) {
	b := q.state.Buckets[q.params["bucket"]]
	if b == nil {
		f := failed(404, "The specified bucket does not exist.")
		f.XMLCode = "NoSuchBucket"
		return nil, f
	}
	if permission != "" && !q.mayOnBucket(permission, b) {
		return nil, q.denied(permission, "Storage bucket")
	}
	return b, nil
}

type insertBody struct {
	Name string `json:"name"`
	bucketConfig
}

func (q *request) insertBucket() (any, error) {
	p := q.projectNamed(q.query.Get("project"))
	if q.query.Get("project") == "" {
		return nil, required("project")
	}
	if q.caller.anonymous() {
		return nil, q.denied("storage.buckets.create", "project")
	}
	if p == nil {
		return nil, failed(400, "Unknown project id: %s", q.query.Get("project"))
	}
	var in insertBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if in.Name == "" {
		return nil, required("name")
	}
	if !q.mayOnProject("storage.buckets.create", p) {
		return nil, q.denied("storage.buckets.create", "project")
	}
	if f := checkName(in.Name); f != nil {
		return nil, f
	}
	if f := in.complete(nil); f != nil {
		return nil, f
	}
	if f := q.checkBucketConstraints(&in.bucketConfig); f != nil {
		return nil, f
	}
	if b := q.state.Buckets[in.Name]; b != nil {
		if b.Project == p.ID {
			return nil, failed(409, "Your previous request to create the named bucket succeeded and you already own it.")
		}
		return nil, failed(409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "+
			"Please select a different name and try again.")
	}
	now := time.Now().UTC()
	b := &bucket{Name: in.Name, Project: p.ID, Config: in.bucketConfig, Created: now, Updated: now, Metageneration: 1, Objects: map[string][]*object{}}
	b.Policy.set(convenience(p, b.uniform()), 0)
	q.state.Buckets[in.Name] = b
	return q.bucketResource(b), nil
}

// convenience are the bindings that a new bucket has from the project's basic roles.
// https://cloud.google.com/storage/docs/access-control/iam-roles#basic-roles-modifiable
func convenience(p *project, uniform bool) policy {
	owners := []member{{Text: "projectEditor:" + p.ID}, {Text: "projectOwner:" + p.ID}}
	viewers := []member{{Text: "projectViewer:" + p.ID}}
	out := policy{Version: 1, Bindings: []binding{
		{Role: "roles/storage.legacyBucketOwner", Members: owners},
		{Role: "roles/storage.legacyBucketReader", Members: viewers},
	}}
	if uniform {
		out.Bindings = append(out.Bindings,
			binding{Role: "roles/storage.legacyObjectOwner", Members: owners},
			binding{Role: "roles/storage.legacyObjectReader", Members: viewers})
	}
	return out
}

// checkBucketConstraints applies the organisation policies on buckets.
// https://cloud.google.com/storage/docs/org-policy-constraints
func (c *Cloud) checkBucketConstraints(b *bucketConfig) *fault {
	if k := "constraints/storage.uniformBucketLevelAccess"; c.enforced(k) && !b.IAM.Uniform.Enabled {
		return failed(412, "Request violates constraint '%s'", k)
	}
	if k := "constraints/storage.publicAccessPrevention"; c.enforced(k) && b.IAM.Prevention != "enforced" {
		b.IAM.Prevention = "inherited" // the constraint prevails, whatever the bucket says
	}
	return nil
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
	b.Updated = time.Now().UTC()
}

// mergePatch applies RFC 7396.
func mergePatch(base, patch []byte) ([]byte, error) {
	var b, p any
	if err := json.Unmarshal(base, &b); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(patch, &p); err != nil {
		return nil, err
	}
	if _, ok := p.(map[string]any); !ok {
		return nil, fmt.Errorf("body is not an object")
	}
	return json.Marshal(mergeValue(b, p))
}

func mergeValue(base, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	b, ok := base.(map[string]any)
	if !ok {
		b = map[string]any{}
	}
	for k, v := range p {
		if v == nil {
			delete(b, k)
		} else {
			b[k] = mergeValue(b[k], v)
		}
	}
	return b
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
