// AWS's codes lead to the right kinds, and their causes stay inside.
package s3

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/bucketgrant/bucketgrant/core"
)

func apiError(status int, code, message string) error {
	return &smithy.OperationError{ServiceID: "IAM", OperationName: "X", Err: &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: message},
	}}}
}

func TestErrorsHaveKinds(t *testing.T) {
	for _, c := range []struct {
		code, message string
		want          error
		hint          string
	}{
		{"AccessDenied", "not authorized to perform: iam:CreateUser because no identity-based policy allows the iam:CreateUser action", core.ErrOperator, "plan --offline --documents"},
		{"AccessDenied", "because no permissions boundary allows the iam:CreateUser action", core.ErrOperator, "permissions boundary"},
		{"AccessDenied", "with an explicit deny in a service control policy", core.ErrBlocked, "service control policy"},
		{"AccessDenied", "with an explicit deny in a resource control policy", core.ErrBlocked, "resource control policy"},
		{"AccessDenied", "Access Denied", core.ErrOperator, "plan --offline --documents"},
		{"ExpiredToken", "", core.ErrOperator, "sso"},
		{"SignatureDoesNotMatch", "", core.ErrOperator, "secret"},
		{"EntityAlreadyExists", "", core.ErrNotOurs, "--name"},
		{"BucketAlreadyExists", "", core.ErrNotOurs, "account-regional"},
		{"DeleteConflict", "", core.ErrNotOurs, "others"},
		{"OperationAborted", "", core.ErrNotConverged, "again"},
		{"NoSuchEntity", "", core.ErrMoved, "again"},
		{"IllegalLocationConstraintException", "", core.ErrInvalid, ""},
	} {
		cause := apiError(400, c.code, c.message)
		err := failed("iam:user/x", "iam:CreateUser", cause)
		e, ok := errors.AsType[*core.Error](err)
		if !ok || !errors.Is(err, c.want) || !errors.Is(err, cause) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s %q: got %v with hint %q, want kind %q, a hint with %q, and the cause", c.code, c.message, err, e.Hint, c.want, c.hint)
		}
	}
	if err := failed("x", "y", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want one that is still a cancel", err)
	}
}

func TestOnlyAccessDeniedIsARefusal(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   core.Outcome
	}{
		{403, "AccessDenied", core.Denied},
		{403, "InvalidAccessKeyId", core.Unclear},
		{403, "SignatureDoesNotMatch", core.Unclear},
		{403, "InvalidClientTokenId", core.Unclear},
		{403, "RequestTimeTooSkewed", core.Unclear},
		{403, "Forbidden", core.Unclear},
		{200, "AccessDenied", core.Unclear},
		{503, "SlowDown", core.Unclear},
		{404, "NoSuchBucket", core.Unclear},
		{301, "PermanentRedirect", core.Unclear},
		{404, "NoSuchKey", core.Allowed},
		{404, "NoSuchUpload", core.Allowed},
		{412, "PreconditionFailed", core.Allowed},
		{400, "MalformedPolicy", core.Allowed},
	} {
		got, err := outcome(core.Denied, apiError(c.status, c.code, ""))
		if got != c.want || (err != nil) != (got == core.Unclear) {
			t.Errorf("%d %s: got %s, error %v, want %s", c.status, c.code, got, err, c.want)
		}
	}
}

// TestEveryRefusedReadIsTold plans as operators who may do little: whoever asks
// for permissions asks once.
func TestEveryRefusedReadIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		may   []string
		there bool // the grant exists
		told  []string
	}{
		"nothing at all":  {nil, false, []string{"iam:GetUser", "iam:GetGroup", "iam:ListPolicies"}},
		"users only":      {[]string{"iam:GetUser"}, false, []string{"iam:GetGroup", "iam:ListPolicies"}},
		"inside the user": {[]string{"iam:GetUser", "iam:GetGroup", "iam:ListPolicies"}, true, []string{"iam:ListGroupsForUser", "iam:GetLoginProfile", "iam:ListAttachedUserPolicies", "iam:ListUserPolicies", "iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies", "iam:GetPolicy", "iam:GetPolicyVersion"}},
		"only the bucket": {[]string{"s3:ListBucket", "iam:*"}, true, []string{"s3:GetBucketTagging", "s3:GetBucketPolicy", "s3:GetBucketVersioning", "s3:GetLifecycleConfiguration"}},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				if c.there {
					t.again(eventDump())
				}
				var may []core.Permission
				for _, a := range append(c.may, "s3:ListAllMyBuckets") {
					may = append(may, core.Permission{Action: a, Resource: "*"})
				}
				e := &core.Engine{Provider: t.w.ProviderAs(may), Journal: &notes{}, RunID: "run"}
				_, err := e.Plan(t.Context(), eventDump(), core.Present)
				if !errors.Is(err, core.ErrOperator) {
					t.Fatalf("got error %v, want %v", err, core.ErrOperator)
				}
				for _, a := range c.told {
					if !strings.Contains(err.Error(), a+": ") {
						t.Errorf("got error %v, want %s in it as well", err, a)
					}
				}
			})
		})
	}
}

// Who refuses, and what, decides whether a refusal says anything about the grant.
func TestOnlyTheGranteesOwnRefusalCounts(t *testing.T) {
	const user = "User: arn:aws:iam::111122223333:user/kms:Decrypt is not authorized to perform: "
	for _, c := range []struct {
		want    core.Outcome
		message string
		got     core.Outcome
	}{
		{core.Denied, "Access Denied", core.Denied},
		{core.Denied, user + `s3:GetObject on resource: "arn:aws:s3:::b/k" because no identity-based policy allows the s3:GetObject action`, core.Denied},
		{core.Denied, user + "iam:ListUsers on resource: arn:aws:iam::111122223333:user/ because no identity-based policy allows the iam:ListUsers action", core.Denied},
		{core.Denied, user + `s3:GetObject on resource: "arn:aws:s3:::b/k" because no VPC endpoint policy allows the s3:GetObject action`, core.Unclear},
		{core.Denied, user + `s3:GetObject on resource: "arn:aws:s3:::b/k" with an explicit deny in a VPC endpoint policy`, core.Unclear},
		{core.Allowed, user + `s3:PutObject on resource: "arn:aws:s3:::b/k" because no VPC endpoint policy allows the s3:PutObject action`, core.Unclear},
		{core.Denied, user + "kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/1 because no identity-based policy allows the kms:Decrypt action", core.Unclear},
		{core.Allowed, user + "kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:111122223333:key/1 because no identity-based policy allows the kms:GenerateDataKey action", core.Denied},
		{core.Denied, "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.", core.Unclear},
		{core.Denied, user + "sts:AssumeRole on resource: arn:aws:iam::111122223333:role/x", core.Unclear},
	} {
		got, err := outcome(c.want, apiError(http.StatusForbidden, codeDenied, c.message))
		if got != c.got || (err != nil) != (got == core.Unclear) {
			t.Errorf("%q, wanted %s: got %s, error %v, want %s", c.message, c.want, got, err, c.got)
		}
	}
}
