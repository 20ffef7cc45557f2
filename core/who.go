// Who: the ways in which a grantee can prove who it is.
package core

import (
	"slices"
	"strings"
	"time"
)

// Who is one of the ways in which a grantee can prove who it is. A provider
// declares those of its cloud as [Identity]; it may have words of its own.
type Who string

// The ways that more than one cloud may have.
const (
	WhoKey         Who = "key"         // a long-lived key that is made here and handed over sealed
	WhoHMAC        Who = "hmac"        // the same, for programs that speak another cloud's protocol
	WhoCertificate Who = "certificate" // a key pair of the grantee's own, of which only the certificate comes here
	WhoAccount     Who = "account"     // an identity that the grantee has in the same cloud already
	WhoOIDC        Who = "oidc"        // signed tokens of an issuer that the grantee has, such as a CI service
	WhoService     Who = "service"     // a service of the cloud itself
)

// Identity is one way in which a grantee can prove who it is in one cloud.
type Identity struct {
	Who   Who    `json:"who"`
	Title string `json:"title"` // "a role that the grantee's account assumes"
	Why   string `json:"why"`   // when to choose it, and what it costs
	Form  Form   `json:"form"`  // of the secret that is made and handed over; "" if there is none

	MostKeys int           `json:"most_keys,omitempty"` // how many keys a grantee may have at once, those switched off included; 0 if it has none
	ShowsUse bool          `json:"shows_use,omitempty"` // the cloud says when a key was last used
	Outlives time.Duration `json:"-"`                   // how long what was made with a key (a token, a session) may go on after the key alone was switched off
	StaysOut bool          `json:"-"`                   // what was made with a key before a revocation stays refused after a restoration

	// Forgeries are the ways in which somebody else may try to pass for the
	// grantee. A proof tries them where that can be done.
	Forgeries []Forgery `json:"forgeries,omitempty"`
}

// Forgery is one way to pass for somebody else. All of them must be refused.
type Forgery struct {
	Name string `json:"name"` // "wrong-external-id"
	Why  string `json:"why"`  // who would try it
}

// Identity describes w in this cloud; false if it does not know w.
func (i Info) Identity(w Who) (Identity, bool) {
	n := slices.IndexFunc(i.Identities, func(id Identity) bool { return id.Who == w })
	if n < 0 {
		return Identity{}, false
	}
	return i.Identities[n], true
}

// Form is the form of the secret that w hands over in this cloud; "" if there is none.
func (i Info) Form(w Who) Form {
	id, _ := i.Identity(w)
	return id.Form
}

// Trusts says whom the access of g is for: what was set of the way in which its
// grantee proves who it is. Contents of files are left out.
func (i Info) Trusts(g Grant) []Output {
	var list []Output
	for _, s := range i.Settings {
		if value := g.Settings[s.Name]; len(s.Only) > 0 && s.For(g.Who) && !s.File && value != "" {
			list = append(list, Output{Name: s.Name, Value: value, Why: s.Usage})
		}
	}
	return list
}

// whoFaults returns what is wrong with how g's grantee proves who it is, and
// with settings that belong to another way.
func whoFaults(g Grant, info Info) Faults {
	var known []string
	for _, id := range info.Identities {
		known = append(known, string(id.Who))
	}
	if _, ok := info.Identity(g.Who); !ok {
		return Faults{{Field: "who", Value: string(g.Who), Rule: "is not a way in which a grantee can prove who it is on " + info.Title, Accepts: strings.Join(known, ", ")}}
	}
	var f Faults
	for _, s := range info.Settings {
		value, given := g.Settings[s.Name]
		if given && !s.For(g.Who) {
			f = append(f, Fault{Field: s.Name, Value: value, Rule: "is of no use with who: " + string(g.Who), Accepts: "it only with who: " + joinWho(s.Only)})
		}
		if given && s.Flag && value != "true" && value != "false" {
			f = append(f, Fault{Field: s.Name, Value: value, Rule: "is neither yes nor no", Accepts: "true or false"})
		}
	}
	return f
}

func joinWho(list []Who) string {
	var words []string
	for _, w := range list {
		words = append(words, string(w))
	}
	return strings.Join(words, " or ")
}
