// Signed JSON Web Tokens: read and verified against the keys of their issuer.
package fakegcp

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Why a JWT is refused.
var (
	errMalformedJWT = errors.New("malformed JWT")
	errUnknownIss   = errors.New("unknown issuer")
	errDisabledIss  = errors.New("disabled issuer")
	errSignature    = errors.New("bad signature")
	errTimeframe    = errors.New("bad timeframe")
)

type jwtHeader struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
}

type jwtClaims struct {
	Iss   string  `json:"iss"`
	Sub   string  `json:"sub"`
	Aud   string  `json:"aud"`
	Scope string  `json:"scope"`
	Iat   float64 `json:"iat"`
	Exp   float64 `json:"exp"`
}

// verifyJWT returns the claims of a token signed with a usable key of the
// service account that issued it, and that account.
// https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth
func (c *Cloud) verifyJWT(text string) (jwtClaims, *account, error) {
	var h jwtHeader
	var claims jwtClaims
	parts := strings.Split(text, ".")
	if len(parts) != 3 || decodeJWT(parts[0], &h) != nil || decodeJWT(parts[1], &claims) != nil || h.Alg != "RS256" {
		return claims, nil, errMalformedJWT
	}
	sig, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[2], "="))
	if err != nil {
		return claims, nil, errMalformedJWT
	}
	a := c.accountByEmail(claims.Iss)
	if a == nil {
		return claims, nil, errUnknownIss
	}
	if !a.signedBy(h.Kid, parts[0]+"."+parts[1], sig) {
		return claims, nil, errSignature
	}
	if a.Disabled {
		return claims, nil, errDisabledIss
	}
	return claims, a, checkTimes(claims)
}

func decodeJWT(part string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// signedBy says whether a usable key of the account made the signature. A
// token without a key ID is tried against every key.
func (a *account) signedBy(kid, signed string, sig []byte) bool {
	digest := sha256.Sum256([]byte(signed))
	now := time.Now()
	for _, k := range a.Keys {
		if (kid != "" && k.ID != kid) || !k.Usable.Seen() || now.Before(k.ValidAfter) || !now.Before(k.ValidBefore) {
			continue
		}
		pub, err := x509.ParsePKIXPublicKey(k.Public)
		if err != nil {
			continue
		}
		if r, ok := pub.(*rsa.PublicKey); ok && rsa.VerifyPKCS1v15(r, crypto.SHA256, digest[:], sig) == nil {
			return true
		}
	}
	return false
}

// checkTimes allows a life of one hour, and a little of the clock's skew.
func checkTimes(c jwtClaims) error {
	const skew = 300
	now := float64(time.Now().Unix())
	if c.Iat > now+skew || c.Exp < now-skew || c.Exp-c.Iat > 3600+skew || c.Exp <= c.Iat {
		return errTimeframe
	}
	return nil
}
