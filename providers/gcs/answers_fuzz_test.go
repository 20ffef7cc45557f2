// Hostile answers: whatever Google Cloud or something in front of it says becomes an error that says what and which.
package gcs

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/api/googleapi"
)

func FuzzAnswersOfGoogleCloud(f *testing.F) {
	f.Add(403, `{"error":{"code":403,"message":"x does not have storage.objects.create access to the Google Cloud Storage object.","errors":[{"reason":"forbidden"}]}}`)
	f.Add(403, `{"error":{"status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"IAM_PERMISSION_DENIED","metadata":{"permission":"iam.roles.create"}}]}}`)
	f.Add(412, `{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.PreconditionFailure","violations":[{"type":"constraints/x"}]}]}}`)
	f.Add(403, `<html>forbidden</html>`)
	f.Add(404, ``)
	f.Add(400, `{"error":[1,{"code":"x"}]}`)
	f.Add(466, `{"error":{"code":403,"message":"does not have storage.objects.get access"}}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 300 || status > 599 {
			return
		}
		err := googleapi.CheckResponse(&http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))})
		if err == nil {
			return
		}
		told := explain("gcs:bucket/acme", err)
		if told == nil || told.Error() == "" || !strings.Contains(told.Error(), "gcs:bucket/acme") {
			t.Errorf("%d %q: got %v, want an error about the bucket", status, body, told)
		}
		told403 := status == http.StatusForbidden || strings.Contains(body, "403") // the body's own word for it comes first
		if refused(err) && (!told403 || !strings.Contains(body, "storage") && !strings.Contains(body, "iam")) {
			t.Errorf("%d %q: got a refusal, which nobody has said", status, body)
		}
	})
}
