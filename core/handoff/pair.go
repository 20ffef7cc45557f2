// Pairs: a key ID and a short secret, and what the formats can hold of them.
package handoff

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// secretOf returns the bytes of c's secret, which stay c's own.
func secretOf(c core.Credential, form core.Form) ([]byte, error) {
	if c.Form != form {
		return nil, fmt.Errorf("credential %q: is a %s; this format carries a %s", c.ID, c.Form, form)
	}
	if c.Secret.Empty() {
		return nil, fmt.Errorf("credential %q: has no secret", c.ID)
	}
	return c.Secret.Reveal(), nil
}

// newPair makes a credential of what a file holds.
func newPair(id, secret []byte) (core.Credential, error) {
	if len(id) == 0 || len(secret) == 0 {
		return core.Credential{}, errors.New("credential: the file lacks the key ID or the secret")
	}
	return core.Credential{ID: string(id), Form: core.PairForm, Secret: core.NewSecret(bytes.Clone(secret))}, nil
}

// holds refuses a value that does not fit on a line without quoting: anything
// but visible ASCII, and the characters in not, which mean something to some
// reader of the format. The error names the field only, never the value.
func holds[T []byte | string](format, field string, value T, not string) error {
	for i := range len(value) {
		if b := value[i]; b <= ' ' || b > '~' || strings.IndexByte(not, b) >= 0 {
			return fmt.Errorf("format %s: the %s has a character that the format cannot hold", format, field)
		}
	}
	return nil
}

// holdsPair refuses a pair that does not fit, or that lacks a half.
func holdsPair(format, id string, secret []byte, not string) error {
	if id == "" {
		return fmt.Errorf("format %s: the key ID is empty", format)
	}
	return errors.Join(holds(format, "key ID", id, not), holds(format, "secret", secret, not))
}

// holdsText refuses a document that is not plain text: quoted, it would not mean
// the same to all readers.
func holdsText(format string, document []byte) error {
	for _, b := range document {
		if (b < ' ' || b > '~') && b != '\n' && b != '\t' {
			return fmt.Errorf("format %s: the key document has a character that the format cannot hold", format)
		}
	}
	return nil
}

// quoted is text in double quotes, as JSON and YAML both read it.
func quoted(text []byte) []byte {
	out := append(make([]byte, 0, 2*len(text)+2), '"') // in one piece: growing would leave copies behind
	for _, b := range text {
		switch b {
		case '"', '\\':
			out = append(out, '\\', b)
		case '\n':
			out = append(out, '\\', 'n')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, b)
		}
	}
	return append(out, '"')
}

// lines joins key-value lines into a file. It grows once, so that no copy of a
// secret is left behind.
func lines(parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	all := make([]byte, 0, size)
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// withoutMark drops a byte order mark, which consoles and editors write.
func withoutMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }
