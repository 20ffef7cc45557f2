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
		{"AccessDenied", "not authorized to perform: iam:CreateUser because no identity-based policy allows the iam:CreateUser action", core.ErrOperator, "identity-based policy"},
		{"AccessDenied", "because no permissions boundary allows the iam:CreateUser action", core.ErrOperator, "permissions boundary"},
		{"AccessDenied", "with an explicit deny in a service control policy", core.ErrBlocked, "service control policy"},
		{"AccessDenied", "with an explicit deny in a resource control policy", core.ErrBlocked, "resource control policy"},
		{"AccessDenied", "Access Denied", core.ErrOperator, "plan"},
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
		got, err := outcome(apiError(c.status, c.code, ""))
		if got != c.want || (err != nil) != (got == core.Unclear) {
			t.Errorf("%d %s: got %s, error %v, want %s", c.status, c.code, got, err, c.want)
		}
	}
}
