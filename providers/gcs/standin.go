// Standing in: being a grantee that is somebody else's, and those who try to pass for it.
package gcs

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials/externalaccount"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// StandIn can be everybody who is not of this cloud, and a vendor who is. Only
// a sandbox has one. What it does is no call of a run.
type StandIn interface {
	// Number is the number of a project.
	Number(project string) (string, error)

	// Token is a token with these claims, signed by their issuer; how is "" or
	// what is wrong with its signature: [github.UnsignedToken] or
	// [github.ForgedSignature].
	Token(claims map[string]any, how string) (string, error)

	// AWSRole are the credentials of a session of a role in an AWS account.
	AWSRole(account, role, session string) (externalaccount.AwsSecurityCredentials, error)

	// Account is a service account in its owner's project, which is made if there
	// is none; its credentials are short-lived.
	Account(email string) (*auth.Credentials, error)
}

// visitor is a grantee without a secret: it comes in by a door that others try as well.
type visitor struct {
	*actor
	forgeries []string
	enter     func(ctx context.Context, forgery string) error // "" is the grantee itself
}

// Forgeries are those that can be tried from here.
func (v *visitor) Forgeries() []string { return v.forgeries }

// Try makes one attempt.
func (v *visitor) Try(ctx context.Context, p core.Probe) (core.Outcome, error) {
	if p.Ability != core.Enter {
		return v.actor.Try(ctx, p)
	}
	err := v.enter(ctx, p.Key)
	switch {
	case err == nil:
		return core.Allowed, nil
	case turnedAway(err), refused(err):
		return core.Denied, nil
	}
	return core.Unclear, unclear(err)
}

// asWorkflow is a run of the workflow: in a sandbox, or where this is one.
func (p *Provider) asWorkflow(f federation, w github.Workflow) (core.Actor, error) {
	at, _, err := p.gate()
	if err != nil {
		return nil, err
	}
	s := p.config.StandIn
	if s == nil && p.config.Inside {
		return p.insideWorkflow(at, f)
	}
	if s == nil {
		return nil, core.ErrNotHere
	}
	number, err := s.Number(f.project)
	if err != nil {
		return nil, err
	}
	token := func(forgery string) (string, error) {
		how := ""
		if forgery == github.UnsignedToken || forgery == github.ForgedSignature {
			how = forgery
		}
		return s.Token(workflowClaims(w, f.audience(number), forgery), how)
	}
	names := slices.DeleteFunc(forgeriesOf(workflowGrantee{}), w.Trusts)
	return p.visitor(at, f, number, "", names, func(forgery string) externalaccount.Options {
		return externalaccount.Options{SubjectTokenType: jwtType, SubjectTokenProvider: subjectToken(func(context.Context) (string, error) { return token(forgery) })}
	})
}

// workflowClaims are the claims of a run, or of somebody else's.
func workflowClaims(w github.Workflow, audience, forgery string) map[string]any {
	claims := w.Forged(forgery)
	claims["aud"] = "https:" + audience
	switch forgery {
	case github.WrongAudience:
		claims["aud"] = "https://github.com/" + w.Owner // what a run gets that asks for no audience
	case github.ExpiredToken:
		then := time.Now().Add(-24 * time.Hour)
		claims["iat"], claims["nbf"], claims["exp"] = then.Unix(), then.Unix(), then.Add(5*time.Minute).Unix()
	}
	return claims
}

// asAWSRole is the vendor's role: in a sandbox, or where that runs.
func (p *Provider) asAWSRole(f federation, a awsRole) (core.Actor, error) {
	at, _, err := p.gate()
	if err != nil {
		return nil, err
	}
	as := ""
	if a.impersonate {
		as = f.email
	}
	s := p.config.StandIn
	if s == nil {
		return p.inside(f.design, isFor(f, as, at))
	}
	number, err := s.Number(f.project)
	if err != nil {
		return nil, err
	}
	return p.visitor(at, f, number, as, forgeriesOf(awsRoleGrantee{}), func(forgery string) externalaccount.Options {
		return externalaccount.Options{SubjectTokenType: awsType, AwsSecurityCredentialsProvider: awsKeys(func() (externalaccount.AwsSecurityCredentials, error) {
			r := a.forged(forgery)
			return s.AWSRole(r.account, r.role, r.session)
		})}
	})
}

// forged is the role of somebody else.
func (a awsRole) forged(forgery string) awsRole {
	other := func(s, one, two string) string {
		if head := s[:len(s)-1]; s != head+one {
			return head + one
		}
		return s[:len(s)-1] + two
	}
	switch forgery {
	case otherAccount:
		a.account = other(a.account, "1", "2")
	case otherRole:
		a.role = other(a.role, "x", "y")
	case otherSession:
		a.session = other(a.session, "x", "y")
	}
	return a
}

// asVendor is the vendor's service account: in a sandbox, or where that runs. Anybody can be some
// account of Google's; what counts is whether that one gets as far as the bucket.
func (p *Provider) asVendor(d design, email string) (core.Actor, error) {
	s := p.config.StandIn
	if s == nil {
		return p.inside(d, isAccount(email))
	}
	at, _, err := p.gate()
	if err != nil {
		return nil, err
	}
	become := func(email string) (*actor, error) {
		c, err := s.Account(email)
		if err != nil {
			return nil, err
		}
		return newActor(c, p.config.Transport, at, d.project), nil
	}
	its, err := become(email)
	if err != nil {
		return nil, err
	}
	return &visitor{actor: its, forgeries: forgeriesOf(vendorGrantee{}), enter: func(ctx context.Context, forgery string) error {
		who := its
		if forgery == otherAccount {
			if who, err = become("other-" + email); err != nil {
				return err
			}
		}
		return who.knock(ctx, d.grant)
	}}, nil
}

// knock tries one thing that the grant allows, in a way that changes nothing.
func (a *actor) knock(ctx context.Context, g core.Grant) error {
	p := core.Probe{Ability: core.Create, Where: core.Elsewhere, Bucket: g.Target.Bucket, Key: g.Target.Prefix + ".bucketgrant-probe/enter"}
	if !g.Allows(core.Create) {
		p.Ability = core.Read
	}
	if err := a.attempt(ctx, p); err != nil && !hasCode(err, authorized(p)) {
		return err
	}
	return nil
}

// meet makes the grantee of d exist if it is somebody else's and a stand-in can be it.
func (p *Provider) meet(d design) error {
	if _, is := granteeOf(d.grant).(vendorGrantee); !is || p.config.StandIn == nil {
		return nil
	}
	member, faults := vendorOf(d)
	if len(faults) > 0 || strings.HasSuffix(member, "@"+accountDomain(d.project)) {
		return nil
	}
	_, err := p.config.StandIn.Account(emailOf(member))
	return err
}

// forgeriesOf are the names of what others may try.
func forgeriesOf(k grantee) []string {
	var names []string
	for _, f := range k.identity().Forgeries {
		names = append(names, f.Name)
	}
	return names
}

// newActor is a grantee with those credentials.
func newActor(c *auth.Credentials, t http.RoundTripper, at endpoint, project string) *actor {
	return &actor{cloud: newCloud(c, t, at), project: project, made: map[string]int64{}}
}
