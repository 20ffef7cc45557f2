// World: the cloud in which a provider is judged, and what the judge may do to it behind the provider's back.

// Package providertest is the judge: one conformance suite that every provider
// runs. It knows no provider; it sees a cloud only through [World], and it
// counts, breaks and delays calls at the transport.
package providertest

import (
	"net/http"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// Open makes a fresh cloud. The suite calls it anew for each case, inside a
// testing/synctest bubble: no socket may be opened, and every goroutine that it
// starts must end by itself or in t.Cleanup. What goes wrong in a method of the
// World is reported with t.Fatal. A World need not be safe for concurrent use.
type Open func(t *testing.T) World

// World is one fresh cloud, whose owner is the operator. Nothing in it is ours
// at first. Provider and ProviderAs go through Transport; every other method
// reaches into the cloud by other means, and its effect is seen at once.
type World interface {
	// Provider acts as an operator who may do everything. Each call returns a
	// new one, as a new process would, without anything remembered.
	Provider() core.Provider

	// ProviderAs acts as an operator who may do exactly these things. A nil p is
	// an operator who is known to the cloud and may do nothing.
	ProviderAs(p []core.Permission) core.Provider

	// Grant is an event-dump grant (create and abort) with a prefix, on a bucket
	// that does not exist, with every setting that the cloud requires.
	Grant() core.Grant

	// Grants are further grants by name, sound or literal: one for each profile,
	// variant and identity that this cloud has ("clickhouse",
	// "clickhouse+read-only", "event-dump account", "postgres-backup"). The grant
	// of Grant is not among them. None of their buckets exists; where a grant
	// adopts its bucket, the judge plants [OwnersBucket] first.
	Grants() map[string]core.Grant

	// Goldens are grants by the folder, relative to the package under test, that
	// holds their documents: NAME.json for every [core.Document]. White space
	// in the files does not matter, everything else does.
	Goldens() map[string]core.Grant

	// Transport is what every call of every provider of this world crosses. Its
	// Classify must tell writes from reads. A call that only fetches a token for
	// the caller is not a write. The judge sets Fault and Latency. Whatever a request
	// changes that needs time to be seen is seen as the [cloudsim.Lag] says that
	// was lent to it.
	Transport() *cloudsim.Transport

	// Answer is how this cloud answers r when it does not serve it for that reason,
	// with the status and in the format of the API that r is for.
	Answer(r *http.Request, why Trouble) *http.Response

	// Decisive are the operations whose answer must not be lost unnoticed: those
	// that make a principal, a bucket or a key, and those that replace a shared document.
	Decisive() []string

	// SetDelay makes later changes of identities, keys and policies invisible
	// for so long to whoever reads or authorizes.
	SetDelay(d time.Duration)

	// Strangers are the strangers that this cloud can have: all but those that it
	// has no notion of.
	Strangers() []Stranger

	// Plant makes s, without our mark, under the names that b would use. It may
	// be called before and after b was applied.
	Plant(s Stranger, b core.Blueprint)

	// Foreign is a canonical text of everything in the cloud that is not ours:
	// what was planted, with its policies, settings, marks and objects, and the
	// foreign parts of what is ours or adopted (statements, bindings, lifecycle
	// rules). It leaves out what the grant alone adds and whatever changes by itself.
	Foreign(b core.Blueprint) string

	// Ours names what exists of b's grant, one address or name each, sorted; the
	// statements or bindings that it adds to foreign things too. A bucket that it
	// made is "bucket", also if it is shared. Keys are not in it, nor what
	// stays for others after the last grant has gone.
	Ours(b core.Blueprint) []string

	// Keys are the IDs of the keys of b's principal that are switched on, sorted,
	// whether or not the principal itself is shut out.
	Keys(b core.Blueprint) []string

	// AddKey makes one more key of b's principal, which exists, as a person would by
	// hand. It returns its ID; "" if a grantee like b's has no keys.
	AddKey(b core.Blueprint) string

	// Spoil does what an inspection of b's grant, which was applied, must find: a
	// finding of that kind. It reports false, having done nothing, if this cloud cannot have it.
	Spoil(b core.Blueprint, kind core.FindingKind) bool

	// Objects are the keys of everything stored in the bucket, sorted, unfinished
	// uploads and versions that are not deleted included; none if there is no bucket.
	Objects(bucket string) []string

	// Powers are the cloud's own actions that b's policy, as compiled, gives its
	// principal; the grant need not have been applied. Unless the grant is
	// literal, a proof must notice when one of them is missing.
	Powers(b core.Blueprint) []string

	// Excesses are names of ways in which a policy can be too wide: one for
	// each ability that b does not grant and an actor can try, and at least one
	// that widens the place (a sibling prefix, the whole bucket) instead. Of
	// the grants of Grants, whatever can be widened: a door that somebody else
	// could pass too. A proof of b must notice every one.
	Excesses(b core.Blueprint) []string

	// Tamper rewrites what b's principal may do: without the power drop, and
	// with the excess add; "" is neither. What it adds is not part of Foreign. An
	// excess about another bucket needs [OtherBucket], which the judge plants before.
	Tamper(b core.Blueprint, drop, add string)

	Loser
}

// Loser is a World in which somebody can delete a grantee behind our back.
type Loser interface {
	// Lose deletes b's principal (its user, role or account, with its keys) as a
	// person at the cloud's console would. Whatever names it elsewhere, in a
	// policy of the bucket for example, stays and is shown as this cloud shows
	// what names nobody. It reports false, having done nothing, if b has no principal of its own.
	Lose(b core.Blueprint) bool
}

// Minter is a World whose cloud gives temporary secrets to grantees: session
// keys, tokens. None of them may show up anywhere.
type Minter interface {
	Minted() [][]byte
}

// Sessioner is a World in which whoever holds a key can make a session with it,
// which may live on when the key does not.
type Sessioner interface {
	// Session tries things with a session that it makes now with the key of that ID,
	// which works; nil if a key like that makes none.
	Session(b core.Blueprint, id string) core.Actor
}

// Blocker is a World whose cloud knows policies of an organisation.
type Blocker interface {
	// Block forbids, for the whole organisation, that keys are made.
	Block()
}

// Stranger is a kind of thing that is not ours.
type Stranger string

// The strangers. Those up to Group take a name that the grant needs; to plant
// one where b needs no such name does nothing.
const (
	StrangersBucket Stranger = "stranger's bucket" // of another owner
	OwnersBucket    Stranger = "owner's bucket"    // of the operator's account or project, holding an object and settings of its own; fit to be adopted
	Principal       Stranger = "principal"
	Role            Stranger = "role" // the policy or role, whatever carries permissions
	Group           Stranger = "group"

	// Others live beside the grant: foreign statements or bindings, a lifecycle
	// rule and a mark (tag, label) on the grant's bucket, which exists.
	Others Stranger = "foreign settings"
	// OtherBucket is one more bucket of the same owner, holding an object.
	OtherBucket Stranger = "other bucket"
	// Data is one object inside the grant's prefix and one outside, in its bucket, which exists.
	Data Stranger = "data"
)

// Namesakes are the strangers that stand where something of the grant would.
func Namesakes() []Stranger {
	return []Stranger{StrangersBucket, OwnersBucket, Principal, Role, Group}
}
