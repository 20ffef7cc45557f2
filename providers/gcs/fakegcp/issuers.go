// Issuers of tokens outside of Google: their keys, good tokens, and forged ones.
package fakegcp

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"time"
)

// issuer is an OpenID provider whose key set a pool would fetch.
type issuer struct {
	Private []byte `json:"private"` // PKCS #8; nil for an issuer that holds its own key
	Kid     string `json:"kid"`
	JWKS    jwks   `json:"jwks"`
}

// Forgery is a way to make a token that must not be accepted.
type Forgery string

// The forgeries that [Cloud.ForgeToken] knows. Wrong claims need none: ask
// [Cloud.IssueToken] for them.
const (
	ForgeNone       Forgery = "none"          // alg none, no signature
	ForgeHMAC       Forgery = "hmac"          // alg HS256, keyed with the issuer's public key
	ForgeOtherKey   Forgery = "other-key"     // signed by somebody else's key, under the issuer's key ID
	ForgeUnknownKey Forgery = "unknown-key"   // signed by somebody else's key, under a key ID of its own
	ForgeTampered   Forgery = "tampered"      // a good token whose claims were changed after signing
	ForgeSignature  Forgery = "bad-signature" // a good token with a broken signature
)

// AddIssuer makes an issuer known that holds its own key: jwks is its key set
// as JSON. It replaces an issuer of the same URL.
func (c *Cloud) AddIssuer(url string, keySet []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := &issuer{}
	if err := json.Unmarshal(keySet, &i.JWKS); err != nil {
		return err
	}
	c.state.Issuers[url] = i
	return nil
}

// JWKS returns the key set of an issuer as JSON. An unknown issuer is made.
func (c *Cloud) JWKS(url string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, err := json.Marshal(c.issuer(url).JWKS)
	if err != nil {
		panic("fakegcp: " + err.Error())
	}
	return text
}

// issuer returns the issuer of a URL, made if need be.
func (c *Cloud) issuer(url string) *issuer {
	if i := c.state.Issuers[url]; i != nil {
		return i
	}
	k := c.rsaKey()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		panic("fakegcp: " + err.Error())
	}
	i := &issuer{Private: der, Kid: fingerprint("issuer", url)}
	i.JWKS.Keys = []jwk{rsaJWK(i.Kid, &k.PublicKey)}
	c.state.Issuers[url] = i
	return i
}

// rsaKey takes a key that nothing else here has.
func (c *Cloud) rsaKey() *rsa.PrivateKey {
	c.state.RSAKeys++
	return rsaKeys.take(c.state.RSAKeys - 1)
}

func (i *issuer) key() *rsa.PrivateKey {
	k, err := x509.ParsePKCS8PrivateKey(i.Private)
	if err != nil {
		panic("fakegcp: the issuer holds its own key: " + err.Error())
	}
	return k.(*rsa.PrivateKey)
}

// IssueToken returns a token of an issuer, signed RS256 with a key that the
// cloud keeps for it and that a provider finds at the issuer's address, as it
// finds a real issuer's. The claims iss, iat, nbf and exp are filled in, for
// five minutes; a claim that is given wins, and one that is given as nil is
// left out.
func (c *Cloud) IssueToken(url string, claims map[string]any) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.issuer(url)
	return signJWT(i.key(), i.Kid, completed(url, claims))
}

// ForgeToken returns a token with the claims of [Cloud.IssueToken] that is not
// the issuer's: how says in which way.
func (c *Cloud) ForgeToken(url string, claims map[string]any, how Forgery) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.issuer(url)
	claims = completed(url, claims)
	switch how {
	case ForgeNone:
		return jwtPart(jwtHeader{Alg: "none", Kid: i.Kid}) + "." + jwtPart(claims) + "."
	case ForgeHMAC:
		text := jwtPart(jwtHeader{Alg: "HS256", Kid: i.Kid}) + "." + jwtPart(claims)
		h := hmac.New(sha256.New, publicDER(&i.key().PublicKey))
		h.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	case ForgeOtherKey:
		return signJWT(c.rsaKey(), i.Kid, claims)
	case ForgeUnknownKey:
		return signJWT(c.rsaKey(), fingerprint("stranger", url), claims)
	case ForgeTampered:
		good := signJWT(i.key(), i.Kid, map[string]any{"iss": url, "sub": "somebody-else"})
		return jwtPart(jwtHeader{Alg: "RS256", Kid: i.Kid}) + "." + jwtPart(claims) + good[lastDot(good):]
	case ForgeSignature:
		good := signJWT(i.key(), i.Kid, claims)
		return good[:lastDot(good)+1] + base64.RawURLEncoding.EncodeToString(make([]byte, 256))
	}
	panic("fakegcp: no such forgery: " + string(how))
}

func lastDot(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '.' {
			return i
		}
	}
	return 0
}

// completed fills in the claims that every token has.
func completed(url string, claims map[string]any) map[string]any {
	now := time.Now().Unix()
	out := map[string]any{"iss": url, "iat": now, "nbf": now, "exp": now + 300}
	maps.Copy(out, claims)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	return out
}

func jwtPart(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("fakegcp: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func signJWT(k *rsa.PrivateKey, kid string, claims map[string]any) string {
	text := jwtPart(jwtHeader{Alg: "RS256", Kid: kid}) + "." + jwtPart(claims)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, digest[:])
	if err != nil {
		panic("fakegcp: " + err.Error())
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}
