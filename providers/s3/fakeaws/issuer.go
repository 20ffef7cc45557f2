// Identity providers of the world outside: each signs its tokens with its own RSA key and publishes the public half.
package fakeaws

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// issuer is an identity provider that the cloud plays.
type issuer struct {
	Key  []byte // PKCS #8
	Name string // the key's ID in the key set
	key  *rsa.PrivateKey
}

// IssueToken returns a token of the issuer ("https://…") for one subject and
// one audience, valid for an hour.
func (c *Cloud) IssueToken(address, subject, audience string) string {
	return c.IssueClaims(address, map[string]any{"sub": subject, "aud": audience})
}

// IssueClaims returns a token of the issuer ("https://…") with these claims,
// signed with RS256. What is not given of iss, jti, iat, nbf and exp is filled
// in for a token that is born now and lives for an hour; a nil leaves a claim out.
func (c *Cloud) IssueClaims(address string, claims map[string]any) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.issuer(address)
	text := tokenPart(tokenHeader{"RS256", "JWT", i.Name}) + "." + tokenPart(complete(address, claims))
	return text + "." + encode64(i.sign(text))
}

// ForgeClaims returns a token that names the issuer and its key but whose
// claims were changed after it was signed.
func (c *Cloud) ForgeClaims(address string, claims map[string]any) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.issuer(address)
	header := tokenPart(tokenHeader{"RS256", "JWT", i.Name})
	genuine := i.sign(header + "." + tokenPart(complete(address, map[string]any{"sub": "somebody else"})))
	return header + "." + tokenPart(complete(address, claims)) + "." + encode64(genuine)
}

// UnsignedClaims returns a token of the algorithm "none", which has no signature.
func (c *Cloud) UnsignedClaims(address string, claims map[string]any) string {
	return tokenPart(tokenHeader{Alg: "none", Typ: "JWT"}) + "." + tokenPart(complete(address, claims)) + "."
}

// JWKS returns the issuer's key set, as its jwks_uri serves it (RFC 7517).
func (c *Cloud) JWKS(address string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keySet(address)
}

func (c *Cloud) keySet(address string) []byte {
	i := c.issuer(address)
	public := i.private().PublicKey
	type jwk struct {
		Kty string `json:"kty"`
		Use string `json:"use"`
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		N   string `json:"n"`
		E   string `json:"e"`
	}
	b, _ := json.Marshal(struct { // strings only
		Keys []jwk `json:"keys"`
	}{[]jwk{{"RSA", "sig", "RS256", i.Name, encode64(public.N.Bytes()), encode64(big.NewInt(int64(public.E)).Bytes())}}})
	return b
}

type tokenHeader struct {
	Alg string `json:"alg"`
	Typ string `json:"typ,omitempty"`
	Kid string `json:"kid,omitempty"`
}

func complete(address string, claims map[string]any) map[string]any {
	now := time.Now()
	all := map[string]any{
		"iss": address, "jti": opaque(16), "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func tokenPart(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("claims of a token: %v", err)) // a test that passes a channel is broken
	}
	return encode64(b)
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// issuer returns the identity provider of an address; its key is made when it is first needed.
func (c *Cloud) issuer(address string) *issuer {
	if c.state.Issuers == nil {
		c.state.Issuers = map[string]*issuer{}
	}
	i := c.state.Issuers[address]
	if i == nil {
		i = &issuer{Name: opaque(20), key: c.issuerKey(address)}
		i.Key, _ = x509.MarshalPKCS8PrivateKey(i.key) // never fails for RSA
		c.state.Issuers[address] = i
	}
	return i
}

func freshKey(address string) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("key of issuer %s: %v", address, err)) // only a broken random source
	}
	return key
}

// private reads the key of a restored issuer once.
func (i *issuer) private() *rsa.PrivateKey {
	if i.key == nil {
		parsed, err := x509.ParsePKCS8PrivateKey(i.Key)
		if err != nil {
			panic(fmt.Sprintf("key of an issuer in a snapshot: %v", err)) // Restore has read it before
		}
		i.key, _ = parsed.(*rsa.PrivateKey)
	}
	return i.key
}

func (i *issuer) sign(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	b, err := rsa.SignPKCS1v15(nil, i.private(), crypto.SHA256, sum[:])
	if err != nil {
		panic(fmt.Sprintf("signing a token: %v", err)) // cannot be with a key of 2048 bits
	}
	return b
}

// signed says whether the issuer made this signature over text.
func (i *issuer) signed(text string, signature []byte) bool {
	sum := sha256.Sum256([]byte(text))
	return rsa.VerifyPKCS1v15(&i.private().PublicKey, crypto.SHA256, sum[:], signature) == nil
}

// serveIssuer answers for an identity provider that the cloud plays: its
// discovery document and its key set. It leaves every other request alone.
// https://openid.net/specs/openid-connect-discovery-1_0.html
func (c *Cloud) serveIssuer(w http.ResponseWriter, r *http.Request) bool {
	base, file, found := strings.Cut(r.URL.Path, "/.well-known/")
	address := "https://" + hostOf(r) + base
	if !found || r.Method != http.MethodGet || c.state.Issuers[address] == nil {
		return false
	}
	var b []byte
	switch file {
	case "openid-configuration":
		b, _ = json.Marshal(struct { // strings only
			Issuer     string   `json:"issuer"`
			KeySet     string   `json:"jwks_uri"`
			Subjects   []string `json:"subject_types_supported"`
			Responses  []string `json:"response_types_supported"`
			Algorithms []string `json:"id_token_signing_alg_values_supported"`
		}{address, address + "/.well-known/jwks", []string{"public"}, []string{"id_token"}, []string{"RS256"}})
	case "jwks":
		b = c.keySet(address)
	default:
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
	return true
}
