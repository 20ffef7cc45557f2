// Why an access fails, on either side.
package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// handedOver makes a grant and names its manifest and its sealed file.
func handedOver(t *testing.T, s *stage, more ...string) (manifest, bundle string) {
	t.Helper()
	s.run(append(with("apply", "--name", "acme", "--to", s.key(), "--yes"), more...)...).wants(t, 0)
	return "handoff/acme.AKIAIOSFODNN7EXAMPLE.manifest.json", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age"
}

func TestAMessageAloneIsEnoughForTheHolder(t *testing.T) {
	s := newStage(t, &toy{})
	manifest, _ := handedOver(t, s)
	delete(s.env, "TOY_OWNER") // nothing of the owner's is needed
	r := s.run("doctor", manifest, "--error", "put: 403 Denied")
	r.wants(t, 0, "1. it was put outside the prefix (wrong-place)", "because:    error: put: 403 Denied", "confirm:    toy ls acme", "mend:       put it below events/", "who:        whoever holds the access",
		"nobody has signed", "not looked at: the access itself", "not looked at: the grant itself")
	s.stdin = "put: 403 Denied\n"
	s.run("doctor", manifest, "--error", "-", "--json").wants(t, 0, `"schema_version": 1`, `"side": "holder"`, `"name": "wrong-place"`, `"source": "error"`, `"unseen"`)
}

func TestAKeyThatIsGoneIsFoundByTryingIt(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	manifest, bundle := handedOver(t, s)
	s.run("doctor", manifest, "--bundle", bundle, "--identity", "key.txt", "--error", "403 Denied").wants(t, 0, "nothing was found that would explain", "tried as the holder: 3 of 3")
	cloud.Issued = nil
	s.run("doctor", manifest, "--bundle", bundle, "--identity", "key.txt", "--error", "403 Denied").wants(t, 0,
		"1. the key is gone (key-gone)", "because:    try: create inside: 403 Unknown: no such key", "mend:       toygrant reissue, for acme", "who:        the bucket's owner", "tried as the holder: 0 of 3")
}

func TestTheOwnerLooksAtTheGrantItself(t *testing.T) {
	s := newStage(t, &toy{})
	manifest, _ := handedOver(t, s)
	r := s.run(with("doctor", "--name", "acme", manifest, "--json")...)
	r.wants(t, 0, `"side": "owner"`, `"source": "plan"`, `"source": "key"`)
	s.run(with("doctor", "--name", "other", manifest)...).wants(t, 2, "is of grant acme, and the flags are of grant other")
	s.run(with("doctor", manifest, "--name", "acme")...).lacks(t, "not looked at: the grant itself")
}

func TestAnEndThatIsOverIsFoundInTheManifest(t *testing.T) {
	s := newStage(t, &toy{})
	manifest, _ := handedOver(t, s, "--expires", "2000-01-02")
	s.run("doctor", manifest).wants(t, 0, "nothing was found")
	s.edit(manifest, `"expires": "2000-01-02`, `"expires": "1999-01-02`)
	s.run("doctor", manifest).wants(t, 0, "1. the access is over (ended)", "manifest: expires is over since 1999-01-02")
}

// edit replaces a text in a file.
func (s *stage) edit(name, old, replacement string) {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil || !strings.Contains(string(data), old) {
		s.t.Fatalf("%s has no %q: %v", name, old, err)
	}
	s.write(name, strings.ReplaceAll(string(data), old, replacement))
}

func TestASecretInAMessageIsRefusedByItsLineAndNeverShown(t *testing.T) {
	s := newStage(t, &toy{})
	manifest, _ := handedOver(t, s)
	const pasted = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	s.stdin = "403 Denied\nAWS_SECRET_ACCESS_KEY=" + pasted + "\n"
	for _, more := range [][]string{nil, {"--json"}, {"--report", "report.json"}} {
		r := s.run(append([]string{"doctor", manifest, "--error", "-"}, more...)...)
		r.wants(t, 2, "line 2")
		r.lacks(t, pasted, pasted[:12])
	}
	if _, err := os.Stat(filepath.Join(s.dir, "report.json")); err == nil {
		t.Error("got a report of a message with a secret in it")
	}
}

func TestAReportIsForItsOwnerOnlyAndHoldsNoSecretAndNoCommandOfTheManifest(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	manifest, bundle := handedOver(t, s)
	cloud.Issued = nil
	s.run("doctor", manifest, "--bundle", bundle, "--identity", "key.txt", "--report", "report.json").wants(t, 0, "wrote report.json")
	path := filepath.Join(s.dir, "report.json")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("got %v %v, want mode 0600", info, err)
	}
	data, _ := os.ReadFile(path)
	var doc reportJSON
	if err := json.Unmarshal(data, &doc); err != nil || len(doc.Hypotheses) == 0 || doc.Program.Platform == "" || doc.Clock.IsZero() {
		t.Errorf("got %+v %v", doc, err)
	}
	if strings.Contains(string(data), "toy revoke") || strings.Contains(string(data), secret) {
		t.Errorf("got a command of the manifest or the secret in the report")
	}
	s.run("doctor", manifest, "--report", "report.json").wants(t, 2, "nothing is ever overwritten")
}

func TestAMessageWithAPieceOfTheCredentialIsRefused(t *testing.T) {
	s := newStage(t, &toy{})
	manifest, bundle := handedOver(t, s)
	r := s.run("doctor", manifest, "--bundle", bundle, "--identity", "key.txt", "--report", "report.json", "--error", "403 for "+secret[3:17])
	r.wants(t, 2, "holds the secret of the credential itself")
	r.lacks(t, secret[3:17])
	if _, err := os.Stat(filepath.Join(s.dir, "report.json")); err == nil {
		t.Error("got a report")
	}
}

func TestAManifestLeadsNobodyToRunACommand(t *testing.T) {
	for field, forged := range map[string][2]string{
		"bucket":  {`"bucket": "acme"`, `"bucket": "acme;reboot"`},
		"region":  {`"region": "`, `"region": "evil.example/x`},
		"account": {`"account": "`, `"account": "$(reboot)`},
		"name":    {`"grant": "acme"`, `"grant": "x-y;$(reboot)"`},
		"prefix":  {`"prefix": "events/"`, `"prefix": "$(reboot)/"`},
		"key":     {`"id": "AKIAIOSFODNN7EXAMPLE"`, `"id": "x;reboot"`},
	} {
		t.Run(field, func(t *testing.T) {
			s := newStage(t, &toy{})
			manifest, _ := handedOver(t, s)
			s.edit(manifest, forged[0], forged[1])
			r := s.run("doctor", manifest, "--error", "403 Denied")
			r.wants(t, 2, "says of the "+field+" what no run of ours writes")
			r.lacks(t, "reboot", "evil.example")
		})
	}
}

func TestAManifestNamesNoProgramThatAShellReads(t *testing.T) {
	for _, forged := range []string{"x;$(reboot)", "x reboot", "-reboot", "x\\u001b[1mreboot", "xreboot/y"} {
		s := newStage(t, &toy{})
		manifest, bundle := handedOver(t, s)
		s.edit(manifest, `"cloud": "s3"`, `"cloud": "`+forged+`"`)
		s.cloud.Program = "s3grant" // has the cloud's name in it
		for _, line := range [][]string{{"doctor", manifest, "--error", "403 Denied"}, {"receive", bundle, "--identity", "key.txt", "--try"}} {
			r := s.run(line...)
			r.wants(t, 2, "says of the cloud what no run of ours writes")
			r.lacks(t, "reboot")
		}
	}
}

func TestACommandWithAPrefixThatAShellReadsIsNotShown(t *testing.T) {
	s := newStage(t, &toy{})
	manifest, _ := handedOver(t, s)
	s.edit(manifest, `"prefix": "events/"`, `"prefix": "events;reboot/"`)
	r := s.run("doctor", manifest, "--error", "403 Denied")
	r.wants(t, 0, "(not shown: the prefix is")
	r.lacks(t, "below events;reboot/")
}

func TestWhatDoesNotBelongToTheManifestIsNamed(t *testing.T) {
	s := newStage(t, &toy{})
	manifest, bundle := handedOver(t, s)
	s.run("doctor", "nothing.json").wants(t, 2, "manifest \"nothing.json\"")
	s.run("doctor").wants(t, 2, "missing MANIFEST")
	s.run("doctor", manifest, "--bundle", bundle).wants(t, 2, "identity: is missing")
	s.edit(manifest, `"id": "AKIAIOSFODNN7EXAMPLE"`, `"id": "AKIAI44QH8DHBEXAMPLE"`)
	s.run("doctor", manifest, "--bundle", bundle, "--identity", "key.txt").wants(t, 2, "is another key than that of the manifest, AKIAI44QH8DHBEXAMPLE")
	s.edit(manifest, `"cloud": "s3"`, `"cloud": "gcs"`)
	s.run("doctor", manifest).wants(t, 2, "is for the cloud gcs", "toygrant doctor")
}
