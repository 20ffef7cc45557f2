// What a grantee is told without a secret.

package handoff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// openedReceipt tells of an access without a secret.
func openedReceipt() core.Receipt {
	r := receiptFor(pairOf(exampleID, "x"))
	r.Key, r.Who, r.Can = nil, core.WhoOIDC, []core.Ability{core.Create}
	r.Outputs = []core.Output{{Name: "IAM_ROLE", Value: "acme-events", Why: "the name of the role"}, {Name: "workflow", Value: "on: push\n", File: "workflow.yml"}}
	return r
}

func TestOutputsAreWrittenOnceAndNeverOverAnotherContent(t *testing.T) {
	dir := filepath.Join(room(t), "out")
	r := openedReceipt()
	files, err := Public(dir, r, true)
	must(t, err)
	want := []string{"acme-events.run1.manifest.json", "acme-events.run1.manifest.txt", "acme-events.workflow.yml"}
	if got := tree(t, dir); strings.Join(got, " ") != strings.Join(want, " ") || len(files) != 3 {
		t.Fatalf("got %v and %v, want %v", got, files, want)
	}
	r.Changes, r.RunID = nil, "run2"
	files, err = Public(dir, r, true)
	if got := tree(t, dir); err != nil || len(files) != 1 || len(got) != 3 {
		t.Errorf("again: got %v, %v and %v, want nothing new", files, got, err)
	}
	r.Outputs[1].Value = "on: pull_request\n"
	if _, err := Public(dir, r, true); err == nil || !strings.Contains(err.Error(), "nothing is ever overwritten") {
		t.Errorf("other content: got %v, want a refusal", err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "acme-events.workflow.yml")); err != nil || string(data) != "on: push\n" {
		t.Errorf("got %q and %v, want the first content", data, err)
	}
}

func TestNothingIsWrittenWhereThereIsNothingToTell(t *testing.T) {
	dir := filepath.Join(room(t), "out")
	r := openedReceipt()
	r.Outputs = nil
	if files, err := Public(dir, r, false); err != nil || files != nil {
		t.Errorf("got %v and %v, want nothing", files, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("got a directory without anything to put into it")
	}
}

func TestAnOutputThatIsNoPlainFileIsRefused(t *testing.T) {
	for _, o := range []core.Output{{File: "../x"}, {File: "a/b"}, {File: ".hidden"}, {File: "key", Value: "-----BEGIN PRIVATE KEY-----"}} {
		dir := room(t)
		r := openedReceipt()
		r.Outputs = []core.Output{o}
		if files, err := Public(dir, r, true); err == nil || len(tree(t, dir)) > 0 {
			t.Errorf("%+v: got %v and %v, want a refusal and no file", o, files, tree(t, dir))
		}
	}
}

func TestAReceiptWithoutASecretSaysSoAndTellsTheOutputs(t *testing.T) {
	text := Text(openedReceipt())
	for _, want := range []string{"identity     oidc: no secret is handed over", "IAM_ROLE     acme-events", "(the name of the role)", "in the file acme-events.workflow.yml", "tried as the grantee itself"} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in\n%s", want, text)
		}
	}
	r := openedReceipt()
	r.Literal = true
	if got := Text(r); !strings.Contains(got, "WEAK") {
		t.Errorf("as documented: got\n%s\nwant a warning", got)
	}
}
