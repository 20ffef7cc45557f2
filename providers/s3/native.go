// Native: what a profile or a source document's recipe says in AWS's own words.
package s3

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// native is the form of [core.Grant.Native]. Everything in it is data of a profile.
type native struct {
	Layout     string            `json:"layout,omitempty"`     // how permissions hang on a user: "group" (the usual way) or "user"
	Purpose    string            `json:"purpose,omitempty"`    // what a key is for, as the console calls it
	Statements []nativeStatement `json:"statements,omitempty"` // what is permitted, word for word, in the place of what the abilities compile to
}

// nativeStatement is one statement of a recipe. Where it holds is said in words,
// because only the grant knows its bucket.
type nativeStatement struct {
	Actions []string `json:"actions"`
	On      []string `json:"on"` // "bucket", "objects" (those below the prefix), or both
}

// The places of a native statement.
const (
	onBucket  = "bucket"
	onObjects = "objects"
)

// readNative decodes what a profile says and checks it. A field that is
// misspelt must not silently grant more or less.
func readNative(raw json.RawMessage) (native, core.Faults) {
	var n native
	if len(raw) == 0 {
		return n, nil
	}
	fault := func(rule string) core.Faults {
		return core.Faults{{Field: "native", Value: string(raw), Rule: rule, Accepts: "what the profiles of this program hold"}}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&n); err != nil {
		return n, fault("is not understood: " + err.Error())
	}
	if _, err := d.Token(); err != io.EOF {
		return n, fault("goes on after its end")
	}
	var f core.Faults
	for _, s := range n.Statements {
		if len(s.Actions) == 0 || len(s.On) == 0 {
			f = append(f, fault("has half of a statement")...)
		}
		for _, on := range s.On {
			if !slices.Contains([]string{onBucket, onObjects}, on) {
				f = append(f, fault(fmt.Sprintf("has a statement on %q", on))...)
			}
		}
	}
	return n, f
}

// wide are the gaps of a recipe that limits its object actions to a prefix, and
// listing to nothing.
func (n native) wide(prefix string) []core.Gap {
	lists := slices.ContainsFunc(n.Statements, func(s nativeStatement) bool {
		return slices.Contains(s.On, onBucket) && slices.ContainsFunc(s.Actions, func(a string) bool { return a == "s3:ListBucket" || a == "s3:*" })
	})
	if !lists || prefix == "" {
		return nil
	}
	var gaps []core.Gap
	for _, at := range []core.Where{core.Sibling, core.Neighbour, core.Outside} {
		gaps = append(gaps, core.Gap{Ability: core.List, Where: at, Outcome: core.Allowed, Why: "the source document does not limit listing: it shows the names of everything in the bucket"})
	}
	return gaps
}

// statements are the recipe's, for d's bucket.
func (n native) statements(d design) []statement {
	var list []statement
	for _, s := range n.Statements {
		one := statement{Effect: "Allow", Action: s.Actions}
		for _, on := range s.On {
			if on == onBucket {
				one.Resource = append(one.Resource, d.bucketARN())
			} else {
				one.Resource = append(one.Resource, d.objectsARN())
			}
		}
		list = append(list, one)
	}
	return list
}
