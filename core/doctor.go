// Doctor: why an access fails, as ranked hypotheses with their evidence.
package core

import (
	"context"
	"regexp"
	"time"
)

// Symptom is one observation about an access that fails. It holds no secret.
type Symptom struct {
	Source Source `json:"source"`
	Text   string `json:"text"`           // one line, such as "create inside: 403 AccessDenied: … because no identity-based policy allows …"
	Good   bool   `json:"good,omitempty"` // it is as it should be, which speaks against some causes
}

// Source is where a symptom was seen.
type Source string

// The sources.
const (
	SaidError Source = "error"    // what a program printed, as somebody pasted it
	SaidTry   Source = "try"      // what trying it as the grantee gave: "ABILITY WHERE: STATUS CODE: MESSAGE"
	SaidPlan  Source = "plan"     // a change of a plan: "SIGN ADDR: WHY"
	SaidKey   Source = "key"      // the state of a key: "KEYID active|inactive|missing: …"
	SaidLook  Source = "look"     // a [Finding]: "KIND ADDR: TEXT"
	SaidClock Source = "clock"    // how far this machine's clock is from the cloud's: "off by 7m0s"
	SaidClaim Source = "manifest" // what the manifest says: "FIELD VALUE"
)

// Sign is what a cause looks like.
type Sign struct {
	Source Source         // "" for any
	Match  *regexp.Regexp // of the symptom's text
	Weight int            // from 1 (fits) to 10 (says it in so many words); negative if it speaks against the cause
}

// Cause is one reason for which an access can fail in a cloud.
type Cause struct {
	Name    string `json:"name"`    // "bucket-policy": stable
	Layer   string `json:"layer"`   // who refuses: "identity policy", "organisation", "key" …
	Means   string `json:"means"`   // one line for people
	Confirm string `json:"confirm"` // one command that shows whether it is so
	Fix     string `json:"fix"`     // one command that mends it, or who must do what
	Owner   bool   `json:"owner"`   // the bucket's owner mends it; else whoever holds the credential does
	Signs   []Sign `json:"-"`
}

// Answer is what a cloud said to one try, in its own words.
type Answer struct {
	Status  int       // of HTTP; 0 if there was no answer
	Code    string    // "AccessDenied"
	Message string    // never with a secret in it
	Date    time.Time // the cloud's clock; zero if it does not say
}

// Teller is an [Actor] that can say what it was answered.
type Teller interface {
	// Tell is Try, with the cloud's own answer. It makes one attempt.
	Tell(ctx context.Context, p Probe) (Outcome, Answer, error)
}

// Advisor is a [Provider] that knows what people ask once a grant is there. All
// of it is pure. b may be no more than what a manifest tells, see [Receipt].
type Advisor interface {
	// Causes are the reasons for which an access fails in this cloud, with commands
	// that name the things of b.
	Causes(b Blueprint) []Cause

	// Exposed says, one thing a line, what this cloud does by itself about a key
	// that was seen in public, what it leaves open, and where to look for what was done with it.
	Exposed(b Blueprint, keyID string) []string

	// OperatorPolicy writes needs down as the smallest policies or roles that hold
	// them, in the cloud's own language.
	OperatorPolicy(b Blueprint, needs []Permission) []Document
}
