// Keyring: the keys of a grantee after their issue, and what is wished of them.
package core

import (
	"context"
	"time"
)

// Keyring is every key that opens a grant: those that were handed over, or the
// certificates that the grantee has handed in. Nothing here makes a secret.
// Each method may be repeated; none touches the keys of a grantee that is not ours.
type Keyring interface {
	// Addr is the address of the key with that ID.
	Addr(id string) string

	// List returns the keys, oldest first, those that are switched off included;
	// none if there is no grantee.
	List(ctx context.Context) ([]Key, error)

	// Switch makes the key with that ID work, or makes it useless until it is
	// switched on again. It refuses to switch on what the cloud itself has
	// switched off. A key that is gone is an error of kind [ErrMoved].
	Switch(ctx context.Context, id string, on bool) error

	// Retire makes the key with that ID useless for ever; nil if it is gone already.
	Retire(ctx context.Context, id string) error
}

// Key is what can be read of a credential after its issue.
type Key struct {
	ID      string
	Created time.Time
	Active  bool
	Used    time.Time // zero if never, or if the cloud does not say (see [Identity].ShowsUse)
	Expires time.Time // zero if it does not end by itself
	Named   bool      // the grant itself names it, as it names a certificate
	Off     string    // why it is not active, if the cloud says more than that: "EXPOSED"
}

// KeyWant is what becomes of the keys of a grantee, beyond that there is one.
// The zero KeyWant says nothing of them.
type KeyWant struct {
	Fresh bool     `json:"fresh,omitempty"` // a further one is issued, or handed in, beside those that are there
	Off   []string `json:"off,omitempty"`   // are switched off
	On    []string `json:"on,omitempty"`    // are switched on
	Gone  []string `json:"gone,omitempty"`  // are retired; with Fresh after the fresh one was delivered, if there is room for both
	Shut  bool     `json:"shut,omitempty"`  // the grantee is shut out, see [Steps].Gate
	Open  bool     `json:"open,omitempty"`  // the grantee is let in again
	Look  bool     `json:"look,omitempty"`  // they are looked at, and nothing else is
	Cause string   `json:"cause,omitempty"` // why keys are switched off: [Rotated], [Revoked] or [Compromised]
}

// What a [Change] of a key leads to.
const (
	keyOn  = "active"
	keyOff = "inactive"
)

// only reports whether the wish is about nothing but keys and the gate, so that
// bucket and role are not even looked at: a cut must not wait for them, nor be
// stopped by what somebody has done to them.
func (k KeyWant) only() bool {
	return k.Look || k.Shut || k.Open || !k.Fresh && len(k.Off)+len(k.On)+len(k.Gone) > 0
}
