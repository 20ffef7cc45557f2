// The steps: bucket, then role, principal and binding, then key.
package memory

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

type bucketStep steps

// Diff compares the bucket.
func (s *bucketStep) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	t := s.b.Grant.Target
	c := core.Change{Step: core.BucketStep, Addr: "bucket/" + t.Bucket}
	out, err := (*steps)(s).as(ctx, "bucket.read", request{})
	switch {
	case is(err, missing):
		c.Action = core.Make
	case err != nil && strings.Contains(err.Error(), "denied"):
		// A refusal is either ours to complain about or somebody else's bucket.
		c.Action, c.Why = core.Refuse, "belongs to somebody else, or may not be read"
		return []core.Change{c}, nil
	case err != nil:
		return nil, err
	case t.Adopt && s.Flaw == MarksAdopted && out.Mark != s.bucketMark:
		c.Action = core.Alter
	case t.Adopt:
		c.Action = core.Keep
	case t.Shared && s.Flaw == SharesAnything && out.Mark != "":
		c.Action = core.Keep
	case out.Mark != s.bucketMark && s.Flaw != AdoptsBuckets:
		c.Action, c.Why = core.Refuse, "exists and is not ours"
	default:
		c.Action = core.Keep
	}
	if !want.Present {
		return s.absent(ctx, c, want)
	}
	if t.Adopt && c.Action == core.Make {
		c.Action, c.Why = core.Refuse, "is to be adopted and does not exist"
	}
	return []core.Change{c}, nil
}

func (s *bucketStep) absent(ctx context.Context, c core.Change, want core.Want) ([]core.Change, error) {
	if c.Action != core.Keep {
		return nil, nil
	}
	if want.DropBucket && s.b.Grant.Target.Shared {
		others, err := (*steps)(s).others(ctx)
		if err != nil {
			return nil, err
		}
		if others && s.Flaw != DropsShared {
			c.Why = "other grants use it"
			return []core.Change{c}, nil
		}
	}
	if want.DropBucket && !s.b.Grant.Target.Adopt && (s.Flaw != LeavesTheEmptyBucket || keyed(s.b.Grant)) {
		c.Action = core.Drop
		c.Needs = []string{"binding/" + s.name}
	}
	if c.Action == core.Drop && s.Flaw == DropsData {
		c.Why = "with everything in it"
	}
	return []core.Change{c}, nil
}

// Do makes or drops the bucket.
func (s *bucketStep) Do(ctx context.Context, c core.Change) error {
	all := (*steps)(s)
	switch c.Action {
	case core.Make:
		return all.make(ctx, "bucket.make", request{})
	case core.Alter:
		_, err := all.as(ctx, "bucket.mark", request{Mark: s.bucketMark})
		return err
	}
	if s.Flaw == DropsData || s.Flaw == DropsShared {
		all.empty(ctx)
	}
	_, err := all.as(ctx, "bucket.drop", request{})
	if is(err, missing) {
		return nil
	}
	return err
}

// make makes something that carries our mark from birth. What stands there
// already must be ours.
func (s *steps) make(ctx context.Context, action string, in request) error {
	in.Mark = s.mark
	if strings.HasPrefix(action, "bucket.") {
		in.Mark = s.bucketMark
	}
	if s.Flaw == MarksTooLate {
		in.Mark = ""
	}
	out, err := s.as(ctx, action, in)
	if err == nil && action == "bucket.make" {
		s.fresh.Store(true)
	}
	if !is(err, taken) {
		return err
	}
	if out.Mark == in.Mark && action == "principal.make" && s.claim.Run != "" {
		return s.claim.Against(out.Claim)
	}
	if out.Mark == in.Mark || s.Flaw == TakesAnyPrincipal || s.Flaw == TakesWhatIsThere {
		return nil
	}
	return &core.Error{Kind: core.ErrNotOurs, What: action, Err: err}
}

type roleStep steps

// Diff compares role, principal and binding.
func (s *roleStep) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	all := (*steps)(s)
	var list []core.Change
	for _, kind := range []string{"role", "principal"} {
		c := core.Change{Step: core.RoleStep, Addr: kind + "/" + s.name, Action: core.Keep}
		out, err := all.as(ctx, kind+".read", request{})
		switch {
		case is(err, missing):
			c.Action = core.Make
		case err != nil:
			return nil, err
		case out.Mark != s.mark && s.Flaw != TakesWhatIsThere && (s.Flaw != TakesAnyPrincipal || keyed(s.b.Grant)):
			c.Action, c.Why = core.Refuse, "exists and is not ours"
		case out.Shut && s.Flaw == ReopensTheDoor:
			c.Action, c.Why = core.Alter, "is shut out"
		case out.Shut && (want.Present || s.Flaw == KeepsTheShut):
			c.Action, c.Why, c.Hint = core.Refuse, "was revoked", "restore"
		case kind == "role" && !slices.Equal(out.Actions, s.actions()) && s.Flaw != IgnoresDrift:
			c.Action, c.Why = core.Alter, "permissions differ"
		case kind == "principal" && out.Trust != s.trust(s.b.Grant) && s.Flaw != TrustsLater && s.Flaw != IgnoresTheDoor:
			c.Action, c.Why = core.Alter, "trusts somebody else"
		}
		list = append(list, c)
	}
	bound, stale, err := all.bound(ctx)
	if err != nil {
		return nil, err
	}
	c := core.Change{Step: core.RoleStep, Addr: "binding/" + s.name, Action: core.Make, Needs: []string{"bucket/" + s.b.Grant.Target.Bucket, "role/" + s.name, "principal/" + s.name}}
	if bound {
		c.Action = core.Keep
	}
	if len(stale) > 0 && s.Flaw != IgnoresOrphans {
		c.Action, c.Why = core.Alter, "names a principal that is gone"
	}
	if (s.Flaw == StopsHalfway || s.Flaw == ForgetsHalfADoor && !keyed(s.b.Grant)) && !want.Present && !bound {
		return nil, nil
	}
	if s.Flaw == NeverAtRest {
		c.Action = core.Alter
	}
	list = append(list, c)
	if s.Flaw == PlansTheDoorByWriting && !keyed(s.b.Grant) {
		_, _ = all.as(ctx, "principal.alter", request{Trust: s.trust(s.b.Grant)})
	}
	if s.Flaw == WritesInDiff {
		_, _ = all.as(ctx, "role.alter", request{Actions: s.actions()})
	}
	if want.Present {
		return list, nil
	}
	return s.absent(list), nil
}

func (s *roleStep) absent(list []core.Change) []core.Change {
	var drops []core.Change
	for _, c := range list {
		if c.Action == core.Make && s.Flaw != NeverForgets || c.Action == core.Refuse && s.Flaw != DropsStrangers {
			continue
		}
		c.Action, c.Needs = core.Drop, nil
		if !strings.HasPrefix(c.Addr, "binding/") {
			c.Needs = []string{"binding/" + s.name}
		}
		drops = append(drops, c)
	}
	return drops
}

func (s *roleStep) actions() []string {
	var list []string
	for _, d := range s.b.Documents[:1] {
		list = strings.FieldsFunc(string(d.Body), func(r rune) bool { return strings.ContainsRune(`[",]`, r) })
	}
	return list
}

func (s *steps) binding() binding {
	prefix := s.b.Grant.Target.Prefix
	switch s.Flaw {
	case ForgetsThePrefix:
		prefix = ""
	case ForgetsTheSlash:
		prefix = strings.TrimSuffix(prefix, "/")
	}
	until := ""
	if e := s.b.Grant.Limits.Expires; !e.IsZero() && s.Flaw != NeverExpires && (s.Flaw != ForgetsTheEndOfTheDoor || keyed(s.b.Grant)) {
		until = e.Format(time.RFC3339)
	}
	return binding{Principal: s.name, Role: s.name, Prefix: prefix, Until: until}
}

// bound reports whether the binding is there, and which bindings of ours name a
// principal that is gone.
func (s *steps) bound(ctx context.Context) (is bool, stale []binding, err error) {
	out, err := s.policy(ctx)
	if err != nil {
		return false, nil, err
	}
	for _, g := range out {
		if strings.HasPrefix(g.Principal, "deleted:"+s.name+"#") || s.Flaw == MendsStrangers && strings.HasPrefix(g.Principal, "deleted:") {
			stale = append(stale, g)
		}
	}
	return slices.Contains(out, s.binding()), stale, nil
}

// others reports whether the bucket's policy names anybody else.
func (s *steps) others(ctx context.Context) (bool, error) {
	out, err := s.policy(ctx)
	return slices.ContainsFunc(out, func(g binding) bool { return g.Principal != s.name }), err
}

func (s *steps) policy(ctx context.Context) ([]binding, error) {
	out, err := s.as(ctx, "policy.read", request{})
	if is(err, missing) {
		return nil, nil
	}
	return out.Bindings, err
}

// unbindStale removes what names a principal of ours that is gone.
func (s *steps) unbindStale(ctx context.Context) error {
	_, stale, err := s.bound(ctx)
	for _, g := range stale {
		if err == nil {
			_, err = s.as(ctx, "policy.remove", request{Binding: g})
		}
	}
	return err
}

// Do carries one change out.
func (s *roleStep) Do(ctx context.Context, c core.Change) error {
	all := (*steps)(s)
	kind, _, _ := strings.Cut(c.Addr, "/")
	var err error
	switch {
	case kind == "binding" && c.Action == core.Alter:
		if err = all.unbindStale(ctx); err == nil {
			err = all.bind(ctx)
		}
	case kind == "binding" && c.Action == core.Drop:
		if err := all.unbindStale(ctx); err != nil {
			return err
		}
		_, err = all.as(ctx, "policy.remove", request{Binding: all.binding()})
		if s.Flaw == DropsStrangers {
			all.unbind(ctx)
		}
	case kind == "binding":
		if s.Flaw == UnmarksToMend && !s.b.Grant.Target.Adopt && !s.fresh.Load() {
			_, _ = all.as(ctx, "bucket.mark", request{})
			_, _ = all.as(ctx, "bucket.mark", request{Mark: s.bucketMark})
		}
		err = all.bind(ctx)
	case c.Action == core.Make:
		return all.makeRole(ctx, kind)
	case c.Action == core.Alter:
		if s.Flaw == ReopensTheDoor {
			_, _ = all.as(ctx, "principal.shut", request{On: true})
		}
		_, err = all.as(ctx, kind+".alter", request{Actions: s.actions(), Trust: s.trust(s.b.Grant)})
	case c.Action == core.Drop && s.Flaw == LeavesTheDoor && kind == "principal" && !keyed(s.b.Grant):
	case c.Action == core.Drop:
		_, err = all.as(ctx, kind+".drop", request{})
		s.gone = s.gone || kind == "principal" && err == nil
	}
	switch {
	case is(err, missing) && c.Action == core.Drop:
		return nil
	case is(err, missing):
		return &core.Error{Kind: core.ErrMoved, What: c.Addr, Err: err}
	}
	return err
}

// makeRole makes a role or a principal.
func (s *steps) makeRole(ctx context.Context, kind string) error {
	in := request{Actions: (*roleStep)(s).actions(), Trust: s.trust(s.b.Grant), Claim: s.claim.Text(mostClaim)}
	if s.Flaw != TrustsLater || kind != "principal" {
		return s.make(ctx, kind+".make", in)
	}
	in.Trust = trust{}
	if err := s.make(ctx, kind+".make", in); err != nil {
		return err
	}
	_, err := s.as(ctx, kind+".alter", request{Trust: s.trust(s.b.Grant)})
	return err
}
