// The sandbox as stand-in: it has the accounts of all vendors, and signs as every issuer.
package s3

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// sandboxHome is the account of a sandbox's operator.
const sandboxHome = "111122223333"

// played is a cloud whose grantees are played. What they do on their own side is
// none of the operator's calls.
type played struct{ cloud *fakeaws.Cloud }

var _ StandIn = played{}

// Home is the account of the operator.
func (played) Home() string { return sandboxHome }

// Token is signed with the issuer's own key.
func (s played) Token(issuer string, claims map[string]any) string {
	return s.cloud.IssueClaims(issuer, claims)
}

func (s played) config(c aws.CredentialsProvider) aws.Config {
	return aws.Config{Region: "us-east-1", HTTPClient: &http.Client{Transport: &cloudsim.Transport{Handler: s.cloud}}, Credentials: c}
}

// Caller is the account's own operator, or the role that the operator takes on.
func (s played) Caller(ctx context.Context, account, role string) (aws.CredentialsProvider, error) {
	id, secret := s.cloud.AddAccount(account)
	operator := credentials.NewStaticCredentialsProvider(id, secret, "")
	if role == "" {
		return operator, nil
	}
	if err := s.settle(ctx, account, role); err != nil {
		return nil, err
	}
	return stscreds.NewAssumeRoleProvider(sts.NewFromConfig(s.config(operator)), role), nil
}

// settle makes a role of another account, as its owner would have done long before.
func (s played) settle(ctx context.Context, account, role string) error {
	id, secret := s.cloud.AddAccount(account)
	client := iam.NewFromConfig(s.config(credentials.NewStaticCredentialsProvider(id, secret, "")))
	path, name := pathAndName(role)
	partition := arnField(role, 1)
	_, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, Path: &path, AssumeRolePolicyDocument: aws.String(string(mustJSON(
		trusting(awsPrincipal{"arn:" + partition + ":iam::" + account + ":root"}, "sts:AssumeRole", time.Time{}, nil))))})
	if is(err, codeExists) {
		return nil
	}
	if err == nil {
		_, err = client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String("arn:" + partition + ":iam::aws:policy/AdministratorAccess")})
	}
	return failed(role, "iam:CreateRole", err)
}

// pathAndName takes an ARN of a role apart.
func pathAndName(arn string) (path, name string) {
	rest := arnField(arn, 5)[len("role"):]
	before, name, _ := cutLast(rest, "/")
	return before + "/", name
}

// arrive makes the grantee's own side of a grant before it is named in a policy.
func (p *Provider) arrive(ctx context.Context, d design) error {
	if p.config.StandIn == nil || d.grant.Who != core.WhoAccount {
		return nil
	}
	v, faults := d.vendor()
	if len(faults) > 0 || v.role == "" {
		return nil
	}
	_, err := p.config.StandIn.Caller(ctx, v.account, v.role)
	return err
}
