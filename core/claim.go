// Claim: which run is changing a grant, as the grant itself tells it to runs on other machines.
package core

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// ClaimLasts is how long a claim holds others up: longer than a run takes from
// its first change to its last. Whoever died with one is waited for no longer.
const ClaimLasts = 15 * time.Minute

// aheadAtMost is how far another machine's clock may be ahead: what claims to begin
// later than that holds nobody up.
const aheadAtMost = 2 * time.Minute

// Claim is a run that changes a grant, or has changed it last. It is kept on
// something of the grant's own in the cloud, where most clouds have no way to
// write it only if nobody else has. So it tells people who is at work; what is
// safe does not depend on it.
type Claim struct {
	Run   string    `json:"run"`
	Who   string    `json:"who"`
	Since time.Time `json:"since"`
	Ended bool      `json:"ended,omitempty"`
}

// Claimer keeps the claim. Nothing of it is needed for a change to be safe: what
// cannot be read is no claim.
type Claimer interface {
	// Claimed returns what stands there, "" if nothing does. It runs side by side
	// with a plan's reads and shares what they read.
	Claimed(ctx context.Context) (string, error)

	// Claim looks right before the first change whether anything else stands there
	// than the plan has seen, and fails with what [Claiming.Against] says of it. Where the
	// cloud writes only over what was read, it writes. What does not exist yet
	// carries the text from its making on.
	Claim(ctx context.Context, c Claiming) error

	// Note writes what Claim could not write safely, beside the first changes.
	Note(ctx context.Context) error

	// Release writes that the run has ended, unless another's claim stands there by
	// now. It comes after Note, beside the last of the changes; not reports that
	// what this run makes to bear the claim is not there yet.
	Release(ctx context.Context) (not bool, err error)
}

// claimText is how a claim is written down: a tag or a description holds it.
var claimText = regexp.MustCompile(`^(held|done) ([0-9T:Z-]{20}) ([a-z0-9-]{1,40})(?: (.*))?$`)

// ReadClaim reads what [Claiming.Text] has written.
func ReadClaim(text string) (c Claim, ok bool) {
	m := claimText.FindStringSubmatch(text)
	if m == nil {
		return c, false
	}
	since, err := time.Parse(time.RFC3339, m[2])
	return Claim{Run: m[3], Who: claimable(m[4]), Since: since, Ended: m[1] == "done"}, err == nil
}

// claimable is who as tags and descriptions of every cloud can hold it.
func claimable(who string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune(" _.:/=+-@", r) {
			return r
		}
		return '_'
	}, who))
}

// Holds reports whether the run is at work, or died so short a time ago that nobody can tell.
func (c Claim) Holds() bool {
	age := time.Since(c.Since)
	return !c.Ended && age < ClaimLasts && age > -aheadAtMost
}

// Until is when a claim ends by itself.
func (c Claim) Until() time.Time { return c.Since.Add(ClaimLasts) }

// String says who and since when.
func (c Claim) String() string {
	return fmt.Sprintf("%q (run %s) since %s", c.Who, c.Run, c.Since.Format(time.RFC3339))
}

// locked is why a run stops for this claim.
func (c Claim) locked(what string) error {
	return &Error{Kind: ErrLocked, What: what, Err: fmt.Errorf("on another machine: %s", c),
		Hint: "wait until it has ended; if it has died, run it again where it ran, or wait until " + c.Until().Format(time.RFC3339) + "; if nobody runs it, somebody else has written this: take it out by hand"}
}

// Claiming is the claim of a run under way.
type Claiming struct {
	Claim
	grant string
	was   string                // what the plan has seen
	ours  func(run string) bool // whether a run of this journal was called so
}

// Was is what the plan has seen in the claim's place.
func (c Claiming) Was() string { return c.was }

// Text is the claim in at most so many bytes, "" if that is too little.
func (c Claiming) Text(most int) string { return c.text("held", most) }

// Over is what takes its place when the run has ended.
func (c Claiming) Over(most int) string { return c.text("done", most) }

func (c Claiming) text(state string, most int) string {
	text := strings.Join([]string{state, c.Since.UTC().Format(time.RFC3339), c.Run}, " ")
	if len(text) > most {
		return ""
	}
	who := " " + claimable(c.Who)
	return strings.TrimSpace(text + who[:min(len(who), most-len(text))])
}

// Own reports whether text is the claim of this very run.
func (c Claiming) Own(text string) bool {
	found, ok := ReadClaim(text)
	return ok && found.Run == c.Run
}

// Against is why this run stops at what stands there by now: another run is at
// work ([ErrLocked]), or has been since the plan was made ([ErrMoved]). It is nil for
// what the plan has seen, what is older, and what runs of the same journal have left.
func (c Claiming) Against(text string) error {
	found, ok := ReadClaim(text)
	before, seen := ReadClaim(c.was)
	switch {
	case !ok, text == c.was, c.ours(found.Run), seen && found.Since.Before(before.Since):
		return nil
	case found.Holds():
		return found.locked(c.grant)
	}
	return &Error{Kind: ErrMoved, What: c.grant, Err: errors.New("another run was faster: " + found.String()), Hint: "run the same command again and look at the plan"}
}
