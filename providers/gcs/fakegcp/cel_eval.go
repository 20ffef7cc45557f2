// Conditions, evaluated: a value for every node, or an error that makes the condition not hold.
package fakegcp

import (
	"errors"
	"fmt"
	"strconv"
)

// evaluator gives an expression its values: from the request for a condition of
// a policy, from the token's claims for an expression of an identity provider.
// The latter's language is larger.
type evaluator struct {
	request question
	claims  map[string]any // "assertion", "google", "attribute"; nil for a policy
}

// evaluate says whether a condition holds for a request. A condition that
// fails to evaluate does not hold.
func evaluate(text string, q question) (bool, error) {
	n, err := parse(text)
	if err != nil {
		return false, err
	}
	v, err := evaluator{request: q}.eval(n)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("condition is not a boolean")
	}
	return b, nil
}

// Why an attribute has no value. A part of a condition that asks for an
// attribute which the resource does not provide never grants access.
// https://cloud.google.com/iam/docs/configuring-resource-based-access#inherited-conditions
var (
	errUnknownName = errors.New("unknown attribute")
	errUnavailable = errors.New("the resource does not provide the attribute")
)

func (e evaluator) eval(n *node) (any, error) {
	switch n.Kind {
	case "string":
		return n.Text, nil
	case "int":
		return strconv.ParseInt(n.Text, 10, 64)
	case "bool":
		return n.Text == "true", nil
	case "list":
		return e.evalAll(n.Args)
	case "name", "index", "?":
		if e.claims != nil {
			return e.claim(n)
		}
	case "select":
		if e.claims != nil {
			return e.claim(n)
		}
		if n.On.Kind == "name" {
			return e.request.attribute(n.On.Text + "." + n.Text)
		}
	case "call":
		return e.call(n)
	case "not", "neg":
		v, err := e.eval(n.Args[0])
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
		return e.logical(n)
	default:
		args, err := e.evalAll(n.Args)
		if err != nil {
			return nil, err
		}
		if len(args) == 2 && e.claims != nil {
			return operateOnClaims(n.Kind, args[0], args[1])
		}
		if len(args) == 2 {
			return operate(n.Kind, args[0], args[1])
		}
	}
	return nil, fmt.Errorf("%w %q", errUnknownName, n.Text)
}

func (e evaluator) evalAll(nodes []*node) ([]any, error) {
	out := make([]any, len(nodes))
	for i, n := range nodes {
		v, err := e.eval(n)
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
func (e evaluator) logical(n *node) (any, error) {
	decides := n.Kind == "||"
	var failed error
	for _, arg := range n.Args {
		v, err := e.eval(arg)
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
	value := ""
	switch name {
	case "resource.name":
		value = q.Resource.Name
	case "resource.type":
		value = q.Resource.Type
	case "resource.service":
		value = q.Resource.Service
	case "request.time":
		return q.Time, nil
	default:
		return nil, fmt.Errorf("%w %q", errUnknownName, name)
	}
	if value == "" {
		return nil, fmt.Errorf("%w %q", errUnavailable, name)
	}
	return value, nil
}
