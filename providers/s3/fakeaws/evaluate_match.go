// Whether a statement's actions and resources cover a request: wildcards and policy variables.
package fakeaws

import (
	"slices"
	"strings"
)

// applies says whether s covers the action, the resource and the conditions.
func (e evaluation) applies(d Document, s Statement) bool {
	return e.coversAction(s) && e.coversResource(d, s) && e.meets(d, s)
}

func (e evaluation) coversAction(s Statement) bool {
	// Action names are compared without case.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
	names := func(p string) bool {
		return compile(strings.ToLower(p)).match(strings.ToLower(e.Action))
	}
	if s.NotAction != nil {
		return !slices.ContainsFunc(s.NotAction, names)
	}
	return slices.ContainsFunc(s.Action, names)
}

func (e evaluation) coversResource(d Document, s Statement) bool {
	names := func(p string) bool {
		pattern, ok := e.expand(d, p)
		return ok && matchARN(pattern, e.Resource)
	}
	switch {
	case s.NotResource != nil:
		return !slices.ContainsFunc(s.NotResource, names)
	case s.Resource == nil: // a trust policy speaks of the role that it is attached to
		return true
	}
	return slices.ContainsFunc(s.Resource, names)
}

// glob is a pattern whose wildcards are told from literal characters.
type glob []symbol

type symbol struct {
	r    rune
	wild bool // r is '*' (any run of characters) or '?' (one character)
}

// compile reads * and ? as wildcards and everything else as it stands.
func compile(p string) glob {
	var g glob
	for _, r := range p {
		g = append(g, symbol{r, r == '*' || r == '?'})
	}
	return g
}

func literal(s string) glob {
	var g glob
	for _, r := range s {
		g = append(g, symbol{r, false})
	}
	return g
}

func (g glob) match(s string) bool {
	text := []rune(s)
	star, mark, i, j := -1, 0, 0, 0
	for i < len(text) {
		switch {
		case j < len(g) && g[j].wild && g[j].r == '*':
			star, mark = j, i
			j++
		case j < len(g) && (g[j].wild || g[j].r == text[i]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(g) && g[j].wild && g[j].r == '*' {
		j++
	}
	return j == len(g)
}

func (g glob) String() string {
	var b strings.Builder
	for _, s := range g {
		b.WriteRune(s.r)
	}
	return b.String()
}

// split cuts g at its first n-1 literal colons.
func (g glob) split(n int) []glob {
	var parts []glob
	start := 0
	for i, s := range g {
		if s.r == ':' && !s.wild && len(parts) < n-1 {
			parts = append(parts, g[start:i])
			start = i + 1
		}
	}
	return append(parts, g[start:])
}

// matchARN compares the six fields of an ARN one by one, so that a wildcard in
// one field cannot eat its neighbours. A pattern with fewer fields covers what
// is missing only if it ends in a star.
func matchARN(pattern glob, arn string) bool {
	want, got := pattern.split(6), strings.SplitN(arn, ":", 6)
	if len(got) != 6 {
		return pattern.match(arn)
	}
	if last := want[len(want)-1]; len(want) < 6 && (len(last) == 0 || last[len(last)-1] != symbol{'*', true}) {
		return false
	}
	for i, g := range want {
		if !g.match(got[i]) {
			return false
		}
	}
	return true
}

// expand replaces policy variables; ok is false if one has no value. A value
// that comes from the request is literal: it cannot smuggle a wildcard in.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func (e evaluation) expand(d Document, p string) (g glob, ok bool) {
	if d.Version != "2012-10-17" { // older documents hold no variables
		return compile(p), true
	}
	for {
		before, rest, found := strings.Cut(p, "${")
		g = append(g, compile(before)...)
		if !found {
			return g, true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return append(g, compile("${"+rest)...), true
		}
		value, known := e.variable(name)
		if !known {
			return nil, false
		}
		g = append(g, literal(value)...)
		p = after
	}
}

func (e evaluation) variable(name string) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	key, fallback, hasFallback := strings.Cut(name, ",")
	if v := e.keys[strings.ToLower(strings.TrimSpace(key))]; len(v) == 1 {
		return v[0], true
	}
	fallback = strings.TrimSpace(fallback)
	if hasFallback && len(fallback) >= 2 && fallback[0] == '\'' && fallback[len(fallback)-1] == '\'' {
		return fallback[1 : len(fallback)-1], true
	}
	return "", false
}
