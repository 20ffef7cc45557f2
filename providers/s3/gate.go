// Gate: shutting a grantee out at once, sessions that it has been given included, and letting it in again.
package s3

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// gate is a step on all doors of a grant. It looks at nothing else, so that
// nothing else can keep it from shutting them.
type gate struct {
	*session
	doors []door
	sides []door // of the grant with other identities; they count if they are ours
}

func newGate(s *session) *gate { return &gate{s, s.doors(), s.sideDoors()} }

func gateChange(a core.Action, d door, why string) core.Change {
	return core.Change{Step: core.GateStep, Action: a, Addr: shutAddr(d.addr()), Why: why}
}

// Diff looks at all doors side by side. A door that is not there is shut enough.
func (g *gate) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	all := slices.Concat(g.doors, g.sides)
	found := make([][]core.Change, len(all))
	var reads []func(context.Context) error
	for i, d := range all {
		reads = append(reads, func(ctx context.Context) (err error) { found[i], err = g.diff(ctx, d, want, i >= len(g.doors)); return })
	}
	err := gather(ctx, reads...)
	byAddr := map[string]core.Change{} // names are unique, whatever their path: one of two doors with a name is there at most
	for _, c := range slices.Concat(found...) {
		byAddr[c.Addr] = c
	}
	list := slices.SortedFunc(maps.Values(byAddr), func(a, b core.Change) int { return strings.Compare(a.Addr, b.Addr) })
	return list, err
}

func (g *gate) diff(ctx context.Context, d door, want core.Want, side bool) ([]core.Change, error) {
	v, err := d.look(ctx, false)
	switch {
	case err != nil, !v.there, side && !v.ours:
		return nil, err
	case v.shared != "" && want.Present:
		return nil, nil // was never shut
	case v.shared != "":
		c := gateChange(core.Refuse, d, v.shared)
		c.Hint = "destroy, which takes out of it what this grant has put in"
		return []core.Change{c}, nil
	case !v.ours:
		return []core.Change{gateChange(core.Keep, d, "not ours: left alone")}, nil
	}
	s, err := d.note(ctx)
	if err == nil && want.Present && s.opensIn() > 0 {
		s, err = g.awaitOpen(ctx, d)
	}
	if err != nil {
		return nil, err
	}
	c := gateChange(core.Keep, d, "open")
	switch {
	case !want.Present && s.closed:
		c.Why = "shut already"
	case !want.Present && s.text == "":
		c.Action, c.Why = core.Make, "shuts out whoever gets in here, sessions that live already included"
	case !want.Present:
		c.Action, c.Why = core.Alter, "shuts out whoever gets in here, sessions that live already included"
	case s.closed, s.strange():
		c.Action, c.Why = core.Drop, "lets in again; sessions from before stay refused"
	case s.text != "":
		c.Why = s.words()
	}
	return []core.Change{c}, nil
}

// Do shuts a door or opens it, after a look at whose it is by now, and waits
// until IAM shows it: whoever asks next must not take it for what it was.
func (g *gate) Do(ctx context.Context, c core.Change) error {
	var same []door
	for _, d := range slices.Concat(g.doors, g.sides) {
		if shutAddr(d.addr()) == c.Addr {
			same = append(same, d)
		}
	}
	for i, d := range same {
		v, err := d.look(ctx, true)
		if another := i < len(same)-1; another && err == nil && v.there && !v.ours {
			continue // it may be the other's
		}
		if err != nil || !v.there {
			return err
		}
		return g.do(ctx, d, v, c)
	}
	return fmt.Errorf("gate %s: nobody knows it", c.Addr)
}

func (g *gate) do(ctx context.Context, d door, v standing, c core.Change) error {
	switch {
	case v.shared != "":
		return moved(d.addr(), v.shared)
	case !v.ours:
		return moved(d.addr(), notOursNow)
	}
	want := shutPolicy()
	switch c.Action {
	case core.Make, core.Alter:
	case core.Drop:
		s, err := d.note(ctx)
		if err != nil || s.text == "" || !s.since.IsZero() {
			return err
		}
		want = reopenedPolicy(s.read.Truncate(time.Second).Add(time.Second)) // AWS keeps whole seconds
	default:
		return fmt.Errorf("gate %s: no such action %q", c.Addr, c.Action)
	}
	text := string(mustJSON(want))
	if err := d.write(ctx, text); err != nil {
		return err
	}
	err := await(ctx, patience, isNotSeen, func() error {
		s, err := d.note(ctx)
		if err == nil && (!samePolicy([]byte(s.text), []byte(text)) || s.read.Before(s.since)) {
			err = errNotSeen // or a session of this very second, which its holder would keep for an hour, would stay refused
		}
		return err
	})
	if isNotSeen(err) && ctx.Err() == nil {
		return &core.Error{Kind: core.ErrNotConverged, What: c.Addr, Err: errors.New("was written and cannot be seen yet"), Hint: "run the same command again in some minutes"}
	}
	return err
}

// awaitOpen waits out the second in which an earlier run has let the grantee in: a
// session of that very second, which its holder would keep for an hour, would stay refused.
func (g *gate) awaitOpen(ctx context.Context, d door) (s shutState, err error) {
	err = await(ctx, patience, isNotSeen, func() (err error) {
		if s, err = d.note(ctx); err == nil && s.opensIn() > 0 {
			err = errNotSeen
		}
		return err
	})
	return s, err
}
