// RSA keys: made once per process, as making one takes a tenth of a second.
package fakegcp

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"sync"
)

// rsaKeys holds the process's RSA keys. Every cloud takes them in order, so no two
// keys of one cloud are alike, while many clouds in one test run share the cost.
var rsaKeys rsaPool

type rsaPool struct {
	mu   sync.Mutex
	keys []*rsa.PrivateKey
}

func (p *rsaPool) take(n int) *rsa.PrivateKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.keys) <= n {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("fakegcp: " + err.Error())
		}
		p.keys = append(p.keys, k)
	}
	return p.keys[n]
}

// privatePEM is a private key as Google writes it into a key file.
func privatePEM(k *rsa.PrivateKey) string {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		panic("fakegcp: " + err.Error())
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// publicDER is the public half of a key.
func publicDER(k *rsa.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		panic("fakegcp: " + err.Error())
	}
	return der
}

// fingerprint is 40 hexadecimal digits, as key IDs are.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))[:40]
}
