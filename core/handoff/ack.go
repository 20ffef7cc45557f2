// Acknowledgement: codes by which a holder shows that a delivery was opened, and
// found as promised, without showing anything of the secret.
//
// A code is made of the secret and of the sealed file: nobody can make it who has
// not opened that very file, and it tells nothing of the secret. Only hashes of
// the codes are kept, so the sender's own records do not tell them either.
package handoff

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// Purpose is what a code confirms.
type Purpose string

// The purposes.
const (
	Opened Purpose = "opened" // the file was opened
	Tried  Purpose = "tried"  // the credential was tried, and can do what was promised and nothing else
)

// codeBytes are as many as nobody can guess and a person can type.
const codeBytes = 10

// codeLetters are those of which none is taken for another.
// https://www.crockford.com/base32.html
var codeLetters = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Code is the code for a purpose, made of a credential and of the bytes of the
// sealed file that it came in.
func Code(p Purpose, c core.Credential, sealed []byte) string {
	sum := sha256.Sum256(sealed)
	key := ackKey(c)
	defer clear(key)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("bucketgrant acknowledgement v1\n" + string(p) + "\n" + c.ID + "\n" + hex.EncodeToString(sum[:])))
	return grouped(codeLetters.EncodeToString(mac.Sum(nil)[:codeBytes]))
}

// CheckCode tells what a code confirms, as somebody has typed it. ok is false if
// it is no code of that delivery.
func CheckCode(code string, a core.Acknowledgement) (p Purpose, ok bool) {
	got := []byte(codeHash(canonical(code)))
	// Both are compared whatever the first comparison says.
	opened, tried := subtle.ConstantTimeCompare(got, []byte(a.Opened)), subtle.ConstantTimeCompare(got, []byte(a.Tried))
	switch {
	case tried == 1:
		return Tried, true
	case opened == 1:
		return Opened, true
	}
	return "", false
}

// acknowledgement are the hashes of the codes of a delivery.
func acknowledgement(c core.Credential, sealed []byte) *core.Acknowledgement {
	return &core.Acknowledgement{Opened: codeHash(Code(Opened, c, sealed)), Tried: codeHash(Code(Tried, c, sealed))}
}

// ackKey is the secret, in a form that no format changes. The caller clears it.
func ackKey(c core.Credential) []byte {
	secret := c.Secret.Reveal()
	if c.Form == core.DocumentForm {
		compact := bytes.NewBuffer(make([]byte, 0, len(secret)))
		if json.Compact(compact, secret) == nil {
			return compact.Bytes()
		}
	}
	return bytes.Clone(secret)
}

// canonical is a code as it is printed, however it was typed.
func canonical(code string) string {
	return grouped(strings.Map(func(r rune) rune {
		switch r {
		case '-', ' ', '\t', '\r', '\n', '\u00a0', '\u2010', '\u2011', '\u2013':
			return -1
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, strings.ToUpper(code)))
}

// grouped is a code in groups of four letters.
func grouped(code string) string {
	var groups []string
	for len(code) > 4 {
		groups, code = append(groups, code[:4]), code[4:]
	}
	return strings.Join(append(groups, code), "-")
}

func codeHash(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
