// Causes: each is told first by the message that it is known by, and what an exposed key leaves open is said.
package gcs

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestEveryCauseIsTheLikeliestForItsOwnMessage(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/vectors/gcp/causes/causes.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct{ Cause, Says, Source string }
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	b := compiled(t, eventDump())
	seen := map[string]bool{}
	for _, row := range rows {
		seen[row.Cause] = true
		d, err := (&core.Engine{Provider: New(Config{}), Journal: &memory{}}).Diagnose(t.Context(), core.Complaint{Manifest: b, Error: row.Says})
		if err != nil || len(d.Hypotheses) == 0 || d.Hypotheses[0].Name != row.Cause || len(d.Hypotheses) > 1 && d.Hypotheses[1].Score >= d.Hypotheses[0].Score {
			t.Errorf("%q: got %+v (%v), want %s first and alone", row.Says, d.Hypotheses, err, row.Cause)
		}
		if !strings.HasPrefix(row.Source, "https://") {
			t.Errorf("%s: got no vendor's page", row.Cause)
		}
	}
	for _, c := range New(Config{}).Causes(b) {
		if !seen[c.Name] || c.Layer == "" || c.Means == "" || c.Confirm == "" || c.Fix == "" {
			t.Errorf("a cause is complete and has its message: got %+v", c)
		}
	}
}

func TestExposedKeysLeaveNoTokenUnsaid(t *testing.T) {
	text := strings.Join(New(Config{}).Exposed(compiled(t, eventDump()), "0123456789abcdef"), "\n")
	for _, want := range []string{"iam.serviceAccountKeyExposureResponse", "12 where", "service-accounts disable", "serviceAccountKeyName", "0123456789abcdef", "data access logs", "soft-deleted"} {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want %s", text, want)
		}
	}
}
