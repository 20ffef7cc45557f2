// Role gate: a role of ours that is disabled gives nothing, wherever it is bound.
package gcs

import (
	"context"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// stageDisabled is the launch stage in which a role's bindings stay and give nothing.
// https://cloud.google.com/iam/docs/creating-custom-roles#disabling_a_custom_role
const stageDisabled = "DISABLED"

// roleDoor is the role of a grant.
type roleDoor struct{ *run }

func (d roleDoor) addr() string { return d.roleAddr() }

func (d roleDoor) leaf(have *iam.Role) leaf {
	return leaf{addr: d.addr(), ours: d.ours(have.Description), shut: have.Stage == stageDisabled, marked: isShut(have.Description), enable: d.enableRole(),
		how: "is disabled: its bindings stay and give nothing, within minutes", back: "is enabled again: its bindings give what they gave"}
}

func (r *run) enableRole() string {
	return "gcloud iam roles update " + r.roleID + " --project " + r.project + " --stage " + stageGA
}

func (d roleDoor) look(ctx context.Context, open bool) ([]core.Change, error) {
	have, err := (&role{d.run}).readRole(ctx)
	if err != nil || have == nil || have.Deleted {
		return nil, err
	}
	if d.another(have) && d.ours(have.Description) {
		c := d.refuseAnother(have)
		c.Step, c.Hint = core.GateStep, "revoke and restore with --who "+printable(whoIn(have.Description))
		return []core.Change{c}, nil
	}
	return []core.Change{d.leaf(have).change(open)}, nil
}

// turn writes stage and mark at once, on the role as it was a moment ago; one
// that changes meanwhile is looked at again.
func (d roleDoor) turn(ctx context.Context, open bool) error {
	service, err := d.cloud.iam()
	if err != nil {
		return err
	}
	stage := stageDisabled
	if open {
		stage = stageGA
	}
	return until(ctx, isConflict, func() error {
		have, err := (&role{d.run}).readRole(ctx)
		switch {
		case err != nil:
			return err
		case have == nil || have.Deleted:
			return moved(d.addr(), isGone)
		case d.another(have):
			return moved(d.addr(), anotherNow)
		}
		if done, err := d.leaf(have).mayTurn(open); done || err != nil {
			return err
		}
		_, err = service.Projects.Roles.Patch(d.roleName, &iam.Role{Stage: stage, Description: marked(have.Description, open), Etag: have.Etag}).
			UpdateMask("stage,description").Context(ctx).Do()
		return err
	})
}
