// Gate: shutting a grantee out at once, sessions that it has been given included, and letting it in again.
package s3

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// gate is a step on all doors of a grant. It looks at nothing else, so that
// nothing else can keep it from shutting them.
type gate struct {
	*session
	doors []door
}

func newGate(s *session) *gate { return &gate{s, s.doors()} }

func gateChange(a core.Action, d door, why string) core.Change {
	return core.Change{Step: core.GateStep, Action: a, Addr: shutAddr(d.addr()), Why: why}
}

// Diff looks at all doors side by side. A door that is not there is shut enough.
func (g *gate) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	found := make([][]core.Change, len(g.doors))
	var reads []func(context.Context) error
	for i, d := range g.doors {
		reads = append(reads, func(ctx context.Context) (err error) { found[i], err = g.diff(ctx, d, want); return })
	}
	err := gather(ctx, reads...)
	var list []core.Change
	for _, some := range found {
		list = append(list, some...)
	}
	return list, err
}

func (g *gate) diff(ctx context.Context, d door, want core.Want) ([]core.Change, error) {
	v, err := d.look(ctx, false)
	switch {
	case err != nil || !v.there:
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
	for _, d := range g.doors {
		if shutAddr(d.addr()) == c.Addr {
			return g.do(ctx, d, c)
		}
	}
	return fmt.Errorf("gate %s: nobody knows it", c.Addr)
}

func (g *gate) do(ctx context.Context, d door, c core.Change) error {
	v, err := d.look(ctx, true)
	switch {
	case err != nil || !v.there:
		return err
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
	err = await(ctx, patience, func(err error) bool { return errors.Is(err, errNotSeen) }, func() error {
		s, err := d.note(ctx)
		if err == nil && !samePolicy([]byte(s.text), []byte(text)) {
			err = errNotSeen
		}
		return err
	})
	if errors.Is(err, errNotSeen) && ctx.Err() == nil {
		return &core.Error{Kind: core.ErrNotConverged, What: c.Addr, Err: errors.New("was written and cannot be seen yet"), Hint: "run the same command again in some minutes"}
	}
	return err
}

// gateNeeds are what it takes to shut the doors of a grant and to open them.
func gateNeeds(d design) []core.Permission {
	p := permit{step: core.GateStep}
	account := d.accountOrNot("*")
	roles, ok := d.layout.step(&session{design: d, provider: New(Config{})}).(*assumeStep)
	if !ok {
		user := d.iamARN(account, "user")
		p.on("arn:"+d.partition.name+":iam::"+account+":user/"+d.userName(), verbs(core.ForRevoke), "iam:GetUser")
		p.on(user, verbs(core.ForRevoke), "iam:GetUser", "iam:PutUserPolicy")
		p.on(user, verbs(core.ForRevoke, core.ForRepair), "iam:GetUserPolicy")
		p.because("only if the access was revoked")
		p.on(user, verbs(core.ForRepair), "iam:DeleteUserPolicy")
		p.because("takes out what is left of a revocation")
		return p.list
	}
	for i, r := range roles.all() {
		if r.path != rootPath {
			p.on(d.roleARN(account, rootPath, r.name), verbs(core.ForRevoke), "iam:GetRole")
		}
		when := core.ForRevoke
		if i >= len(roles.roles) { // of another form of the grant
			when = core.ForRepair
		}
		role := d.roleARN(account, r.path, r.name)
		p.on(role, verbs(when), "iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy")
		p.on(role, verbs(core.ForRepair), "iam:DeleteRolePolicy")
		p.because("takes out what is left of a revocation")
	}
	return p.list
}
