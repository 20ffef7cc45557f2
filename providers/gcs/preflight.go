// Preflight: what would stop a plan, looked for before the first write.
package gcs

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// preflight looks as the operator. What it may not read is unclear, and says so.
type preflight struct{ *run }

// The kinds of checks.
const (
	permissionCheck   = "permission"
	quotaCheck        = "quota"
	organisationCheck = "organisation"
	nameCheck         = "name"
	deletedCheck      = "deleted"
	apiCheck          = "api"
)

// Check looks at everything side by side. Its order is always the same.
func (p *preflight) Check(ctx context.Context, needs []core.Permission) ([]core.Check, error) {
	looks := []func(context.Context) ([]core.Check, error){
		func(ctx context.Context) ([]core.Check, error) { return p.permissions(ctx, needs) },
		p.services, p.constraints, p.deletedNames, p.quotas, p.bucketName,
	}
	found := make([][]core.Check, len(looks))
	all := make([]func(context.Context) error, len(looks))
	for i, look := range looks {
		all[i] = func(ctx context.Context) (err error) { found[i], err = look(ctx); return err }
	}
	if err := core.Together(ctx, all...); err != nil {
		return nil, explain("projects/"+p.project, err)
	}
	return slices.Concat(found...), nil
}

// mostTested is how many permissions one call may ask for.
// https://cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions
const mostTested = 100

// holding is which permissions the operator holds in one place.
type holding struct {
	held    []string
	absent  bool  // there is no such place
	unknown error // why it cannot be told
}

type tested struct {
	Permissions []string `json:"permissions"`
}

// permissions asks what the operator holds on the project, and on the bucket if
// there is one. To ask takes no permission. What a deny policy or a perimeter
// takes away again does not show.
func (p *preflight) permissions(ctx context.Context, needs []core.Permission) ([]core.Check, error) {
	var wanted, onBucket []string
	for _, n := range needs {
		wanted = append(wanted, spelledForRole(n.Action))
		if strings.HasPrefix(n.Resource, "projects/_/buckets/") {
			onBucket = append(onBucket, n.Action)
		}
	}
	var project, bucket holding
	err := core.Together(ctx,
		func(ctx context.Context) error { project = p.onProject(ctx, ordered(wanted)); return nil },
		func(ctx context.Context) error { bucket = p.onBucket(ctx, ordered(onBucket)); return nil },
	)
	if err != nil {
		return nil, err
	}
	for _, lost := range []error{project.unknown, bucket.unknown} {
		if lost != nil && hopeless(ctx, lost) {
			return nil, lost
		}
	}
	var checks []core.Check
	for _, n := range needs {
		checks = append(checks, p.permission(n, project, bucket))
	}
	return checks, nil
}

func (p *preflight) permission(n core.Permission, project, bucket holding) core.Check {
	c := core.Check{Kind: permissionCheck, What: n.Action + " on " + n.Resource, Outcome: core.Denied}
	below := strings.HasPrefix(n.Resource, "projects/_/buckets/")
	id := operatorRoleID(p.design, "")
	if below {
		id = operatorRoleID(p.design, "Bucket")
	}
	c.Fix = "gcloud iam roles update " + id + " --project " + p.project + " --add-permissions " + spelledForRole(n.Action)
	switch {
	case slices.Contains(project.held, spelledForRole(n.Action)), below && slices.Contains(bucket.held, n.Action):
		c.Outcome, c.Fix = core.Allowed, ""
	case below && !bucket.absent && bucket.unknown == nil:
		c.Why = "is held neither on the bucket nor on the project"
	case project.unknown != nil:
		c.Outcome = core.Unclear
		c.Why, c.Fix = unread("projects/"+p.project, project.unknown)
	case below && bucket.absent:
		c.Why = "is not held on the project; what a condition on the bucket's name gives does not show before the bucket is there"
	case below:
		c.Outcome = core.Unclear
		c.Why, c.Fix = unread(p.bucketAddr(), bucket.unknown)
		c.Why = "is not held on the project, and the bucket does not tell: " + c.Why
	default:
		c.Why = "is not held on the project"
	}
	return c
}

// onProject asks for a hundred permissions at a time.
func (p *preflight) onProject(ctx context.Context, permissions []string) (h holding) {
	for some := range slices.Chunk(permissions, mostTested) {
		got, err := ask[tested](ctx, p.cloud, "POST", "cloudresourcemanager", "/v1/projects/"+p.project+":testIamPermissions", tested{some})
		if err != nil {
			h.unknown = err
			return h
		}
		h.held = append(h.held, got.Permissions...)
	}
	return h
}

// onBucket asks the bucket, whose answer holds for what is inherited as well.
func (p *preflight) onBucket(ctx context.Context, permissions []string) (h holding) {
	for some := range slices.Chunk(permissions, mostTested) {
		got, err := fetch[tested](ctx, p.cloud, "storage", bucketPath(p.bucket)+"/iam/testPermissions?"+url.Values{"permissions": some}.Encode())
		switch {
		case isMissing(err):
			h.absent = true
			return h
		case err != nil:
			h.unknown = err
			return h
		}
		h.held = append(h.held, got.Permissions...)
	}
	return h
}
