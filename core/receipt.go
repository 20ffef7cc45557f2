// Receipt: what was done, safe in a ticket.
package core

import (
	"net/netip"
	"time"
)

// Receipt is the public half of a hand-off. It never holds a secret.
type Receipt struct {
	SchemaVersion int            `json:"schema_version"` // 1
	RunID         string         `json:"run_id"`
	Cloud         string         `json:"cloud"` // [Info.Name]
	Sandbox       bool           `json:"sandbox,omitempty"`
	Grant         string         `json:"grant"`
	Profile       string         `json:"profile"`
	Account       string         `json:"account"` // account or project
	Bucket        string         `json:"bucket"`
	Region        string         `json:"region"`
	Prefix        string         `json:"prefix"`
	Expires       time.Time      `json:"expires,omitzero"` // the access ends by itself; zero if it does not
	PolicyHash    string         `json:"policy_hash"`
	PlanDigest    string         `json:"plan_digest"`
	Can           []Ability      `json:"can"`        // what the holder may do, gaps included: enough to try the credential again
	Probes        string         `json:"probes"`     // keys that begin with this are written by a proof
	Allowed       []string       `json:"allowed"`    // what the holder may do, in words
	Refused       []string       `json:"refused"`    // what the holder may not do, in words
	Overwrites    string         `json:"overwrites"` // what putting an existing key again does
	Changes       []Change       `json:"changes"`
	Who           Who            `json:"who"`                 // how the holder proves who it is
	Literal       bool           `json:"literal,omitempty"`   // the grant is what its source document asks for, weaknesses included
	From          []netip.Prefix `json:"from,omitempty"`      // the networks that requests may come from; none is anywhere
	Gaps          []Gap          `json:"gaps,omitempty"`      // where the holder may do more or less than it says, in places other than the inside of the prefix
	Trusts        []Output       `json:"trusts,omitempty"`    // whom the access is for, where no secret is handed over
	Outputs       []Output       `json:"outputs,omitempty"`   // what the holder must be told
	Withdrawn     []string       `json:"withdrawn,omitempty"` // the addresses of what this run made and took back, because the proof showed too much access
	Key           *KeyInfo       `json:"key,omitempty"`       // absent if no credential was issued
	Retired       string         `json:"retired,omitempty"`   // the ID of a credential that was issued, delivered to nobody and retired
	Proof
	Delivery *Delivery `json:"delivery,omitempty"`
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended"`
	Calls    int       `json:"calls"` // cloud calls of plan, changes and issue, without the proof
	Depth    int       `json:"depth"` // how many of them waited for each other
}

// KeyInfo is what a ticket may say of a credential.
type KeyInfo struct {
	ID       string    `json:"id"`
	Holder   string    `json:"holder"` // the principal, as its cloud names it
	Created  time.Time `json:"created"`
	RotateBy time.Time `json:"rotate_by"`
	Revoke   string    `json:"revoke"` // one line that makes it useless
}

// Delivery is where a credential went, and to whom.
type Delivery struct {
	Sealed     bool        `json:"sealed"`
	Format     string      `json:"format"`
	Files      []File      `json:"files"`
	Recipients []Recipient `json:"recipients,omitempty"`

	// Acknowledge holds the hashes of the codes by which the holder confirms the
	// receipt. Absent if nothing was sealed.
	Acknowledge *Acknowledgement `json:"acknowledge,omitempty"`
}

// Acknowledgement are the SHA-256 hashes, in hex, of the codes that only whoever
// has opened the delivery can know: one for having opened it, one for having
// tried the credential and found it as promised. A hash tells nothing of its code,
// and a code nothing of the secret.
type Acknowledgement struct {
	Opened string `json:"opened"`
	Tried  string `json:"tried"`
}

// File is one written file.
type File struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // hex, of the bytes in the file
}

// Recipient is a public key that a hand-off was sealed to.
type Recipient struct {
	Kind        string `json:"kind"`               // "x25519", "ssh-ed25519" …
	Fingerprint string `json:"fingerprint"`        // the key itself if it is short, else a hash of it: to be compared over another channel
	Recovery    bool   `json:"recovery,omitempty"` // the owner's own, to recover the credential, and not its holder's
}

// RotateAfter is how old a long-lived key should get.
const RotateAfter = 90 * 24 * time.Hour

// rotateBy is when a key should be replaced: an access that ends earlier ends its key as well.
func rotateBy(created, expires time.Time) time.Time {
	by := created.Add(RotateAfter).UTC()
	if !expires.IsZero() && expires.Before(by) {
		return expires
	}
	return by
}

// Describe fills in what the blueprint says of the grant.
func (r *Receipt) Describe(b Blueprint, abilities []Ability) {
	r.SchemaVersion = 1
	r.Cloud, r.Grant, r.Profile = b.Cloud, b.Grant.Name, b.Grant.Profile
	r.Bucket, r.Region, r.Prefix = b.Grant.Target.Bucket, b.Grant.Target.Region, b.Grant.Target.Prefix
	r.Expires, r.From = b.Grant.Limits.Expires, b.Grant.Limits.From
	r.Who, r.Literal = b.Grant.Who, b.Grant.Literal
	for _, g := range b.Gaps {
		if g.Where != "" && g.Where != Inside {
			r.Gaps = append(r.Gaps, g)
		}
	}
	r.PolicyHash, r.Probes = b.PolicyHash(), b.Probes
	r.Overwrites = "refused: an object that exists cannot be replaced"
	for _, p := range ProbesFor(b, abilities, "", "") {
		if p.Where != Inside && p.Where != Whole {
			continue
		}
		i, _ := DescribeAbility(p.Ability)
		if p.Want == Allowed {
			r.Can = append(r.Can, p.Ability)
			r.Allowed = append(r.Allowed, i.Means)
		} else {
			r.Refused = append(r.Refused, i.Means)
		}
		if p.Ability == Overwrite && p.Want == Allowed {
			r.Overwrites = "allowed: " + p.Why
			if p.Why == "" {
				r.Overwrites = "allowed: the grant says so"
			}
		}
	}
}
