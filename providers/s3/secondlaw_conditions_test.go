// The second law's conditions and patterns: wildcards become regular expressions, operators are a table.
package s3_test

import (
	"encoding/base64"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// condition is one key of one operator.
type condition struct {
	operator, quantifier string
	lenient              bool // IfExists
	key                  string
	values               names
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func readCondition(operator, key string, values names) condition {
	c := condition{key: strings.ToLower(key), values: values}
	if q, rest, ok := strings.Cut(operator, ":"); ok {
		c.quantifier, operator = strings.ToLower(q), rest
	}
	c.operator, c.lenient = strings.CutSuffix(strings.ToLower(operator), "ifexists")
	return c
}

// holds says whether the condition is met.
func (c condition) holds(facts map[string][]string, speaks bool) bool {
	if slices.ContainsFunc(c.values, func(v string) bool { _, ok := spoken(v, speaks, facts); return !ok }) {
		return false // a variable without a value makes the statement void
	}
	have, there := facts[c.key]
	there = there && len(have) > 0
	if c.operator == "null" {
		return slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, "true") == !there })
	}
	positive, negated := strings.CutPrefix(c.operator, "not")
	if before, after, ok := strings.Cut(c.operator, "not"); ok && !negated {
		positive, negated = before+after, true
	}
	test := operators[positive]
	if test == nil {
		return false
	}
	passes := func(value string) bool {
		some := slices.ContainsFunc(c.values, func(v string) bool { return test(v, value, speaks, facts) })
		return some != negated
	}
	switch {
	case c.quantifier == "forallvalues":
		return !slices.ContainsFunc(have, func(v string) bool { return !passes(v) })
	case c.quantifier == "foranyvalue":
		return c.lenient && !there || slices.ContainsFunc(have, passes)
	case !there:
		return c.lenient || negated
	}
	return slices.ContainsFunc(have, passes)
}

// operators compare a value of a policy with one of a request.
var operators = map[string]func(policy, request string, speaks bool, facts map[string][]string) bool{
	"stringequals": func(p, r string, speaks bool, facts map[string][]string) bool {
		text, ok := spoken(p, speaks, facts)
		return ok && text == r
	},
	"stringequalsignorecase": func(p, r string, speaks bool, facts map[string][]string) bool {
		text, ok := spoken(p, speaks, facts)
		return ok && strings.EqualFold(text, r)
	},
	"stringlike": func(p, r string, speaks bool, facts map[string][]string) bool {
		return matches(p, r, false, speaks, facts)
	},
	"arnlike": arnMatches, "arnequals": arnMatches,
	"bool": func(p, r string, _ bool, _ map[string][]string) bool { return strings.EqualFold(p, r) },
	"binaryequals": func(p, r string, _ bool, _ map[string][]string) bool {
		x, errX := base64.StdEncoding.DecodeString(p)
		y, errY := base64.StdEncoding.DecodeString(r)
		return errX == nil && errY == nil && string(x) == string(y)
	},
	"ipaddress":     within,
	"numericequals": numbers(func(r, p float64) bool { return r == p }), "numericlessthan": numbers(func(r, p float64) bool { return r < p }),
	"numericlessthanequals": numbers(func(r, p float64) bool { return r <= p }), "numericgreaterthan": numbers(func(r, p float64) bool { return r > p }),
	"numericgreaterthanequals": numbers(func(r, p float64) bool { return r >= p }),
	"dateequals":               moments(func(n int) bool { return n == 0 }), "datelessthan": moments(func(n int) bool { return n < 0 }),
	"datelessthanequals": moments(func(n int) bool { return n <= 0 }), "dategreaterthan": moments(func(n int) bool { return n > 0 }),
	"dategreaterthanequals": moments(func(n int) bool { return n >= 0 }),
}

// arnMatches compares the six parts of an ARN one by one.
func arnMatches(p, r string, speaks bool, facts map[string][]string) bool {
	x, y := strings.SplitN(p, ":", 6), strings.SplitN(r, ":", 6)
	if len(x) != 6 || len(y) != 6 {
		return false
	}
	for i := range x {
		if !matches(x[i], y[i], false, speaks, facts) {
			return false
		}
	}
	return true
}

func within(p, r string, _ bool, _ map[string][]string) bool {
	network, err := netip.ParsePrefix(p)
	if err != nil {
		one, alone := netip.ParseAddr(p)
		if alone != nil {
			return false
		}
		network = netip.PrefixFrom(one, one.BitLen())
	}
	at, err := netip.ParseAddr(r)
	return err == nil && network.Contains(at)
}

func numbers(f func(r, p float64) bool) func(string, string, bool, map[string][]string) bool {
	return func(p, r string, _ bool, _ map[string][]string) bool {
		x, errX := strconv.ParseFloat(p, 64)
		y, errY := strconv.ParseFloat(r, 64)
		return errX == nil && errY == nil && f(y, x)
	}
}

func moments(f func(int) bool) func(string, string, bool, map[string][]string) bool {
	return func(p, r string, _ bool, _ map[string][]string) bool {
		x, okX := moment(p)
		y, okY := moment(r)
		return okX && okY && f(y.Compare(x))
	}
}

// moment reads a date in one of W3C's forms, or seconds since 1970.
func moment(s string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0), err == nil
}

var variable = regexp.MustCompile(`\$\{([^{}]*)\}`)

// spoken is a text of a policy with its variables filled in; false if one has no value.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func spoken(text string, speaks bool, facts map[string][]string) (string, bool) {
	ok := true
	out := fill(text, speaks, func(name string) string {
		value, found := valueOf(name, facts)
		ok = ok && found
		return value
	}, func(s string) string { return s })
	return out, ok
}

// matches compares a pattern with a text. The value of a variable is no pattern.
func matches(pattern, text string, blind, speaks bool, facts map[string][]string) bool {
	if !speaks || !strings.Contains(pattern, "${") {
		return compiled(pattern, blind, wild).MatchString(text)
	}
	ok := true
	expression := fill(pattern, speaks, func(name string) string {
		value, found := valueOf(name, facts)
		ok = ok && found
		return regexp.QuoteMeta(value)
	}, wild)
	return ok && compiled(expression, blind, func(s string) string { return s }).MatchString(text)
}

var stars = strings.NewReplacer(`\*`, ".*", `\?`, ".")

// wild is a pattern as a regular expression.
func wild(s string) string { return stars.Replace(regexp.QuoteMeta(s)) }

// fill replaces variables by value and everything between them by plain.
func fill(text string, speaks bool, value, plain func(string) string) string {
	if !speaks || !strings.Contains(text, "${") {
		return plain(text)
	}
	var b strings.Builder
	from := 0
	for _, at := range variable.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(plain(text[from:at[0]]))
		b.WriteString(value(text[at[2]:at[3]]))
		from = at[1]
	}
	b.WriteString(plain(text[from:]))
	return b.String()
}

func valueOf(name string, facts map[string][]string) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	key, fallback, other := strings.Cut(name, ",")
	if have := facts[strings.ToLower(strings.TrimSpace(key))]; len(have) == 1 {
		return have[0], true
	}
	return strings.Trim(strings.TrimSpace(fallback), "'"), other
}

// known are expressions that were compiled before, by what they were made of.
var known sync.Map

func compiled(text string, blind bool, expression func(string) string) *regexp.Regexp {
	type key struct {
		text       string
		blind, raw bool
	}
	k := key{text, blind, expression("*") == "*"}
	if r, ok := known.Load(k); ok {
		return r.(*regexp.Regexp)
	}
	flags := "(?s)^(?:"
	if blind {
		flags = "(?si)^(?:"
	}
	r := regexp.MustCompile(flags + expression(text) + ")$")
	known.Store(k, r)
	return r
}
