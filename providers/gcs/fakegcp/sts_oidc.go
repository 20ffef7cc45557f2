// OIDC tokens of other issuers: verified as the Security Token Service verifies them.
package fakegcp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
)

// verifyOIDC returns the claims of a token that the provider accepts.
// https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
func (q *request) verifyOIDC(text string, p *oidcProvider, providerName string) (map[string]any, *refusal) {
	var h jwtHeader
	var claims map[string]any
	parts := strings.Split(text, ".")
	if len(parts) != 3 || decodeJWT(parts[0], &h) != nil || decodeJWT(parts[1], &claims) != nil {
		return nil, refused("invalid_grant", "Unable to parse the ID Token.")
	}
	if iss, _ := claims["iss"].(string); iss != p.Issuer {
		return nil, refused("invalid_grant", "The issuer in ID Token %s does not match the expected ones: %s", iss, p.Issuer)
	}
	if h.Alg != "RS256" || h.Kid == "" {
		return nil, refused("invalid_grant", "Unsupported JWT header: alg %q, kid %q", h.Alg, h.Kid)
	}
	keys, r := q.keysOf(p)
	if r != nil {
		return nil, r
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if k := keys.publicKeys()[h.Kid]; k == nil || err != nil || !verifies(k, digest[:], signature) {
		return nil, refused("invalid_grant", "Unable to verify the ID Token signature.")
	}
	if r := checkTokenTimes(claims); r != nil {
		return nil, r
	}
	if !slices.ContainsFunc(audiences(claims["aud"]), func(a string) bool { return p.accepts(a, providerName) }) {
		return nil, refused("invalid_grant", "The audience in JWT does not match the expected values.")
	}
	return integral(claims).(map[string]any), nil
}

// keysOf are the keys of the provider's issuer: those that the provider was
// given, or those that the issuer publishes.
func (c *Cloud) keysOf(p *oidcProvider) (jwks, *refusal) {
	var set jwks
	if p.JWKS != "" {
		if err := json.Unmarshal([]byte(p.JWKS), &set); err != nil {
			return set, refused("invalid_grant", "Unable to verify the ID Token signature.")
		}
		return set, nil
	}
	i := c.state.Issuers[p.Issuer]
	if i == nil {
		return set, refused("invalid_grant", "Error connecting to the given credential's issuer.")
	}
	return i.JWKS, nil
}

// accepts says whether the provider is meant by an audience: one that it was
// given, or without any its own name.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers#oidc
func (p *oidcProvider) accepts(audience, providerName string) bool {
	if len(p.Audiences) > 0 {
		return slices.Contains(p.Audiences, audience)
	}
	return strings.TrimPrefix(audience, "https:") == "//iam.googleapis.com/"+providerName
}

func audiences(v any) []string {
	switch x := v.(type) {
	case string:
		return []string{x}
	case []any:
		var out []string
		for _, a := range x {
			if s, ok := a.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// checkTokenTimes wants a token that has been issued, within a day, and lives.
func checkTokenTimes(claims map[string]any) *refusal {
	now := float64(time.Now().Unix())
	iat, ok := claims["iat"].(float64)
	exp, ok2 := claims["exp"].(float64)
	switch {
	case !ok || !ok2:
		return refused("invalid_grant", "The ID Token must have the claims iat and exp.")
	case iat > now+clockSkew:
		return refused("invalid_grant", "ID Token issued at %d is in the future.", int64(iat))
	case exp <= now || iat < now-24*3600:
		return refused("invalid_grant", "ID Token issued at %d is stale to sign-in.", int64(iat))
	}
	if nbf, ok := claims["nbf"].(float64); ok && nbf > now+clockSkew {
		return refused("invalid_grant", "ID Token is not valid before %d.", int64(nbf))
	}
	return nil
}

// clockSkew is how far clocks may differ, in seconds.
const clockSkew = 60

// integral turns JSON's numbers that are whole into integers, as expressions have them.
func integral(v any) any {
	switch x := v.(type) {
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int64(x)
		}
	case []any:
		for i := range x {
			x[i] = integral(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = integral(x[k])
		}
	}
	return v
}
