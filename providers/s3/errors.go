// Errors: AWS's codes mapped to kinds, once, for the whole pillar.
package s3

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/bucketgrant/bucketgrant/core"
)

// Codes that decide what we do. The types of the SDK cover only some of them.
const (
	codeDenied       = "AccessDenied"
	codeAborted      = "OperationAborted"
	codeConcurrent   = "ConcurrentModification"
	codeUnmodifiable = "EntityTemporarilyUnmodifiable"
	codeNoEntity     = "NoSuchEntity"
	codeExists       = "EntityAlreadyExists"
	codeLimit        = "LimitExceeded"
	codeNoBucket     = "NoSuchBucket"
	codeBucketTaken  = "BucketAlreadyExists"
	codeBucketOwned  = "BucketAlreadyOwnedByYou"
	codeBadPolicy    = "MalformedPolicy"
)

// kind is what a code means for the operator.
type kind struct {
	kind error
	hint string
}

// kindOf is the only table from AWS's codes to kinds.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
func kindOf(code string) kind {
	switch code {
	case codeDenied, "AccessDeniedException", "Forbidden", "UnauthorizedAccess":
		return kind{core.ErrOperator, "plan --offline --documents lists what the operator needs"}
	case "InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "AuthFailure", "InvalidToken", "MissingAuthenticationToken", "MissingAuthenticationTokenException":
		return kind{core.ErrOperator, "aws sts get-caller-identity"}
	case "SignatureDoesNotMatch", "IncompleteSignature":
		return kind{core.ErrOperator, "check the secret access key for lost or added characters"}
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return kind{core.ErrOperator, "aws sso login, or fetch a new session; then run the same command again"}
	case "RequestExpired", "RequestTimeTooSkewed":
		return kind{core.ErrOperator, "set this machine's clock"}
	case "OptInRequired", "RegionDisabledException":
		return kind{core.ErrOperator, "enable the region in the account"}
	case codeExists, codeBucketOwned:
		return kind{core.ErrNotOurs, "--name NAME"}
	case codeBucketTaken:
		return kind{core.ErrNotOurs, "--bucket with another name, or --namespace account-regional"}
	case "DeleteConflict", "BucketNotEmpty":
		return kind{core.ErrNotOurs, "remove what others added, then run the same command again"}
	case codeNoBucket, codeNoEntity:
		return kind{core.ErrMoved, "run the same command again"}
	case codeAborted, codeConcurrent, codeUnmodifiable:
		return kind{core.ErrNotConverged, "run the same command again in some minutes"}
	case codeLimit, "TooManyBuckets", "ServiceQuotaExceededException":
		return kind{nil, "aws iam get-account-summary"}
	case "InvalidBucketName", "IllegalLocationConstraintException", "InvalidLocationConstraint", "InvalidRegion", "ValidationError", "InvalidInput":
		return kind{core.ErrInvalid, ""}
	}
	return kind{}
}

const (
	layerIdentity = "identity-based policy" // of the operator: a permission is missing
	layerEndpoint = "VPC endpoint policy"   // about the network that a request came through, not about who sent it
)

// layerOf finds the words by which AWS names the policy that refused a call.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func layerOf(message string) (layer string, organisation bool) {
	for _, l := range []struct {
		words        string
		organisation bool
	}{
		{"service control policy", true},
		{"resource control policy", true},
		{"permissions boundary", false},
		{"session policy", false},
		{layerEndpoint, false},
		{"resource-based policy", false},
		{layerIdentity, false},
	} {
		if strings.Contains(message, l.words) {
			return l.words, l.organisation
		}
	}
	return "", false
}

// failed wraps what came of a call about addr. The cause stays inside.
func failed(addr, action string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*core.Error](err); ok {
		return err
	}
	e := &core.Error{What: addr, Err: brief{action, err}}
	k := kindOf(code(err))
	e.Kind, e.Hint = k.kind, k.hint
	if u, ok := errors.AsType[*unreached](err); ok && u.nowhere {
		e.Hint = "this machine's network, or HTTPS_PROXY"
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && errors.Is(e.Kind, core.ErrOperator) {
		layer, organisation := layerOf(api.ErrorMessage())
		switch {
		case organisation:
			e.Kind, e.Hint = core.ErrBlocked, "ask whoever keeps the organisation's policies about "+action+" (a "+layer+")"
		case layer != "" && layer != layerIdentity:
			e.Hint = "the " + layer + " of the operator decides about " + action
		}
	}
	return e
}

// brief says which call failed and how, without the SDK's own frame around it.
type brief struct {
	action string
	cause  error
}

func (b brief) Error() string {
	if api, ok := errors.AsType[smithy.APIError](b.cause); ok && api.ErrorMessage() != "" {
		return fmt.Sprintf("%s: %s: %s", b.action, api.ErrorCode(), api.ErrorMessage())
	}
	return b.action + ": " + plainly(b.cause).Error()
}

func (b brief) Unwrap() error { return b.cause }

// code is AWS's code of an error, "" if no service gave one.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func is(err error, codes ...string) bool {
	got := code(err)
	for _, c := range codes {
		if got == c && got != "" {
			return true
		}
	}
	return false
}

// status is the HTTP status of the answer, 0 if there was none.
func status(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return r.HTTPStatusCode()
	}
	return 0
}

// header is a header of the answer to a call that failed.
func header(err error, name string) string {
	r, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || r.Response == nil || r.Response.Response == nil {
		return ""
	}
	return r.Response.Header.Get(name)
}

// gone reports whether a thing is not there.
func gone(err error) bool { return is(err, codeNoEntity, codeNoBucket) }

// empty reports whether a part of a bucket was never set.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func empty(err error) bool {
	return status(err) == http.StatusNotFound && is(err,
		"NoSuchBucketPolicy", "NoSuchLifecycleConfiguration", "NoSuchPublicAccessBlockConfiguration",
		"OwnershipControlsNotFoundError", "NoSuchTagSet", "ServerSideEncryptionConfigurationNotFoundError")
}
