// Making a bucket: its project, its name, its first policy.
package fakegcp

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
	if q.query.Get("enableObjectRetention") == "true" && !q.mayOnProject("storage.buckets.enableObjectRetention", p) {
		return nil, q.denied("storage.buckets.enableObjectRetention", "project")
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
	now := moment()
	b := &bucket{Name: in.Name, Project: p.ID, Config: in.bucketConfig, Created: now, Updated: now, Metageneration: 1, Objects: map[string][]*object{}}
	b.Policy.set(convenience(p, b.uniform()), nil)
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
