// The issuer and the caretaker: keys, and what a proof leaves.
package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

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
	id, _ := s.Info().Identity(s.b.Grant.Who)
	if s.Flaw == ReadsOnePage && len(out.Keys) > 1 {
		out.Keys = out.Keys[:1]
	}
	for _, k := range out.Keys {
		one := core.Key{ID: k.ID, Created: k.Created, Active: k.Works || s.Flaw == SeesEveryKeyActive}
		if id.ShowsUse && s.Flaw != ForgetsUse && (k.Works || s.Flaw != ForgetsUseOfTheIdle) {
			one.Used = k.Used
		}
		if s.Flaw == RemembersTheFirstUse && !k.First.IsZero() {
			one.Used = k.First
		}
		if s.Flaw == HidesTheAge {
			one.Created = time.Time{}
		}
		keys = append(keys, one)
	}
	if s.Flaw == ForgetsKeys {
		keys = nil
	}
	return keys, err
}

// Issue makes a key, sending its request once.
func (s *issuer) Issue(ctx context.Context) (core.Credential, error) {
	all := (*steps)(s)
	id, _ := s.Info().Identity(s.b.Grant.Who)
	if s.Flaw == DropsTheOldKeyFirst {
		keys, _ := s.List(ctx)
		for _, k := range keys {
			_, _ = all.as(ctx, "key.drop", request{Key: k.ID})
		}
	}
	if s.Flaw == IssuesTwice {
		_, _ = all.as(ctx, "key.make", request{Most: id.MostKeys})
	}
	out, err := all.as(ctx, "key.make", request{Most: id.MostKeys})
	if s.Flaw == RetriesIssue && err != nil {
		out, err = all.as(ctx, "key.make", request{Most: id.MostKeys})
	}
	if is(err, missing) {
		return core.Credential{}, &core.Error{Kind: core.ErrMoved, What: "principal/" + s.name, Err: err}
	}
	if err != nil {
		return core.Credential{}, err
	}
	if s.Flaw == IssuesUntilListed && !s.lists(ctx, out.Names[0]) {
		out, err = all.as(ctx, "key.make", request{Most: id.MostKeys})
		if err != nil {
			return core.Credential{}, err
		}
	}
	s.secret = out.Secret
	c := core.Credential{ID: out.Names[0], Form: core.PairForm, Holder: s.name, Secret: core.NewSecret([]byte(out.Secret)), Created: out.Times[0], Revoke: "memory key drop " + out.Names[0]}
	if s.Flaw == LeaksInRevoke {
		c.Revoke = "memory key drop --secret " + out.Secret
	}
	return c, nil
}

// Retire drops a key.
func (s *issuer) Retire(ctx context.Context, id string) error {
	switch s.Flaw {
	case ForgetsToRetire:
		return nil
	case RetiresByHalf:
		_, err := (*steps)(s).as(ctx, "key.switch", request{Key: id})
		return err
	case RetiresTheYoungest:
		if keys, err := s.List(ctx); err == nil && len(keys) > 0 {
			id = keys[len(keys)-1].ID
		}
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
