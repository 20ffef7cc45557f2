// Provider: what a cloud must be able to do.
package core

import (
	"context"
	"slices"
	"time"
)

// Provider is one cloud. Info and Compile are pure; Open acts as the operator,
// Act as the grantee.
type Provider interface {
	Info() Info

	// Compile turns a grant into this cloud's own words. The same grant compiles
	// to the same blueprint for ever. It returns [Faults] that name everything
	// that this cloud cannot accept.
	Compile(g Grant) (Blueprint, error)

	// Open prepares the steps of one blueprint. It makes no call that writes.
	// It refuses (kind [ErrOperator]) without the operator's credentials and
	// (kind [ErrInvalid]) an endpoint that nobody consented to.
	Open(ctx context.Context, b Blueprint) (*Steps, error)

	// Act prepares to try things as the holder of c. A c without a secret means
	// the grantee of b as it proves who it is without one; [ErrNotHere] if that
	// cannot be done from here. Then, the actor may be a [Forger].
	Act(ctx context.Context, b Blueprint, c Credential) (Actor, error)
}

// Power returns p, or what p stands in front of, as one that can do more: a
// [Finder], an [Advisor]. Who stands in front of another has a method Unwrap.
func Power[T any](p Provider) (T, bool) {
	for {
		if power, ok := p.(T); ok {
			return power, true
		}
		inner, ok := p.(interface{ Unwrap() Provider })
		if !ok {
			var none T
			return none, false
		}
		p = inner.Unwrap()
	}
}

// Info describes a cloud.
type Info struct {
	Name       string        // "s3": stable, used in files and folders
	Title      string        // "Amazon S3": for people
	Nouns      Nouns         // how its users call things
	Settings   []Setting     // what it alone asks for
	Abilities  []Ability     // what its actor can try
	Identities []Identity    // how a grantee can prove who it is; those without a secret first
	Settle     time.Duration // how long a change may need until it is seen everywhere
	Reasons    []Reason      // what each ability compiles to, and why
	Vocabulary Vocabulary    // its actions
}

// Nouns are the cloud's own words for core's.
type Nouns struct {
	Account   string // "account", "project"
	Region    string // "region", "location": also the name of the flag
	Principal string // "user", "service account"
}

// Reason is one row of the table from abilities to the cloud's actions.
type Reason struct {
	Ability Ability `json:"ability"`
	Action  string  `json:"action"`
	Level   string  `json:"level"` // the kind of resource that the action is allowed on
	Why     string  `json:"why"`
}

// Setting is one thing that only this cloud asks for. The roof makes a flag and
// a key of the grant file of it.
type Setting struct {
	Name     string   // "kms-key"
	Usage    string   // one line of help
	Example  string   // a value that works
	Env      []string // environment variables that are read when it is not given, in order
	Required bool
	Flag     bool  // its value is "true" or "false"
	File     bool  // its value is the content of a file, which the roof reads
	Only     []Who // the identities that it belongs to; none: all
}

// For reports whether the setting belongs to w.
func (s Setting) For(w Who) bool { return len(s.Only) == 0 || slices.Contains(s.Only, w) }

// Steps are the bucket, role and credential steps of one grant, and who takes them.
type Steps struct {
	// Whoami asks who the operator is. It runs side by side with the reads. It
	// refuses (kind [ErrOperator]) an identity that must not run this.
	Whoami func(ctx context.Context) (Operator, error)

	Bucket     Step
	Role       Step
	Credential Issuer    // nil if the grantee is handed no secret
	Caretaker  Caretaker // nil if nobody can clean up after a proof
	Simulator  Simulator // nil if the cloud has none
	Keyring    Keyring   // nil if no key opens the grant, so that there is nothing to rotate
	Inspector  Inspector // nil if a plan shows everything
	Preflight  Preflight // nil if nothing can be known before the first write

	// Gate shuts the grantee out at once, tokens that it has been given included as
	// far as the cloud can, and lets it in again: Diff toward [Absent] shuts it,
	// toward [Present] opens it. Its changes are of [GateStep]. It reads and
	// writes nothing but what it needs for that, and marks what it has shut in
	// the cloud, so that the Role's Diff refuses to go on until it is opened
	// again. Nil if switching off the keys of the Keyring is all there is.
	Gate Step

	// Claimer tells other machines which run is changing the grant. Nil if the grant
	// has nothing of its own that could carry it.
	Claimer Claimer

	// Outputs says what the grantee must be told, once everything is settled.
	// None of it is secret. It may read. Nil if there is nothing to tell.
	Outputs func(ctx context.Context) ([]Output, error)
}

// Output is one thing that the grantee must be told: a name, an address, or a
// whole file. It is never a secret.
type Output struct {
	Name  string `json:"name"` // as the grantee's own documentation calls it: "IAM_ROLE"
	Value string `json:"value"`
	File  string `json:"file,omitempty"` // the name of the file that Value is the content of; "" for a short value
	Why   string `json:"why,omitempty"`  // what it is for
}

// Operator is the identity that runs the steps.
type Operator struct {
	Account   string   `json:"account"`
	Principal string   `json:"principal"`
	Identity  string   `json:"-"`                   // Principal without what differs from one sign-in to the next; "" if nothing does
	Source    string   `json:"source,omitempty"`    // where the credentials came from, never what they are
	Endpoints []string `json:"endpoints,omitempty"` // hosts other than the cloud's own
}

// Step is one part of a grant. Diff only reads. Do writes one change of a Diff;
// doing it twice is doing it once, and it retries what is harmless to repeat.
// Do marks what it makes as ours in the creating call and never touches what is
// not ours.
type Step interface {
	Diff(ctx context.Context, want Want) ([]Change, error)
	Do(ctx context.Context, c Change) error
}

// Issuer is the credential step. Nothing here retries Issue.
type Issuer interface {
	// Addr is the address of the credential with that ID; "" is the one to be issued.
	Addr(id string) string

	// Needs are the addresses that must be settled before Issue.
	Needs() []string

	// List returns the keys of the grantee, oldest first; none if there is no grantee.
	List(ctx context.Context) ([]Key, error)

	// Issue makes a credential: the only place where a secret is born. It sends
	// its request once. If it cannot know whether a key was made, its error is of
	// kind [ErrUnknown].
	Issue(ctx context.Context) (Credential, error)

	// Retire makes the credential with that ID useless; nil if it is gone already.
	Retire(ctx context.Context, id string) error
}

// Caretaker is the operator's side of a proof.
type Caretaker interface {
	// Elsewhere names another bucket of the same owner, "" if there is none.
	// Probes in it write nothing.
	Elsewhere(ctx context.Context) (string, error)

	// Sweep removes the objects with these keys, every version of them, and
	// unfinished uploads to them. A key that does not exist is fine.
	Sweep(ctx context.Context, keys []string) error

	// Plant puts an object of a few bytes under each of the keys, for grantees that may
	// not put one themselves.
	Plant(ctx context.Context, keys []string) error
}

// Actor tries things as the grantee.
type Actor interface {
	// Try makes one attempt, without retry. It reports [Denied] only if the cloud
	// said that this caller may not; a credential that the cloud does not know,
	// a broken connection or a throttled call is [Unclear]. The error says why an
	// outcome is unclear, and is nil otherwise; it is an [ErrRejected] if the cloud
	// clearly does not accept the credential.
	Try(ctx context.Context, p Probe) (Outcome, error)
}

// Forger is an [Actor] that can try to pass for the grantee.
type Forger interface {
	// Forgeries are the names of those of [Identity.Forgeries] that it can try,
	// as probes of [Enter] whose Key is the name.
	Forgeries() []string
}

// Preflight looks, as the operator, for what would stop a plan: permissions that
// are missing, quotas, rules of an organisation, names that are taken or that a
// deleted thing still holds. It only reads. What it cannot find out is [Unclear].
type Preflight interface {
	Check(ctx context.Context, needs []Permission) ([]Check, error)
}

// Check is one thing that was looked at before the first write.
type Check struct {
	Kind    string  `json:"kind"` // "permission", "quota", "organisation", "name", "deleted", "api"
	What    string  `json:"what"` // "iam:CreateUser on arn:…", "groups: 12 of 300"
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"` // where it is not allowed, or not known
	Fix     string  `json:"fix,omitempty"` // a command or a place
}

// Simulator asks the cloud itself what the grantee may do.
type Simulator interface {
	// Simulate answers like [Actor.Try] without trying; [Unclear] where the
	// cloud does not say.
	Simulate(ctx context.Context, p Probe) (Outcome, error)
}

// Connection is how a provider reaches its cloud; the roof fills it in from flags.
type Connection struct {
	AllowEndpoint bool // consent to an endpoint that is not the cloud's own
	Inside        bool // this runs where the grantee runs: a grantee without a secret can be tried with its own proof of identity
}
