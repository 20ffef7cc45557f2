// Identity: what a credentials file says of who acts, and who pays.
package gcs

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func TestPrincipalIsNamedAsFarAsTheFileSays(t *testing.T) {
	for file, want := range map[string]string{
		`{"type":"service_account","client_email":"ops@acme-project.iam.gserviceaccount.com"}`: "ops@acme-project.iam.gserviceaccount.com",
		`{"type":"authorized_user","client_id":"x"}`:                                           "user credentials",
		`{"type":"external_account"}`:                                                          "external_account credentials",
		``:                                                                                     "the machine's service account",
	} {
		if got := principalOf([]byte(file)); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

func TestQuotaProjectIsSentWithEveryCall(t *testing.T) {
	t.Setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "acme-project")
	w := newWorld(t)
	var calls atomic.Int32
	w.transport.Fault = func(c cloudsim.Call, r *http.Request) cloudsim.Fault {
		if c.Op.Name != "oauth2.token" {
			calls.Add(1)
			if got := r.Header.Get("X-Goog-User-Project"); got != "acme-project" {
				t.Errorf("%s: got quota project %q, want acme-project", c.Op.Name, got)
			}
			if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
				t.Errorf("%s: got no token", c.Op.Name)
			}
		}
		return cloudsim.Fault{}
	}
	w.apply(eventDump())
	if calls.Load() == 0 {
		t.Error("got no calls")
	}
}
