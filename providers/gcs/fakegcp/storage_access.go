// Access to buckets: which policies apply, who may, and how Cloud Storage refuses.
package fakegcp

func bucketResourceName(name string) resource {
	name = "projects/_/buckets/" + name
	return resource{Label: name, Name: name, Type: "storage.googleapis.com/Bucket", Service: storageService}
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
	return q.may(permission, bucketResourceName(b.Name), q.sources(b))
}

// denied is Cloud Storage's refusal.
// https://cloud.google.com/storage/docs/troubleshooting#access-permission
func (q *request) denied(permission, kind string) *fault {
	who, code, reason := or(q.caller.name(), "Anonymous caller"), 403, "forbidden"
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
