// Handing over: encode, seal, write, and a receipt beside it.
package handoff

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

var _ core.Deliverer = Handoff{}

// Handoff writes a credential into a directory: sealed to recipients, or with
// Plain as it is. Beside it go a manifest for programs and one for people.
type Handoff struct {
	Dir        string // made, with mode 0700, if it is missing
	Name       string // the grant's name; file names begin with it
	Format     Format
	Recipients []Recipient
	Plain      bool // write the secret unsealed; Recipients must be empty
	Armor      bool // seal as text, which survives mail and tickets

	// About is what a rehearsal says of the grant, as far as it is known; zero: anything.
	About core.Receipt
}

// allowance is more than the manifests of any delivery take.
const allowance = 128 << 10

// Holds reports whether the format can hold a credential of this grant, as far as
// that can be known before there is one. It touches no file.
func (h Handoff) Holds() error {
	dummy, err := dummyFor(h.Format.Forms[0])
	if err != nil {
		return err
	}
	data, err := h.Format.Encode(dummy, h.about())
	clear(data)
	return err
}

// about is what a rehearsal says of the grant.
func (h Handoff) about() core.Receipt {
	return core.Receipt{
		Cloud: cmp.Or(h.About.Cloud, "cloud"), Grant: h.Name, Bucket: cmp.Or(h.About.Bucket, "bucket"),
		Region: cmp.Or(h.About.Region, "region"), Prefix: cmp.Or(h.About.Prefix, "prefix/"),
	}
}

// Rehearse does with a dummy whatever could fail, and leaves nothing behind.
func (h Handoff) Rehearse() error {
	if err := h.faults().Err(); err != nil {
		return err
	}
	dummy, err := dummyFor(h.Format.Forms[0])
	if err != nil {
		return err
	}
	data, err := h.pack(dummy, h.about())
	if err != nil {
		return fmt.Errorf("hand-off: %w", err)
	}
	dir, err := safefile.MakeDir(h.Dir)
	if err != nil {
		return fmt.Errorf("hand-off: %w", err)
	}
	const rehearsal = "rehearsal-"
	err = dir.Rehearse(h.fileName(rehearsal+rand.Text()[:10]), slices.Concat(data, make([]byte, allowance)))
	if err == nil {
		err = dir.Sweep(stem(h.Name, rehearsal)) // of a run that was killed right here
	}
	if err = errors.Join(err, dir.Close(), dir.Undo()); err != nil {
		return fmt.Errorf("hand-off: %w", err)
	}
	return nil
}

// Deliver returns when all files are on the disk. The credential's file is the
// first of [core.Delivery.Files]. If it fails, nothing that it wrote remains.
func (h Handoff) Deliver(c core.Credential, r core.Receipt) (core.Delivery, error) {
	if err := h.faults().Err(); err != nil {
		return core.Delivery{}, err
	}
	if !slices.Contains(h.Format.Forms, c.Form) {
		return core.Delivery{}, fmt.Errorf("format %s: cannot carry a credential that is a %s", h.Format.Name, c.Form)
	}
	data, err := h.pack(c, r)
	if err != nil {
		return core.Delivery{}, err
	}
	if h.Plain {
		defer clear(data)
	}
	delivery := core.Delivery{Sealed: !h.Plain, Format: h.Format.Name}
	if !h.Plain {
		delivery.Acknowledge = acknowledgement(c, data)
	}
	for _, to := range h.Recipients {
		delivery.Recipients = append(delivery.Recipients, to.Recipient)
	}
	secret := file{h.fileName(c.KeyName()), data}
	delivery.Files = []core.File{secret.named(secret.name)} // beside the manifest: a path would be of no use elsewhere
	if r.Delivery = &delivery; r.Ended.IsZero() {
		r.Ended = time.Now().UTC()
	}
	manifests, err := manifestsOf(r, stem(h.Name, c.KeyName()))
	if err != nil {
		return core.Delivery{}, err
	}
	if h.Format.beside != nil {
		beside, err := h.Format.beside(r)
		if err != nil {
			return core.Delivery{}, err
		}
		beside.name = stem(h.Name, c.KeyName()) + beside.name
		manifests = append(manifests, beside)
	}
	if err := noneLeaks(manifests, c); err != nil {
		return core.Delivery{}, err
	}
	delivery.Files, err = writeAll(h.Dir, append([]file{secret}, manifests...))
	if err != nil {
		return core.Delivery{}, err
	}
	return delivery, nil
}

// Forget removes the files of a delivery that no run has seen the end of, whose
// key is retired: the next delivery must not lie beside one that opens nothing.
func (h Handoff) Forget(key string) error {
	dir, err := safefile.OpenDir(h.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = errors.Join(dir.RemoveAll(stem(h.Name, core.Credential{ID: key}.KeyName())+"."), dir.Close())
	}
	if err != nil {
		return fmt.Errorf("hand-off: %w", err)
	}
	return nil
}

// faults names everything wrong with the choices.
func (h Handoff) faults() core.Faults {
	var f core.Faults
	if h.Dir == "" {
		f = append(f, core.Fault{Field: "out", Rule: "no directory is named", Accepts: "a directory, e.g. handoff/"})
	}
	if h.Name == "" {
		f = append(f, core.Fault{Field: "name", Rule: "is empty", Accepts: "the grant's name"})
	}
	if h.Format.Encode == nil || len(h.Format.Forms) == 0 {
		f = append(f, core.Fault{Field: "format", Rule: "none is chosen", Accepts: "one of the known formats"})
	}
	if len(h.Recipients) == 0 && !h.Plain {
		f = append(f, fault("", "nobody is named to seal the secret to", acceptedRecipients+"; or --plain for a file that is not sealed"))
	}
	if len(h.Recipients) > 0 && h.Plain {
		f = append(f, fault("", "recipients are named, but the file is not to be sealed", "--to without --plain, or --plain without --to"))
	}
	return f
}

// fileName is the name of the file that holds the credential.
func (h Handoff) fileName(keyName string) string {
	switch {
	case h.Plain:
		return h.Format.File(h.Name, keyName)
	case h.Armor:
		return stem(h.Name, keyName) + ".age.txt"
	}
	return stem(h.Name, keyName) + ".age"
}

// pack makes the bytes that go to the disk, after reading them back: what
// cannot be read again must not be what the holder is given.
func (h Handoff) pack(c core.Credential, r core.Receipt) ([]byte, error) {
	plain, err := h.Format.Encode(c, r)
	if err != nil {
		return nil, err
	}
	if again, err := h.Format.Decode(plain); err != nil || !same(c, again) {
		clear(plain)
		return nil, fmt.Errorf("format %s: does not give back the credential %q", h.Format.Name, c.ID)
	}
	if h.Plain {
		return plain, nil
	}
	defer clear(plain)
	return seal(plain, h.Recipients, h.Armor)
}

// same reports whether two credentials are the same key. It clears b.
func same(a, b core.Credential) bool {
	defer b.Secret.Clear()
	if a.Form != b.Form {
		return false
	}
	if a.Form == core.PairForm {
		return a.ID == b.ID && bytes.Equal(a.Secret.Reveal(), b.Secret.Reveal())
	}
	var x, y bytes.Buffer
	err := errors.Join(json.Compact(&x, a.Secret.Reveal()), json.Compact(&y, b.Secret.Reveal()))
	defer clear(x.Bytes())
	defer clear(y.Bytes())
	return err == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// file is a file to be written.
type file struct {
	name string
	data []byte
}

// named is what a receipt says of the file.
func (f file) named(path string) core.File {
	sum := sha256.Sum256(f.data)
	return core.File{Path: path, SHA256: hex.EncodeToString(sum[:])}
}

// writeAll writes all files or none.
func writeAll(path string, files []file) (written []core.File, err error) {
	dir, err := safefile.MakeDir(path)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if err = dir.Write(f.name, f.data); err != nil {
			for _, done := range files[:i] {
				err = errors.Join(err, dir.Remove(done.name))
			}
			return nil, errors.Join(err, dir.Close(), dir.Undo())
		}
		written = append(written, f.named(dir.Path(f.name)))
	}
	return written, dir.Close()
}
