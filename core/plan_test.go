// What a plan says when it cannot be made.
package core

import (
	"errors"
	"testing"
)

func TestRefusalsOfTheOperatorAreToldAllAtOnce(t *testing.T) {
	one, two := &Error{Kind: ErrOperator, What: "bucket"}, &Error{Kind: ErrOperator, What: "role"}
	same, other := &Error{Kind: ErrOperator, What: "role"}, errors.New("broken pipe")
	err := telling([]error{nil, one, two, same, other})
	if want := one.Error() + "\n" + two.Error(); err == nil || err.Error() != want || !errors.Is(err, ErrOperator) {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := telling([]error{nil, other, one}); err != other {
		t.Errorf("what is no refusal stands alone: got %v", err)
	}
	if err := telling(make([]error, 4)); err != nil {
		t.Errorf("got %v, want nothing", err)
	}
}
