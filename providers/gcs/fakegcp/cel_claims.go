// Expressions of an identity provider: on the claims of a token that it accepts.
package fakegcp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// claim is the value of a name, a field, an element or an alternative.
// https://cloud.google.com/iam/docs/workload-identity-federation#mapping
func (e evaluator) claim(n *node) (any, error) {
	switch n.Kind {
	case "name":
		if v, ok := e.claims[n.Text]; ok {
			return v, nil
		}
		return nil, fmt.Errorf("%w %q", errUnknownName, n.Text)
	case "?":
		v, err := e.eval(n.Args[0])
		if err != nil {
			return nil, err
		}
		if b, ok := v.(bool); !ok {
			return nil, fmt.Errorf("operand of ? is not a boolean")
		} else if b {
			return e.eval(n.Args[1])
		}
		return e.eval(n.Args[2])
	}
	on, err := e.eval(n.On)
	if err != nil {
		return nil, err
	}
	key := any(n.Text)
	if n.Kind == "index" {
		if key, err = e.eval(n.Args[0]); err != nil {
			return nil, err
		}
	}
	return element(on, key)
}

func element(on, key any) (any, error) {
	switch x := on.(type) {
	case map[string]any:
		if k, ok := key.(string); ok {
			if v, ok := x[k]; ok {
				return v, nil
			}
		}
		return nil, fmt.Errorf("no such key: %v", key)
	case []any:
		if i, ok := key.(int64); ok && i >= 0 && i < int64(len(x)) {
			return x[i], nil
		}
		return nil, fmt.Errorf("index out of bounds: %v", key)
	}
	return nil, fmt.Errorf("%v is a field of nothing", key)
}

// has says whether a claim is there.
func (e evaluator) has(n *node) (any, error) {
	if len(n.Args) != 1 || n.Args[0].Kind != "select" {
		return nil, fmt.Errorf("has expects a field")
	}
	on, err := e.eval(n.Args[0].On)
	if err != nil {
		return nil, err
	}
	m, ok := on.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("has expects a field of an object")
	}
	_, ok = m[n.Args[0].Text]
	return ok, nil
}

// operateOnClaims adds what only providers' expressions can do to [operate].
func operateOnClaims(op string, a, b any) (any, error) {
	if x, ok := a.(string); ok && op == "+" {
		if y, ok := b.(string); ok {
			return x + y, nil
		}
	}
	if m, ok := b.(map[string]any); ok && op == "in" {
		key, _ := a.(string)
		_, ok := m[key]
		return ok, nil
	}
	return operate(op, a, b)
}

// claimMethod is a function that only providers' expressions have.
func claimMethod(on any, name string, args []any) (any, bool) {
	texts := make([]string, len(args))
	for i, a := range args {
		s, ok := a.(string)
		if !ok {
			return nil, false
		}
		texts[i] = s
	}
	switch x := on.(type) {
	case string:
		switch {
		case name == "split" && len(texts) == 1:
			var out []any
			for _, s := range strings.Split(x, texts[0]) {
				out = append(out, s)
			}
			return out, true
		case name == "replace" && len(texts) == 2:
			return strings.ReplaceAll(x, texts[0], texts[1]), true
		case name == "lowerAscii" && len(texts) == 0:
			return strings.ToLower(x), true
		case name == "upperAscii" && len(texts) == 0:
			return strings.ToUpper(x), true
		}
	case []any:
		switch {
		case name == "size" && len(texts) == 0:
			return int64(len(x)), true
		case name == "join" && len(texts) == 1:
			parts := make([]string, len(x))
			for i, v := range x {
				parts[i] = fmt.Sprint(v)
			}
			return strings.Join(parts, texts[0]), true
		}
	}
	return nil, false
}

// celFunctions are the functions that a provider's expression may call.
var celFunctions = []string{
	"contains", "endsWith", "extract", "has", "int", "join", "lowerAscii", "matches", "replace", "size", "split", "startsWith", "string", "upperAscii",
}

// checkClaims says why a provider's expression is not acceptable, or nil: it
// must be readable and name only roots and functions that are known. Which
// claims a token will have is not known when the provider is written.
func checkClaims(text string, roots ...string) error {
	n, _, err := parseExpression(text)
	if err != nil {
		return err
	}
	for x := range n.all() {
		switch {
		case x.Kind == "name" && !slices.Contains(roots, x.Text):
			return fmt.Errorf("undeclared reference to '%s'", x.Text)
		case x.Kind == "call" && !slices.Contains(celFunctions, x.Text):
			return fmt.Errorf("undeclared reference to '%s'", x.Text)
		}
	}
	return nil
}

// referencedClaims are the claims that an expression names: the fields of
// assertion, and those that its google and attribute values are mapped from.
func referencedClaims(text string, mapping map[string]string) []string {
	n, _, err := parseExpression(text)
	if err != nil {
		return nil
	}
	out := map[string]bool{}
	for x := range n.all() {
		if x.On == nil || x.On.Kind != "name" {
			continue
		}
		field := x.Text
		if x.Kind == "index" && x.Args[0].Kind == "string" {
			field = x.Args[0].Text
		}
		if x.Kind == "call" {
			continue
		}
		if x.On.Text == "assertion" {
			out[field] = true
			continue
		}
		if from := mapping[x.On.Text+"."+field]; from != "" {
			for _, c := range referencedClaims(from, nil) {
				out[c] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(out))
}

// all yields the node and everything below it.
func (n *node) all() func(yield func(*node) bool) {
	return func(yield func(*node) bool) { n.walk(yield) }
}

func (n *node) walk(yield func(*node) bool) bool {
	if !yield(n) || n.On != nil && !n.On.walk(yield) {
		return false
	}
	for _, a := range n.Args {
		if !a.walk(yield) {
			return false
		}
	}
	return true
}
