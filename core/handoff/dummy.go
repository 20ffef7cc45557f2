// Dummies: credentials that open nothing, as large as real ones.
package handoff

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// dummyFor makes a credential to rehearse with.
func dummyFor(form core.Form) (core.Credential, error) {
	c := core.Credential{ID: "rehearsal", Form: form, Holder: "nobody"}
	switch form {
	case core.PairForm:
		c.Secret = core.NewSecret([]byte(strings.Repeat("0", 40)))
	case core.DocumentForm:
		// A key of 2,048 bits takes 1,700 letters, the other fields 700.
		document, err := json.MarshalIndent(keyDocument{KeyID: c.ID, PrivateKey: strings.Repeat("0", 2400), Holder: c.Holder}, "", "  ")
		if err != nil {
			return c, err
		}
		c.Secret = core.NewSecret(append(document, '\n'))
	default:
		return c, fmt.Errorf("hand-off: no such form %q", form)
	}
	return c, nil
}
