// The functions of conditions: on strings, times and API attributes.
package fakegcp

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// call evaluates a function or method.
func (e evaluator) call(n *node) (any, error) {
	if n.On == nil && n.Text == "has" && e.claims != nil {
		return e.has(n)
	}
	args, err := e.evalAll(n.Args)
	if err != nil {
		return nil, err
	}
	if n.On != nil && n.On.Kind == "name" && e.claims == nil {
		switch n.On.Text + "." + n.Text {
		case "api.getAttribute":
			// Cloud Storage's API attributes work in credential access boundaries
			// only: in a role binding they have no value.
			// https://cloud.google.com/iam/docs/conditions-attribute-reference#cloud-storage
			if len(args) == 2 {
				return args[1], nil
			}
		case "resource.hasTagKey", "resource.hasTagKeyId", "resource.matchTag", "resource.matchTagId":
			return false, nil // nothing here has tags
		}
	}
	if n.On == nil {
		return convert(n.Text, args)
	}
	on, err := e.eval(n.On)
	if err != nil {
		return nil, err
	}
	if e.claims != nil {
		if v, ok := claimMethod(on, n.Text, args); ok {
			return v, nil
		}
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

var durationRE = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?s$`)

func convert(name string, args []any) (any, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("no function %q", name)
	}
	s, _ := args[0].(string)
	switch name {
	case "timestamp":
		return time.Parse(time.RFC3339Nano, s)
	case "duration":
		if !durationRE.MatchString(s) {
			return nil, fmt.Errorf("duration %q is not a number of seconds followed by \"s\"", s)
		}
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
		loc, err := location(zone)
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
	case "getMilliseconds":
		return int64(t.Nanosecond() / 1e6), nil
	case "getSeconds":
		return int64(t.Second()), nil
	}
	return nil, fmt.Errorf("no function %q for a time", name)
}

// location is a time zone by name or by its offset, "+01:00".
func location(zone string) (*time.Location, error) {
	if t, err := time.Parse("-07:00", zone); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(zone, offset), nil
	}
	return time.LoadLocation(zone)
}
