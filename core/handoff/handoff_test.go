// What a hand-off promises: all files or none, readable by the holder alone,
// and a rehearsal that finds out before a secret exists.

//go:build unix

package handoff

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/bucketgrant/bucketgrant/core"
)

// sealedHandoff is a hand-off to a recipient whose private key it returns too.
func sealedHandoff(t *testing.T, dir string, form core.Form) (Handoff, []age.Identity) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	return Handoff{Dir: dir, Name: "acme-events", Format: DefaultFormat(form), Recipients: mustParse(t, id.Recipient().String())}, []age.Identity{id}
}

func TestWhatIsDeliveredOpensAsWhatWasIssued(t *testing.T) {
	for _, form := range []core.Form{core.PairForm, core.DocumentForm} {
		for _, armored := range []bool{false, true} {
			for _, f := range Formats() {
				if !slices.Contains(f.Forms, form) {
					continue
				}
				c := pairOf(exampleID, newSecret())
				if form == core.DocumentForm {
					c = newDocument(t)
				}
				h, ids := sealedHandoff(t, filepath.Join(room(t), "out"), form)
				h.Format, h.Armor = mustFind(t, f.Name, form), armored
				must(t, h.Rehearse())
				d, err := h.Deliver(c, receiptFor(c))
				must(t, err)
				data, err := os.ReadFile(d.Files[0].Path)
				must(t, err)
				plain, err := OpenSealed(data, ids)
				must(t, err)
				got, _, err := Read(plain)
				must(t, err)
				if got.ID != c.ID || !bytes.Equal(got.Secret.Reveal(), c.Secret.Reveal()) {
					t.Errorf("%s as %s: got %q", form, f.Name, plain)
				}
				manifest, err := Manifest(ManifestPath(d.Files[0].Path))
				must(t, err, Bound(manifest, d.Files[0].Path, data))
				if err := Bound(manifest, d.Files[0].Path, append(data, 'x')); err == nil {
					t.Error("a changed file is still bound to its manifest")
				}
				if d.Format != f.Name || !d.Sealed || !cmp.Equal(d.Recipients, []core.Recipient{h.Recipients[0].Recipient}) {
					t.Errorf("got delivery %+v", d)
				}
			}
		}
	}
}

func TestNoWrittenFileHoldsTheSecretInAnyShape(t *testing.T) {
	for _, c := range []core.Credential{pairOf(exampleID, newSecret()), newDocument(t)} {
		out := filepath.Join(room(t), "out")
		h, _ := sealedHandoff(t, out, c.Form)
		d, err := h.Deliver(c, receiptFor(c))
		must(t, err)
		if len(d.Files) != 3 {
			t.Fatalf("files: got %v, want the sealed one and two manifests", d.Files)
		}
		for _, f := range d.Files {
			data, err := os.ReadFile(f.Path)
			must(t, err)
			if shape := Leak(data, c); shape != "" {
				t.Errorf("%s holds the secret: %s", f.Path, shape)
			}
		}
	}
	c := pairOf(exampleID, newSecret())
	if Leak([]byte("x"+string(c.Secret.Reveal()[3:20])), c) == "" {
		t.Error("the scanner does not find half a secret")
	}
}

func TestTheReceiptOfALeakingProviderIsNotWritten(t *testing.T) {
	for _, c := range []core.Credential{pairOf(exampleID, newSecret()), newDocument(t)} {
		out := filepath.Join(room(t), "out")
		h, _ := sealedHandoff(t, out, c.Form)
		r := receiptFor(c)
		r.Key.Revoke = "revoke " + string(c.Secret.Reveal())
		if _, err := h.Deliver(c, r); err == nil || !strings.Contains(err.Error(), "would hold the secret") {
			t.Errorf("got error %v, want a refusal", err)
		}
		if got := tree(t, filepath.Dir(out)); len(got) > 0 {
			t.Errorf("files: got %v, want none", got)
		}
	}
}

func TestFilesAreClosedToOthersWhateverTheUmask(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077} {
		for _, plain := range []bool{false, true} {
			out := filepath.Join(room(t), "a", "out")
			h, _ := sealedHandoff(t, out, core.PairForm)
			if h.Plain = plain; plain {
				h.Recipients = nil
			}
			c := pairOf(exampleID, newSecret())
			old := syscall.Umask(mask)
			err := h.Rehearse()
			d, delivered := h.Deliver(c, receiptFor(c))
			syscall.Umask(old)
			must(t, err, delivered)
			want := []string{"acme-events.AKIAIOSFODNN7EXAMPLE.age", "acme-events.AKIAIOSFODNN7EXAMPLE.manifest.json", "acme-events.AKIAIOSFODNN7EXAMPLE.manifest.txt"}
			if plain {
				want = []string{"acme-events.AKIAIOSFODNN7EXAMPLE.credentials", want[1], want[2]}
			}
			if got := tree(t, out); !cmp.Equal(got, want) {
				t.Errorf("files: got %v, want %v", got, want)
			}
			for _, f := range d.Files {
				if i, err := os.Stat(f.Path); err != nil || i.Mode() != 0o600 {
					t.Errorf("umask %03o: %s: got mode %v and %v, want 0600", mask, f.Path, i.Mode(), err)
				}
			}
			if i, err := os.Stat(out); err != nil || i.Mode().Perm() != 0o700 {
				t.Errorf("umask %03o: directory: got mode %v and %v, want 0700", mask, i.Mode(), err)
			}
		}
	}
}

func TestAFailedDeliveryLeavesNothingAndOverwritesNothing(t *testing.T) {
	for _, taken := range []string{"acme-events.AKIAIOSFODNN7EXAMPLE.age", "acme-events.AKIAIOSFODNN7EXAMPLE.manifest.json", "acme-events.AKIAIOSFODNN7EXAMPLE.manifest.txt"} {
		out := room(t)
		must(t, os.WriteFile(filepath.Join(out, taken), []byte("older"), 0o600))
		h, _ := sealedHandoff(t, out, core.PairForm)
		c := pairOf(exampleID, newSecret())
		d, err := h.Deliver(c, receiptFor(c))
		if !errors.Is(err, fs.ErrExist) || len(d.Files) > 0 {
			t.Errorf("%s is taken: got %+v and error %v, want %v", taken, d, err, fs.ErrExist)
		}
		if got := tree(t, out); !cmp.Equal(got, []string{taken}) {
			t.Errorf("files: got %v, want only %s", got, taken)
		}
		if old, err := os.ReadFile(filepath.Join(out, taken)); err != nil || string(old) != "older" {
			t.Errorf("%s: got %q and %v, want it as it was", taken, old, err)
		}
	}
}

func TestRehearsalLeavesNothing(t *testing.T) {
	parent := room(t)
	h, _ := sealedHandoff(t, filepath.Join(parent, "a", "b"), core.DocumentForm)
	must(t, h.Rehearse())
	if got := tree(t, parent); len(got) > 0 {
		t.Errorf("files: got %v, want none", got)
	}
	must(t, os.MkdirAll(h.Dir, 0o700), h.Rehearse())
	if got := tree(t, parent); !cmp.Equal(got, []string{"a", "a/b"}) {
		t.Errorf("files: got %v, want what was there", got)
	}
}

func TestRehearsalFindsWhatWouldFail(t *testing.T) {
	keys := keyPairs(t)
	for what, c := range map[string]struct {
		change func(h *Handoff) error
		want   string
	}{
		"nobody to seal to":                  {func(h *Handoff) error { h.Recipients = nil; return nil }, "to: nobody is named"},
		"plain and sealed":                   {func(h *Handoff) error { h.Plain = true; return nil }, "not to be sealed"},
		"no directory":                       {func(h *Handoff) error { h.Dir = ""; return nil }, "out: no directory"},
		"no name":                            {func(h *Handoff) error { h.Name = ""; return nil }, "name: is empty"},
		"no format":                          {func(h *Handoff) error { h.Format = Format{}; return nil }, "format: none is chosen"},
		"a name that the format cannot hold": {func(h *Handoff) error { h.Name = "a]b"; return nil }, "cannot hold"},
		"strengths mixed": {func(h *Handoff) error {
			h.Recipients = slices.Concat(mustParse(t, keys[0].public), mustParse(t, keys[1].public))
			return nil
		}, "incompatible recipients"},
		"a link":            {func(h *Handoff) error { return os.Symlink(filepath.Dir(h.Dir), h.Dir) }, "symbolic link"},
		"a file":            {func(h *Handoff) error { return os.WriteFile(h.Dir, nil, 0o600) }, "not a directory"},
		"a shared place":    {func(h *Handoff) error { return errors.Join(os.Mkdir(h.Dir, 0o700), os.Chmod(h.Dir, 0o777)) }, "others may write"},
		"a read-only place": {func(h *Handoff) error { return os.Mkdir(h.Dir, 0o500) }, "may not write"},
		"below a file":      {func(h *Handoff) error { h.Dir = "/etc/passwd/out"; return nil }, "not a directory"},
		"no file system":    {func(h *Handoff) error { h.Dir = "/proc/self/none"; return nil }, "none"},
		"a very long name":  {func(h *Handoff) error { h.Name = strings.Repeat("a", 250); return nil }, "name too long"},
	} {
		t.Run(what, func(t *testing.T) {
			parent := room(t)
			h, _ := sealedHandoff(t, filepath.Join(parent, "out"), core.PairForm)
			must(t, c.change(&h))
			before := tree(t, parent)
			if err := h.Rehearse(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q in it", err, c.want)
			}
			pair := pairOf(exampleID, newSecret())
			r := receiptFor(pair)
			r.Grant = h.Name
			if d, err := h.Deliver(pair, r); err == nil {
				t.Errorf("what failed the rehearsal was delivered: %+v", d)
			}
			if after := tree(t, parent); !cmp.Equal(after, before) {
				t.Errorf("files: got %v, want %v as before", after, before)
			}
		})
	}
}

func TestAWrongFormIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	parent := room(t)
	h, _ := sealedHandoff(t, filepath.Join(parent, "out"), core.PairForm)
	c := newDocument(t)
	if _, err := h.Deliver(c, receiptFor(c)); err == nil {
		t.Error("a document was delivered as a pair")
	}
	if got := tree(t, parent); len(got) > 0 {
		t.Errorf("files: got %v, want none", got)
	}
}

func TestAFormatThatDoesNotGiveBackTheSecretIsCaught(t *testing.T) {
	h, _ := sealedHandoff(t, filepath.Join(room(t), "out"), core.PairForm)
	encode := h.Format.Encode
	h.Format.Encode = func(c core.Credential, r core.Receipt) ([]byte, error) {
		data, err := encode(c, r)
		return bytes.Replace(data, []byte("secret_access_key = "), []byte("secret_access_key = x"), 1), err
	}
	if err := h.Rehearse(); err == nil || !strings.Contains(err.Error(), "does not give back") {
		t.Errorf("rehearsal: got error %v", err)
	}
	c := pairOf(exampleID, newSecret())
	if _, err := h.Deliver(c, receiptFor(c)); err == nil || !strings.Contains(err.Error(), "does not give back") {
		t.Errorf("delivery: got error %v", err)
	}
}

func TestNoPlaintextStaysInMemoryAfterADelivery(t *testing.T) {
	for _, plain := range []bool{false, true} {
		h, _ := sealedHandoff(t, filepath.Join(room(t), "out"), core.PairForm)
		if h.Plain = plain; plain {
			h.Recipients = nil
		}
		var written []byte
		encode := h.Format.Encode
		h.Format.Encode = func(c core.Credential, r core.Receipt) (data []byte, err error) {
			data, err = encode(c, r)
			written = data
			return data, err
		}
		c := pairOf(exampleID, newSecret())
		_, err := h.Deliver(c, receiptFor(c))
		must(t, err)
		if len(written) == 0 || len(bytes.Trim(written, "\x00")) > 0 {
			t.Errorf("plain %v: got %q, want zeros", plain, written)
		}
	}
}

func TestDeliveringDoesNotSpendTheSecret(t *testing.T) {
	c := pairOf(exampleID, "sec/ret+")
	for range 2 {
		h, _ := sealedHandoff(t, filepath.Join(room(t), "out"), core.PairForm)
		d, err := h.Deliver(c, receiptFor(c))
		must(t, err)
		if got := string(c.Secret.Reveal()); got != "sec/ret+" || len(d.Files) == 0 {
			t.Errorf("the secret after a delivery: got %q, want it as it was", got)
		}
	}
}

func TestAFullDiskIsFoundByTheRehearsalAndLeavesNothing(t *testing.T) {
	if !alone(t) {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	parent := room(t)
	h, _ := sealedHandoff(t, filepath.Join(parent, "out"), core.PairForm)
	var old syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
	c := pairOf(exampleID, newSecret())
	for size := range uint64(3000) { // the sealed file is shorter than that, the first manifest is not
		if size%97 > 0 {
			continue
		}
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: old.Max}))
		rehearsed := h.Rehearse()
		d, delivered := h.Deliver(c, receiptFor(c))
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old))
		if rehearsed == nil {
			t.Errorf("%d bytes left: the rehearsal found nothing", size)
		}
		if delivered == nil {
			must(t, os.RemoveAll(h.Dir))
			continue
		}
		if got := tree(t, parent); len(got) > 0 || len(d.Files) > 0 {
			t.Fatalf("%d bytes left: files: got %v, want none", size, got)
		}
	}
}

func TestVariablesReachAShellUnchanged(t *testing.T) {
	f := mustFind(t, "env", core.PairForm)
	for _, secret := range append(slices.Clone(hostile), newSecret(), "a b", "%s*?[x]~!&|;<>()", "-n", "--", "~root", "a=b#c") {
		c := pairOf(exampleID, secret)
		data, err := f.Encode(c, receiptFor(c))
		if err != nil {
			continue // refused: the property tests judge what is
		}
		file := filepath.Join(room(t), "env")
		must(t, os.WriteFile(file, data, 0o600))
		shell := exec.Command("sh", "-c", `set -a; . "$0"; set +a; printf '%s|%s|%s' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_REGION"`, file)
		shell.Env = []string{}
		got, err := shell.Output()
		if want := exampleID + "|" + secret + "|eu-west-1"; err != nil || string(got) != want {
			t.Errorf("%q: the shell has %q and %v, want %q", secret, got, err, want)
		}
	}
}

const aloneIn = "BUCKETGRANT_TEST_ALONE"

// alone runs the calling test again in a process of its own, whose limits it
// may change, and reports whether this is that process.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneIn) == t.Name() {
		return true
	}
	child := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), aloneIn+"="+t.Name())
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	}
	return false
}
