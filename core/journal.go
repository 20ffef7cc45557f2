// The journal: what was intended, so that a crash can be told from a success.
package core

import "time"

// Journal is a durable, append-only record of one grant's writes. It never
// holds a secret. Every method returns only when the record is on the disk.
type Journal interface {
	// Intend records that a write is about to happen.
	Intend(i Intent) error

	// Settle records what came of it. ok false means that it clearly did not happen.
	Settle(id string, ok bool) error

	// Pending returns the intents that were never settled, oldest first.
	Pending() ([]Intent, error)
}

// Intent is one write that is about to happen.
type Intent struct {
	ID      string    `json:"id"` // unique in the journal
	RunID   string    `json:"run_id"`
	Account string    `json:"account"` // a journal may serve several accounts, each knowing nothing of the others
	Verb    Verb      `json:"verb"`
	Addr    string    `json:"addr"`
	At      time.Time `json:"at"`
	Key     string    `json:"key,omitempty"`   // the credential's ID, once it is known
	Known   []string  `json:"known,omitempty"` // IDs of the credentials that existed before an issue
	Opens   []string  `json:"opens,omitempty"` // addresses of what is made for the grantee before it is proven
	Cause   string    `json:"cause,omitempty"` // why a key is switched off; with [DoChange], once that has taken effect

	Ack *Acknowledgement `json:"ack,omitempty"` // of a delivery
}

// Verb is what an intent does.
type Verb string

// The verbs.
const (
	DoChange Verb = "change"  // one change of a plan
	DoIssue  Verb = "issue"   // a credential is made
	DoHand   Verb = "deliver" // a credential that exists is proven and delivered
	DoProve  Verb = "prove"   // what is opened to a grantee without a key is proven
	DoPlan   Verb = "plan"    // a plan that was saved is carried out; who began it settles it
	DoHold   Verb = "hold"    // a key is in its holder's hands, until it is retired
	DoRest   Verb = "rest"    // a key is switched off, until it is switched on or retired
	DoLose   Verb = "lose"    // a key whose secret is lost is replaced
	DoClaim  Verb = "claim"   // a run has told other machines that it changes the grant, for as long as that may stand there
)

// Lasts reports whether an intent of that verb is a fact, which stays for as long as it
// holds. All others are debts: some run has to settle them.
func (v Verb) Lasts() bool { return v == DoHold || v == DoRest || v == DoClaim }
