// What is shown to others holds no secret, and what holds none may be shown.

package handoff

import (
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// drawn gives secrets by lot, the same in every run.
func drawn() func() string {
	source := rand.New(rand.NewPCG(1, 2))
	return func() string {
		b := make([]byte, 30)
		for i := range b {
			b[i] = byte(source.Uint32())
		}
		return base64.StdEncoding.EncodeToString(b)
	}
}

func TestEveryFormatIsFoundToHoldASecret(t *testing.T) {
	secret := drawn()
	for range 20 {
		for _, c := range []core.Credential{pairOf(exampleID, secret()), pairOf("GOOG1EXAMPLE", secret()), newDocument(t)} {
			for _, f := range Formats() {
				if !slices.Contains(f.Forms, c.Form) {
					continue
				}
				r := receiptFor(c)
				if c.Form == core.DocumentForm {
					r.Cloud = "gcs"
				}
				data, err := f.Encode(c, r)
				must(t, err)
				err = Scan(data)
				if err == nil {
					t.Fatalf("%s of a %s may be shown", f.Name, c.Form)
				}
				if Leak([]byte(err.Error()), c) != "" {
					t.Fatalf("%s: the refusal shows it", f.Name)
				}
			}
		}
	}
}

func TestSecretsAreFoundWhereverTheyStand(t *testing.T) {
	letters := func(n int) string { return strings.Repeat("aB3", n) } // of no real token
	secret := drawn()
	for range 300 {
		s := secret()
		for name, text := range map[string]string{
			"a sentence": "the key is " + s + ".", "a list": exampleID + "," + s, "beside its ID": exampleID + " " + s, "JSON": `{"x":"` + strings.ReplaceAll(s, "/", `\/`) + `"}`,
			"an address": "https://example.com/?k=" + url.QueryEscape(s), "base64": "data: " + base64.StdEncoding.EncodeToString([]byte(s)), "base64 of a file": base64.StdEncoding.EncodeToString([]byte("a_secret_access_key = " + s + "\n")),
			"beside a sign": "+" + s, "before a sign": s + "_", "after a line's end in JSON": `"a\n` + s + `"`, "after a bracket in JSON": `"a\u003c` + s + `"`, "a path": "https://h.example/" + strings.ReplaceAll(s, "/", "A"),
			"a line of many": "one\ntwo\n" + s + "\nthree\n", "a short one by its name": "aws_secret_access_key = " + s[:20],
		} {
			if Scan([]byte(text)) == nil {
				t.Errorf("%s: %q may be shown", name, text)
			}
		}
	}
	for name, text := range map[string]string{
		"a line of PEM": strings.Repeat("aB3x", 16), "PEM without its head": "private_key=MII" + letters(20), "HTTP": "Authorization: Basic " + letters(6),
		"PEM": "-----BEGIN " + "PRIVATE KEY-----", "an SSH key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----", "PEM in JSON": `"-----BEGIN RSA ` + `PRIVATE KEY-----\nMII"`,
		"age": "AGE-SECRET-" + "KEY-1QQQQQQQQ", "age, post-quantum": "AGE-SECRET-" + "KEY-PQ-1QQQQ", "lower case": "age-secret-" + "key-1qqqqqqq",
		"GitHub": "ghp" + "_" + letters(12), "GitHub, fine": "github" + "_pat_" + letters(12), "Google": "ya29" + "." + letters(12), "OAuth": "GOCSPX" + "-" + letters(9), "API key": "AIza" + letters(11) + "xY",
		"bearer": "Authorization: Bearer " + letters(12), "session": "AWS_SESSION_TOKEN=" + letters(30), "session by itself": "IQoJ" + letters(40), "session, in JSON": `"SessionToken": "` + letters(30) + `"`,
		"signed": "https://x/?X-Amz-Signature=" + strings.Repeat("0a", 32), "web token": "eyJ" + letters(6) + ".eyJ" + letters(6) + "." + letters(6),
		"key document": `"private_key": "` + letters(9) + `"`, "key document in a text": `\"private_key\": \"` + letters(9) + `\"`,
	} {
		if err := Scan([]byte("a\nb\n" + text + "\n")); err == nil || !strings.HasPrefix(err.Error(), "line 3: ") {
			t.Errorf("%s: got %v, want line 3 refused", name, err)
		}
	}
}

func TestAPublicKeyMayBeShownHoweverItWasDrawn(t *testing.T) {
	secret := drawn()
	for range 100 {
		s := secret()
		for name, text := range map[string]string{
			"the end of a fingerprint": "SHA256:aB/" + s, "its beginning": "SHA256:" + s + "/aB",
			"the end of a short key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIaB/" + s, "the end of a long key": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB/" + s + " alice@laptop",
		} {
			if err := Scan([]byte(text)); err != nil {
				t.Errorf("%s: %q: %v", name, text, err)
			}
			if Scan([]byte(text+" "+s)) == nil {
				t.Errorf("%s: a secret beside it may be shown", name)
			}
		}
	}
}

func TestWhatIsPublicMayBeShown(t *testing.T) {
	c := pairOf(exampleID, newSecret())
	dir := filepath.Join(room(t), "out")
	h, _ := sealedHandoff(t, dir, core.PairForm)
	h.Recipients = nil
	for _, pair := range keyPairs(t) {
		if pair.kind != postQuantumKind {
			h.Recipients = append(h.Recipients, mustParse(t, pair.public)...)
		}
		if err := Scan([]byte(pair.public + "\n")); err != nil {
			t.Errorf("public key of kind %s: %v", pair.kind, err)
		}
	}
	d, err := h.Deliver(c, receiptFor(c))
	must(t, err)
	for _, f := range d.Files[1:] {
		data, err := os.ReadFile(f.Path)
		must(t, err)
		if err := Scan(data); err != nil {
			t.Errorf("%s: %v", f.Path, err)
		}
	}
	for name, text := range map[string]string{
		"hash of a file": "sha256 " + hex.EncodeToString(make([]byte, 32)), "commit": "9f" + strings.Repeat("0ab1", 9) + "dd", "fingerprint": "SHA256:" + base64.RawStdEncoding.EncodeToString(make([]byte, 32)),
		"an ARN": "arn:aws:iam::111122223333:role/bucketgrant/EventDump/acmeEvents1", "a path": "/home/Acme/Projects/Event2/handoff/Files3", "an ID": "AIDACKCEVSQ6C2EXAMPLE", "a code": Code(Opened, c, []byte("x")),
		"redacted": `{"secret_access_key": "[secret]", "private_key": "[secret]", "access_key": "***"}`, "a variable": "AWS_SECRET_ACCESS_KEY=$KEY", "a name": `"private_key_id": "` + strings.Repeat("0a", 20) + `"`,
		"a request": "x-amz-id-2: " + strings.Repeat("aB3/", 19), "words": "the secret access key: none is made; session token: none",
	} {
		if err := Scan([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What is made for reviewers: policies, and the vendors' verdicts.
	files := 0
	must(t, filepath.WalkDir("../../testdata", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil {
			err = Scan(data)
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		files++
		return nil
	}))
	if files < 20 {
		t.Errorf("looked at %d files", files)
	}
}
