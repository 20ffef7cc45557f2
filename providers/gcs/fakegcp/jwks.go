// JSON Web Key Sets: the public keys of an issuer of tokens.
package fakegcp

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
)

// jwks is a key set of RFC 7517.
type jwks struct {
	Keys []jwk `json:"keys"`
}

type jwk struct {
	Kty string `json:"kty"`
	Alg string `json:"alg,omitempty"`
	Use string `json:"use,omitempty"`
	Kid string `json:"kid"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
}

func rsaJWK(kid string, k *rsa.PublicKey) jwk {
	return jwk{
		Kty: "RSA", Alg: "RS256", Use: "sig", Kid: kid,
		N: base64.RawURLEncoding.EncodeToString(k.N.Bytes()), E: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.E)).Bytes()),
	}
}

// publicKeys are the set's RSA keys by key ID. Keys of other kinds are left out.
func (s jwks) publicKeys() map[string]*rsa.PublicKey {
	out := map[string]*rsa.PublicKey{}
	for _, k := range s.Keys {
		n, err := base64.RawURLEncoding.DecodeString(k.N)
		e, err2 := base64.RawURLEncoding.DecodeString(k.E)
		if k.Kty != "RSA" || err != nil || err2 != nil || len(n) < 256 || len(e) == 0 || len(e) > 4 {
			continue
		}
		out[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return out
}

// verifies says whether the key made an RS256 signature.
func verifies(k *rsa.PublicKey, digest, signature []byte) bool {
	return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest, signature) == nil
}
