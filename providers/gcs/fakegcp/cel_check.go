// Conditions, checked when a policy is written: every name and function must be known.
package fakegcp

import (
	"fmt"
	"time"
)

// checkExpression says why a condition is not acceptable, or nil.
func checkExpression(text string) error {
	n, err := parse(text)
	if err != nil {
		return err
	}
	// Any values of the right types do: what cannot be evaluated with them
	// has an unknown name or operands of the wrong types.
	sample := evaluator{request: question{
		Resource: resource{Name: "projects/_/buckets/b/objects/o", Type: "storage.googleapis.com/Object", Service: storageService},
		Time:     time.Unix(0, 0).UTC(),
	}}
	return sample.checkNode(n)
}

// checkNode checks each operand of a logical operator by itself, as evaluation
// may pass over one of them.
func (e evaluator) checkNode(n *node) error {
	if n.Kind == "&&" || n.Kind == "||" || n.Kind == "not" {
		for _, arg := range n.Args {
			if err := e.checkNode(arg); err != nil {
				return err
			}
		}
		return nil
	}
	v, err := e.eval(n)
	if err != nil {
		return err
	}
	if _, ok := v.(bool); !ok {
		return fmt.Errorf("expected a boolean, got %T", v)
	}
	return nil
}
