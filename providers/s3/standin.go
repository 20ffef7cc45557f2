// Stand-in: becoming a grantee that needs no secret of ours, where that can be done.
package s3

import (
	"context"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// StandIn is the grantees' side of a cloud that is played here: it can be
// whoever a grant is for. A real cloud has none.
type StandIn interface {
	// Home is the account of the operator.
	Home() string

	// Caller is somebody who may take on roles: as the role with that ARN, or, if it
	// is "", as anybody else in the account. What is missing of account and role is made.
	Caller(ctx context.Context, account, role string) (aws.CredentialsProvider, error)

	// Token is signed by an issuer ("https://…") and holds these claims.
	Token(issuer string, claims map[string]any) string
}

// The forgeries of a vendor's account.
const (
	missingExternalID = "missing-external-id"
	wrongExternalID   = "wrong-external-id"
	strangersAccount  = "other-account"
)

// Accounts of nobody who is granted anything.
const (
	strangers     = "888877776666"
	moreStrangers = "888877775555"
)

// entrance is one way to ask for the role.
type entrance func(ctx context.Context) (*types.Credentials, error)

// entrant is a grantee that takes its role on, and everybody who tries to pass for it.
type entrant struct {
	provider *Provider
	region   string
	forged   []string                      // the forgeries that can be tried
	open     func(forgery string) entrance // "" is the true way
	mu       sync.Mutex
	inside   *actor // nil until the role was taken on
}

var _ core.Forger = (*entrant)(nil)

// becoming prepares to act as a grantee that is handed no secret. It is not
// possible on a real cloud, except where the grantee itself runs.
func (p *Provider) becoming(ctx context.Context, g core.Grant) (core.Actor, error) {
	d, faults := draw(g)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	e := &entrant{provider: p, region: d.region}
	var err error
	switch stand := p.config.StandIn; {
	case len(g.Limits.From) > 0: // this machine is not in those networks
		return nil, core.ErrNotHere
	case g.Who == core.WhoAccount && stand != nil:
		err = e.asVendor(ctx, d, stand)
	case g.Who == core.WhoOIDC && stand != nil:
		err = e.asPlayedWorkflow(ctx, d, stand)
	case g.Who == core.WhoOIDC && p.config.Inside:
		err = e.asThisWorkflow(ctx, d)
	default:
		return nil, core.ErrNotHere
	}
	return e, err
}

// asVendor takes the role on from the vendor's account.
func (e *entrant) asVendor(ctx context.Context, d design, stand StandIn) error {
	v, _ := d.vendor()
	caller := func(account, role string) (*sts.Client, error) {
		who, err := stand.Caller(ctx, account, role)
		if err != nil {
			return nil, err
		}
		c, err := e.provider.connect(ctx, d.region, who)
		if err != nil {
			return nil, err
		}
		return c.sts, nil
	}
	vendors, err := caller(v.account, v.role)
	if err != nil {
		return err
	}
	elsewhere := strangers
	if elsewhere == v.account {
		elsewhere = moreStrangers
	}
	others, err := caller(elsewhere, "")
	if err != nil {
		return err
	}
	arn := d.layout.grantee(d, d.accountOrNot(stand.Home()))
	e.forged = []string{missingExternalID, wrongExternalID, strangersAccount}
	e.open = func(forgery string) entrance {
		client, id := vendors, aws.String(v.externalID)
		switch forgery {
		case missingExternalID:
			id = nil
		case wrongExternalID:
			id = aws.String(another(v.externalID))
		case strangersAccount:
			client = others
		}
		return func(ctx context.Context) (*types.Credentials, error) {
			out, err := client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String(sessionName), ExternalId: id}, onceSTS)
			if err != nil {
				return nil, err
			}
			return out.Credentials, nil
		}
	}
	return nil
}

// sessionName is what a session of a proof is called.
const sessionName = "bucketgrant-probe"

func onceSTS(o *sts.Options) { o.Retryer = aws.NopRetryer{} }

// another is an external ID that is not id.
func another(id string) string {
	if last := len(id) - 1; id[last] != 'x' {
		return id[:last] + "x"
	}
	return id[:len(id)-1] + "y"
}

// Forgeries are those that can be tried from here.
func (e *entrant) Forgeries() []string { return e.forged }

// Try takes the role on, or tries something as it.
func (e *entrant) Try(ctx context.Context, p core.Probe) (core.Outcome, error) {
	if p.Ability != core.Enter {
		a, err := e.entered(ctx)
		if err != nil {
			return admission(err)
		}
		return a.Try(ctx, p)
	}
	got, err := e.open(p.Key)(ctx)
	if err != nil {
		return admission(err)
	}
	if p.Key == "" {
		_, err = e.settleIn(ctx, got)
	}
	if err != nil {
		return core.Unclear, err
	}
	return core.Allowed, nil
}

// entered is the grantee inside of its role.
func (e *entrant) entered(ctx context.Context) (*actor, error) {
	e.mu.Lock()
	a := e.inside
	e.mu.Unlock()
	if a != nil {
		return a, nil
	}
	got, err := e.open("")(ctx)
	if err != nil {
		return nil, err
	}
	return e.settleIn(ctx, got)
}

// settleIn keeps the first session for everything that is tried inside: policies
// that change hold for it as well, and it knows the objects that it has put.
func (e *entrant) settleIn(ctx context.Context, c *types.Credentials) (*actor, error) {
	clients, err := e.provider.connect(ctx, e.region, credentials.NewStaticCredentialsProvider(aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken)))
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inside == nil {
		e.inside = newActorOf(clients)
	}
	return e.inside, nil
}

// admission is what an answer to a wish for a role says. A token that is not
// believed is refused as clearly as one that is not trusted.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func admission(err error) (core.Outcome, error) {
	refused := is(err, codeDenied) && status(err) == http.StatusForbidden || is(err, "InvalidIdentityToken", "ExpiredTokenException", "IDPRejectedClaim")
	if refused {
		return core.Denied, nil
	}
	return core.Unclear, unclear(err)
}
