// Secrets: bytes that no printer can reach.
package core

import (
	"fmt"
	"log/slog"
)

const redacted = "[secret]"

// Secret holds bytes that must not be printed. The bytes are captured by a
// closure, because package fmt prints even unexported byte slices by
// reflection. Copies share the bytes. The zero Secret is empty.
type Secret struct {
	reveal func() []byte
	clear  func()
}

// NewSecret takes ownership of b.
func NewSecret(b []byte) Secret {
	return Secret{
		reveal: func() []byte { return b },
		clear:  func() { clear(b) },
	}
}

// Reveal returns the bytes themselves, not a copy. Only the formats of a
// hand-off and the actors that try a credential may call it.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Clear overwrites the bytes with zeros, for every copy of the secret.
func (s Secret) Clear() {
	if s.clear != nil {
		s.clear()
	}
}

// Empty reports whether there are no bytes.
func (s Secret) Empty() bool { return s.reveal == nil || len(s.reveal()) == 0 }

// String never shows the bytes.
func (s Secret) String() string { return redacted }

// GoString never shows the bytes.
func (s Secret) GoString() string { return redacted }

// Format never shows the bytes, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON never shows the bytes.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText never shows the bytes.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue never shows the bytes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
