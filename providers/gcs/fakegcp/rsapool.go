// RSA keys: made once per process, as making one takes a tenth of a second.
package fakegcp

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"sync"
)

// rsaKeys holds the process's RSA keys. Every cloud takes them in order, so no two
// keys of one cloud are alike, while many clouds in one test run share the cost.
var rsaKeys rsaPool

type rsaPool struct {
	mu   sync.Mutex
	keys []*rsa.PrivateKey
}

// ownPrimes is how many keys of a pool have primes of their own. Those after
// them pair the primes of two of these anew: no two keys are alike, and a fleet's
// keys cost next to nothing. Real keys must never share a prime.
const ownPrimes = 16

func (p *rsaPool) take(n int) *rsa.PrivateKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.keys) <= n {
		k := p.paired(len(p.keys) - ownPrimes)
		if k == nil {
			var err error
			if k, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
				panic("fakegcp: " + err.Error())
			}
		}
		p.keys = append(p.keys, k)
	}
	return p.keys[n]
}

// paired is the nth key of primes that other keys have, nil if n is none.
func (p *rsaPool) paired(n int) *rsa.PrivateKey {
	if n < 0 {
		return nil
	}
	for i := range ownPrimes {
		others := ownPrimes - 1 - i // keys after i: each has two primes for each of i's
		if n >= 4*others {
			n -= 4 * others
			continue
		}
		a, b := p.keys[i].Primes[n%2], p.keys[i+1+n/4].Primes[n/2%2]
		if k := keyOf(a, b); k != nil {
			return k
		}
		return nil
	}
	return nil
}

// keyOf is the key of two primes; nil if the exponent does not suit them.
func keyOf(a, b *big.Int) *rsa.PrivateKey {
	const exponent = 65537
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(a, one), new(big.Int).Sub(b, one))
	d := new(big.Int).ModInverse(big.NewInt(exponent), phi)
	if d == nil {
		return nil
	}
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(a, b), E: exponent}, D: d, Primes: []*big.Int{a, b}}
	k.Precompute()
	if k.Validate() != nil {
		return nil
	}
	return k
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
