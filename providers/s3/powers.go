// Powers: a policy document taken apart into single permissions, so that two can be compared.
package s3

import (
	"encoding/json"
	"slices"
	"strings"
)

// power is one permission of a document. Its action and its resource may be patterns.
type power struct {
	effect, action, resource string
	condition                string // canonical; "" if there is none
}

// String names the permission, for people.
func (p power) String() string {
	s := p.action + " on " + p.resource
	if p.condition != "" {
		s += " if " + p.condition
	}
	return s
}

// listed is a text or a list of texts.
type listed []string

// UnmarshalJSON reads both forms.
func (l *listed) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*l = listed{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// powersOf takes a document apart. What it says of everything but something
// stands for itself, and is like nothing else.
func powersOf(document []byte) ([]power, error) {
	shelf, err := openShelf(string(document))
	if err != nil {
		return nil, err
	}
	var list []power
	for _, raw := range shelf.statements {
		some, err := powersIn(raw)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// powersIn takes one statement apart.
func powersIn(raw json.RawMessage) ([]power, error) {
	var s struct {
		Effect                                   string
		Action, NotAction, Resource, NotResource listed
		Condition                                json.RawMessage
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	but := func(list, not listed) listed {
		if len(not) > 0 {
			return listed{"everything but " + strings.Join(not, ", ")}
		}
		return list
	}
	condition := ""
	if len(s.Condition) > 0 {
		if text, ok := meaning(s.Condition); ok && text != "{}" && text != "null" {
			condition = text
		}
	}
	var list []power
	for _, a := range but(s.Action, s.NotAction) {
		for _, r := range but(s.Resource, s.NotResource) {
			list = append(list, power{s.Effect, a, r, condition})
		}
	}
	return list, nil
}

// beyond are what some allow and others do not, by name.
func beyond(some, others []power) []string {
	var list []string
	for _, p := range some {
		if p.effect == "Allow" && !slices.ContainsFunc(others, p.within) && !slices.Contains(list, p.String()) {
			list = append(list, p.String())
		}
	}
	return list
}

// within reports whether other allows all that p allows. Conditions are the same, or other has none.
func (p power) within(other power) bool {
	return other.effect == "Allow" && globs(strings.ToLower(other.action), strings.ToLower(p.action)) && globs(other.resource, p.resource) &&
		(other.condition == p.condition || other.condition == "")
}
