// Package s3 grants access to buckets of Amazon S3: a bucket, permissions that
// hang on the grantee in one of several layouts (a policy on a group with a user
// in it, a user whom the bucket's policy names, a role that another account, a
// workflow on GitHub or a service of AWS takes on), and an access key for those
// who cannot do without a secret.
package s3

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// cloudName is the name of this cloud in files and folders.
const cloudName = "s3"

// settleTime is how long IAM may need until a change is seen everywhere. AWS
// gives no bound; others wait two minutes and are sometimes wrong.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
const settleTime = 5 * time.Minute

// Provider is Amazon S3 and IAM. It is safe for concurrent use.
type Provider struct {
	config  Config
	reasons []core.Reason
	groups  groupCount
	turns   sync.Map // by name: of each bucket, who writes one of its configurations; of what many sites share, who makes it
	settled sync.Map // what this process has made of what many sites share, and when
}

var _ core.Provider = (*Provider)(nil)

// New returns the provider; it makes no call.
func New(c Config) *Provider { return &Provider{config: c, reasons: readAbilities()} }

// Info describes Amazon S3.
func (p *Provider) Info() core.Info {
	return core.Info{
		Name:     cloudName,
		Title:    "Amazon S3",
		Nouns:    core.Nouns{Account: "account", Region: "region", Principal: "user"},
		Settings: settings(),
		Abilities: []core.Ability{
			core.Create, core.Abort, core.Overwrite, core.Read, core.List, core.Delete, core.Erase,
			core.Resume, core.Locate, core.Uploads, core.Inspect, core.Administer, core.Identify,
		},
		Identities: identities(),
		Settle:     settleTime,
		Reasons:    p.reasons,
		Vocabulary: vocabulary(),
	}
}

// Open prepares the steps of b as the operator. It makes no call to S3, IAM or
// STS; finding the operator's credentials may ask whoever keeps them.
func (p *Provider) Open(ctx context.Context, b core.Blueprint) (*core.Steps, error) {
	d, faults := draw(b.Grant)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	c, err := p.connect(ctx, d.region, nil)
	if err != nil {
		return nil, err
	}
	if err := p.arrive(ctx, d); err != nil {
		return nil, err
	}
	s := newSession(p, d, c)
	issuer := d.layout.issuer(s)
	return &core.Steps{
		Whoami:     s.operator,
		Bucket:     &bucketStep{s},
		Role:       roleOf(s),
		Credential: issuer,
		Keyring:    keyringOf(issuer),
		Gate:       newGate(s),
		Claimer:    newClaimer(s),
		Caretaker:  &caretaker{s},
		Simulator:  &simulator{session: s},
		Inspector:  &inspector{s},
		Preflight:  &preflight{s},
		Outputs:    d.layout.outputs(s),
	}, nil
}

// roleOf is the role step of a grant: what its layout hangs, and the folder's marker.
func roleOf(s *session) joined {
	step := joined{besides(s)}
	if s.marker {
		step = append(step, &markerPiece{s})
	}
	return step
}

// Act prepares to try things as the holder of c, with nothing but c. It takes
// the bucket's full name as it is, and needs no settings: the holder may know
// no more of the grant than its receipt says.
func (p *Provider) Act(ctx context.Context, b core.Blueprint, c core.Credential) (core.Actor, error) {
	if len(b.Grant.Limits.From) > 0 && !p.config.Inside {
		return nil, &core.Error{Kind: core.ErrNotHere, What: "credential", Err: errors.New("is of use in some networks only, and this may not be one of them"), Hint: "verify --inside, from there"}
	}
	if !regionName.MatchString(b.Grant.Target.Region) {
		return nil, core.Faults{{Field: "region", Value: b.Grant.Target.Region, Rule: "is not the name of a region", Accepts: `e.g. "eu-west-1"`}}
	}
	if c.Secret.Empty() && c.ID == "" && b.Grant.Who != core.WhoKey {
		return p.becoming(ctx, b.Grant)
	}
	return p.newActor(ctx, b.Grant.Target.Region, c)
}
