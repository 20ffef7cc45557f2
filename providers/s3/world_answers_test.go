// How AWS answers what it does not serve, in the format of each of its services.
package s3

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var storageAnswers = map[providertest.Trouble]answered{
	providertest.Throttled:   {503, "SlowDown", "Please reduce your request rate."},
	providertest.Failing:     {500, "InternalError", "We encountered an internal error. Please try again."},
	providertest.Unavailable: {503, "ServiceUnavailable", "Service is unable to handle request."},
	providertest.Refused:     {403, "AccessDenied", "Access Denied"},
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
var queryAnswers = map[providertest.Trouble]answered{
	providertest.Throttled:   {400, "Throttling", "Rate exceeded"},
	providertest.Failing:     {500, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure."},
	providertest.Unavailable: {503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."},
	providertest.Refused:     {403, "AccessDenied", "User is not authorized to perform this action because no identity-based policy allows it"},
}

func (w *world) Decisive() []string {
	return []string{"iam:CreateAccessKey", "iam:CreateUser", "iam:CreateRole", "s3:CreateBucket", "s3:PutBucketPolicy"}
}

type answered struct {
	status        int
	code, message string
}

// Answer is in the XML of S3, or in that of the services that are asked by forms.
func (w *world) Answer(r *http.Request, why providertest.Trouble) *http.Response {
	host := r.URL.Host
	if !strings.HasPrefix(host, "iam.") && !strings.HasPrefix(host, "sts.") {
		a := storageAnswers[why]
		return a.reply(r, fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message><RequestId>EXAMPLE</RequestId></Error>", a.code, a.message))
	}
	a, kind := queryAnswers[why], "Sender"
	if a.status >= 500 {
		kind = "Receiver"
	}
	return a.reply(r, fmt.Sprintf("<ErrorResponse><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>example</RequestId></ErrorResponse>", kind, a.code, a.message))
}

func (a answered) reply(r *http.Request, body string) *http.Response {
	if r.Method == http.MethodHead {
		body = ""
	}
	return &http.Response{StatusCode: a.status, Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}
