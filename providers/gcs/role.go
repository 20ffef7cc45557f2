// Role: the second step: a custom role, the grantee, and the binding of the one to the other.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// role is the role step.
type role struct{ *run }

// made remembers what this run has made: others may need a while to see it.
type made struct {
	mu                            sync.Mutex
	bucket, role, grantee, folder bool // grantee: at least one of its resources
}

func (m *made) note(thing *bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*thing = true
}

func (m *made) any(things ...*bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(things, func(b *bool) bool { return *b })
}

// Diff compares the role, the grantee, and the binding and its place with what is wanted.
func (r *role) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	var custom *iam.Role
	var grantee []core.Change
	var place seen
	var members []string
	err := core.Together(ctx,
		func(ctx context.Context) (err error) {
			custom, err = r.readOnce(ctx, &r.roleMemo.diffed)
			return explain(r.roleAddr(), err)
		},
		func(ctx context.Context) (err error) {
			grantee, err = r.whom.diff(ctx, want)
			return err
		},
		func(ctx context.Context) (err error) {
			place, err = r.where.look(ctx, want)
			return err
		},
		func(ctx context.Context) (err error) {
			if want.Present {
				members, err = r.whom.members(ctx)
			}
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	if want.Present {
		fresh := slices.ContainsFunc(grantee, func(c core.Change) bool { return c.Action == core.Make })
		binding := r.wantBinding(place, r.binding(members), fresh)
		role := r.wantRole(custom)
		if role.Action == core.Refuse && binding.Action == core.Refuse {
			binding.Hint = role.Hint // what ends the other identity ends its binding
		}
		return slices.Concat([]core.Change{role}, grantee, place.changes, []core.Change{binding}), nil
	}
	return slices.Concat(r.endBinding(place), place.changes, r.endRole(custom, place.bindings), grantee), nil
}

// Do carries one change out.
func (r *role) Do(ctx context.Context, c core.Change) error {
	var err error
	switch {
	case c.Addr == r.bindingAddr():
		err = r.bind(ctx, c.Action)
	case c.Addr == r.roleAddr() && (c.Action == core.Make || c.Action == core.Alter):
		err = r.makeRole(ctx, c.Action)
	case c.Addr == r.roleAddr() && c.Action == core.Drop:
		err = r.dropRole(ctx)
	case c.Addr == r.roleAddr():
		return fmt.Errorf("role %s: no such action %q", c.Addr, c.Action)
	case r.folder != "" && c.Addr == r.folderAddr():
		err = r.where.do(ctx, c)
	default:
		err = r.whom.do(ctx, c)
	}
	return explainWrite(c.Addr, err)
}

// readRole returns the custom role, deleted or not; nil if there is none.
func (r *role) readRole(ctx context.Context) (*iam.Role, error) {
	service, err := r.cloud.iam()
	if err != nil {
		return nil, err
	}
	have, err := repeat(ctx, func() (*iam.Role, error) { return service.Projects.Roles.Get(r.roleName).Context(ctx).Do() })
	if isMissing(err) {
		return nil, nil
	}
	return have, err
}

// wantRole is the change that makes the role what the grant says.
func (r *role) wantRole(have *iam.Role) core.Change {
	c := core.Change{Step: core.RoleStep, Action: core.Keep, Addr: r.roleAddr(), Why: "gives what the grant says"}
	want := roleFor(r.grant)
	switch {
	case have == nil:
		c.Action, c.Why = core.Make, roleText(r.grant)
	case !r.ours(have.Description):
		c.Action, c.Why, c.Hint = core.Refuse, "exists and was not made for this grant", "--name OTHER"
	case r.another(have):
		return r.refuseAnother(have)
	case have.Deleted:
		c.Action, c.Why, c.After = core.Make, "was deleted less than seven days ago: undeleted and brought up to date", roleText(r.grant)
	case isShut(have.Description):
		return refuseShut(c, have.Stage == stageDisabled)
	case have.Stage == stageDisabled:
		c.Action, c.Why, c.Hint = core.Refuse, "is disabled, and whoever did it had a reason", r.enableRole()
	case folderIn(have.Description) != "" && folderIn(have.Description) != folderIn(want.Description):
		// Where that folder is, is not known here, and what is bound there would stay.
		c.Action, c.Why, c.Hint = core.Refuse, "is bound on another managed folder: the grant as it was must be destroyed first", "--name OTHER"
	case !sameRole(have, want):
		c.Action, c.Why = core.Alter, "permissions, stage or place drifted"
		c.Before, c.After = strings.Join(have.IncludedPermissions, ", "), strings.Join(want.Permissions, ", ")
	}
	return c
}

// sameRole compares what a role gives; order means nothing and a missing stage
// is ALPHA.
func sameRole(have *iam.Role, want roleDocument) bool {
	permissions := slices.Sorted(slices.Values(have.IncludedPermissions))
	return slices.Equal(slices.Compact(permissions), want.Permissions) && have.Stage == want.Stage && folderIn(have.Description) == folderIn(want.Description) &&
		whoIn(have.Description) == whoIn(want.Description)
}

// endRole drops the role unless somebody else uses it on this bucket. A
// deleted role counts as absent.
func (r *role) endRole(have *iam.Role, policy []*iampb.Binding) []core.Change {
	if have == nil || have.Deleted {
		return nil
	}
	c := core.Change{Step: core.RoleStep, Action: core.Drop, Addr: r.roleAddr(), Needs: []string{r.bindingAddr()}, Why: "can be undeleted for seven days"}
	switch {
	case !r.ours(have.Description):
		c.Action, c.Needs, c.Why = core.Keep, nil, "is not ours: kept"
	case r.another(have):
		return []core.Change{r.refuseAnother(have)}
	case r.grant.Who == core.WhoAccount && len(otherMembers(policy, r.run)) > 0 && len(ourBindings(policy, r.run)) == 0:
		return []core.Change{r.refuseMembers(otherMembers(policy, r.run))}
	case len(otherMembers(policy, r.run)) > 0:
		c.Action, c.Needs, c.Why = core.Keep, nil, "others are bound to it on the bucket, and keep their access: "+strings.Join(otherMembers(policy, r.run), ", ")
	}
	return []core.Change{c}
}

// reserved is how Google words that an ID was deleted for good and may not be
// used again yet.
var reserved = regexp.MustCompile(`\bdelet(ed|ion)\b`)

// makeRole creates the role, or undeletes and corrects the one that is there.
func (r *role) makeRole(ctx context.Context, a core.Action) error {
	service, err := r.cloud.iam()
	if err != nil {
		return err
	}
	var refusal error // of the creation
	if a == core.Make {
		var born *iam.Role
		born, refusal = repeat(ctx, func() (*iam.Role, error) {
			return service.Projects.Roles.Create("projects/"+r.project, &iam.CreateRoleRequest{RoleId: r.roleID, Role: r.roleBody("")}).Context(ctx).Do()
		})
		if refusal == nil {
			r.roleMemo.wrote.Store(born)
			r.made.note(&r.made.role)
			return nil
		}
		if !hasCode(refusal, http.StatusConflict, http.StatusBadRequest) {
			return refusal
		}
	}
	err = until(ctx, isConflict, func() error {
		have, err := r.readRole(ctx)
		switch {
		case err != nil:
			return err
		case have == nil && refusal != nil && reserved.MatchString(refusal.Error()):
			return &core.Error{What: r.roleAddr(), Hint: "--name OTHER",
				Err: errors.New("its ID was deleted more than seven days ago and stays reserved for up to 37 days")}
		case have == nil && refusal != nil:
			return refusal
		case have == nil:
			return moved(r.roleAddr(), isGone)
		case !r.ours(have.Description) && a == core.Alter:
			return moved(r.roleAddr(), notOursNow)
		case !r.ours(have.Description):
			return &core.Error{Kind: core.ErrNotOurs, What: r.roleAddr(), Hint: "--name OTHER"}
		case r.another(have):
			return moved(r.roleAddr(), anotherNow)
		case isShut(have.Description) && !have.Deleted:
			return moved(r.roleAddr(), shutNow)
		}
		if err := r.contested(have); err != nil && !have.Deleted {
			return err
		}
		if have.Deleted {
			if have, err = service.Projects.Roles.Undelete(r.roleName, &iam.UndeleteRoleRequest{Etag: have.Etag}).Context(ctx).Do(); err != nil {
				return err
			}
			r.made.note(&r.made.role)
		}
		if sameRole(have, roleFor(r.grant)) && r.bearsOwn(have) {
			r.roleMemo.wrote.Store(have)
			return nil
		}
		have, err = service.Projects.Roles.Patch(r.roleName, r.roleBody(have.Etag)).UpdateMask("title,description,includedPermissions,stage").Context(ctx).Do()
		if err == nil {
			r.roleMemo.wrote.Store(have)
		}
		return err
	})
	if refusal != nil && errors.Is(err, refusal) && isConflict(err) {
		return notSeen(r.roleAddr(), refusal)
	}
	return err
}

// roleBody is the role's document as the client library's type.
func (r *role) roleBody(etag string) *iam.Role {
	d := roleFor(r.grant)
	return &iam.Role{Title: d.Title, Description: r.claimed(d.Description), IncludedPermissions: d.Permissions, Stage: d.Stage, Etag: etag}
}

// dropRole deletes the role as it was a moment ago; one that changes meanwhile
// is looked at again.
func (r *role) dropRole(ctx context.Context) error {
	service, err := r.cloud.iam()
	if err != nil {
		return err
	}
	return until(ctx, isConflict, func() error {
		have, err := r.readRole(ctx)
		switch {
		case err != nil:
			return err
		case have == nil || have.Deleted:
			return nil
		case !r.ours(have.Description):
			return moved(r.roleAddr(), notOursNow)
		case r.another(have):
			return moved(r.roleAddr(), anotherNow)
		}
		_, err = repeat(ctx, func() (*iam.Role, error) {
			return service.Projects.Roles.Delete(r.roleName).Etag(have.Etag).Context(ctx).Do()
		})
		if err == nil || isMissing(err) {
			r.roleMemo.wrote.Store(nil)
			return nil
		}
		if have, lost := r.readRole(ctx); lost == nil && (have == nil || have.Deleted) {
			return nil // an earlier attempt did it
		}
		return err
	})
}
