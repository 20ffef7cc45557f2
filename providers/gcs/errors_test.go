// Errors: Google's answers as kinds and hints.
package gcs

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/api/googleapi"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// answered is an error of the API as the client library reads it.
func answered(code int, reason, message string, details ...any) error {
	e := &googleapi.Error{Code: code, Message: message, Details: details, Body: "hunter2"}
	if reason != "" {
		e.Errors = []googleapi.ErrorItem{{Reason: reason, Message: message}}
	}
	return e
}

func TestAnswersBecomeKinds(t *testing.T) {
	violation := func(constraint string) any {
		return map[string]any{"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": []any{map[string]any{"type": constraint}}}
	}
	info := func(reason string, metadata map[string]any) any {
		return map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}
	}
	for name, c := range map[string]struct {
		err  error
		kind error
		says string
		hint string
	}{
		"storage permission": {answered(403, "forbidden", "ops@x does not have storage.buckets.create access to the Google Cloud project."), core.ErrOperator, "storage.buckets.create is missing", "the plan lists"},
		"IAM permission":     {answered(403, "", "Permission 'iam.roles.create' denied on resource.", info("IAM_PERMISSION_DENIED", map[string]any{"permission": "iam.roles.create"})), core.ErrOperator, "iam.roles.create is missing", "the plan lists"},
		"switched-off API":   {answered(403, "accessNotConfigured", "X has not been used", info("SERVICE_DISABLED", map[string]any{"activationUrl": "https://console.developers.google.com/x"})), core.ErrOperator, "switched off", "https://console.developers.google.com/x"},
		"no quota project":   {answered(403, "", "X has not been used in project 764086051850 before", info("SERVICE_DISABLED", nil)), core.ErrOperator, "switched off", "set-quota-project"},
		"keys forbidden":     {answered(400, "", "Key creation is not allowed on this service account.", violation("constraints/iam.disableServiceAccountKeyCreation")), core.ErrBlocked, "constraints/iam.disableServiceAccountKeyCreation", "workload identity federation"},
		"keys forbidden too": {answered(400, "", "x", violation("constraints/iam.managed.disableServiceAccountKeyCreation")), core.ErrBlocked, "iam.managed.disableServiceAccountKeyCreation", "certificate"},
		"domain restriction": {answered(412, "conditionNotMet", "One or more users named in the policy do not belong to a permitted customer.", violation("constraints/iam.allowedPolicyMemberDomains")), core.ErrBlocked, "allowedPolicyMemberDomains", "administrator"},
		"customers":          {answered(412, "conditionNotMet", "One or more users named in the policy do not belong to a permitted customer."), core.ErrBlocked, "allowedPolicyMemberDomains", "administrator"},
		"location forbidden": {answered(412, "conditionNotMet", "'us' violates constraint 'constraints/gcp.resourceLocations'"), core.ErrBlocked, "constraints/gcp.resourceLocations", "administrator"},
		"expired login":      {answered(401, "authError", "Invalid Credentials"), core.ErrOperator, "Invalid Credentials", "gcloud auth"},
		"no token":           {&tokenError{errors.New("connection refused")}, core.ErrOperator, "no access token", "gcloud auth"},
		"quota":              {answered(403, "rateLimitExceeded", "Quota exceeded for quota metric"), nil, "Quota", ""},
		"anything else":      {answered(418, "teapot", "I'm a teapot"), nil, "teapot", ""},
	} {
		err := explain("x", c.err)
		if c.kind != nil && !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || !strings.Contains(hintOf(err), c.hint) {
			t.Errorf("%s: got %v [%s], want %v, %q [%q]", name, err, hintOf(err), c.kind, c.says, c.hint)
		}
		if c.kind == nil && (errors.Is(err, core.ErrOperator) || errors.Is(err, core.ErrBlocked)) {
			t.Errorf("%s: got %v, want no kind", name, err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v prints the answer's body", name, err)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
}

func TestOnlyAuthorizationRefuses(t *testing.T) {
	const words = "x does not have storage.objects.get access to the Google Cloud Storage object."
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"authorization":       {answered(403, "forbidden", words), true},
		"IAM":                 {answered(403, "", "Permission 'iam.serviceAccounts.list' denied on resource (or it may not exist)."), true},
		"authentication":      {answered(401, "required", words), false},
		"proxy":               {&googleapi.Error{Code: 403, Body: "<html>"}, false},
		"speed":               {answered(403, "rateLimitExceeded", "The project exceeded the rate limit."), false},
		"switched off":        {answered(403, "accessNotConfigured", words), false},
		"retention":           {answered(403, "retentionPolicyNotMet", "Object 'x' is subject to bucket's retention policy and cannot be deleted until 2030."), false},
		"perimeter":           {answered(403, "forbidden", "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x"), false},
		"perimeter in detail": {answered(403, "forbidden", words, map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SECURITY_POLICY_VIOLATED"}), false},
		"perimeter in words":  {answered(403, "forbidden", "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x. "+words), false},
		"key of Cloud KMS":    {answered(403, "forbidden", "Permission denied on Cloud KMS key. Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource projects/p/locations/eu/keyRings/r/cryptoKeys/k (or it may not exist)."), false},
		"who pays":            {answered(403, "forbidden", "x@p.iam.gserviceaccount.com does not have serviceusage.services.use access to the Google Cloud project."), false},
		"organisation":        {answered(403, "forbidden", words+" constraints/storage.x"), false},
		"missing":             {answered(404, "notFound", words), false},
		"not even Google":     {errors.New(words), false},
	} {
		if got := refused(c.err); got != c.want {
			t.Errorf("%s: got refused %t, want %t", name, got, c.want)
		}
	}
}

func TestWritesWithoutAClearAnswerAreUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"server error": {answered(503, "backendError", "try again"), true},
		"deadline":     {context.DeadlineExceeded, true},
		"refusal":      {answered(403, "forbidden", "x does not have storage.buckets.create access"), false},
		"cancel":       {context.Canceled, false},
	} {
		if got := errors.Is(explainWrite("x", c.err), core.ErrUnknown); got != c.want {
			t.Errorf("%s: got unknown %t, want %t", name, got, c.want)
		}
	}
}

func TestPolicyOfAnOrganisationIsNoRace(t *testing.T) {
	for message, want := range map[string]bool{
		"At least one of the pre-conditions you specified did not hold.":               true,
		"One or more users named in the policy do not belong to a permitted customer.": false,
		"'us' violates constraint 'constraints/gcp.resourceLocations'":                 false,
	} {
		if got := isConflict(answered(412, "conditionNotMet", message)); got != want {
			t.Errorf("%s: got a race %t, want %t", message, got, want)
		}
	}
}

func TestMessagesCannotSpeakToATerminal(t *testing.T) {
	got := explain("x", answered(400, "invalid", "a\x1b]52;c;aGk=\x07b\u202ec")).Error()
	if strings.ContainsAny(got, "\x1b\x07\u202e") {
		t.Errorf("got %q, want no control characters", got)
	}
}

// A quota is said with the code of too much haste, and passes as little as a refusal.
func TestFullProjectIsRefusedAtOnce(t *testing.T) {
	for message, hint := range map[string]string{
		"Maximum number of service accounts on project reached.": "Service Account Count",
		"Maximum number of roles reached. Maximum is: 300":       "custom roles",
	} {
		inWorld(t, func(t *testing.T, w *world) {
			asked := 0
			w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
				made := strings.HasSuffix(c.Op.Name, "serviceAccounts.create") || strings.HasSuffix(c.Op.Name, "projects.roles.create")
				if !made || strings.Contains(c.Op.Name, "roles") != strings.Contains(message, "roles") {
					return cloudsim.Fault{}
				}
				asked++
				return cloudsim.Fault{Reply: &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Content-Type": {"application/json"}},
					Body: io.NopCloser(strings.NewReader(`{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"` + message + `"}}`))}}
			}
			_, _, err := w.reach(eventDump(), core.Present)
			if asked != 1 || err == nil || errors.Is(err, core.ErrUnknown) || !strings.Contains(hintOf(err), hint) {
				t.Errorf("%s: got %v [%s] after %d requests, want it refused at once with %q", message, err, hintOf(err), asked, hint)
			}
		})
	}
}
