// Tokens: taking a role on with a token, genuine or forged.
package s3

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// asPlayedWorkflow takes the role on with tokens that the stand-in signs.
func (e *entrant) asPlayedWorkflow(ctx context.Context, d design, stand StandIn) error {
	w, _ := d.workflow()
	client, err := e.anonymous(ctx)
	if err != nil {
		return err
	}
	e.forged = w.forgeries()
	e.open = e.withTokens(client, d.layout.grantee(d, d.accountOrNot(stand.Home())), func(_ context.Context, forgery string) (string, error) {
		claims := w.claims(forgery)
		issuer, _ := claims["iss"].(string)
		return stand.Token(issuer, claims), nil
	})
	return nil
}

// forgeries are those that must be refused: what a flag or a pattern lets in is none.
func (w workflow) forgeries() []string {
	return slices.DeleteFunc(forgeryNames(), w.Trusts)
}

// withTokens asks for the role with a token. Two forgeries are made of a genuine
// one: it loses its signature, or keeps that of other claims.
func (e *entrant) withTokens(client *sts.Client, arn string, token func(ctx context.Context, forgery string) (string, error)) func(string) entrance {
	return func(forgery string) entrance {
		return func(ctx context.Context) (*types.Credentials, error) {
			text, err := token(ctx, forgery)
			if err != nil {
				return nil, err
			}
			switch forgery {
			case github.UnsignedToken:
				text = unsigned(text)
			case github.ForgedSignature:
				text = resigned(text)
			}
			out, err := client.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{RoleArn: &arn, RoleSessionName: aws.String(sessionName), WebIdentityToken: &text}, onceSTS)
			if err != nil {
				return nil, err
			}
			return out.Credentials, nil
		}
	}
}

// unsigned is a token that claims to need no signature.
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return token
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "."
}

// resigned is a token whose signature is another one.
func resigned(token string) string {
	head, signature, ok := cutLast(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if !ok || err != nil || len(raw) == 0 {
		return token + "x"
	}
	raw[len(raw)/2] ^= 1
	return head + "." + base64.RawURLEncoding.EncodeToString(raw)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// anonymous is a client for the one call that nobody signs.
func (e *entrant) anonymous(ctx context.Context) (*sts.Client, error) {
	c, err := e.provider.connect(ctx, e.region, credentials.NewStaticCredentialsProvider("anonymous", "anonymous", ""))
	if err != nil {
		return nil, err
	}
	return c.sts, nil
}
