// Session: what the three steps of one grant share while a command runs.
package s3

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/core"
)

// session is one operator's work on one grant.
type session struct {
	design
	*clients
	provider *Provider
	run      string    // of this session only
	begun    time.Time // before anything was looked at
	who      shared[core.Operator]
	user     shared[*types.User] // as the plan reads it; nil if there is none
	diffed   atomic.Bool         // whether the plan's diff has read the user
	listed   atomic.Bool         // whether the plan's list of keys has read the user
	wrote    atomic.Bool         // whether anything was written, so that a thing may be not visible yet
	made     sync.Map            // addresses of what this session has made
	recent   sync.Map            // addresses of what was made a moment ago, here or by a run that ended before
	fresh    atomic.Bool         // whether the bucket was certainly made in this session

	place        shared[place] // of the bucket, as the plan reads it
	placedBucket atomic.Bool   // whether the bucket step has read it
	placedRole   atomic.Bool   // whether the role step has read it
	placedMarker atomic.Bool   // whether the folder's marker has read it
	freshPolicy  atomic.Value  // the policy that this session has written into a bucket of its own making

	role   shared[roleSeen] // that the grantee takes on, as the plan reads it
	played atomic.Bool      // whether the step of its own identity has read it
	looked atomic.Bool      // whether the look at other identities has read it
	gated  atomic.Bool      // whether the gate has read the user, or the role

	claim  atomic.Pointer[core.Claiming] // of this run; nil: none
	minded atomic.Bool                   // whether the look for claims has read the user, or the role
	borne  atomic.Bool                   // whether the plan has seen who bears the claim
	ended  atomic.Bool                   // whether who bore it was dropped

	seen sightings
}

func newSession(p *Provider, d design, c *clients) *session {
	return &session{design: d, clients: c, provider: p, run: rand.Text(), begun: time.Now()}
}

// operator asks once who runs this, and refuses who must not.
func (s *session) operator(ctx context.Context) (core.Operator, error) {
	return s.who.get(ctx, func(ctx context.Context) (core.Operator, error) {
		out, err := s.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return core.Operator{}, failed("", "sts:GetCallerIdentity", err)
		}
		o := core.Operator{Account: aws.ToString(out.Account), Principal: aws.ToString(out.Arn), Identity: withoutSession(aws.ToString(out.Arn)), Source: s.source, Endpoints: s.endpoints}
		return o, s.mayRun(o)
	})
}

func (s *session) mayRun(o core.Operator) error {
	refuse := func(hint, format string, a ...any) error {
		return &core.Error{Kind: core.ErrOperator, What: o.Principal, Err: fmt.Errorf(format, a...), Hint: hint}
	}
	switch p := arnField(o.Principal, 1); {
	case strings.HasSuffix(o.Principal, ":root"):
		return refuse("use a role or user with the permissions that plan lists", "is the root user, whom no policy can bound")
	case p != s.partition.name:
		return refuse("--region with a region of partition "+p, "is in partition %q, but region %q is in %q", p, s.region, s.partition.name)
	case s.account != "" && s.account != o.Account:
		return refuse("AWS_PROFILE=NAME, or --account "+o.Account, "is in account %s, but the grant is for %s", o.Account, s.account)
	}
	return nil
}

// owner is the account that every call names as the expected owner of the bucket.
func (s *session) owner(ctx context.Context) (*string, error) {
	o, err := s.operator(ctx)
	return aws.String(o.Account), err
}

// readUser asks for the user; nil if there is none.
func (s *session) readUser(ctx context.Context) (*types.User, error) {
	out, err := s.iam.GetUser(ctx, &iam.GetUserInput{UserName: aws.String(s.userName())})
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, failed(s.userAddr(), "iam:GetUser", err)
	}
	return out.User, nil
}

// userOnce is readUser, but a plan's two readers, which run side by side, share
// one answer. Each gets it the first time only: a plan may wait for hours
// before it is carried out.
func (s *session) userOnce(asked *atomic.Bool) func(context.Context) (*types.User, error) {
	if asked.Swap(true) || s.wrote.Load() {
		return s.readUser
	}
	return func(ctx context.Context) (*types.User, error) { return s.user.get(ctx, s.readUser) }
}

// roleOnce is readRole; of the role that the grantee takes on a plan's two
// readers share one answer, as in [session.userOnce].
func (s *session) roleOnce(ctx context.Context, name string, asked *atomic.Bool) (roleSeen, error) {
	read := func(ctx context.Context) (roleSeen, error) { return s.readRole(ctx, name) }
	if name != s.roleName() || asked.Swap(true) || s.wrote.Load() {
		return read(ctx)
	}
	return s.role.get(ctx, read)
}

// placeOnce asks where the bucket is; a plan's two readers share one answer, as in [session.userOnce].
func (s *session) placeOnce(ctx context.Context, asked *atomic.Bool) (place, error) {
	read := func(ctx context.Context) (place, error) { return (&bucketStep{s}).head(ctx, nil) }
	if asked.Swap(true) || s.wrote.Load() {
		return read(ctx)
	}
	return s.place.get(ctx, read)
}

// turn runs f while no other session of this provider writes a configuration of
// the same bucket: S3 refuses the second of two that meet.
func (s *session) turn(ctx context.Context, f func() error) error {
	return s.provider.turn(ctx, s.bucketAddr(), f)
}

// turn runs f while nobody else runs one with the same name.
func (p *Provider) turn(ctx context.Context, name string, f func() error) error {
	held, _ := p.turns.LoadOrStore(name, make(chan struct{}, 1))
	turn := held.(chan struct{})
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return f()
}

// patience is how long a write waits for what was made a moment ago to be
// seen. Terraform waits as long.
const patience = 2 * time.Minute

// await repeats do while its error is one that passes by itself.
func await(ctx context.Context, bound time.Duration, passing func(error) bool, do func() error) error {
	deadline := time.Now().Add(bound)
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := do()
		if err == nil || !passing(err) || time.Now().Add(pause).After(deadline) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// unseen reports whether a thing may only not be visible yet. Outside of a
// session that has written it is simply not there.
func (s *session) unseen(err error) bool { return s.wrote.Load() && is(err, codeNoEntity) }

// errNotSeen marks what is there and cannot be read yet.
var errNotSeen = errors.New("the name is taken by something that is not visible yet")

func isNotSeen(err error) bool { return errors.Is(err, errNotSeen) }

// notSeen says that what was made a moment ago, perhaps by an earlier run, is not visible yet.
func notSeen(addr, action string, cause error) error {
	return &core.Error{Kind: core.ErrNotConverged, What: addr, Err: brief{action, cause}, Hint: "run the same command again in some minutes"}
}

// whenSeen repeats do until IAM sees what was made a moment ago.
func (s *session) whenSeen(ctx context.Context, addr, action string, do func() error) error {
	err := await(ctx, patience, s.unseen, do)
	if err != nil && s.unseen(err) && ctx.Err() == nil {
		return notSeen(addr, action, err)
	}
	return failed(addr, action, err)
}
