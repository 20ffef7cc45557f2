// Token: where a run may ask for its tokens, with the key that GitHub has given it for that.
package github

import (
	"net/url"
	"strings"
)

// TokenHosts is what the names of GitHub's hosts end in that give a run its tokens.
const TokenHosts = ".actions.githubusercontent.com" //nolint:gosec // the name of hosts, no credential

// TokenForm is what would be accepted as the address for tokens.
const TokenForm = "https and a host that ends in " + TokenHosts + ", or --allow-endpoint"

// TokenURL reads the address for tokens that a run finds in its environment. The
// run's key goes there, and whoever gets it can be the run: hosts that are not
// GitHub's are ok only if somebody has consented to them, and only by https.
func TokenURL(address string, consent bool) (u *url.URL, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, false
	}
	return u, consent || strings.HasSuffix(strings.ToLower(u.Hostname()), TokenHosts)
}
