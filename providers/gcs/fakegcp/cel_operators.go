// The operators of conditions: equality, order, membership, arithmetic on times.
package fakegcp

import (
	"fmt"
	"strings"
	"time"
)

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
	return scalar(a) && scalar(b) && a == b
}

// scalar says whether a value is neither a list nor an object: those are like no other.
func scalar(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return false
	}
	return true
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
