// The other side of a hand-off.
package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

func TestReceiverOpensChecksAndTries(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0)
	bundle := "handoff/acme.AKIAIOSFODNN7EXAMPLE.age"
	s.run("receive", bundle, "--identity", "key.txt", "--try").wants(t, 0, "as the manifest says")
	r := s.run("receive", bundle, "--identity", "key.txt", "--format", "env", "--quiet")
	r.wants(t, 0)
	if !strings.Contains(r.out, secret) || r.errout != "" {
		t.Errorf("standard output: got %q, want the credential and nothing else", r.out)
	}
	s.ttyOut = true
	s.run("receive", bundle, "--identity", "key.txt").wants(t, 2, "a secret is not printed on a terminal")
	s.run("receive", bundle, "--identity", "key.txt", "--out", "credentials").wants(t, 0)
	info, err := os.Stat(filepath.Join(s.dir, "credentials"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("credentials: got %v %v, want mode 0600", info.Mode(), err)
	}
	s.run("receive", bundle, "--identity", "key.txt", "--out", "credentials").wants(t, 2, "nothing is ever overwritten")
	s.run("receive", bundle, "--identity", "key.txt", "--try", "--out", "again", "--json").wants(t, 0, `"written": "again"`, `"how": "tried"`, `"policy_hash"`)
	s.run(with("verify", "--name", "acme", "--credential", "credentials")...).wants(t, 0, "as granted (tried)")
	s.run(with("verify", "--name", "acme", "--bundle", bundle, "--identity", "key.txt", "--json")...).wants(t, 0, `"how": "tried"`)
	s.run(with("verify", "--name", "acme")...).wants(t, 0, "simulated")
}

func TestWhatASenderClaimsIsNoCommand(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0, "toy revoke")
	bundle := "handoff/acme.AKIAIOSFODNN7EXAMPLE.age"
	for _, more := range [][]string{{"--out", "a"}, {"--out", "b", "--json"}, {"--try"}, {"--try", "--json"}} {
		r := s.run(append([]string{"receive", bundle, "--identity", "key.txt"}, more...)...)
		r.wants(t, 0)
		r.lacks(t, "toy revoke")
	}
	s.run("receive", bundle, "--identity", "key.txt", "--out", "c").wants(t, 0, "as its sender claims; nobody has signed it")
}

func TestAPrivateKeyAsIdentityIsNotEchoed(t *testing.T) {
	s := newStage(t, &toy{})
	r := s.run("receive", "x.age", "--identity", "AGE-SECRET-KEY-1QQQQ", "--json")
	r.wants(t, 2, "is a private key itself")
	r.lacks(t, "QQQQ")
}

func TestAnotherSealedFileIsNotTheManifests(t *testing.T) {
	s := newStage(t, &toy{})
	to := s.key()
	s.run(with("apply", "--name", "acme", "--to", to, "--out", "a", "--yes")...).wants(t, 0)
	other := newStage(t, &toy{})
	other.run(with("apply", "--name", "acme", "--to", to, "--out", "b", "--yes")...).wants(t, 0)
	name := "acme.AKIAIOSFODNN7EXAMPLE.age"
	sealed, err := os.ReadFile(filepath.Join(other.dir, "b", name))
	if err != nil {
		t.Fatal(err)
	}
	s.write("a/"+name, string(sealed))
	s.run("receive", "a/"+name, "--identity", "key.txt").wants(t, 2, "was changed after it was written")
}

func TestReceiverConvertsToAnyFormat(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0)
	bundle := "handoff/acme.AKIAIOSFODNN7EXAMPLE.age"
	for _, f := range handoff.Formats() {
		if !slices.Contains(f.Forms, core.PairForm) {
			continue
		}
		out := "as-" + f.Name
		s.run("receive", bundle, "--identity", "key.txt", "--format", f.Name, "--out", out).wants(t, 0, "wrote "+out)
		s.run(with("verify", "--name", "acme", "--credential", out)...).wants(t, 0, "as granted (tried)")
	}
}

func TestReceiverSealsToARepository(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0)
	receive := []string{"receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt", "--github-key", "answer.json"}
	s.run(append(receive, "--format", "github", "--out", "x")...).wants(t, 2, "answer.json", "gh api repos/OWNER/NAME/actions/secrets/public-key")
	s.write("answer.json", `{"key_id":"17","key":"`+strings.Repeat("A", 42)+`E="}`)
	s.run(append(receive, "--out", "x")...).wants(t, 2, "without format github")
	s.run(append(receive, "--format", "github", "--out", "bodies.json")...).wants(t, 0, "only GitHub can open")
	data, err := os.ReadFile(filepath.Join(s.dir, "bodies.json"))
	if err != nil || strings.Contains(string(data), secret) || !strings.Contains(string(data), `"AWS_SECRET_ACCESS_KEY"`) || !strings.Contains(string(data), `"key_id": "17"`) {
		t.Errorf("got %s and %v, want two bodies without the secret", data, err)
	}
}

// received is the JSON of receive, as far as these tests read it.
type receivedDoc struct {
	Acknowledge string
	Manifest    core.Receipt
}

func TestReceiverGetsTheCodeThatShowsWhatItHasDone(t *testing.T) {
	tt := &toy{}
	s := newStage(t, tt)
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0)
	receive := []string{"receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt"}
	s.run(append(receive, "--out", "a")...).wants(t, 0, "acknowledge  ", "it shows that you have opened it and nothing of the secret")
	s.run(append(receive, "--try")...).wants(t, 0, "acknowledge  ", "opened and tried it")
	codes := map[handoff.Purpose]string{}
	for want, more := range map[handoff.Purpose][]string{handoff.Opened: {"--out", "b", "--json"}, handoff.Tried: {"--try", "--json"}} {
		r := s.run(append(receive, more...)...)
		r.wants(t, 0)
		var doc receivedDoc
		if err := json.Unmarshal([]byte(r.out), &doc); err != nil {
			t.Fatal(err)
		}
		if got, ok := handoff.CheckCode(doc.Acknowledge, *doc.Manifest.Delivery.Acknowledge); !ok || got != want {
			t.Errorf("%v: got the code %q for %q", more, doc.Acknowledge, got)
		}
		codes[want] = doc.Acknowledge
	}
	tt.Issued = nil // the key is gone, so the try fails
	for _, more := range [][]string{{"--try"}, {"--try", "--json"}, {"--try", "--out", "c"}} {
		r := s.run(append(receive, more...)...)
		if r.code == 0 {
			t.Errorf("%v: got 0, want the try to fail", more)
		}
		for _, code := range codes {
			r.lacks(t, code)
		}
		r.lacks(t, "acknowledge  ")
	}
}

func TestWhatCannotBeTrustedIsRefusedInWords(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--armor", "--yes")...).wants(t, 0)
	bundle := "handoff/acme.AKIAIOSFODNN7EXAMPLE.age.txt"
	good, err := os.ReadFile(filepath.Join(s.dir, bundle))
	if err != nil {
		t.Fatal(err)
	}
	other := newStage(t, &toy{})
	other.key()
	key, err := os.ReadFile(filepath.Join(other.dir, "key.txt"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("other.txt", string(key))
	s.run("receive", bundle, "--identity", "other.txt", "--out", "x").wants(t, 2, "is sealed to somebody else")
	lines := strings.Split(string(good), "\n")
	for name, c := range map[string]struct{ text, want string }{
		"truncated":        {string(good[:len(good)/2]), "truncated"},
		"without its end":  {strings.Join(lines[:len(lines)-2], "\n"), "truncated"},
		"a line lost":      {strings.Join(slices.Delete(slices.Clone(lines), 4, 5), "\n"), "damaged"},
		"a letter changed": {strings.Replace(string(good), lines[len(lines)-3], strings.Repeat("A", len(lines[len(lines)-3])), 1), "changed"},
		"empty":            {"", "is not a sealed file"},
	} {
		if c.text == string(good) {
			t.Fatalf("%s: nothing is changed", name)
		}
		if err := os.WriteFile(filepath.Join(s.dir, bundle), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := s.run("receive", bundle, "--identity", "key.txt", "--out", "x")
		r.wants(t, 2, bundle)
		if all := r.out + r.errout; !strings.Contains(all, "truncated") && !strings.Contains(all, "damaged") && !strings.Contains(all, "changed") && !strings.Contains(all, c.want) {
			t.Errorf("%s: got %s, want %q", name, all, c.want)
		}
		r.lacks(t, "acknowledge  ")
	}
	if _, err := os.Stat(filepath.Join(s.dir, "x")); err == nil {
		t.Error("something was written")
	}
}

func TestTheOwnersRecoveryKeyIsShownAndOpens(t *testing.T) {
	s := newStage(t, &toy{})
	own := s.key()
	if err := os.Rename(filepath.Join(s.dir, "key.txt"), filepath.Join(s.dir, "own.txt")); err != nil {
		t.Fatal(err)
	}
	to := s.key()
	s.run(with("plan", "--name", "acme", "--recovery", own)...).wants(t, 2, "recovery", "nobody but you")
	s.run(with("plan", "--name", "acme", "--to", own, "--recovery", own)...).wants(t, 2, "is the key of a recipient already")
	s.run(with("plan", "--name", "acme", "--plain", "--recovery", own)...).wants(t, 2, "recovery", "plain")
	s.run(with("plan", "--name", "acme", "--to", to, "--recovery", own)...).wants(t, 0, "seal to", "recover", own+", your own key")
	s.write("grant.yaml", "name: acme\nto: [\""+to+" "+to+"\"]\nrecovery: "+own+"\n")
	s.run(with("apply", "-f", "grant.yaml", "--yes")...).wants(t, 0, "recover", "the owner's own key")
	for _, key := range []string{"own.txt", "key.txt"} {
		s.run("receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", key, "--out", "with-"+key).wants(t, 0, "wrote")
	}
	s.write("grant.yaml", "name: acme\nto: [\""+own+" "+to+"\"]\n")
	s.run(with("plan", "-f", "grant.yaml")...).wants(t, 2, "pinned", own, to)
}
