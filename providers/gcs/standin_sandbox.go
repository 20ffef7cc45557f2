// The sandbox stands in for everybody else: GitHub, AWS, and vendors with projects of their own.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials/externalaccount"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// everybodyElse is whom a fake cloud knows beside its operator. What it does is
// nobody's call: it is neither counted nor broken.
type everybodyElse struct{ cloud *fakegcp.Cloud }

var _ StandIn = everybodyElse{}

func (e everybodyElse) hands(project string) (*cloud, error) {
	key, ok := e.cloud.OperatorOf(project)
	if !ok {
		key = e.cloud.AddProject(project, projectNumber(project))
	}
	side := &cloudsim.Transport{Handler: e.cloud}
	id, err := operatorIdentity(key, side)
	if err != nil {
		return nil, err
	}
	return newCloud(id.credentials, side, google()), nil
}

// Number is what the project's own operator sees.
func (e everybodyElse) Number(project string) (string, error) {
	hands, err := e.hands(project)
	if err != nil {
		return "", err
	}
	got, err := hands.sendTo(context.Background(), http.MethodGet, "https://cloudresourcemanager."+universe+"/v1/projects/"+url.PathEscape(project), nil)
	if err != nil {
		return "", err
	}
	var p struct{ ProjectNumber string }
	err = json.Unmarshal(got.body, &p)
	return p.ProjectNumber, err
}

// Token is signed by the issuer that the claims name.
func (e everybodyElse) Token(claims map[string]any, how string) (string, error) {
	issuer, _ := claims["iss"].(string)
	switch how {
	case github.UnsignedToken:
		return e.cloud.ForgeToken(issuer, claims, fakegcp.ForgeNone), nil
	case github.ForgedSignature:
		return e.cloud.ForgeToken(issuer, claims, fakegcp.ForgeTampered), nil
	}
	return e.cloud.IssueToken(issuer, claims), nil
}

// AWSRole makes a session.
func (e everybodyElse) AWSRole(account, role, session string) (externalaccount.AwsSecurityCredentials, error) {
	id, secret, token := e.cloud.AddAWSRole(account, role, session)
	return externalaccount.AwsSecurityCredentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
}

// ordinaryAccount is an account that people make, in a project that is in its name.
var ordinaryAccount = regexp.MustCompile(`^([a-z][a-z0-9-]*)@([a-z][a-z0-9-]*)\.iam\.gserviceaccount\.com$`)

// Account makes a vendor's account. Its project's operator hands out its tokens.
func (e everybodyElse) Account(email string) (*auth.Credentials, error) {
	m := ordinaryAccount.FindStringSubmatch(email)
	if m == nil {
		return nil, &core.Error{Kind: core.ErrNotHere, What: email, Err: errors.New("a sandbox has service accounts of the form NAME@PROJECT.iam.gserviceaccount.com only")}
	}
	id, project := m[1], m[2]
	hands, err := e.hands(project)
	if err != nil {
		return nil, err
	}
	_, err = hands.sendTo(context.Background(), http.MethodPost, "https://iam."+universe+"/v1/projects/"+project+"/serviceAccounts", body(map[string]string{"accountId": id}))
	if err != nil && !hasCode(err, http.StatusConflict) {
		return nil, err
	}
	e.cloud.Grant(project, "serviceAccount:operator@"+accountDomain(project), "iam.serviceAccounts.getAccessToken")
	return auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: auth.NewCachedTokenProvider(lent{hands, email}, nil)}), nil
}

// lent gives tokens of an account that the project's operator may act as.
type lent struct {
	hands *cloud
	email string
}

// Token asks for one.
func (l lent) Token(context.Context) (*auth.Token, error) {
	got, err := l.hands.sendTo(context.Background(), http.MethodPost, impersonationURL(google(), l.email), body(map[string][]string{"scope": {scope}}))
	if err != nil {
		return nil, err
	}
	var t struct {
		AccessToken string
		ExpireTime  time.Time
	}
	if err := json.Unmarshal(got.body, &t); err != nil {
		return nil, err
	}
	return &auth.Token{Value: t.AccessToken, Type: "Bearer", Expiry: t.ExpireTime}, nil
}
