// Conditions, evaluated: a value for every node, or an error that makes the condition not hold.
package fakegcp

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// listPrefixAttribute is the API attribute that a list request carries.
// https://cloud.google.com/iam/docs/conditions-attribute-reference#api-attributes
const listPrefixAttribute = "storage.googleapis.com/objectListPrefix"

// evaluate says whether a condition holds for a request. A condition that
// fails to evaluate does not hold.
func evaluate(text string, q question) (bool, error) {
	n, err := parse(text)
	if err != nil {
		return false, err
	}
	v, err := q.eval(n)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("condition is not a boolean")
	}
	return b, nil
}

var errUnknownName = errors.New("unknown attribute")

func (q question) eval(n *node) (any, error) {
	switch n.Kind {
	case "string":
		return n.Text, nil
	case "int":
		return strconv.ParseInt(n.Text, 10, 64)
	case "bool":
		return n.Text == "true", nil
	case "list":
		return q.evalAll(n.Args)
	case "select":
		if n.On.Kind == "name" {
			return q.attribute(n.On.Text + "." + n.Text)
		}
	case "call":
		return q.call(n)
	case "not", "neg":
		v, err := q.eval(n.Args[0])
		if err != nil {
			return nil, err
		}
		if b, ok := v.(bool); ok && n.Kind == "not" {
			return !b, nil
		}
		if i, ok := v.(int64); ok && n.Kind == "neg" {
			return -i, nil
		}
		return nil, fmt.Errorf("operand has the wrong type")
	case "&&", "||":
		return q.logical(n)
	default:
		args, err := q.evalAll(n.Args)
		if err != nil {
			return nil, err
		}
		if len(args) == 2 {
			return operate(n.Kind, args[0], args[1])
		}
	}
	return nil, fmt.Errorf("%w %q", errUnknownName, n.Text)
}

func (q question) evalAll(nodes []*node) ([]any, error) {
	out := make([]any, len(nodes))
	for i, n := range nodes {
		v, err := q.eval(n)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// logical evaluates && and ||: an operand that decides absorbs an error of the
// other one, on either side.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#logical-operators
func (q question) logical(n *node) (any, error) {
	decides := n.Kind == "||"
	var failed error
	for _, arg := range n.Args {
		v, err := q.eval(arg)
		if err != nil {
			failed = err
			continue
		}
		b, ok := v.(bool)
		if !ok {
			failed = fmt.Errorf("operand of %s is not a boolean", n.Kind)
		} else if b == decides {
			return decides, nil
		}
	}
	return !decides, failed
}

func (q question) attribute(name string) (any, error) {
	switch name {
	case "resource.name":
		return q.Resource.Name, nil
	case "resource.type":
		return q.Resource.Type, nil
	case "resource.service":
		return q.Resource.Service, nil
	case "request.time":
		return q.Time, nil
	}
	return nil, fmt.Errorf("%w %q", errUnknownName, name)
}

func operate(op string, a, b any) (any, error) {
	switch op {
	case "in":
		list, ok := b.([]any)
		if !ok {
			return nil, fmt.Errorf("right side of in is not a list")
		}
		for _, v := range list {
			if equal(a, v) {
				return true, nil
			}
		}
		return false, nil
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "+", "-":
		return add(op, a, b)
	}
	c, err := compare(a, b)
	if err != nil {
		return nil, err
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	default:
		return c >= 0, nil
	}
}

func equal(a, b any) bool {
	if s, ok := a.(time.Time); ok {
		t, ok := b.(time.Time)
		return ok && s.Equal(t)
	}
	if _, ok := a.([]any); ok {
		return false
	}
	if _, ok := b.([]any); ok {
		return false
	}
	return a == b
}

func compare(a, b any) (int, error) {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), nil
		}
	case int64:
		if y, ok := b.(int64); ok {
			return cmpInt(x, y), nil
		}
	case time.Duration:
		if y, ok := b.(time.Duration); ok {
			return cmpInt(int64(x), int64(y)), nil
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y), nil
		}
	}
	return 0, fmt.Errorf("operands cannot be compared")
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// add is arithmetic on times.
func add(op string, a, b any) (any, error) {
	sign := time.Duration(1)
	if op == "-" {
		sign = -1
	}
	switch x := a.(type) {
	case time.Time:
		if d, ok := b.(time.Duration); ok {
			return x.Add(sign * d), nil
		}
		if y, ok := b.(time.Time); ok && op == "-" {
			return x.Sub(y), nil
		}
	case time.Duration:
		if d, ok := b.(time.Duration); ok {
			return x + sign*d, nil
		}
		if y, ok := b.(time.Time); ok && op == "+" {
			return y.Add(x), nil
		}
	}
	return nil, fmt.Errorf("operands cannot be added")
}

// call evaluates a function or method.
func (q question) call(n *node) (any, error) {
	args, err := q.evalAll(n.Args)
	if err != nil {
		return nil, err
	}
	if n.On != nil && n.On.Kind == "name" && n.On.Text == "api" && n.Text == "getAttribute" {
		if len(args) != 2 {
			return nil, fmt.Errorf("api.getAttribute takes two arguments")
		}
		name, _ := args[0].(string)
		if v, ok := q.Attributes[name]; ok {
			return v, nil
		}
		return args[1], nil
	}
	if n.On == nil {
		return convert(n.Text, args)
	}
	on, err := q.eval(n.On)
	if err != nil {
		return nil, err
	}
	switch x := on.(type) {
	case string:
		if len(args) == 1 {
			if arg, ok := args[0].(string); ok {
				return stringMethod(x, n.Text, arg)
			}
		}
		if n.Text == "size" && len(args) == 0 {
			return int64(len([]rune(x))), nil
		}
	case time.Time:
		return timeMethod(x, n.Text, args)
	}
	return nil, fmt.Errorf("no function %q for these operands", n.Text)
}

func convert(name string, args []any) (any, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("no function %q", name)
	}
	s, _ := args[0].(string)
	switch name {
	case "timestamp":
		return time.Parse(time.RFC3339Nano, s)
	case "duration":
		return time.ParseDuration(s)
	case "date":
		return time.Parse("2006-01-02", s)
	case "int":
		return strconv.ParseInt(s, 10, 64)
	case "string":
		return fmt.Sprint(args[0]), nil
	}
	return nil, fmt.Errorf("no function %q", name)
}

func stringMethod(s, name, arg string) (any, error) {
	switch name {
	case "startsWith":
		return strings.HasPrefix(s, arg), nil
	case "endsWith":
		return strings.HasSuffix(s, arg), nil
	case "contains":
		return strings.Contains(s, arg), nil
	case "matches":
		re, err := regexp.Compile(arg)
		if err != nil {
			return nil, err
		}
		return re.MatchString(s), nil
	case "extract":
		return extract(s, arg)
	}
	return nil, fmt.Errorf("no function %q for a string", name)
}

// extract returns what stands where the template has its {name}: from the
// first occurrence of the text before it to the next occurrence of the text
// after it, or "" if either is missing.
// https://cloud.google.com/iam/docs/conditions-attribute-reference#extract
func extract(s, template string) (any, error) {
	before, rest, ok := strings.Cut(template, "{")
	_, after, closed := strings.Cut(rest, "}")
	if !ok || !closed {
		return nil, fmt.Errorf("extract template %q has no {name}", template)
	}
	_, s, ok = strings.Cut(s, before)
	if !ok {
		return "", nil
	}
	if after == "" {
		return s, nil
	}
	value, _, ok := strings.Cut(s, after)
	if !ok {
		return "", nil
	}
	return value, nil
}

// timeMethod is a part of a point in time, in UTC or in the named zone.
func timeMethod(t time.Time, name string, args []any) (any, error) {
	t = t.UTC()
	if len(args) == 1 {
		zone, _ := args[0].(string)
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return nil, err
		}
		t = t.In(loc)
	}
	switch name {
	case "getFullYear":
		return int64(t.Year()), nil
	case "getMonth":
		return int64(t.Month()) - 1, nil
	case "getDate":
		return int64(t.Day()), nil
	case "getDayOfMonth":
		return int64(t.Day()) - 1, nil
	case "getDayOfWeek":
		return int64(t.Weekday()), nil
	case "getDayOfYear":
		return int64(t.YearDay()) - 1, nil
	case "getHours":
		return int64(t.Hour()), nil
	case "getMinutes":
		return int64(t.Minute()), nil
	case "getSeconds":
		return int64(t.Second()), nil
	}
	return nil, fmt.Errorf("no function %q for a time", name)
}
