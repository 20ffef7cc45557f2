// Exchange: a proof of identity from elsewhere for an access token of Google's.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials/externalaccount"
)

// The kinds of proofs.
// https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
const (
	jwtType = "urn:ietf:params:oauth:token-type:jwt"
	awsType = "urn:ietf:params:aws:token-type:aws4_request"
)

// subjectToken gives a token of an issuer's.
type subjectToken func(context.Context) (string, error)

// SubjectToken is what the client library asks for.
func (s subjectToken) SubjectToken(ctx context.Context, _ *externalaccount.RequestOptions) (string, error) {
	return s(ctx)
}

// awsKeys gives credentials of AWS.
type awsKeys func() (externalaccount.AwsSecurityCredentials, error)

// AwsRegion is any that has the call that is signed.
func (awsKeys) AwsRegion(context.Context, *externalaccount.RequestOptions) (string, error) {
	return "us-east-1", nil
}

// AwsSecurityCredentials is what the client library asks for.
func (k awsKeys) AwsSecurityCredentials(context.Context, *externalaccount.RequestOptions) (*externalaccount.AwsSecurityCredentials, error) {
	c, err := k()
	return &c, err
}

// visitor is whoever the pool lets in with what proof gives. as is the service
// account that it acts as, "" for itself.
func (p *Provider) visitor(at endpoint, f federation, number, as string, forgeries []string, proof func(forgery string) externalaccount.Options) (*visitor, error) {
	exchange := func(forgery string) (*auth.Credentials, error) {
		o := proof(forgery)
		o.Audience = f.audience(number)
		o.TokenURL = "https://sts." + at.universe + "/v1/token"
		o.Scopes = []string{scope}
		o.Client = &http.Client{Transport: base(p.config.Transport), Timeout: callFor, CheckRedirect: stay}
		o.Logger = quiet()
		if as != "" {
			o.ServiceAccountImpersonationURL = impersonationURL(at, as)
		}
		c, err := externalaccount.NewCredentials(&o)
		if err != nil {
			return nil, err
		}
		return auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: exchanged{c}}), nil
	}
	its, err := exchange("")
	if err != nil {
		return nil, err
	}
	return &visitor{actor: newActor(its, p.config.Transport, at, f.project), forgeries: forgeries, enter: func(ctx context.Context, forgery string) error {
		c, err := exchange(forgery)
		if err == nil {
			_, err = c.Token(ctx)
		}
		return err
	}}, nil
}

func impersonationURL(at endpoint, email string) string {
	return "https://iamcredentials." + at.universe + "/v1/projects/-/serviceAccounts/" + email + ":generateAccessToken"
}

// exchanged gives the tokens of an exchange, and its refusals as errors that
// have a status: the client library makes text of them.
type exchanged struct{ auth.TokenProvider }

// Token exchanges the proof, unless a fresh token is there.
func (e exchanged) Token(ctx context.Context) (*auth.Token, error) {
	t, err := e.TokenProvider.Token(ctx)
	if err == nil {
		return t, nil
	}
	m := refusedExchange.FindStringSubmatch(err.Error())
	if m == nil {
		return nil, err
	}
	code, _ := strconv.Atoi(m[1])
	return nil, &auth.Error{Response: &http.Response{StatusCode: code, Status: m[1] + " " + http.StatusText(code)}, Body: []byte(m[2])}
}

var refusedExchange = regexp.MustCompile(`(?s)^credentials: status code ([0-9]{3}): (.*)$`)

// turnedAway reports whether an exchange was refused because of who asked. A
// pool that is not known there, or a broken request, says nothing about that.
// https://datatracker.ietf.org/doc/html/rfc6749#section-5.2
func turnedAway(err error) bool {
	a, ok := errors.AsType[*auth.Error](err)
	if !ok {
		return false
	}
	var said struct{ Error any }
	_ = json.Unmarshal(a.Body, &said)
	switch said.Error {
	case "invalid_grant", "unauthorized_client", "access_denied":
		return true
	}
	// A service account that may not be acted as is refused in another shape.
	_, plain := said.Error.(string)
	return !plain && a.Response.StatusCode == http.StatusForbidden
}
