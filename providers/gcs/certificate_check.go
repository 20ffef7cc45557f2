// Certificate check: what may be uploaded as the public half of a key pair.
package gcs

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

const certificateSetting = "certificate"

// leastBits is the shortest RSA key that is taken.
// https://cloud.google.com/iam/docs/keys-upload
const leastBits = 2048

// certificate is the public half of the grantee's key pair.
type certificate struct {
	pem    []byte // nothing but the certificate
	parsed *x509.Certificate
}

const certificateAccepts = `one X.509 v3 certificate in PEM of an RSA key of 2048 bits or more, e.g. from: openssl req -x509 -newkey rsa:2048 -nodes -keyout private.pem -out certificate.pem -days 365 -subj "/CN=unused"`

// readCertificate reads the setting. A fault never repeats what was given: it
// may be a private key. What depends on the day is [certificate.outOfDate].
func readCertificate(d design) (certificate, core.Faults) {
	fault := func(rule string) core.Faults {
		return core.Faults{{Field: certificateSetting, Rule: rule, Accepts: certificateAccepts}}
	}
	text := []byte(d.grant.Settings[certificateSetting])
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return certificate{}, fault("is missing")
	case bytes.Contains(text, []byte("PRIVATE KEY")):
		return certificate{}, fault("holds a private key, which must never leave its owner")
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return certificate{}, fault("is not a certificate in PEM")
	}
	if second, _ := pem.Decode(rest); second != nil {
		return certificate{}, fault("holds more than one certificate")
	}
	if !alone(text, block, rest) { // a plan keeps the setting as it was given
		return certificate{}, fault("holds more than the certificate, and all of it would be kept in plans")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil || parsed.Version != 3 {
		return certificate{}, fault("is not a certificate of X.509 version 3")
	}
	key, ok := parsed.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok:
		return certificate{}, fault("is of a key that is not RSA")
	case key.N.BitLen() < leastBits:
		return certificate{}, fault("is of a key that is too short")
	case !parsed.NotAfter.After(parsed.NotBefore):
		return certificate{}, fault("is never valid")
	}
	return certificate{pem: pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}), parsed: parsed}, nil
}

// alone reports whether a text is one block and white space: no headers, nothing
// before it, and nothing behind it.
func alone(text []byte, block *pem.Block, rest []byte) bool {
	const begin = "-----BEGIN"
	return len(block.Headers) == 0 && len(bytes.TrimSpace(rest)) == 0 &&
		bytes.Count(text, []byte(begin)) == 1 && bytes.HasPrefix(bytes.TrimSpace(text), []byte(begin))
}

// outOfDate says that the certificate is not valid at that time; "" if it is.
func (c certificate) outOfDate(now time.Time) string {
	switch {
	case now.Before(c.parsed.NotBefore):
		return "is not valid before " + c.parsed.NotBefore.UTC().Format(time.RFC3339)
	case !now.Before(c.parsed.NotAfter):
		return "has expired on " + c.parsed.NotAfter.UTC().Format(time.RFC3339)
	}
	return ""
}

// fingerprint identifies the certificate to people.
func (c certificate) fingerprint() string {
	sum := sha256.Sum256(c.parsed.Raw)
	return "SHA256:" + strings.ToUpper(hex.EncodeToString(sum[:8])) + "…"
}

// same reports whether a certificate in PEM is of the same key.
func (c certificate) same(other []byte) bool {
	block, _ := pem.Decode(other)
	if block == nil {
		return false
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false
	}
	key, ok := parsed.PublicKey.(*rsa.PublicKey)
	return ok && key.Equal(c.parsed.PublicKey) && parsed.NotAfter.Equal(c.parsed.NotAfter)
}
