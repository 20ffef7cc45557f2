// Package profile holds the built-in profiles: what well-known grantees need,
// as data. A new profile is one JSON file in this folder and its goldens.
package profile

import (
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// Profile is what one kind of grantee needs, with the reasons.
type Profile struct {
	Name       string   `json:"name"`       // also the name of its file
	Title      string   `json:"title"`      // for people
	Summary    string   `json:"summary"`    // what the grantee does, and what it cannot do
	Source     string   `json:"source"`     // the document that it comes from
	Can        []Row    `json:"can"`        // the sound form
	Documented []Recipe `json:"documented"` // what the source document literally asks for
	Weak       []string `json:"weak"`       // what is weak in the source document, and what the sound form does about it
}

// Row is one ability that a profile asks for.
type Row struct {
	Ability core.Ability `json:"ability"`
	Why     string       `json:"why"`               // why the grantee needs it
	On      []string     `json:"on,omitempty"`      // the clouds that it is asked for on, by name; none: every cloud
	Lax     bool         `json:"lax,omitempty"`     // the source asks for it, but the grantee can do without; strict drops it
	WhyLax  string       `json:"why_lax,omitempty"` // why the grantee can do without, and what it costs
}

// Recipe is the source document's own way on one cloud, in that cloud's words.
type Recipe struct {
	Cloud     string   `json:"cloud"`
	Actions   []string `json:"actions"`    // what is permitted
	Makes     []string `json:"makes"`      // what is made, in the document's order
	HandsOver []string `json:"hands_over"` // what the grantee is given
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
