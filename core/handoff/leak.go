// Leak: whether a text holds a credential that is at hand, in any shape that a program might give it.
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

// leakWindow is how many bytes of a secret in a row are no coincidence.
const leakWindow = 12

// Leak names the shape in which data holds c's secret, or a part of it; "" if it
// does not. Unlike [Scan] it knows what it looks for.
func Leak(data []byte, c core.Credential) string {
	secret := secretPart(c)
	if len(secret) < leakWindow {
		return ""
	}
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
	defer func() {
		for _, shape := range shapes {
			clear(shape)
		}
	}()
	for name, shape := range shapes {
		if bytes.Contains(data, shape) {
			return name
		}
	}
	for i := range len(secret) - leakWindow + 1 {
		if bytes.Contains(data, secret[i:i+leakWindow]) {
			return fmt.Sprintf("bytes %d to %d", i, i+leakWindow)
		}
	}
	return ""
}

// secretPart is the part of a credential that nobody else may see; of a key
// document the private key without its armor.
func secretPart(c core.Credential) []byte {
	if c.Form == core.PairForm {
		return c.Secret.Reveal()
	}
	var d keyDocument
	if json.Unmarshal(c.Secret.Reveal(), &d) != nil {
		return nil
	}
	block, _ := pem.Decode([]byte(d.PrivateKey))
	if block == nil {
		return []byte(d.PrivateKey)
	}
	return []byte(base64.StdEncoding.EncodeToString(block.Bytes))
}
