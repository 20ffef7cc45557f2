// How Google answers what it does not serve, in the format of each of its APIs.
package gcs

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// https://cloud.google.com/storage/docs/json_api/v1/status-codes
// https://cloud.google.com/storage/docs/xml-api/reference-status
var answers = map[providertest.Trouble]struct {
	code                         int
	status, reason, xml, message string
}{
	providertest.Throttled:   {429, "RESOURCE_EXHAUSTED", "rateLimitExceeded", "SlowDown", "The project exceeded the rate limit."},
	providertest.Failing:     {500, "INTERNAL", "backendError", "InternalError", "We encountered an internal error. Please try again."},
	providertest.Unavailable: {503, "UNAVAILABLE", "backendError", "ServiceUnavailable", "The service is currently unavailable."},
	providertest.Refused:     {403, "PERMISSION_DENIED", "forbidden", "AccessDenied", "The caller does not have permission"},
}

func (w *world) Decisive() []string {
	return []string{"iam.projects.serviceAccounts.keys.create", "storage.projects.hmacKeys.create", "iam.projects.serviceAccounts.create", "storage.buckets.insert", "storage.buckets.setIamPolicy"}
}

// Answer is in Google's JSON, in the XML of Cloud Storage, or in OAuth's JSON.
func (w *world) Answer(r *http.Request, why providertest.Trouble) *http.Response {
	a, kind := answers[why], "application/json; charset=UTF-8"
	body := fmt.Sprintf(`{"error": {"code": %d, "message": %q, "status": %q, "errors": [{"message": %q, "domain": "global", "reason": %q}]}}`, a.code, a.message, a.status, a.message, a.reason)
	plain := strings.HasPrefix(r.URL.Path, "/storage/") || strings.HasPrefix(r.URL.Path, "/upload/") || strings.HasPrefix(r.URL.Path, "/download/")
	switch {
	case r.URL.Host == "storage.googleapis.com" && !plain:
		kind, body = "application/xml; charset=UTF-8", fmt.Sprintf("<?xml version='1.0' encoding='UTF-8'?><Error><Code>%s</Code><Message>%s</Message></Error>", a.xml, a.message)
	case strings.HasSuffix(r.URL.Path, "/token"):
		body = fmt.Sprintf(`{"error": %q, "error_description": %q}`, strings.ToLower(a.status), a.message)
	}
	return &http.Response{StatusCode: a.code, Status: fmt.Sprintf("%d %s", a.code, http.StatusText(a.code)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}
