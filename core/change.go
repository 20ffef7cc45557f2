// Change: one line of a plan.
package core

import "errors"

// Action is what a change does. It prints as itself.
type Action rune

// The actions.
const (
	Keep   Action = '='
	Make   Action = '+'
	Alter  Action = '~'
	Drop   Action = '-'
	Refuse Action = '!' // exists and is not ours: nothing at all is done
)

// String is the sign that people see.
func (a Action) String() string { return string(rune(a)) }

// MarshalText is the sign that machines see.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the sign.
func (a *Action) UnmarshalText(b []byte) error {
	for _, known := range []Action{Keep, Make, Alter, Drop, Refuse} {
		if known.String() == string(b) {
			*a = known
			return nil
		}
	}
	return Faults{{Field: "action", Value: string(b), Rule: "is no action", Accepts: "one of = + ~ - !"}}
}

// Writes reports whether the action changes the cloud.
func (a Action) Writes() bool { return a == Make || a == Alter || a == Drop }

// StepName is one of the steps of a grant.
type StepName string

// The steps.
const (
	BucketStep     StepName = "bucket"
	RoleStep       StepName = "role"
	CredentialStep StepName = "credential"
	GateStep       StepName = "gate" // shutting a grantee out, and letting it in again
)

// Change is one line of a plan. It never holds a secret.
type Change struct {
	Step   StepName `json:"step"`
	Action Action   `json:"action"`
	Addr   string   `json:"addr"`             // "iam:user/…": unique in the plan
	Needs  []string `json:"needs,omitempty"`  // addresses that must be settled first; what is not in the plan is settled
	Why    string   `json:"why,omitempty"`    // one line for people
	Before string   `json:"before,omitempty"` // what is there, where that helps
	After  string   `json:"after,omitempty"`  // what will be there
	Hint   string   `json:"hint,omitempty"`   // for Refuse: what to do about it
	Shut   bool     `json:"shut,omitempty"`   // for Refuse: it is ours, and the access was revoked
}

// Want is the state that a Diff leads to.
type Want struct {
	Present    bool `json:"present"`     // everything of the grant is there
	DropBucket bool `json:"drop_bucket"` // with Present false: the bucket goes too, if it is ours and empty

	// Keys is what becomes of the grantee's keys; with Present only.
	Keys KeyWant `json:"keys,omitzero"`
}

// The wants that most callers mean.
var (
	Present = Want{Present: true}
	Absent  = Want{}
)

// Refusal is why nothing is done, for a change that refuses. It is of kind
// [ErrNotOurs], and says so unless it is ours and was revoked.
func (c Change) Refusal() error {
	if c.Shut {
		return &Error{What: c.Addr, Err: shutError(c.Why), Hint: c.Hint}
	}
	e := &Error{Kind: ErrNotOurs, What: c.Addr, Hint: c.Hint}
	if c.Why != ErrNotOurs.Error() {
		e.Err = errors.New(c.Why)
	}
	return e
}

// shutError says that an access was revoked: whoever ends with it may do as little as with a stranger's.
type shutError string

func (s shutError) Error() string { return string(s) }

// Is makes it an [ErrNotOurs].
func (shutError) Is(target error) bool { return target == ErrNotOurs }
