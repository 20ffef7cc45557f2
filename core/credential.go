// Credentials: what a grantee holds to prove who it is.
package core

import "time"

// Form says what the secret of a credential looks like, and so which formats can carry it.
type Form string

// The forms.
const (
	PairForm     Form = "pair"     // a key ID and a short secret
	DocumentForm Form = "document" // a file, to be handed over byte for byte
)

// Credential is one issued credential. Everything but Secret is public.
type Credential struct {
	ID      string // the key's public identifier
	Form    Form
	Holder  string // the principal, as its cloud names it
	Secret  Secret
	Created time.Time
	Revoke  string // one line that makes the credential useless, in the cloud's own tool
}

// KeyName is the file-name part that identifies the credential. Rotation never
// overwrites an older file, because it differs for every key.
func (c Credential) KeyName() string {
	const most = 20
	if len(c.ID) > most {
		return c.ID[:most]
	}
	return c.ID
}
