// Keyring: the access keys after their issue: switched off and on again.
package s3

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

var _ core.Keyring = (*issuer)(nil)

// keyringOf is the keys of a grant whose grantee is handed some; nil for one that takes roles on.
func keyringOf(i core.Issuer) core.Keyring {
	if i, ok := i.(*issuer); ok {
		return i
	}
	return nil
}

// Switch makes a key work, or makes it useless until it is switched on again,
// after a look at whose the user is by now.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html
func (i *issuer) Switch(ctx context.Context, id string, on bool) error {
	if err := i.complete(id); err != nil {
		return err
	}
	status, reads := types.StatusTypeInactive, []func(context.Context) error{i.stillOwner}
	if on {
		status, reads = types.StatusTypeActive, append(reads, i.free)
	}
	err := core.Together(ctx, reads...)
	if err == nil {
		err = i.whenKnown(ctx, id, func() error {
			_, err := i.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String(i.userName()), AccessKeyId: aws.String(id), Status: status})
			return err
		})
	}
	if gone(err) {
		return moved(i.keyAddr(id), "is gone")
	}
	return failed(i.keyAddr(id), "iam:UpdateAccessKey", err)
}

// complete refuses a call about no key, or about no user: without a name IAM
// takes the caller itself.
func (i *issuer) complete(id string) error {
	if i.userName() == "" || id == "" {
		return &core.Error{Kind: core.ErrInvalid, What: i.keyAddr(id), Err: errors.New("neither user nor key may be empty")}
	}
	return nil
}

// stillOwner looks at whose the user is right before its key is written.
func (i *issuer) stillOwner(ctx context.Context) error {
	return (&roleStep{i.session}).guard(ctx, i.userAddr())
}

// quarantine begins the names of the policies that AWS attaches to a user whose
// key was seen in public.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCompromisedKeyQuarantineV4.html
const quarantine = "AWSCompromisedKeyQuarantine"

// quarantined finds such a policy among the ARNs of policies, "" if there is none.
func quarantined(arns []string) string {
	for _, arn := range arns {
		if strings.HasPrefix(arn[strings.LastIndex(arn, "/")+1:], quarantine) && strings.Contains(arn, ":iam::aws:policy/") {
			return arn
		}
	}
	return ""
}

// free refuses to switch on a key of a user that AWS itself has put into quarantine.
func (i *issuer) free(ctx context.Context) error {
	out, err := i.iam.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: aws.String(i.userName())})
	if err != nil {
		return failed(i.userAddr(), "iam:ListAttachedUserPolicies", err)
	}
	var arns []string
	for _, p := range out.AttachedPolicies {
		arns = append(arns, aws.ToString(p.PolicyArn))
	}
	if arn := quarantined(arns); arn != "" {
		return &core.Error{What: i.userAddr(), Err: errors.New(quarantineWords(arn)), Hint: quarantineEnd}
	}
	return nil
}

func quarantineWords(arn string) string {
	return "AWS has quarantined it with " + arn + ", because a key of it was seen in public"
}

// quarantineEnd is who knows when the policy may go: AWS asks that it is not simply taken off.
const quarantineEnd = "the support case that AWS has opened for it; retire the key that was seen first"
