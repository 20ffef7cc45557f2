// Shape: the XML that a service model allows.
package contract

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"
)

type shape struct {
	Type      string
	Members   map[string]*reference
	Member    *reference // of a list
	Key       *reference // of a map
	Value     *reference
	Required  []string
	Payload   string
	Enum      []string
	Pattern   string
	Min, Max  *float64
	Flattened bool
	Error     struct {
		Code           string
		HTTPStatusCode int
	}
}

// node is one element of XML.
type node struct {
	name string
	text string
	kids []*node
	has  map[string]bool // attributes
}

// at is the element at a path below n, or nil.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		i := slices.IndexFunc(n.kids, func(k *node) bool { return k.name == name })
		if i < 0 {
			return nil
		}
		n = n.kids[i]
	}
	return n
}

func parse(text []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	top := &node{}
	open := []*node{top}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		last := open[len(open)-1]
		switch x := token.(type) {
		case xml.StartElement:
			n := &node{name: x.Name.Local, has: map[string]bool{}}
			for _, a := range x.Attr {
				n.has[a.Name.Local] = true
			}
			last.kids = append(last.kids, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.text += string(x)
		}
	}
	if len(top.kids) != 1 {
		return nil, fmt.Errorf("got %d elements, want one", len(top.kids))
	}
	return top.kids[0], nil
}

// check names every place where n differs from what its shape allows.
func (m *model) check(at string, r *reference, n *node, f *faults) {
	s := m.Shapes[r.Shape]
	switch s.Type {
	case "structure":
		m.structure(at, s, n, f)
	case "list":
		name := s.Member.name("member")
		for _, k := range n.kids {
			if k.name != name {
				f.add("%s: got <%s> in a list, want <%s>", at, k.name, name)
				continue
			}
			m.check(at+"."+name, s.Member, k, f)
		}
	case "map":
		for _, k := range n.kids {
			if key, value := k.at(s.Key.name("key")), k.at(s.Value.name("value")); k.name != "entry" || key == nil || value == nil {
				f.add("%s: got <%s> in a map", at, k.name)
			}
		}
	default:
		if err := s.allows(n.text); err != nil {
			f.add("%s: %v", at, err)
		}
	}
}

func (m *model) structure(at string, s *shape, n *node, f *faults) {
	seen := map[string]int{}
	for _, k := range n.kids {
		name, member := "", (*reference)(nil)
		for memberName, one := range s.Members {
			if one.Location == "" && m.onWire(memberName, one) == k.name {
				name, member = memberName, one
			}
		}
		if member == nil {
			f.add("%s: no member <%s>", at, k.name)
			continue
		}
		of := m.Shapes[member.Shape]
		if seen[name]++; member.Flattened || of.Flattened {
			m.check(at+"."+k.name, of.Member, k, f)
			continue
		}
		if seen[name] > 1 {
			f.add("%s: <%s> more than once", at, k.name)
		}
		m.check(at+"."+k.name, member, k, f)
	}
	for _, name := range s.Required {
		if r := s.Members[name]; r.Location == "" && seen[name] == 0 && !n.has["type"] && m.Shapes[r.Shape].Type != "list" {
			f.add("%s: <%s> is required", at, m.onWire(name, r))
		}
	}
}

// onWire is what the member's elements are called; those of a flattened list may have a name of their own.
func (m *model) onWire(name string, r *reference) string {
	of := m.Shapes[r.Shape]
	if (r.Flattened || of.Flattened) && r.LocationName == "" && of.Member != nil && of.Member.LocationName != "" {
		return of.Member.LocationName
	}
	return r.name(name)
}

// allows checks a value of text.
func (s *shape) allows(v string) error {
	var err error
	switch s.Type {
	case "boolean":
		if v != "true" && v != "false" {
			err = errors.New("not a boolean")
		}
	case "integer", "long":
		_, err = strconv.ParseInt(v, 10, 64)
	case "timestamp":
		if _, err = time.Parse(time.RFC3339, v); err != nil {
			_, err = time.Parse(time.RFC1123, v)
		}
	case "blob":
		_, err = base64.StdEncoding.DecodeString(v)
	case "string":
		err = s.string(v)
	}
	if err != nil {
		return fmt.Errorf("got %q: %w", short(v), err)
	}
	return nil
}

func (s *shape) string(v string) error {
	n := float64(len([]rune(v)))
	switch {
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, v):
		return fmt.Errorf("want one of %q", s.Enum)
	case s.Min != nil && n < *s.Min:
		return fmt.Errorf("want %g characters at least", *s.Min)
	case s.Max != nil && n > *s.Max:
		return fmt.Errorf("want %g characters at most", *s.Max)
	case s.Pattern == "":
		return nil
	}
	pattern, err := compiled(s.Pattern)
	if err != nil || pattern.MatchString(v) {
		return nil // a pattern of another language's expressions judges nothing
	}
	return fmt.Errorf("does not match %s", s.Pattern)
}

var wide = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// compiled is a pattern of the models, which are Java's, as Go has it.
func compiled(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(`^(?s:` + wide.ReplaceAllString(pattern, `\x{$1}`) + `)$`)
}
