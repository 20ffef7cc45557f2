// Gate: what shuts a grantee out at once and lets it in again, and the mark that tells who has shut it.
package gcs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// gate is all the doors of one grant. A service account of ours is disabled,
// which ends its access tokens as well. Who comes in without one loses our role,
// which gives nothing while its launch stage is DISABLED; that is one write of a
// thing that is ours alone, where taking the binding back would rewrite the
// bucket's policy. A pool of ours is disabled as well.
type gate []door

// door is one thing that is shut.
type door interface {
	addr() string

	// look compares the door with what is wanted, like [core.Step].
	look(ctx context.Context, open bool) ([]core.Change, error)

	// turn opens or shuts it, after a look whose it is and who has shut it.
	turn(ctx context.Context, open bool) error
}

// What a change of a gate leads to.
const (
	doorOpen = "open"
	doorShut = "shut"
)

// Diff looks at the doors, and at nothing else.
func (g gate) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	found := make([][]core.Change, len(g))
	var looks []func(context.Context) error
	for i, d := range g {
		looks = append(looks, func(ctx context.Context) (err error) {
			found[i], err = d.look(ctx, want.Present)
			return explain(d.addr(), err)
		})
	}
	err := core.Together(ctx, looks...)
	return slices.Concat(found...), err
}

// Do opens or shuts one door.
func (g gate) Do(ctx context.Context, c core.Change) error {
	i := slices.IndexFunc(g, func(d door) bool { return d.addr() == c.Addr })
	if i < 0 || c.Action != core.Alter {
		return fmt.Errorf("gate %s: no such action %q", c.Addr, c.Action)
	}
	return explainWrite(c.Addr, g[i].turn(ctx, c.After == doorOpen))
}

// shutMark ends the description of what a revocation has shut. It is written
// with the shutting, so that what somebody else has switched off, for reasons of
// their own, is never opened by a restoration.
const shutMark = "; shut"

func isShut(description string) bool { return strings.HasSuffix(description, shutMark) }

// marked is a description with the mark, or without it.
func marked(description string, open bool) string {
	description = strings.TrimSuffix(description, shutMark)
	if open {
		return description
	}
	return description + shutMark
}

// refuseShut is what a plan says of a grant that was revoked, and louder of one
// that is marked so and open all the same: a run ended in between, or somebody else has opened it.
func refuseShut(c core.Change, shut bool) core.Change {
	c.Action, c.Shut, c.Needs, c.Why, c.Hint = core.Refuse, true, nil, "was shut: the access was revoked", "restore, which lets the grantee in again; or destroy"
	if !shut {
		c.Why, c.Hint = "is marked as revoked and is OPEN: either a revocation ended too early, or somebody has opened it by hand", "revoke, which shuts it; or restore"
	}
	return c
}

// leaf is what one door looks like.
type leaf struct {
	addr   string
	ours   bool
	shut   bool   // nobody comes in by it
	marked bool   // by a revocation
	enable string // the command that opens it whoever has shut it
	how    string // what shutting it does
	back   string // what opening it does
}

// change is what is to be done about it.
func (l leaf) change(open bool) core.Change {
	c := core.Change{Step: core.GateStep, Action: core.Keep, Addr: l.addr, Why: "open"}
	switch {
	case !l.ours:
		c.Action, c.Why, c.Hint = core.Refuse, "exists and was not made for this grant", "--name OTHER"
	case open && l.shut && !l.marked:
		c.Action, c.Why, c.Hint = core.Refuse, "was not shut by a revocation: it is disabled, and whoever did it had a reason", l.enable
	case open && l.marked:
		c.Action, c.Why, c.Before, c.After = core.Alter, l.back, doorShut, doorOpen
	case open:
	case l.shut && !l.marked:
		c.Why = "is disabled already, by somebody else: a restoration will not enable it"
	case l.shut:
		c.Why = "shut already"
	default:
		c.Action, c.Why, c.Before, c.After = core.Alter, l.how, doorOpen, doorShut
	}
	return c
}

// mayTurn is why the door must not be turned, or has not to be: done.
func (l leaf) mayTurn(open bool) (done bool, err error) {
	switch {
	case !l.ours:
		return false, moved(l.addr, notOursNow)
	case open && l.shut && !l.marked:
		return false, moved(l.addr, "was disabled by somebody else")
	case open:
		return !l.shut && !l.marked, nil
	}
	return l.shut, nil
}

// actsAsOwn reports whether the grantee is, or acts as, a service account of ours.
func actsAsOwn(g core.Grant) bool {
	switch g.Who {
	case core.WhoKey, core.WhoHMAC, core.WhoCertificate:
		return true
	}
	return whoText(g) == string(WhoAWSRole)+"/"+impersonate
}

// alsoForRevoke says of a grant's permissions which of them its gate takes, if
// that is not a service account.
func alsoForRevoke(list []core.Permission) []core.Permission {
	for i, p := range list {
		switch p.Action {
		case "iam.roles.get", "iam.roles.update", "iam.workloadIdentityPools.get", "iam.workloadIdentityPools.update", "iam.workloadIdentityPoolProviders.list":
			list[i].Verbs = append(slices.Clip(p.Verbs), core.ForRevoke)
		}
	}
	return list
}
