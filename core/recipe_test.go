// What a grant may ask for depends on who says so: weaknesses only by a source document, networks only whole ones.
package core

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestWhatAGrantMayAskFor(t *testing.T) {
	network := func(s string) func(*Grant) {
		return func(g *Grant) { g.Limits.From = []netip.Prefix{netip.MustParsePrefix(s)} }
	}
	for name, c := range map[string]struct {
		alter  func(*Grant)
		fields []string
	}{
		"erasing":                            {func(g *Grant) { g.Can = []Ability{Erase} }, []string{"can"}},
		"erasing, as documented":             {func(g *Grant) { g.Can, g.Literal = []Ability{Erase, Inspect, Administer, Identify}, true }, nil},
		"a way in, as documented":            {func(g *Grant) { g.Can, g.Literal = []Ability{Enter}, true }, []string{"can"}},
		"a word nobody knows, as documented": {func(g *Grant) { g.Can, g.Literal = []Ability{"everything"}, true }, []string{"can"}},
		"unfinished uploads":                 {func(g *Grant) { g.Can = []Ability{Uploads} }, nil},
		"nothing":                            {func(g *Grant) { g.Can = nil }, []string{"profile"}},
		"nothing but a shape of the cloud's": {func(g *Grant) { g.Can, g.Native = nil, json.RawMessage(`{}`) }, nil},
		"a shared bucket":                    {func(g *Grant) { g.Target.Shared = true }, nil},
		"a shared and adopted bucket":        {func(g *Grant) { g.Target.Shared, g.Target.Adopt = true, true }, []string{"shared"}},
		"a network":                          {network("203.0.113.0/24"), nil},
		"one address":                        {network("2001:db8::1/128"), nil},
		"an address inside a network":        {network("203.0.113.7/24"), []string{"from"}},
		"no network":                         {func(g *Grant) { g.Limits.From = []netip.Prefix{{}} }, []string{"from"}},
		"an end in another zone":             {func(g *Grant) { g.Limits.Expires = time.Unix(0, 0).In(time.FixedZone("x", 60)) }, []string{"expires"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := sound()
			c.alter(&g)
			var fields []string
			for _, f := range g.Faults() {
				fields = append(fields, f.Field)
				if f.Rule == "" || f.Accepts == "" {
					t.Errorf("a fault says its rule and what is accepted: got %+v", f)
				}
			}
			if !slices.Equal(fields, c.fields) {
				t.Errorf("got faults of %q, want %q", fields, c.fields)
			}
		})
	}
}
