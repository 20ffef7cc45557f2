// The scanner: whether bytes hold a secret, in any shape that a program might
// give it by mistake.

package handoff

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"

	"github.com/bucketgrant/bucketgrant/core"
)

// foundIn names the shape in which data holds c's secret, or gives "".
func foundIn(data []byte, c core.Credential) string {
	secret := secretPart(c)
	shapes := map[string][]byte{
		"hex": []byte(hex.EncodeToString(secret)),
		"URL": []byte(url.QueryEscape(string(secret))),
	}
	quoted, _ := json.Marshal(string(secret))
	shapes["JSON"] = bytes.Trim(quoted, `"`)
	for shift := range 3 {
		// Base64 of a text in which the secret begins at any place; its first and last letters depend on the neighbours.
		coded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		shapes[fmt.Sprintf("base64, shifted by %d", shift)] = []byte(coded[4 : len(coded)-4])
	}
	for name, shape := range shapes {
		if bytes.Contains(data, shape) {
			return name
		}
	}
	const window = 12
	for i := range len(secret) - window + 1 {
		if bytes.Contains(data, secret[i:i+window]) {
			return fmt.Sprintf("bytes %d to %d", i, i+window)
		}
	}
	return ""
}

// secretPart is the part of a credential that nobody else may see.
func secretPart(c core.Credential) []byte {
	if c.Form == core.PairForm {
		return c.Secret.Reveal()
	}
	var d keyDocument
	if err := json.Unmarshal(c.Secret.Reveal(), &d); err != nil {
		panic(err)
	}
	block, _ := pem.Decode([]byte(d.PrivateKey))
	return []byte(base64.StdEncoding.EncodeToString(block.Bytes))
}
