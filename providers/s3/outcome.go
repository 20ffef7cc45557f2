// Outcome: what an answer to the grantee says about a permission.
package s3

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// outcome is what an answer says about a permission. Only AccessDenied is a
// refusal; what S3 finds out after it has let the caller in is none.
func outcome(want core.Outcome, err error) (core.Outcome, error) {
	switch {
	case err == nil:
		return core.Allowed, nil
	case is(err, codeDenied) && status(err) == http.StatusForbidden && refusesGrantee(want, err.Error()):
		return core.Denied, nil
	case is(err, "NoSuchKey", "NoSuchUpload", "NoSuchVersion", "NotFound", "PreconditionFailed", "NoSuchBucketPolicy", codeBadPolicy):
		return core.Allowed, nil
	}
	return core.Unclear, unclear(err)
}

// unclear says why an answer tells nothing of a permission. Keys that AWS does
// not know, that are switched off or that have ended are not accepted at all; a
// wrong signature says nothing of the key.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
func unclear(err error) error {
	if is(err, "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "ExpiredToken", "ExpiredTokenException", "InvalidToken") {
		return &rejected{plainly(err)}
	}
	return plainly(err)
}

// rejected is what AWS answers to a credential that it does not accept, in its own words.
type rejected struct{ error }

func (r *rejected) Unwrap() []error { return []error{core.ErrRejected, r.error} }

// refusedAction finds the service of the action that a refusal names.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var refusedAction = regexp.MustCompile(`not authorized to perform: ([a-zA-Z0-9-]+):`)

// refusesGrantee reports whether a refusal is about what the grantee may do on
// S3 and IAM. The policy of a VPC endpoint is about the way that the request
// took. KMS is asked after S3 has let the caller in: that is no refusal of what
// is not granted, but one of what is granted and does not work.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func refusesGrantee(want core.Outcome, message string) bool {
	if strings.Contains(message, layerEndpoint) {
		return false
	}
	service := ""
	if m := refusedAction.FindStringSubmatch(message); m != nil {
		service = m[1]
	} else if strings.Contains(message, "ciphertext") { // KMS names no action to callers of another account
		service = "kms"
	}
	switch service {
	case "", "s3", "iam":
		return true
	case "kms":
		return want == core.Allowed
	}
	return false
}
