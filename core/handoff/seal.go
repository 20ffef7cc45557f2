// Sealing and opening: age, in memory, so that plaintext never touches a disk.
package handoff

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

const (
	binaryIntro = "age-encryption.org/"
	mostOpened  = 4 << 20 // a credential is far smaller
)

// seal encrypts plain to all recipients. armored makes text of it, which
// survives mail and tickets.
func seal(plain []byte, recipients []Recipient, armored bool) ([]byte, error) {
	var keys []age.Recipient
	for _, r := range recipients {
		if r.key == nil {
			return nil, errors.New("seal: a recipient has no key")
		}
		keys = append(keys, r.key)
	}
	var sealed bytes.Buffer
	var text io.WriteCloser
	out := io.Writer(&sealed)
	if armored {
		text = armor.NewWriter(&sealed)
		out = text
	}
	w, err := age.Encrypt(out, keys...)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	// Closing writes the last piece: a file that was not closed can never be opened.
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if armored {
		if err := text.Close(); err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
	}
	return sealed.Bytes(), nil
}

// OpenSealed opens what was sealed, as bytes or as text. The result is for the
// caller to clear.
func OpenSealed(data []byte, ids []age.Identity) ([]byte, error) {
	if len(ids) == 0 {
		return nil, errors.New("open: no private key was given")
	}
	if !looksSealed(data) {
		return nil, errors.New("open: is not a sealed file (age)")
	}
	var in io.Reader = bytes.NewReader(data)
	if !bytes.HasPrefix(data, []byte(binaryIntro)) {
		in = armor.NewReader(bytes.NewReader(bytes.TrimSpace(withoutMark(data))))
	}
	r, err := age.Decrypt(in, ids...)
	if other, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, fmt.Errorf("open: is sealed to somebody else: none of the %d private keys given opens it; it is sealed to %s", len(ids), Safe(strings.Join(other.StanzaTypes, ", ")))
	}
	if err != nil {
		return nil, errors.New("open: is truncated or damaged in its first part")
	}
	plain, err := io.ReadAll(io.LimitReader(r, mostOpened+1))
	if err != nil {
		clear(plain)
		return nil, errors.New("open: is truncated, or was changed after it was sealed")
	}
	if len(plain) > mostOpened {
		clear(plain)
		return nil, fmt.Errorf("open: holds more than %d bytes, which is no credential", mostOpened)
	}
	return plain, nil
}

// looksSealed reports whether data begins like an age file, as bytes or as text.
func looksSealed(data []byte) bool {
	return bytes.HasPrefix(data, []byte(binaryIntro)) || bytes.HasPrefix(bytes.TrimSpace(withoutMark(data)), []byte(armor.Header))
}
