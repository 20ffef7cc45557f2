// Claims: which run is at work, kept on the principal.
package memory

import (
	"context"

	"github.com/bucketgrant/bucketgrant/core"
)

// mostClaim is how long a claim may be.
const mostClaim = 200

type claimer steps

// Claimed reads what stands there, if the principal is ours.
func (s *claimer) Claimed(ctx context.Context) (string, error) {
	out, err := (*steps)(s).as(ctx, "principal.read", request{})
	s.there = err == nil && out.Mark == s.mark
	if !s.there {
		return "", err
	}
	return out.Claim, nil
}

// Claim writes over what the plan has seen only.
func (s *claimer) Claim(ctx context.Context, c core.Claiming) error {
	s.claim = c
	if !s.there {
		return nil // it is made with the claim
	}
	out, err := (*steps)(s).as(ctx, "principal.claim", request{Mark: s.mark, Claim: c.Text(mostClaim), Was: c.Was()})
	switch {
	case is(err, missing):
		return nil
	case is(err, taken) && out.Mark == s.mark:
		if err := c.Against(out.Claim); err != nil {
			return err
		}
		_, err = (*steps)(s).as(ctx, "principal.claim", request{Mark: s.mark, Claim: c.Text(mostClaim), Was: out.Claim})
	}
	if is(err, taken) {
		return &core.Error{Kind: core.ErrMoved, What: "principal/" + s.name}
	}
	return err
}

// Note has nothing left to write.
func (s *claimer) Note(context.Context) error { return nil }

// Release says that the run has ended.
func (s *claimer) Release(ctx context.Context) (not bool, err error) {
	if s.gone {
		return false, nil
	}
	_, err = (*steps)(s).as(ctx, "principal.claim", request{Mark: s.mark, Claim: s.claim.Over(mostClaim), Was: s.claim.Text(mostClaim)})
	if is(err, missing) || is(err, taken) {
		return !s.there && is(err, missing), nil
	}
	return false, err
}
