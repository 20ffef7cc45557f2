// Package profile holds the built-in profiles: what well-known grantees need,
// as data. A new profile is one JSON file in this folder and its goldens.
package profile

import (
	"encoding/json"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// Profile is what one kind of grantee needs, with the reasons.
type Profile struct {
	Name       string                     `json:"name"`               // the name of its file; "+" and a variant's name follow where one is chosen
	Title      string                     `json:"title"`              // for people
	Summary    string                     `json:"summary"`            // what the grantee does, and what it cannot do
	Source     string                     `json:"source"`             // the document that it comes from
	Who        map[string][]core.Who      `json:"who"`                // by cloud: how its grantee can prove who it is; what is taken if nobody chooses is first
	Shared     bool                       `json:"shared,omitempty"`   // its grants share one bucket
	Can        []Row                      `json:"can"`                // the sound form
	Variants   []Variant                  `json:"variants,omitempty"` // other sound forms, for grantees that need more or less
	Native     map[string]json.RawMessage `json:"native,omitempty"`   // by cloud: the shape in the provider's own words
	Absent     map[string]string          `json:"absent,omitempty"`   // by cloud: why it is not available there, and what exists instead
	Documented []Recipe                   `json:"documented"`         // what the source document literally asks for
	Weak       []string                   `json:"weak"`               // what is weak in the source document, and what the sound form does about it
}

// Row is one ability that a profile asks for.
type Row struct {
	Ability core.Ability `json:"ability"`
	Why     string       `json:"why"`               // why the grantee needs it
	On      []string     `json:"on,omitempty"`      // the clouds that it is asked for on, by name; none: every cloud
	Lax     bool         `json:"lax,omitempty"`     // the source asks for it, but the grantee can do without; strict drops it
	WhyLax  string       `json:"why_lax,omitempty"` // why the grantee can do without, and what it costs
}

// Variant is another sound form of a profile: PROFILE+VARIANT.
type Variant struct {
	Name    string         `json:"name"`
	Summary string         `json:"summary"` // for whom it is
	Adds    []Row          `json:"adds,omitempty"`
	Drops   []core.Ability `json:"drops,omitempty"`
}

// Recipe is the source document's own way on one cloud, in that cloud's words.
type Recipe struct {
	Cloud     string          `json:"cloud"`
	Can       []core.Ability  `json:"can,omitempty"`    // what the recipe amounts to; none: what the sound form asks for
	Native    json.RawMessage `json:"native,omitempty"` // the recipe in the provider's own words; none: the shape of the sound form
	Risk      string          `json:"risk,omitempty"`   // what its holder could do to the owner; "" if nothing that needs consent
	Actions   []string        `json:"actions"`          // what is permitted
	Makes     []string        `json:"makes"`            // what is made, in the document's order
	HandsOver []string        `json:"hands_over"`       // what the grantee is given
}

// Asks returns the rows that p asks for on a cloud; strict leaves out the lax ones.
func (p Profile) Asks(cloud string, strict bool) []Row {
	return slices.DeleteFunc(slices.Clone(p.Can), func(r Row) bool {
		return r.Lax && strict || len(r.On) > 0 && !slices.Contains(r.On, cloud)
	})
}

// Bind returns the abilities that p asks for on a cloud; strict leaves out the lax ones.
func (p Profile) Bind(cloud string, strict bool) []core.Ability {
	var can []core.Ability
	for _, r := range p.Asks(cloud, strict) {
		can = append(can, r.Ability)
	}
	return can
}

// Recipe returns what the source document asks for on a cloud; false if it says
// nothing of that cloud.
func (p Profile) Recipe(cloud string) (Recipe, bool) {
	i := slices.IndexFunc(p.Documented, func(r Recipe) bool { return r.Cloud == cloud })
	if i < 0 {
		return Recipe{}, false
	}
	return p.Documented[i], true
}

// with is p in the form of v.
func (p Profile) with(v Variant) Profile {
	p.Name += "+" + v.Name
	left := slices.DeleteFunc(slices.Clone(p.Can), func(r Row) bool { return slices.Contains(v.Drops, r.Ability) })
	p.Can = slices.Concat(left, v.Adds)
	return p
}
