// Identifiers and secrets in AWS's shapes, from the system's random source.
package fakeaws

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// uniqueID returns an IAM unique ID: AIDA for users, AGPA groups, ANPA managed
// policies, AROA roles, AKIA and ASIA access keys.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func uniqueID(prefix string) string {
	return prefix + base32.StdEncoding.EncodeToString(random(10))
}

func requestID() string {
	h := hex.EncodeToString(random(16))
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// opaque returns n random characters that need no escaping in a URL.
func opaque(n int) string {
	return base64.RawURLEncoding.EncodeToString(random(n))[:n]
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return b
}

// newKey makes an access key that readers see as lag says.
func (c *Cloud) newKey(a *account, userName string, lag *cloudsim.Lag) *accessKey {
	k := &accessKey{
		ID:      uniqueID("AKIA"),
		Secret:  base64.StdEncoding.EncodeToString(random(30)),
		Account: a.ID,
		User:    userName,
		Created: time.Now().UTC().Truncate(time.Second),
	}
	k.Status.Set("Active", lag)
	c.state.Keys[k.ID] = k
	return k
}
