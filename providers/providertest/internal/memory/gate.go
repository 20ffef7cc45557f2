// After the first day: switching keys, shutting the grantee out, and looking at what is there.
package memory

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

type keyring struct{ *issuer }

// Switch makes a key work or not.
func (k keyring) Switch(ctx context.Context, id string, on bool) error {
	s := (*steps)(k.issuer)
	switch {
	case s.Flaw == SwitchesOnlyOff && on:
		return nil
	case s.Flaw == SwitchesByDeleting && !on:
		return k.Retire(ctx, id)
	}
	if err := s.ours(ctx); err != nil {
		return err
	}
	if keys, err := k.List(ctx); s.Flaw == SwitchesTheOldest && err == nil && len(keys) > 0 {
		id = keys[0].ID
	}
	_, err := s.as(ctx, "key.switch", request{Key: id, On: on})
	if is(err, missing) {
		return &core.Error{Kind: core.ErrMoved, What: k.Addr(id), Err: err}
	}
	return err
}

// ours refuses a principal without our mark.
func (s *steps) ours(ctx context.Context) error {
	out, err := s.as(ctx, "principal.read", request{})
	if err == nil && out.Mark != s.mark && s.Flaw != ShutsStrangers {
		return &core.Error{Kind: core.ErrNotOurs, What: "principal/" + s.name, Err: errors.New("has not our mark")}
	}
	return err
}

type gate steps

// Diff looks whether the grantee is shut out.
func (s *gate) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	all := (*steps)(s)
	if s.Flaw == LooksAround {
		if others, err := (*roleStep)(s).Diff(ctx, core.Present); err != nil || slices.ContainsFunc(others, func(c core.Change) bool { return c.Action != core.Keep }) {
			return nil, &core.Error{Kind: core.ErrMoved, What: "role/" + s.name, Err: errors.New("differs")}
		}
	}
	out, err := all.as(ctx, "principal.read", request{})
	c := core.Change{Step: core.GateStep, Addr: "gate/" + s.name, Action: core.Keep}
	switch {
	case is(err, missing):
		return nil, nil
	case err != nil:
		return nil, err
	case out.Mark != s.mark && s.Flaw != ShutsStrangers:
		c.Action, c.Why = core.Refuse, "exists and is not ours"
	case out.Shut == want.Present:
		c.Action, c.Why = core.Alter, map[bool]string{true: "lets it in again", false: "shuts it out"}[want.Present]
		c.After = map[bool]string{true: "open", false: "shut"}[want.Present]
	}
	return []core.Change{c}, nil
}

// Do shuts the grantee out, or lets it in.
func (s *gate) Do(ctx context.Context, c core.Change) error {
	all, open := (*steps)(s), c.After == "open"
	switch {
	case s.Flaw == ShutsNothing && !open:
		return nil
	case s.Flaw == RestoresMore && open:
		_, _ = all.as(ctx, "policy.add", request{Binding: binding{Principal: s.name, Role: s.name}})
	case (s.Flaw == OpensEverything || s.Flaw == OpensStolenKeys) && open:
		keys, _ := (*issuer)(s).List(ctx)
		if s.Flaw == OpensStolenKeys && len(keys) > 0 {
			keys = keys[len(keys)-1:]
		}
		for _, k := range keys {
			_, _ = all.as(ctx, "key.switch", request{Key: k.ID, On: true})
		}
	}
	if s.Flaw == ShutsSilently {
		time.Sleep(time.Second) // so that it is the last to go wrong
	}
	_, err := all.as(ctx, "principal.shut", request{On: open})
	if s.Flaw == ShutsSilently {
		return nil
	}
	return err
}

type inspector steps

// Inspect looks for passwords.
func (s *inspector) Inspect(ctx context.Context) ([]core.Finding, error) {
	out, err := (*steps)(s).as(ctx, "principal.read", request{})
	if err != nil && !is(err, missing) {
		return []core.Finding{{Kind: core.Unread, Addr: "principal/" + s.name, Text: err.Error()}}, nil
	}
	var all []core.Finding
	if out.Login && s.Flaw != OverlooksLogins {
		all = append(all, core.Finding{Kind: core.ConsoleLogin, Addr: "principal/" + s.name, Text: "has a password", Grave: true})
	}
	if out.Shut {
		all = append(all, core.Finding{Kind: core.ShutOut, Addr: "principal/" + s.name, Text: "is shut out"})
	}
	if s.Flaw == CriesWolf {
		all = append(all, core.Finding{Kind: core.PublicAccess, Addr: "bucket/" + s.b.Grant.Target.Bucket, Text: "may be public"})
	}
	return all, nil
}

type preflight steps

// Check asks about each permission.
func (s *preflight) Check(ctx context.Context, needs []core.Permission) ([]core.Check, error) {
	var all []core.Check
	for _, need := range needs {
		c := core.Check{Kind: "permission", What: need.Action, Outcome: core.Allowed}
		out, err := (*steps)(s).as(ctx, "operator.ask", request{Key: need.Action})
		switch {
		case s.Flaw == DoubtsEverything, err == nil && out.Code != "allowed" && s.Flaw != PromisesEverything:
			c.Outcome, c.Why, c.Fix = core.Denied, "is not among the operator's", "memory allow "+need.Action
		case err != nil:
			c.Outcome, c.Why = core.Unclear, err.Error()
		}
		all = append(all, c)
	}
	return all, nil
}
