// Accesses for which no secret is handed over.
package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// vendors is a command with the flags of a grant without a secret.
func vendors(verb string, more ...string) []string {
	return with(verb, append([]string{"--vendor", "bob"}, more...)...)
}

func TestAnAccessWithoutASecretIsProvenToldAndEnded(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	r := s.run(vendors("apply", "--yes")...)
	r.wants(t, 0, "trusts       vendor: bob", "identity     account: no secret is handed over", "tried as the grantee itself", "DOLL         doll-of-bob", "written      ", ".play.yml")
	if len(cloud.Issued) > 0 {
		t.Errorf("got a key where none is needed: %v", cloud.Issued)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "handoff", "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("got %v %v, want the receipt twice and the workflow", files, err)
	}
	r = s.run(vendors("apply", "--yes")...)
	r.wants(t, 0, "nothing to do; no secret is handed over", "DOLL: doll-of-bob", "in the file ", ".play.yml")
	again, _ := filepath.Glob(filepath.Join(s.dir, "handoff", "*"))
	if len(again) != 3 {
		t.Errorf("a second run: got %v, want no further file", again)
	}
	s.run(vendors("status")...).wants(t, 0, "no secret was handed over: account: a doll of the vendor's", "nothing differs")
	s.run(vendors("verify")...).wants(t, 0, "act as the grantee", "pass for the grantee: other-doll", "no-face: it cannot be tried from here", "as granted (tried)")
	s.run(vendors("destroy", "--yes")...).wants(t, 0, "changes done")
	s.run(vendors("verify")...).wants(t, 1, "there is no such grant here")
}

func TestNothingSecretIsAskedForWhereNoneIsHandedOver(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(vendors("apply", "--to", s.key(), "--format", "json", "--armor", "--yes")...).wants(t, 2, "to: is of no use: nothing secret is handed over with who: account", "format: is of no use", "armor: is of no use")
	s.run(vendors("apply", "--plain", "--yes")...).wants(t, 2, "plain: is of no use")
	s.run(vendors("verify", "--inside", "--credential", s.credential())...).wants(t, 2, "credential: is of no use")
	s.run(with("verify", "--inside")...).wants(t, 2, "inside: is given, but the grantee proves who it is with a key")
}

// credential writes a file with a key in it and names it.
func (s *stage) credential() string {
	s.t.Helper()
	s.write("credential.csv", "Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE,"+strings.Repeat("x", 40)+"\n")
	return "credential.csv"
}

func TestTooMuchAccessWithoutASecretIsTakenBackAndEndsWithFive(t *testing.T) {
	cloud := &toy{Wide: true}
	s := newStage(t, cloud)
	s.run(vendors("apply", "--yes")...).wants(t, 5, "taken back, because it allowed too much: toy:role", "what this run had opened was taken back")
	if cloud.Role {
		t.Errorf("got a role that lets in everybody")
	}
	if files, _ := filepath.Glob(filepath.Join(s.dir, "handoff", "*")); len(files) > 0 {
		t.Errorf("got %v, want nothing for the grantee", files)
	}
}

func TestWhereNobodyCanBecomeTheGranteeTheCloudIsAskedUnlessItIsInside(t *testing.T) {
	s := newStage(t, &toy{Away: true})
	s.run(vendors("apply", "--yes")...).wants(t, 0, "SIMULATED, not tried")
	s.run(vendors("verify")...).wants(t, 0, "as granted (simulated)")
	s.run(vendors("verify", "--inside", "--json")...).wants(t, 0, `"proof": "tried"`)
}

func TestWhatIsInTheWayOfAnOutputStaysAndTheNewOneGoesBesideIt(t *testing.T) {
	s := newStage(t, &toy{})
	name := core.DefaultName("event-dump", "acme", "events/")
	if err := os.Mkdir(filepath.Join(s.dir, "handoff"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("handoff/"+name+".play.yml", "mine\n")
	s.run(vendors("apply", "--yes")...).wants(t, 0, name+".play.yml exists with other content and stays", "written beside it")
	if data, err := os.ReadFile(filepath.Join(s.dir, "handoff", name+".play.yml")); err != nil || string(data) != "mine\n" {
		t.Errorf("got %q and %v, want it as it was", data, err)
	}
	found, err := filepath.Glob(filepath.Join(s.dir, "handoff", name+".*.play.yml"))
	if err != nil || len(found) != 1 {
		t.Fatalf("got %v %v, want one file beside it", found, err)
	}
	s.run(vendors("apply", "--yes")...).wants(t, 0, "in the file "+filepath.Base(found[0]))
	if again, _ := filepath.Glob(filepath.Join(s.dir, "handoff", name+".*.play.yml")); len(again) != 1 {
		t.Errorf("after a second run: got %v, want no further file", again)
	}
	s.run(vendors("apply", "--yes", "--out", "elsewhere")...).wants(t, 0, "elsewhere")
}

func TestAReceiptWithoutASecretIsJSONIfAsked(t *testing.T) {
	r := newStage(t, &toy{}).run(vendors("apply", "--yes", "--json")...)
	var doc receiptJSON
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil || r.code != 0 {
		t.Fatalf("got %d %v %s", r.code, err, r.errout)
	}
	if doc.Who != core.WhoAccount || len(doc.Outputs) != 2 || len(doc.Written) != 3 || doc.Key != nil {
		t.Errorf("got %+v", doc)
	}
}

func TestAManifestWithoutASecretIsShownToWhoeverReceivesIt(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(vendors("apply", "--yes")...).wants(t, 0)
	found, err := filepath.Glob(filepath.Join(s.dir, "handoff", "*.manifest.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("got %v %v, want one manifest", found, err)
	}
	s.run("receive", found[0]).wants(t, 0, "as its sender claims; nobody has signed it", "DOLL         doll-of-bob")
	s.run("receive", found[0], "--json").wants(t, 0, `"DOLL"`)
	s.run("receive", found[0], "--identity", "key.txt").wants(t, 2, "identity: is of no use: nothing secret is handed over")
	s.run("receive", found[0], "--try").wants(t, 2, "try: needs the grant itself", "verify -f GRANT --inside")
}

func TestASavedPlanWithoutASecretIsAppliedAsReviewed(t *testing.T) {
	s := newStage(t, &toy{})
	s.write("face.pem", "a face\n")
	s.run(vendors("plan", "--face", "face.pem", "--from", "203.0.113.0/24", "--out", "r.plan")...).wants(t, 0, "saved")
	s.write("face.pem", "another face\n") // what was reviewed counts
	s.run("apply", "r.plan", "--yes").wants(t, 0, "no secret is handed over", "only from    203.0.113.0/24")
}

func TestWhomAnAccessIsForIsThereToBeReviewed(t *testing.T) {
	s := newStage(t, &toy{})
	s.write("face.pem", "a face\n")
	r := s.run(vendors("plan", "--offline", "--face", "face.pem")...)
	r.wants(t, 0, "trusts ", "vendor: bob")
	r.lacks(t, "a face\n", "face:")
	s.run(vendors("plan")...).wants(t, 0, "trusts ", "vendor: bob")
	s.run(vendors("plan", "--json")...).wants(t, 0, `"trusts": [`, `"value": "bob"`)
	s.run(with("plan")...).lacks(t, "trusts ")
	s.run(vendors("apply", "--yes", "--json")...).wants(t, 0, `"trusts": [`)
}
