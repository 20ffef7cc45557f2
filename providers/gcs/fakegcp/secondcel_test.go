// The second judge: Google's own evaluator of conditions, and what a role's binding gives, worked out anew.
package fakegcp_test

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// celBinding are the attributes that a binding's condition may name.
// https://cloud.google.com/iam/docs/conditions-attribute-reference
var celBinding = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("resource.name", cel.StringType), cel.Variable("resource.type", cel.StringType), cel.Variable("resource.service", cel.StringType),
		cel.Variable("request.time", cel.TimestampType),
	)
})

// celClaims are what a provider's expression may name.
// https://cloud.google.com/iam/docs/workload-identity-federation#mapping
var celClaims = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(cel.Variable("assertion", cel.MapType(cel.StringType, cel.DynType)))
})

// programs are expressions that were compiled before.
var programs sync.Map

// celEval evaluates an expression as cel-go does; false if it has no value.
func celEval(env func() (*cel.Env, error), expression string, facts map[string]any) (any, bool) {
	made, _ := programs.LoadOrStore(expression, sync.OnceValues(func() (cel.Program, error) {
		e, err := env()
		if err != nil {
			panic(err)
		}
		ast, issues := e.Compile(expression)
		if issues.Err() != nil {
			return nil, issues.Err()
		}
		return e.Program(ast, cel.CostLimit(1_000_000))
	}))
	program, err := made.(func() (cel.Program, error))()
	if err != nil {
		return nil, false
	}
	out, _, err := program.Eval(facts)
	if err != nil || types.IsError(out) {
		return nil, false
	}
	return out.Value(), true
}

// readable reports whether cel-go can read an expression, which says yes or no.
func readable(env func() (*cel.Env, error), expression string) bool {
	e, err := env()
	if err != nil {
		panic(err)
	}
	ast, issues := e.Compile(expression)
	return issues.Err() == nil && (ast.OutputType() == cel.BoolType || ast.OutputType() == cel.DynType)
}

// request is one permission that somebody asks for on a resource of a bucket.
type request struct {
	who, permission string
	bucket, name    string // of the object or listing; name is "" for the bucket itself
	kind            string // "objects", "managedFolders" for a listing below a prefix, or ""
	when            time.Time
}

// second says what a binding in the bucket's or a folder's policy gives: allow
// policies only add, so one binding gives what its role holds where its condition is true.
func (r request) second(b bound) bool {
	if r.who != b.Member || !slices.Contains(b.Permissions, r.permission) {
		return false
	}
	if b.Folder != "" && (r.kind == "" || !strings.HasPrefix(r.name, b.Folder)) {
		return false
	}
	if b.Condition == "" {
		return true
	}
	name, kind := "projects/_/buckets/"+r.bucket, "storage.googleapis.com/Bucket"
	if r.kind != "" {
		name, kind = name+"/"+r.kind+"/"+r.name, "storage.googleapis.com/Object"
	}
	out, ok := celEval(celBinding, b.Condition, map[string]any{
		"resource.name": name, "resource.type": kind, "resource.service": "storage.googleapis.com", "request.time": r.when,
	})
	return ok && out == true
}
