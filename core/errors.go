// Errors: the few kinds that decide what a user does next, and faults of input.
package core

import (
	"errors"
	"fmt"
	"strings"
)

// The kinds. A provider maps its cloud's codes to them once; the roof maps them to exit codes.
var (
	ErrInvalid      = errors.New("invalid input")
	ErrNotOurs      = errors.New("exists and is not ours")
	ErrUnproven     = errors.New("access is not what was granted")
	ErrNotConverged = errors.New("not visible everywhere in time")
	ErrBlocked      = errors.New("blocked by an organisation's policy")
	ErrSomeFailed   = errors.New("some of many failed")
	ErrLocked       = errors.New("another run holds the lock")
	ErrUnknown      = errors.New("outcome unknown")
	ErrOperator     = errors.New("operator's credentials are missing or insufficient")
	ErrMoved        = errors.New("the cloud has changed since the plan was made")
	ErrInUse        = errors.New("is still in use")
)

// ErrNotHere says that nobody here can become the grantee, because it proves
// who it is with something that only it has. A simulator may know instead.
var ErrNotHere = errors.New("the grantee cannot be tried from here")

// ErrRejected says that the cloud does not accept a credential at all: it is
// unknown, switched off or deleted, or has ended. For a proof that is [Unclear];
// after a revocation it is what everybody hopes for.
var ErrRejected = errors.New("the credential is not accepted")

// Error is a failure with its kind, the resource it is about and what to do next.
type Error struct {
	Kind error  // one of the kinds; nil for a failure that is none of them
	What string // the resource's address or name
	Hint string // a command or a place, not advice; "" if there is none
	Err  error  // the cause, kept for errors.Is and errors.As
}

// Error says what, which and why.
func (e *Error) Error() string {
	var parts []string
	if e.What != "" {
		parts = append(parts, e.What)
	}
	if e.Kind != nil {
		parts = append(parts, e.Kind.Error())
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error {
	var list []error
	if e.Kind != nil {
		list = append(list, e.Kind)
	}
	if e.Err != nil {
		list = append(list, e.Err)
	}
	return list
}

// Fault is one thing wrong with the input.
type Fault struct {
	Field   string `json:"field"`   // as the user writes it: "bucket", "to"
	Value   string `json:"value"`   // what was given; never a secret
	Rule    string `json:"rule"`    // what it breaks
	Accepts string `json:"accepts"` // what would be accepted, with an example
}

// Error names the field, the value, the rule and what would be accepted.
func (f Fault) Error() string {
	s := fmt.Sprintf("%s %q: %s", f.Field, f.Value, f.Rule)
	if f.Value == "" {
		s = fmt.Sprintf("%s: %s", f.Field, f.Rule)
	}
	if f.Accepts != "" {
		s += "; accepted: " + f.Accepts
	}
	return s
}

// Faults is everything wrong with the input, all named at once. It is of kind [ErrInvalid].
type Faults []Fault

// Error puts every fault on a line of its own.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Is makes Faults an [ErrInvalid].
func (f Faults) Is(target error) bool { return target == ErrInvalid }

// Err is f as an error, or nil if nothing is wrong.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
