// Reading: what the policies in force give to a guest, whom Policy Troubleshooter does not know.
package gcs

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// What reading policies may come to, beside [canAccess] and [cannotAccess].
const (
	unknownCondition = "UNKNOWN_CONDITIONAL"
	unknownRole      = "UNKNOWN_INFO"
)

// rule is a binding as far as it matters to one guest.
type rule struct {
	role      string
	condition string // "" is none
	members   []string
}

// read says whether the policies of the project, the bucket and the managed
// folders around the key give a guest the permission. Every identity of the pool
// counts as the guest, so that what is too wide is never overlooked. Policies
// above the project, and those that deny, are not read.
func (g *guest) read(ctx context.Context, p core.Probe, permission string) (string, error) {
	var project, bucket []rule
	info, _ := core.DescribeAbility(p.Ability)
	reads := []func(context.Context) error{func(ctx context.Context) (err error) { project, err = g.projectRules(ctx); return err }}
	if info.Reach != core.OwnerReach {
		reads = append(reads, func(ctx context.Context) (err error) {
			bucket, err = g.cloud.rulesAt(ctx, bucketPath(p.Bucket))
			return err
		})
	}
	var around []string
	if info.Reach == core.ObjectReach {
		around = foldersAround(p.Key)
	}
	folders := make([][]rule, len(around))
	for i, name := range around {
		reads = append(reads, func(ctx context.Context) (err error) {
			folders[i], err = g.cloud.rulesAt(ctx, managedFolderPath(p.Bucket, name))
			return err
		})
	}
	if err := core.Together(ctx, reads...); err != nil {
		return "", err
	}
	said := cannotAccess
	for _, r := range slices.Concat(project, bucket, slices.Concat(folders...)) {
		if !slices.ContainsFunc(r.members, g.means) {
			continue
		}
		holds := g.holds(r.condition, p, info)
		if holds == cannotAccess {
			continue
		}
		gives, err := g.gives(ctx, r.role, permission)
		switch {
		case err != nil:
			return "", err
		case gives == canAccess && holds == canAccess:
			return canAccess, nil
		case gives != cannotAccess:
			said = unknownCondition
		}
		if gives == unknownRole {
			said = unknownRole
		}
	}
	return said, nil
}

// means reports whether a member may be the guest: the pool's identities,
// everybody, and whole projects and organisations.
// https://cloud.google.com/iam/docs/principal-identifiers
func (g *guest) means(member string) bool {
	return g.federation.comesIn(member) && !strings.HasPrefix(member, "deleted:") || member == "allUsers" ||
		strings.HasPrefix(member, "principalSet://cloudresourcemanager."+universe+"/")
}

// holds evaluates the one condition that is ours.
func (g *guest) holds(expression string, p core.Probe, info core.AbilityInfo) string {
	switch {
	case expression == "":
		return canAccess
	case expression != condition(g.grant), p.Bucket != "" && p.Bucket != g.bucket:
		return unknownCondition
	}
	inside := g.prefix == "" || inFolder(g.grant)
	if info.Reach == core.ObjectReach && p.Ability != core.List { // listing is decided on the bucket
		inside = inside || strings.HasPrefix(p.Key, g.prefix)
	} else {
		inside = inside || p.Ability == core.Locate
	}
	if end := g.grant.Limits.Expires; !inside || !end.IsZero() && !time.Now().Before(end) {
		return cannotAccess
	}
	return canAccess
}

// gives says whether a role has a permission; a role that cannot be read is unknown.
func (g *guest) gives(ctx context.Context, role, permission string) (string, error) {
	var have struct {
		IncludedPermissions []string
		Deleted             bool
	}
	got, err := repeat(ctx, func() (answer, error) {
		return g.cloud.sendTo(ctx, http.MethodGet, "https://iam."+g.cloud.at.universe+"/v1/"+role, nil)
	})
	switch {
	case isMissing(err), refused(err):
		return unknownRole, nil
	case err != nil:
		return "", err
	}
	if err := json.Unmarshal(got.body, &have); err != nil {
		return "", err
	}
	if !have.Deleted && slices.Contains(have.IncludedPermissions, permission) {
		return canAccess, nil
	}
	return cannotAccess, nil
}

// foldersAround are the names that a managed folder may have whose policy holds
// for a key, or for listing what begins with it. Whether there is one under a
// name shows when its policy is asked for.
// https://cloud.google.com/storage/docs/managed-folders
func foldersAround(key string) []string {
	var names []string
	for i, c := range key {
		if c == '/' && len(names) < deepest {
			names = append(names, key[:i+1])
		}
	}
	return names
}

// rulesAt reads the policy of a bucket or of a managed folder; no rules if there
// is none of them. A policy that may not be read is an error: nobody knows then.
func (c *cloud) rulesAt(ctx context.Context, path string) ([]rule, error) {
	got, err := repeat(ctx, func() (answer, error) {
		return c.send(ctx, request{method: http.MethodGet, path: path + "/iam", query: url.Values{"optionsRequestedPolicyVersion": {"3"}}})
	})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return rulesOf(got.body)
}

func rulesOf(policy []byte) ([]rule, error) {
	var p struct{ Bindings []bindingDocument }
	if err := json.Unmarshal(policy, &p); err != nil {
		return nil, err
	}
	var list []rule
	for _, b := range p.Bindings {
		r := rule{role: b.Role, members: b.Members}
		if b.Condition != nil {
			r.condition = b.Condition.Expression
		}
		list = append(list, r)
	}
	return list, nil
}

// projectRules reads the project's own policy.
func (r *run) projectRules(ctx context.Context) ([]rule, error) {
	ask := struct {
		Options struct {
			Version int `json:"requestedPolicyVersion"`
		} `json:"options"`
	}{}
	ask.Options.Version = 3
	got, err := repeat(ctx, func() (answer, error) {
		return r.cloud.sendTo(ctx, http.MethodPost, "https://cloudresourcemanager."+r.cloud.at.universe+"/v1/projects/"+url.PathEscape(r.project)+":getIamPolicy", body(ask))
	})
	if err != nil {
		return nil, err
	}
	return rulesOf(got.body)
}
