// What workflows are given: through gh, or sealed to the repository.

package handoff

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/nacl/box"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestNoSecretIsInACommandLineOfTheScript(t *testing.T) {
	for _, c := range []core.Credential{pairOf(exampleID, newSecret()), newDocument(t)} {
		data, err := encodeGitHub(c, receiptFor(c))
		must(t, err)
		dir, notes := t.TempDir(), t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "gh"), []byte("#!/bin/sh\necho \"$*\" >>\"$NOTES/argv\"\ncat >\"$NOTES/$1 $3\"\n"), 0o700),
			os.WriteFile(filepath.Join(dir, "set.sh"), data, 0o600))
		script := exec.CommandContext(t.Context(), "sh", filepath.Join(dir, "set.sh"), "--env", "production")
		script.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "NOTES=" + notes}
		if out, err := script.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("got %v %s", err, out)
		}
		set := noted(t, notes)
		if argv := set["argv"]; Leak([]byte(argv), c) != "" || !strings.Contains(argv, "--env production") || strings.Count(argv, "secret set ") == 0 {
			t.Errorf("gh was called with %s", argv)
		}
		if c.Form == core.PairForm && (set["secret AWS_SECRET_ACCESS_KEY"] != string(c.Secret.Reveal()) || set["secret AWS_ACCESS_KEY_ID"] != c.ID || set["variable S3_BUCKET_NAME"] != "acme") {
			t.Errorf("got other values than were handed over")
		}
		if c.Form == core.DocumentForm && set["secret GOOGLE_CREDENTIALS"]+"\n" != string(c.Secret.Reveal()) {
			t.Errorf("got another document than was handed over")
		}
	}
}

func TestOnlyTheRepositorysPrivateKeyOpensWhatIsSealedForGitHub(t *testing.T) {
	public, private, err := box.GenerateKey(rand.Reader)
	must(t, err)
	answer := []byte(`{"key_id":"568250167242549743","key":"` + base64.StdEncoding.EncodeToString(public[:]) + `"}`)
	for _, c := range []core.Credential{pairOf(exampleID, newSecret()), newDocument(t)} {
		data, err := SealForGitHub(c, receiptFor(c), answer)
		must(t, err)
		if shape := Leak(data, c); shape != "" {
			t.Errorf("the secret is in the bodies, as %s", shape)
		}
		var bodies map[string]map[string]string
		must(t, json.Unmarshal(data, &bodies))
		opened := map[string]string{}
		for name, body := range bodies {
			sealed, err := base64.StdEncoding.DecodeString(body["encrypted_value"])
			must(t, err)
			value, ok := box.OpenAnonymous(nil, sealed, public, private)
			if !ok || len(body) != 2 || body["key_id"] != "568250167242549743" || len(sealed) != len(value)+box.AnonymousOverhead {
				t.Errorf("%s: got %v, want a sealed box and the key's ID", name, body)
			}
			opened[name] = string(value)
		}
		want := map[string]string{idEnv: c.ID, secretEnv: string(c.Secret.Reveal())}
		if c.Form == core.DocumentForm {
			want = map[string]string{documentEnv: strings.TrimRight(string(c.Secret.Reveal()), "\n")}
		}
		for name, value := range want {
			if opened[name] != value || len(opened) != len(want) {
				t.Errorf("%s: was opened as another value", name)
			}
		}
		again, err := SealForGitHub(c, receiptFor(c), answer)
		if must(t, err); bytes.Equal(data, again) {
			t.Error("sealed twice the same: boxes must not show that a secret stays")
		}
	}
}

func TestWhatIsNoRepositoryKeyIsRefused(t *testing.T) {
	c := pairOf(exampleID, newSecret())
	for name, answer := range map[string]string{
		"nothing": "", "another answer": `{"message":"Not Found"}`, "no ID": `{"key":"` + strings.Repeat("A", 42) + `E="}`, "short": `{"key_id":"1","key":"AAAA"}`,
		"zeros": `{"key_id":"1","key":"` + strings.Repeat("A", 43) + `="}`, "no base64": `{"key_id":"1","key":"?"}`,
	} {
		if data, err := SealForGitHub(c, receiptFor(c), []byte(answer)); err == nil || strings.Contains(err.Error(), string(c.Secret.Reveal())) {
			t.Errorf("%s: got %s and %v, want a refusal", name, data, err)
		}
	}
}
