// Probes: everything worth trying with a credential, and what must come of it.
package core

import (
	"slices"
	"strings"
)

// Outcome is what came of one try.
type Outcome string

// The outcomes.
const (
	Allowed Outcome = "allowed"
	Denied  Outcome = "denied"
	Unclear Outcome = "unclear"
)

// Where is where a probe is aimed.
type Where string

// The places.
const (
	Inside    Where = "inside"    // below the prefix
	Sibling   Where = "sibling"   // below a prefix that begins with the same letters: events-evil/ beside events/
	Neighbour Where = "neighbour" // below the prefix of another grant in the same bucket
	Outside   Where = "outside"   // in the bucket, at its root
	Elsewhere Where = "elsewhere" // in another bucket of the same owner; such a probe writes nothing, even if it is allowed
	Whole     Where = "whole"     // the bucket or its owner
	Door      Where = "door"      // how the grantee proves who it is
)

// Probe is one thing to try.
type Probe struct {
	Ability Ability `json:"ability"`
	Where   Where   `json:"where"`
	Bucket  string  `json:"bucket"`
	Key     string  `json:"key,omitempty"`    // the object; for List the prefix, for Enter the [Forgery], or "" for the grantee itself
	Action  string  `json:"action,omitempty"` // the cloud's own action, where no ability is meant; Key is then the resource
	Want    Outcome `json:"want"`
	Why     string  `json:"why,omitempty"` // the gap, where the cloud cannot do what the grant says

	beside bool // aimed at an object of its own that the operator puts beside the grant
}

// ProbesFor lists everything that b's grant decides: first what must work, then
// what must be refused. run makes the keys unique. abilities is what the
// cloud's actor can try. elsewhere is another bucket, "" for none.
//
// Overwrite, Read, Delete and Erase are aimed at the object that Create inside
// the prefix has put there, so they never touch anybody's data. What is granted
// inside is aimed at an object outside as well: clouds refuse to say whether an
// object exists, so the refusal of one that does not exist proves nothing.
func ProbesFor(b Blueprint, abilities []Ability, run, elsewhere string) []Probe {
	t := b.Grant.Target
	inside := b.Probes + run
	targets := []Probe{{Where: Inside, Bucket: t.Bucket, Key: inside}}
	if t.Prefix != "" {
		name := strings.TrimPrefix(inside, t.Prefix)
		targets = append(targets,
			Probe{Where: Sibling, Bucket: t.Bucket, Key: siblingOf(t.Prefix) + name},
			Probe{Where: Outside, Bucket: t.Bucket, Key: name})
	}
	if elsewhere != "" {
		targets = append(targets, Probe{Where: Elsewhere, Bucket: elsewhere, Key: inside})
	}
	var must, mustNot []Probe
	for _, a := range Abilities() {
		if !slices.Contains(abilities, a.Ability) || a.Reach == DoorReach {
			continue
		}
		if a.Reach != ObjectReach {
			p := b.wanted(Probe{Ability: a.Ability, Where: Whole, Bucket: t.Bucket, Want: Denied})
			if b.Grant.Allows(a.Ability) {
				p.Want = Allowed
			}
			must, mustNot = sortIn(must, mustNot, p)
			continue
		}
		for _, p := range targets {
			p.Ability, p.Want = a.Ability, Denied
			p = b.wanted(p)
			switch a.Ability {
			case Create:
				if p.Where == Inside && p.Want != Allowed {
					p.Key += ".new" // others are aimed at an object that somebody else has put
				}
			case Read, Delete:
				if p.beside = b.Grant.Allows(a.Ability) && p.Want == Denied && (p.Where == Sibling || p.Where == Outside); p.beside {
					p.Key += "." + string(a.Ability)
				}
			case List:
				p.Key = listPrefix(p, t.Prefix)
			case Abort:
				p.Key += ".parts" // a key that holds no object
			}
			must, mustNot = sortIn(must, mustNot, p)
		}
	}
	return append(must, mustNot...)
}

// Plants are what the keys begin with under which a proof of g puts objects as
// the operator; probes is what its own keys begin with, as in [Blueprint.Probes].
func Plants(g Grant, probes string) []string {
	var list []string
	if !g.Allows(Create) {
		list = append(list, probes)
	}
	if g.Target.Prefix != "" && (g.Allows(Read) || g.Allows(Delete)) {
		name := strings.TrimPrefix(probes, g.Target.Prefix)
		list = append(list, siblingOf(g.Target.Prefix)+name, name)
	}
	return list
}

// siblingOf is a prefix that begins with the same letters.
func siblingOf(prefix string) string { return strings.TrimSuffix(prefix, "/") + "-evil/" }

// wanted fills in what trying p must give: what the grant says, unless a gap says otherwise.
func (b Blueprint) wanted(p Probe) Probe {
	if p.Where == Inside && b.Grant.Allows(p.Ability) {
		p.Want = Allowed
	}
	if gap, ok := b.gap(p.Ability, p.Where); ok {
		p.Want, p.Why = gap.Outcome, gap.Why
	}
	return p
}

func sortIn(must, mustNot []Probe, p Probe) (a, b []Probe) {
	if p.Want == Allowed {
		return append(must, p), mustNot
	}
	return must, append(mustNot, p)
}

// listPrefix is what a List probe asks for: a prefix, not a key.
func listPrefix(p Probe, prefix string) string {
	switch p.Where {
	case Inside:
		return prefix
	case Sibling:
		return siblingOf(prefix)
	}
	return ""
}

// doorProbes lists the ways to become the grantee: its own, which must work, and
// the forgeries, which must not. missing names those that the actor cannot try.
func doorProbes(b Blueprint, id Identity, actor Actor) (probes []Probe, missing []string) {
	var able []string
	forger, ok := actor.(Forger)
	if ok {
		able = forger.Forgeries()
	}
	probes = append(probes, Probe{Ability: Enter, Where: Door, Bucket: b.Grant.Target.Bucket, Want: Allowed})
	for _, f := range id.Forgeries {
		if slices.Contains(able, f.Name) {
			probes = append(probes, Probe{Ability: Enter, Where: Door, Bucket: b.Grant.Target.Bucket, Key: f.Name, Want: Denied, Why: f.Why})
		} else {
			missing = append(missing, "passing for the grantee: "+f.Name+": it cannot be tried from here")
		}
	}
	return probes, missing
}

// besideProbes tries what would reach another grant's objects.
func besideProbes(b Blueprint, abilities []Ability, run string, prefixes []string) []Probe {
	var probes []Probe
	for _, prefix := range prefixes {
		for _, a := range []Ability{Create, Read, List, Delete} {
			p := Probe{Ability: a, Where: Neighbour, Bucket: b.Grant.Target.Bucket, Key: prefix + strings.TrimPrefix(b.Probes, b.Grant.Target.Prefix) + run, Want: Denied}
			if a == List {
				p.Key = prefix
			}
			if slices.Contains(abilities, a) {
				probes = append(probes, b.wanted(p))
			}
		}
	}
	return probes
}
