// The steps: bucket, then role, principal and binding, then key.
package memory

import (
	"context"
	"fmt"
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
	case t.Adopt && s.Flaw == MarksAdopted && out.Mark != s.mark:
		c.Action = core.Alter
	case t.Adopt:
		c.Action = core.Keep
	case out.Mark != s.mark && s.Flaw != AdoptsBuckets:
		c.Action, c.Why = core.Refuse, "exists and is not ours"
	default:
		c.Action = core.Keep
	}
	if !want.Present {
		return s.absent(c, want), nil
	}
	if t.Adopt && c.Action == core.Make {
		c.Action, c.Why = core.Refuse, "is to be adopted and does not exist"
	}
	return []core.Change{c}, nil
}

func (s *bucketStep) absent(c core.Change, want core.Want) []core.Change {
	if c.Action != core.Keep {
		return nil
	}
	if want.DropBucket && !s.b.Grant.Target.Adopt {
		c.Action = core.Drop
		c.Needs = []string{"binding/" + s.name}
	}
	if c.Action == core.Drop && s.Flaw == DropsData {
		c.Why = "with everything in it"
	}
	return []core.Change{c}
}

// Do makes or drops the bucket.
func (s *bucketStep) Do(ctx context.Context, c core.Change) error {
	all := (*steps)(s)
	switch c.Action {
	case core.Make:
		return all.make(ctx, "bucket.make", request{})
	case core.Alter:
		_, err := all.as(ctx, "bucket.mark", request{Mark: s.mark})
		return err
	}
	if s.Flaw == DropsData {
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
	if s.Flaw == MarksTooLate {
		in.Mark = ""
	}
	out, err := s.as(ctx, action, in)
	if !is(err, taken) {
		return err
	}
	if out.Mark == s.mark || s.Flaw == TakesWhatIsThere {
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
		case out.Mark != s.mark && s.Flaw != TakesWhatIsThere:
			c.Action, c.Why = core.Refuse, "exists and is not ours"
		case kind == "role" && !slices.Equal(out.Actions, s.actions()) && s.Flaw != IgnoresDrift:
			c.Action, c.Why = core.Alter, "permissions differ"
		}
		list = append(list, c)
	}
	bound, err := all.bound(ctx)
	if err != nil {
		return nil, err
	}
	c := core.Change{Step: core.RoleStep, Addr: "binding/" + s.name, Action: core.Make, Needs: []string{"bucket/" + s.b.Grant.Target.Bucket, "role/" + s.name, "principal/" + s.name}}
	if bound {
		c.Action = core.Keep
	}
	if s.Flaw == StopsHalfway && !want.Present && !bound {
		return nil, nil
	}
	if s.Flaw == NeverAtRest {
		c.Action = core.Alter
	}
	list = append(list, c)
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
	for _, d := range s.b.Documents {
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
	if e := s.b.Grant.Limits.Expires; !e.IsZero() && s.Flaw != NeverExpires {
		until = e.Format(time.RFC3339)
	}
	return binding{s.name, s.name, prefix, until}
}

func (s *steps) bound(ctx context.Context) (bool, error) {
	out, err := s.as(ctx, "policy.read", request{})
	if is(err, missing) {
		return false, nil
	}
	return slices.Contains(out.Bindings, s.binding()), err
}

// Do carries one change out.
func (s *roleStep) Do(ctx context.Context, c core.Change) error {
	all := (*steps)(s)
	kind, _, _ := strings.Cut(c.Addr, "/")
	var err error
	switch {
	case kind == "binding" && c.Action == core.Drop:
		_, err = all.as(ctx, "policy.remove", request{Binding: all.binding()})
		if s.Flaw == DropsStrangers {
			all.unbind(ctx)
		}
	case kind == "binding":
		_, err = all.as(ctx, "policy.add", request{Binding: all.binding()})
	case c.Action == core.Make:
		return all.make(ctx, kind+".make", request{Actions: s.actions()})
	case c.Action == core.Alter:
		_, err = all.as(ctx, "role.alter", request{Actions: s.actions()})
	case c.Action == core.Drop:
		_, err = all.as(ctx, kind+".drop", request{})
	}
	if is(err, missing) && c.Action == core.Drop {
		return nil
	}
	return err
}

type issuer steps

// Addr is the address of a key.
func (s *issuer) Addr(id string) string { return "key/" + s.name + "/" + id }

// Needs is everything else.
func (s *issuer) Needs() []string {
	if s.Flaw == IssuesTooEarly {
		return []string{"principal/" + s.name}
	}
	return []string{"binding/" + s.name}
}

// List returns the keys.
func (s *issuer) List(ctx context.Context) ([]core.Key, error) {
	out, err := (*steps)(s).as(ctx, "key.list", request{})
	var keys []core.Key
	for i, id := range out.Names {
		keys = append(keys, core.Key{ID: id, Created: out.Times[i], Active: true})
	}
	if s.Flaw == ForgetsKeys {
		keys = nil
	}
	return keys, err
}

// Issue makes a key, sending its request once.
func (s *issuer) Issue(ctx context.Context) (core.Credential, error) {
	all := (*steps)(s)
	if s.Flaw == IssuesTwice {
		_, _ = all.as(ctx, "key.make", request{})
	}
	out, err := all.as(ctx, "key.make", request{})
	if s.Flaw == RetriesIssue && err != nil {
		out, err = all.as(ctx, "key.make", request{})
	}
	if err != nil {
		return core.Credential{}, err
	}
	c := core.Credential{ID: out.Names[0], Form: core.PairForm, Holder: s.name, Secret: core.NewSecret([]byte(out.Secret)), Created: out.Times[0], Revoke: "memory key drop " + out.Names[0]}
	if s.Flaw == LeaksInRevoke {
		c.Revoke = "memory key drop --secret " + out.Secret
	}
	return c, nil
}

// Retire drops a key.
func (s *issuer) Retire(ctx context.Context, id string) error {
	if s.Flaw == ForgetsToRetire {
		return nil
	}
	_, err := (*steps)(s).as(ctx, "key.drop", request{Key: id})
	return err
}

type caretaker steps

// Elsewhere is the first other bucket.
func (s *caretaker) Elsewhere(ctx context.Context) (string, error) {
	out, err := (*steps)(s).as(ctx, "bucket.list", request{})
	for _, name := range out.Names {
		if name != s.b.Grant.Target.Bucket || s.Flaw == ElsewhereIsHere {
			return name, err
		}
	}
	return "", err
}

// Sweep deletes objects.
func (s *caretaker) Sweep(ctx context.Context, keys []string) error {
	if s.Flaw == LeavesProbes {
		return nil
	}
	for _, k := range keys {
		if _, err := (*steps)(s).as(ctx, "object.delete", request{Key: k}); err != nil {
			return fmt.Errorf("sweep %q: %w", k, err)
		}
	}
	return nil
}

// Plant puts objects.
func (s *caretaker) Plant(ctx context.Context, keys []string) error {
	for _, k := range keys {
		if _, err := (*steps)(s).as(ctx, "object.put", request{Key: k}); err != nil {
			return fmt.Errorf("plant %q: %w", k, err)
		}
	}
	return nil
}
