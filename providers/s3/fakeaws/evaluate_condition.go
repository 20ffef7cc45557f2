// Conditions: operators, set operators, and what a missing key means.
package fakeaws

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// operator is a condition operator taken apart.
type operator struct {
	name     string // "StringLike"
	set      string // "", "ForAllValues" or "ForAnyValue"
	ifExists bool
	negated  bool
	match    func(e evaluation, d Document, got, want string) bool
}

// parseOperator returns false for a name that AWS does not know.
func parseOperator(name string) (operator, bool) {
	var o operator
	if set, rest, found := strings.Cut(name, ":"); found {
		if set != "ForAllValues" && set != "ForAnyValue" {
			return o, false
		}
		o.set, name = set, rest
	}
	o.name, o.ifExists = strings.CutSuffix(name, "IfExists")
	if o.name == "Null" {
		return o, !o.ifExists
	}
	positive, negated := o.name, false
	if negative, found := strings.CutPrefix(o.name, "Not"); found { // NotIpAddress
		positive, negated = negative, true
	} else if before, after, found := strings.Cut(o.name, "Not"); found {
		positive, negated = before+after, true
	}
	o.negated = negated
	switch positive {
	case "StringEquals":
		o.match = equalString
	case "StringEqualsIgnoreCase":
		o.match = equalFold
	case "StringLike":
		o.match = likeString
	case "ArnEquals", "ArnLike": // they behave alike: both read wildcards
		o.match = likeARN
	case "IpAddress":
		o.match = inNetwork
	case "NumericEquals", "DateEquals":
		o.match = compareWith(positive, func(c int) bool { return c == 0 })
	default:
		if negated {
			return o, false
		}
		switch positive {
		case "Bool":
			o.match = equalFold
		case "BinaryEquals":
			o.match = equalBytes
		case "NumericLessThan", "DateLessThan":
			o.match = compareWith(positive, func(c int) bool { return c < 0 })
		case "NumericLessThanEquals", "DateLessThanEquals":
			o.match = compareWith(positive, func(c int) bool { return c <= 0 })
		case "NumericGreaterThan", "DateGreaterThan":
			o.match = compareWith(positive, func(c int) bool { return c > 0 })
		case "NumericGreaterThanEquals", "DateGreaterThanEquals":
			o.match = compareWith(positive, func(c int) bool { return c >= 0 })
		default:
			return o, false
		}
	}
	return o, true
}

// meets says whether every condition of s holds.
func (e evaluation) meets(d Document, s Statement) bool {
	for name, keys := range s.Condition {
		op, known := parseOperator(name)
		if !known {
			return false
		}
		for key, want := range keys {
			got, present := e.keys[strings.ToLower(key)]
			if present && !e.resolves(d, want) {
				return false
			}
			if !op.holds(e, d, got, present, want) {
				return false
			}
		}
	}
	return true
}

// resolves says whether every policy variable in a condition has a value. One
// that has none makes its statement invalid.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func (e evaluation) resolves(d Document, values []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool { _, ok := e.expand(d, v); return !ok })
}

// holds applies the rules for missing keys and for sets.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func (o operator) holds(e evaluation, d Document, got []string, present bool, want []string) bool {
	if o.name == "Null" {
		return slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(w, "true") != (present && len(got) > 0) })
	}
	fits := func(value string) bool { // one value of the request against all wanted values
		hit := slices.ContainsFunc(want, func(w string) bool { return o.match(e, d, value, w) })
		return hit != o.negated
	}
	if !present || len(got) == 0 {
		switch {
		case o.ifExists, o.set == "ForAllValues":
			return true
		case o.set == "ForAnyValue":
			return false
		}
		return o.negated // a key that is missing is not equal to anything
	}
	every := func() bool { return !slices.ContainsFunc(got, func(v string) bool { return !fits(v) }) }
	switch o.set {
	case "ForAllValues":
		return every()
	case "ForAnyValue":
		return slices.ContainsFunc(got, fits)
	}
	if o.negated {
		return every()
	}
	return slices.ContainsFunc(got, fits)
}

func equalString(e evaluation, d Document, got, want string) bool {
	g, ok := e.expand(d, want)
	return ok && g.String() == got
}

func equalFold(e evaluation, d Document, got, want string) bool {
	g, ok := e.expand(d, want)
	return ok && strings.EqualFold(g.String(), got)
}

func likeString(e evaluation, d Document, got, want string) bool {
	g, ok := e.expand(d, want)
	return ok && g.match(got)
}

func likeARN(e evaluation, d Document, got, want string) bool {
	g, ok := e.expand(d, want)
	return ok && matchARN(g, got)
}

func equalBytes(_ evaluation, _ Document, got, want string) bool {
	a, errA := base64.StdEncoding.DecodeString(got)
	b, errB := base64.StdEncoding.DecodeString(want)
	return errA == nil && errB == nil && slices.Equal(a, b)
}

func inNetwork(_ evaluation, _ Document, got, want string) bool {
	addr, err := netip.ParseAddr(got)
	if err != nil {
		return false
	}
	if !strings.Contains(want, "/") {
		host, err := netip.ParseAddr(want)
		return err == nil && host == addr
	}
	net, err := netip.ParsePrefix(want)
	return err == nil && net.Masked().Contains(addr)
}

// compareWith reads both sides as numbers or dates; what cannot be read does not match.
func compareWith(name string, ok func(int) bool) func(evaluation, Document, string, string) bool {
	read := readNumber
	if strings.HasPrefix(name, "Date") {
		read = readDate
	}
	return func(e evaluation, d Document, got, want string) bool {
		g, known := e.expand(d, want)
		a, errA := read(got)
		b, errB := read(g.String())
		if !known || errA != nil || errB != nil {
			return false
		}
		switch {
		case a < b:
			return ok(-1)
		case a > b:
			return ok(1)
		}
		return ok(0)
	}
}

func readNumber(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

// readDate reads the W3C forms of ISO 8601, or seconds since 1970.
func readDate(s string) (float64, error) {
	if n, err := strconv.ParseFloat(s, 64); err == nil && len(s) > 4 {
		return n, nil
	}
	var err error
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"} {
		var t time.Time
		if t, err = time.Parse(layout, s); err == nil {
			return float64(t.UnixMilli()) / 1000, nil
		}
	}
	return 0, err
}
