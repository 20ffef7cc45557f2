// What recipients and identities promise: every usual key works, every mistake
// is named, and no private key is ever shown.

package handoff

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/bucketgrant/bucketgrant/core"
)

// keyPair is a recipient as people give it, and the private half as a file holds it.
type keyPair struct{ kind, public, private string }

// keyPairs makes one pair of every kind.
func keyPairs(t *testing.T) []keyPair {
	t.Helper()
	x, err := age.GenerateX25519Identity()
	must(t, err)
	pq, err := age.GenerateHybridIdentity()
	must(t, err)
	_, ed, err := ed25519.GenerateKey(nil)
	must(t, err)
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return []keyPair{
		{"x25519", x.Recipient().String(), "# made by a test\n\n" + x.String() + "\n"},
		{"post-quantum", pq.Recipient().String(), pq.String()},
		sshPair(t, "ssh-ed25519", ed, ed.Public()),
		sshPair(t, "ssh-rsa", r, r.Public()),
	}
}

func sshPair(t *testing.T, kind string, private, public any) keyPair {
	t.Helper()
	p, err := ssh.NewPublicKey(public)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	return keyPair{kind, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p))) + " alice@laptop", string(pem.EncodeToMemory(block))}
}

func mustParse(t *testing.T, lines ...string) []Recipient {
	t.Helper()
	r, err := ParseRecipients(lines)
	must(t, err)
	return r
}

func mustIdentity(t *testing.T, private string) []age.Identity {
	t.Helper()
	path := filepath.Join(room(t), "key")
	must(t, os.WriteFile(path, []byte(private), 0o600))
	ids, err := Identities(path)
	must(t, err)
	return ids
}

func TestEveryKindOfKeyOpensWhatWasSealedToIt(t *testing.T) {
	for _, k := range keyPairs(t) {
		r := mustParse(t, k.public)
		if len(r) != 1 || r[0].Kind != k.kind || len(r[0].Fingerprint) < len("SHA256:")+43 || len(r[0].Fingerprint) > len("sha256:")+64 {
			t.Errorf("%s: got %+v", k.kind, r)
		}
		for _, armored := range []bool{false, true} {
			sealed, err := seal([]byte("plain"), r, armored)
			must(t, err)
			got, err := OpenSealed(sealed, mustIdentity(t, k.private))
			if err != nil || string(got) != "plain" {
				t.Errorf("%s, armored %v: got %q and %v", k.kind, armored, got, err)
			}
		}
	}
}

func TestFingerprintsAreThoseThatOtherToolsPrint(t *testing.T) {
	const public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
	must(t, err)
	if got, want := mustParse(t, public)[0].Fingerprint, ssh.FingerprintSHA256(key); got != want {
		t.Errorf("SSH: got %q, want %q", got, want)
	}
	if got, want := fingerprint("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("age, post-quantum: got %q, want %q", got, want) // the hash of "abc" in FIPS 180-2
	}
	for _, k := range keyPairs(t) {
		if got := mustParse(t, k.public)[0]; got.Kind == x25519Kind && got.Fingerprint != k.public {
			t.Errorf("age: got %q, want the recipient itself, %q", got.Fingerprint, k.public)
		}
	}
}

func TestRecipientsComeFromFilesToo(t *testing.T) {
	keys := keyPairs(t)
	path := filepath.Join(room(t), "vendor.txt")
	must(t, os.WriteFile(path, []byte("\xef\xbb\xbf# the vendor\r\n\r\n"+keys[0].public+"\r\n"+keys[2].public+"\r\n"), 0o600))
	got := mustParse(t, "@"+path, "  "+keys[0].public+"\n")
	if len(got) != 2 || got[0].Kind != "x25519" || got[1].Kind != "ssh-ed25519" {
		t.Errorf("got %+v, want the two of the file, each once", got)
	}
}

func TestEveryMistakeInRecipientsIsNamedAtOnceAndNoSecretIsShown(t *testing.T) {
	keys := keyPairs(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	dir := room(t)
	leaked := filepath.Join(dir, "identity.txt")
	empty := filepath.Join(dir, "empty.txt")
	must(t, os.WriteFile(leaked, []byte(keys[0].private), 0o600), os.WriteFile(empty, []byte("# nobody\n"), 0o600))
	typo := []byte(keys[0].public)
	typo[20] ^= 1
	secretLine := strings.Split(strings.TrimSpace(keys[0].private), "\n")[2]
	for _, c := range []struct{ given, want string }{
		{secretLine, "is a private key"},
		{strings.ToLower(secretLine), "is a private key"},
		{keys[1].private, "is a private key"},
		{keys[2].private, "is a private key"},
		{"AGE-PLUGIN-YUBIKEY-1XYZ", "is a private key"},
		{"@" + leaked, "holds a private key"},
		{"@" + empty, "holds no recipient"},
		{"@" + dir, "not a regular file"},
		{"@" + dir + "/none", "cannot be read"},
		{string(typo), "a letter is wrong"},
		{keys[0].public[:40], "a letter is wrong"},
		{keys[1].public[:1000], "a letter is wrong"},
		{"ssh-ed25519 AAAA", "a letter is wrong"},
		{sshPair(t, "", ec, ec.Public()).public, "nothing can be sealed to"},
		{sshPair(t, "", small, small.Public()).public, "too small"},
		{"age1yubikey1qwertyuiop", "plugin"},
		{"correct horse battery staple", "neither an age recipient nor"},
		{"", "is empty"},
		{keys[0].public + "\n" + keys[0].public, "a letter is wrong"},
	} {
		_, err := ParseRecipients([]string{keys[0].public, c.given})
		faults, ok := errors.AsType[core.Faults](err)
		if !ok || len(faults) != 1 || faults[0].Field != "to" || !errors.Is(err, core.ErrInvalid) {
			t.Errorf("%.30q: got error %v, want one fault of --to", c.given, err)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.30q: got %q, want %q in it", c.given, err, c.want)
		}
		for _, secret := range []string{secretLine, keys[1].private} {
			if strings.Contains(strings.ToUpper(err.Error()), strings.ToUpper(secret[:20])) || strings.Contains(err.Error(), "horse") {
				t.Errorf("%.30q: the error shows it: %q", c.given, err)
			}
		}
	}
	_, err = ParseRecipients([]string{"x", "", secretLine})
	if faults, ok := errors.AsType[core.Faults](err); !ok || len(faults) != 3 {
		t.Errorf("three mistakes: got %v, want three faults", err)
	}
	if _, err := ParseRecipients([]string{keys[0].public, keys[1].public}); err == nil || !strings.Contains(err.Error(), "post-quantum and other") {
		t.Errorf("a mixture of strengths: got error %v", err)
	}
}

func TestIdentitiesThatCannotOpenSayWhyAndShowNothing(t *testing.T) {
	keys := keyPairs(t)
	_, ed, err := ed25519.GenerateKey(nil)
	must(t, err)
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(ed, "", []byte("x"))
	must(t, err)
	broken := strings.Replace(keys[0].private, "AGE-SECRET-KEY-1", "AGE-SECRET-KEY-1Q", 1)
	for what, c := range map[string]struct{ file, want string }{
		"a locked SSH key": {string(pem.EncodeToMemory(locked)), "passphrase"},
		"a sealed file":    {"age-encryption.org/v1\n", "itself sealed"},
		"a public key":     {keys[0].public, "is a public key"},
		"an SSH public":    {keys[2].public, "is a public key"},
		"a typing error":   {broken, "line 3: is not an age private key"},
		"nothing":          {"# nothing\n", "no private key"},
		"a broken SSH key": {keys[2].private[:100] + "\n-----END OPENSSH " + "PRIVATE KEY-----\n", "not an SSH private key"},
	} {
		path := filepath.Join(room(t), "key")
		must(t, os.WriteFile(path, []byte(c.file), 0o600))
		_, err := Identities(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got error %v, want %q and the path in it", what, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "AGE-SECRET") || strings.Contains(err.Error(), keys[0].public)) {
			t.Errorf("%s: the error shows the key: %q", what, err)
		}
	}
	if _, err := Identities(filepath.Join(room(t), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got error %v", err)
	}
}

func TestTheWordThatStandsForAKeyIsSaidToBeThat(t *testing.T) {
	for _, copied := range []string{"age1…", "age1..."} {
		if _, err := ParseRecipients([]string{copied}); err == nil || !strings.Contains(err.Error(), "stands for a key") {
			t.Errorf("%q: got %v, want what it is", copied, err)
		}
	}
}
