// What tests from outside ask the engines directly, in plain values.
package fakegcp

import (
	"strings"
	"time"
)

// Bound is one binding and the role that it gives.
type Bound struct {
	Member, Condition string
	Permissions       []string
	Folder            string // the managed folder whose policy it is in; "": the bucket's
}

// Allows asks the policy engine whether somebody holds a permission on a resource
// of a bucket, by what is bound alone. Name is "" for the bucket itself.
func (b Bound) Allows(asking, permission, bucket, kind, name string, at time.Time) bool {
	const role = "projects/acme-project/roles/asked"
	r := resource{Name: "projects/_/buckets/" + bucket, Type: "storage.googleapis.com/Bucket", Service: storageService}
	if kind != "" {
		r = resource{Name: r.Name + "/" + kind + "/" + name, Type: "storage.googleapis.com/Object", Service: storageService}
	}
	one := binding{Role: role, Members: []member{vectorMember(b.Member)}}
	if b.Condition != "" {
		one.Condition = &expr{Title: "t", Expression: b.Condition}
	}
	if b.Folder != "" && !strings.HasPrefix(name, b.Folder) {
		return false // a folder's policy is not asked about what is not below it
	}
	m := vectorMember(asking)
	who := principal{UID: m.UID, Email: strings.TrimPrefix(m.Text, "serviceAccount:")}
	if pool, ok := memberPool(m.Text); ok {
		_, subject, _ := strings.Cut(m.Text, "/subject/")
		who = principal{Pool: &federated{Pool: pool, Subject: subject}}
		if _, pair, ok := strings.Cut(m.Text, "/attribute."); ok { // somebody of that set
			key, value, _ := strings.Cut(pair, "/")
			who.Pool.Attributes = map[string]string{key: value}
		}
	}
	return decide(question{Who: who, Permission: permission, Resource: r, Time: at}, []source{{Policy: policy{Bindings: []binding{one}}}}, directory{
		Role: func(name string) ([]string, bool) { return b.Permissions, name == role },
		Team: func(principal, string, string) bool { return false },
	}).Allowed
}

// Condition asks the evaluator about a binding's condition.
func Condition(text, name, kind string, at time.Time) (bool, error) {
	return evaluate(text, question{Resource: resource{Name: name, Type: kind, Service: storageService}, Time: at})
}

// Claims asks the evaluator about a provider's expression.
func Claims(text string, assertion map[string]any) (any, error) {
	return evaluateClaims(text, map[string]any{"assertion": assertion})
}

// Acceptable says why a condition cannot be written, or nil.
func Acceptable(text string) error { return checkExpression(text) }

// Permissions are all that there are.
func Permissions() []string { return loadCatalogue().Permissions }
