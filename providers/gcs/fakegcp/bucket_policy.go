// Bucket policies: getIamPolicy, setIamPolicy, testIamPermissions.
package fakegcp

import (
	"slices"
	"strconv"
	"strings"
)

func (q *request) getBucketPolicy() (any, error) {
	b, err := q.needBucket("storage.buckets.getIamPolicy")
	if err != nil {
		return nil, err
	}
	version, err := q.storageVersion(b.Policy.Policy.Now)
	if err != nil {
		return nil, err
	}
	return q.showBucketPolicy(b, version), nil
}

// storageVersion is the policy version that the caller asks for.
func (q *request) storageVersion(stored policy) (int, error) {
	version := 1
	if text := q.query.Get("optionsRequestedPolicyVersion"); text != "" {
		var err error
		if version, err = strconv.Atoi(text); err != nil || version < 1 {
			return 0, failed(400, "Invalid value for parameter optionsRequestedPolicyVersion: %q", text)
		}
	}
	// A caller that knows no conditions cannot read a policy that has them, and
	// so cannot write it back without them.
	// https://cloud.google.com/storage/docs/json_api/v1/buckets/getIamPolicy
	if version < 3 && stored.conditional() {
		return 0, failed(400, "Requested policy version (%d) cannot be less than the existing policy version (3). "+
			"For more information, please refer to https://cloud.google.com/iam/docs/policies#versions.", version)
	}
	return version, nil
}

// showBucketPolicy renders a bucket's policy. Its etag counts the bucket's
// metageneration, which every change of the policy raises as well.
func (q *request) showBucketPolicy(b *bucket, version int) wirePolicy {
	w := q.show(b.Policy.Policy.Now, version)
	w.Kind, w.ResourceID, w.Etag = "storage#policy", "projects/_/buckets/"+b.Name, etag(b.Metageneration)
	return w
}

func (q *request) setBucketPolicy() (any, error) {
	b, err := q.needBucket("storage.buckets.setIamPolicy")
	if err != nil {
		return nil, err
	}
	p, err := q.takeStoragePolicy(b, b.Policy.Policy.Now, b.Metageneration)
	if err != nil {
		return nil, err
	}
	b.Policy.set(p, q.lag())
	b.touch()
	return q.showBucketPolicy(b, 3), nil
}

// takeStoragePolicy reads and checks the policy in the body, for a bucket or for
// a managed folder in it.
func (q *request) takeStoragePolicy(b *bucket, was policy, metageneration int64) (policy, error) {
	var in wirePolicy
	if err := q.decode(&in); err != nil {
		return policy{}, err
	}
	if in.Etag != "" && in.Etag != etag(metageneration) {
		return policy{}, notMet("If-Match")
	}
	if !b.uniform() && slices.ContainsFunc(in.Bindings, func(w wireBinding) bool { return w.Condition != nil }) {
		return policy{}, notMetBecause("To use conditions in a bucket's IAM policy, enable uniform bucket-level access on the bucket first.")
	}
	// https://cloud.google.com/iam/docs/federated-identity-supported-services
	if !b.uniform() && slices.ContainsFunc(in.Bindings, func(w wireBinding) bool {
		return slices.ContainsFunc(w.Members, func(m string) bool { return strings.HasPrefix(m, "principal") })
	}) {
		return policy{}, notMetBecause("To grant access to federated identities, enable uniform bucket-level access on the bucket first.")
	}
	p, f := q.take(in, was, q.state.Projects[b.Project])
	if f != nil {
		return policy{}, f
	}
	for _, public := range []string{"allUsers", "allAuthenticatedUsers"} {
		if p.hasMember(public) && q.publicPrevented(b) {
			return policy{}, notMetBecause("The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.")
		}
	}
	return p, nil
}

type permissionsAnswer struct {
	Kind        string   `json:"kind,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
}

// testBucketPermissions answers for the caller, who needs no permission for it.
// A condition on object names is evaluated for the bucket, and so does not hold.
func (q *request) testBucketPermissions() (any, error) {
	b, err := q.needBucket("")
	if err != nil {
		return nil, err
	}
	return q.testedOnStorage(func(p string) bool { return q.mayOnBucket(p, b) })
}

// testedOnStorage answers which of the permissions in the query the caller holds.
func (q *request) testedOnStorage(may func(permission string) bool) (any, error) {
	asked := q.query["permissions"]
	if len(asked) == 0 {
		return nil, required("permissions")
	}
	out := permissionsAnswer{Kind: "storage#testIamPermissionsResponse"}
	for _, p := range asked {
		if !loadCatalogue().exists(p) {
			return nil, failed(400, "Permission %s is not a valid permission for this resource.", p)
		}
		if may(p) {
			out.Permissions = append(out.Permissions, p)
		}
	}
	return out, nil
}
