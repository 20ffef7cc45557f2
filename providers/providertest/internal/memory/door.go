// The door: becoming a principal, with and without a key.
package memory

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// enter gives whoever the principal trusts a session.
func (c *Cloud) enter(token string, in request) (int, answer) {
	p := c.principals[in.Name]
	if !slices.Contains(c.accounts, token) {
		return http.StatusUnauthorized, answer{Code: "unknown account"}
	}
	if p == nil || p.shut.Seen() || p.trust.Seen().Account != token && p.trust.Seen().Account != anybody || p.trust.Seen().Word != in.Trust.Word && p.trust.Seen().Word != "" {
		return http.StatusForbidden, answer{Code: "denied"}
	}
	secret := random()
	c.sessions[secret] = session{in.Name, p.serial}
	return fine, answer{Secret: secret}
}

// anybody is the account that everybody is of.
const anybody = "*"

// shown are the bindings of b as its policy shows them.
func (c *Cloud) shown(b *bucket) []binding {
	var list []binding
	for _, g := range b.bindings.Now {
		list = append(list, c.show(g))
	}
	return list
}

// show names what was bound. A principal that is gone is shown by its number.
func (c *Cloud) show(g binding) binding {
	p := c.principals[g.Principal]
	if g.serial != 0 && (p == nil || p.serial != g.serial) {
		g.Principal = fmt.Sprintf("deleted:%s#%d", g.Principal, g.serial)
	}
	g.serial, g.tampered = 0, false
	return g
}

func (c *Cloud) makeKey(name string, most int) (int, answer) {
	p := c.principals[name]
	if c.blocked {
		return http.StatusPreconditionFailed, answer{Code: "keys are forbidden"}
	}
	if p == nil {
		return missing, answer{}
	}
	if len(p.keys) >= most {
		return taken, answer{Code: "no room for a further key"}
	}
	c.made++
	id := fmt.Sprintf("key-%d", c.made)
	k := &key{secret: random(), created: time.Now()}
	k.works.Set(true, c.lag())
	k.listed.Set(true, c.lag())
	p.keys[id] = k
	return fine, answer{Names: []string{id}, Times: []time.Time{k.created}, Secret: k.secret}
}

func (c *Cloud) listKeys(p *principal) answer {
	var out answer
	if p == nil {
		return out
	}
	for id, k := range p.keys {
		if k.listed.Seen() {
			out.Keys = append(out.Keys, state{id, k.created, k.first, k.used, k.works.Now})
		}
	}
	slices.SortFunc(out.Keys, func(a, b state) int { return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID)) })
	return out
}
