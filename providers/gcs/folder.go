// Managed folder: a prefix of the bucket with a policy of its own, which listing obeys as well.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/genproto/googleapis/type/expr"

	"github.com/bucketgrant/bucketgrant/core"
)

// folderPolicy is the policy of the managed folder that bears the grant's prefix.
//
// A managed folder has neither labels nor a description, so it cannot be marked
// as ours. It holds nothing but its policy: it is shared with whoever has a
// binding in it, and goes with the last of them if no object is below it.
type folderPolicy struct{ *run }

// deepest is how many levels of managed folders there can be.
// https://cloud.google.com/storage/docs/managed-folders#name
const deepest = 15

// folderFaults names what keeps g's prefix from being a managed folder.
func folderFaults(g core.Grant) core.Faults {
	if !inFolder(g) {
		return nil
	}
	var f core.Faults
	if strings.Count(g.Target.Prefix, "/") > deepest {
		f = append(f, core.Fault{Field: "prefix", Value: g.Target.Prefix, Rule: "is deeper than a managed folder can be, and only those limit listing", Accepts: "at most 15 levels, or a profile without list"})
	}
	if strings.HasPrefix(g.Target.Prefix, ".well-known/acme-challenge/") {
		f = append(f, core.Fault{Field: "prefix", Value: g.Target.Prefix, Rule: "is reserved and cannot be a managed folder", Accepts: "another prefix"})
	}
	if g.Allows(core.Locate) {
		f = append(f, core.Fault{Field: "can", Value: string(core.Locate), Rule: "cannot be granted together with list below a prefix: the one belongs to the bucket, the other to a managed folder of it",
			Accepts: "no locate, which nobody needs on Cloud Storage: for clients of S3 the region is always auto; or no prefix"})
	}
	return f
}

func (r *run) folderPath() string { return managedFolderPath(r.bucket, r.folder) }

func managedFolderPath(bucket, name string) string {
	return bucketPath(bucket) + "/managedFolders/" + url.PathEscape(name)
}

// look reads the folder's policy, and the bucket's, in which the grant may be
// bound since it had another shape.
func (f folderPolicy) look(ctx context.Context, want core.Want) (seen, error) {
	var s seen
	there, empty := false, false
	err := core.Together(ctx,
		func(ctx context.Context) error {
			p, err := f.policy(ctx)
			if err != nil {
				return f.unlessStrange(ctx, f.folderAddr(), err)
			}
			there, s.bindings = true, p.bindings
			return nil
		},
		func(ctx context.Context) error {
			bucket, err := bucketPolicy(f).look(ctx, want)
			s.stale = len(ourBindings(bucket.bindings, f.run)) > 0
			return err
		},
		func(ctx context.Context) (err error) {
			if !want.Present {
				empty, err = f.empty(ctx)
			}
			return f.unlessStrange(ctx, f.folderAddr(), err)
		},
	)
	if err != nil {
		return seen{}, err
	}
	f.stale.Store(s.stale)
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: f.folderAddr(), Why: "there"}
	switch {
	case !there && want.Present:
		c.Action, c.Why, c.Needs = core.Make, "gives the prefix a policy of its own, which listing obeys as well", []string{f.bucketAddr()}
	case !there:
		return s, nil
	case want.Present:
	case f.grant.Target.Adopt:
		c.Why = "in a bucket of somebody else: kept, without our binding"
	case len(foreign(s.bindings, f.run)) > 0:
		c.Why = "others are bound in it: kept"
	case !empty:
		c.Why = "holds objects: kept, without our binding"
	default:
		c.Action, c.Why, c.Needs = core.Drop, "empty, and nobody else is bound in it", []string{f.bindingAddr()}
	}
	s.changes = []core.Change{c}
	return s, nil
}

// empty reports whether no object is below the folder.
func (f folderPolicy) empty(ctx context.Context) (bool, error) {
	handle, err := f.handle()
	if err != nil {
		return false, err
	}
	it := handle.Objects(ctx, &storage.Query{Prefix: f.folder, Projection: storage.ProjectionNoACL})
	it.PageInfo().MaxSize = 1
	if _, err = it.Next(); errors.Is(err, iterator.Done) {
		return true, nil
	}
	return false, err
}

func (f folderPolicy) do(ctx context.Context, c core.Change) error {
	switch c.Action {
	case core.Make:
		return f.make(ctx)
	case core.Drop:
		return f.drop(ctx)
	}
	return fmt.Errorf("managed folder %s: no such action %q", c.Addr, c.Action)
}

// make creates the folder. That somebody was faster is as good: it is theirs too.
func (f folderPolicy) make(ctx context.Context) error {
	if err := bucketPolicy(f).ready(ctx); err != nil {
		return err
	}
	_, err := repeat(ctx, func() (answer, error) {
		return f.cloud.send(ctx, request{method: http.MethodPost, path: bucketPath(f.bucket) + "/managedFolders", body: body(struct {
			Name string `json:"name"`
		}{f.folder})})
	})
	if err == nil {
		f.made.note(&f.made.folder)
	}
	if hasCode(err, http.StatusConflict) {
		return nil
	}
	return err
}

// drop deletes the folder, unless it has come to hold something meanwhile.
func (f folderPolicy) drop(ctx context.Context) error {
	p, err := f.policy(ctx)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(foreign(p.bindings, f.run)) > 0 {
		return moved(f.folderAddr(), "others have been bound in it")
	}
	_, err = repeat(ctx, func() (answer, error) {
		return f.cloud.send(ctx, request{method: http.MethodDelete, path: f.folderPath()})
	})
	switch {
	case isMissing(err):
		return nil
	case hasCode(err, http.StatusConflict):
		return moved(f.folderAddr(), "holds something now")
	}
	return err
}

// folderPolicyBody is the policy on the wire. Its fields are all that the API knows.
// https://cloud.google.com/storage/docs/json_api/v1/managedFolder/setIamPolicy
type folderPolicyBody struct {
	Version  int              `json:"version"`
	Etag     string           `json:"etag"`
	Bindings []*folderBinding `json:"bindings"`
}

type folderBinding struct {
	Role      string     `json:"role"`
	Members   []string   `json:"members"`
	Condition *expr.Expr `json:"condition,omitempty"`
}

const policyVersion = 3

func (f folderPolicy) policy(ctx context.Context) (*policy, error) {
	got, err := repeat(ctx, func() (answer, error) {
		return f.cloud.send(ctx, request{method: http.MethodGet, path: f.folderPath() + "/iam", query: url.Values{"optionsRequestedPolicyVersion": {"3"}}})
	})
	if err != nil {
		return nil, err
	}
	var p folderPolicyBody
	if err := json.Unmarshal(got.body, &p); err != nil {
		return nil, err
	}
	out := &policy{etag: p.Etag}
	for _, b := range p.Bindings {
		out.bindings = append(out.bindings, &iampb.Binding{Role: b.Role, Members: b.Members, Condition: b.Condition})
	}
	return out, nil
}

func (f folderPolicy) write(ctx context.Context, p *policy) error {
	out := folderPolicyBody{Version: policyVersion, Etag: p.etag, Bindings: []*folderBinding{}}
	for _, b := range p.bindings {
		out.Bindings = append(out.Bindings, &folderBinding{b.Role, b.Members, b.Condition})
	}
	_, err := repeat(ctx, func() (answer, error) {
		return f.cloud.send(ctx, request{method: http.MethodPut, path: f.folderPath() + "/iam", body: body(out)})
	})
	return err
}

// ready looks at the bucket: a folder is only as much ours as that is.
func (f folderPolicy) ready(ctx context.Context) error { return bucketPolicy(f).ready(ctx) }

func (f folderPolicy) fresh() bool { return f.made.any(&f.made.folder) }

// folderOperator are the permissions that a managed folder takes.
func folderOperator(d design) []core.Permission {
	if d.folder == "" {
		return nil
	}
	folder := "projects/_/buckets/" + d.bucket + "/managedFolders/" + d.folder
	p := func(action string, verbs ...string) core.Permission {
		return core.Permission{Action: action, Resource: folder, Step: core.RoleStep, Verbs: verbs}
	}
	list := []core.Permission{
		p("storage.managedFolders.create", core.ForApply),
		p("storage.managedFolders.getIamPolicy", core.ForPlan, core.ForApply, core.ForDestroy),
		p("storage.managedFolders.setIamPolicy", core.ForApply, core.ForDestroy),
	}
	if !d.grant.Target.Adopt {
		list = append(list, p("storage.managedFolders.delete", core.ForDestroy))
	}
	return slices.Clip(list)
}
