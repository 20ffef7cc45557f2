// What the provider can do wrong on purpose, so that the suite can be judged.
package memory

import "context"

// Flaw is one way to break a promise; "" is none.
type Flaw string

// The flaws.
const (
	Impure                     Flaw = "compiles differently each time"
	RenamesADocument           Flaw = "prints another document than its golden"
	HidesAResource             Flaw = "leaves a resource out of the offline plan"
	CutsNames                  Flaw = "cuts long names silently"
	TakesAnyBucketName         Flaw = "takes any bucket name"
	WritesInDiff               Flaw = "writes while planning"
	NeverAtRest                Flaw = "always finds something to change"
	MarksTooLate               Flaw = "makes things without a mark"
	IgnoresDrift               Flaw = "does not compare what is there"
	CountsNothing              Flaw = "does not count its calls"
	ForgetsKeys                Flaw = "does not see the keys that exist"
	ForgetsToRetire            Flaw = "says that a key is retired, which it is not"
	RetriesIssue               Flaw = "repeats the request that makes a key"
	UnknownIsFailure           Flaw = "takes an unknown outcome for a failure"
	IssuesTwice                Flaw = "makes two keys"
	IssuesTooEarly             Flaw = "makes the key before its permissions are bound"
	Dawdles                    Flaw = "goes on for long after a cancel"
	StopsHalfway               Flaw = "takes a half-destroyed grant for a destroyed one"
	NeverForgets               Flaw = "destroys what is not there"
	DropsData                  Flaw = "empties a bucket to drop it"
	DropsStrangers             Flaw = "destroys what is not ours"
	Widens                     Flaw = "grants more than was asked"
	Narrows                    Flaw = "grants less than was asked"
	PadsThePolicy              Flaw = "grants what nobody asked for and nobody tries"
	ForgetsTheSlash            Flaw = "grants sibling prefixes too"
	ForgetsThePrefix           Flaw = "grants the whole bucket"
	NeverExpires               Flaw = "forgets that a grant ends"
	ElsewhereIsHere            Flaw = "takes the grant's bucket for another one"
	WritesElsewhere            Flaw = "writes when it probes another bucket"
	LeavesProbes               Flaw = "leaves the objects of the proof"
	NeverTries                 Flaw = "reports what is wanted without trying"
	TakesAnyFailureForARefusal Flaw = "takes any failure for a refusal"
	TakesSilenceForConsent     Flaw = "takes any failure for a success"
	GivesUpEarly               Flaw = "does not wait for slow changes"
	TakesWhatIsThere           Flaw = "takes a stranger's principal or role for ours"
	AdoptsBuckets              Flaw = "adopts without consent"
	MarksAdopted               Flaw = "marks an adopted bucket as ours"
	OneMarkForAll              Flaw = "takes a neighbour's things for its own"
	NoKinds                    Flaw = "does not say what kind its errors are"
	LeaksInRevoke              Flaw = "puts the secret into the revoke command"
	LeaksInErrors              Flaw = "puts the secret into errors"
	LeaksInAddress             Flaw = "puts the secret into an address"
	HidesANeed                 Flaw = "names too few of the operator's permissions"
	AsksForTooMuch             Flaw = "names permissions that are never needed"
)

// The flaws that show only where several things go wrong, or an answer is lost.
const (
	UnmarksToMend     Flaw = "takes its mark off for a moment when it goes on with what is half made"
	ClaimsWhatWasLost Flaw = "takes a change of a policy that was not answered for made"
)

// The flaws that show only in grants other than the main one.
const (
	InventsAnIdentity      Flaw = "offers an identity that no grant uses"
	HidesTheDoor           Flaw = "leaves a keyless principal out of the offline plan"
	AsksForNoWord          Flaw = "asks nobody for a word"
	OpensToAnybody         Flaw = "lets other accounts in"
	ShutsTheDoor           Flaw = "lets nobody in"
	OnlySimulates          Flaw = "does not try where it could"
	HidesWhatAskingTakes   Flaw = "names too few permissions for a proof from afar"
	CannotBeAsked          Flaw = "cannot ask about whoever it can act as"
	TriesLittle            Flaw = "leaves what is granted to the simulator"
	ForgesNothing          Flaw = "has a forger that tries nothing"
	NeverForges            Flaw = "reports forgeries as refused without trying"
	SimulatesNothing       Flaw = "reports what is wanted without asking"
	LeavesTheDoor          Flaw = "leaves the way in when it destroys"
	TrustsLater            Flaw = "makes a principal first and its trust later"
	IgnoresTheDoor         Flaw = "does not compare who is trusted"
	PadsTheDoor            Flaw = "grants a keyless principal what nobody tries"
	LeaksSessions          Flaw = "puts the secret of a session into errors"
	TellsTheSecret         Flaw = "tells the secret in the outputs"
	TellsSomethingElse     Flaw = "tells something else at every run"
	PlansTheDoorByWriting  Flaw = "writes while planning a keyless grant"
	HidesANeedOfTheDoor    Flaw = "names too few permissions for a keyless grant"
	AsksForKeysToo         Flaw = "asks for the right to make keys where none is made"
	MarksSharedAsItsOwn    Flaw = "marks a shared bucket as one grant's"
	LeavesTheEmptyBucket   Flaw = "does not take the bucket along"
	ForgetsTheEndOfTheDoor Flaw = "forgets that a keyless grant ends"
	AsksOnlyOnce           Flaw = "says that what is not seen yet needs no time"
	ForgetsHalfADoor       Flaw = "takes a half-destroyed keyless grant for a destroyed one"
	TakesAnyPrincipal      Flaw = "takes a stranger's principal for its keyless one"
	SharesAnything         Flaw = "takes one grant's bucket for a shared one"
	DropsShared            Flaw = "drops a bucket that others share"
	IgnoresOrphans         Flaw = "does not see what names a lost principal"
	MendsStrangers         Flaw = "mends what names strangers' lost principals"
)

// The flaws that show only after the first day.
const (
	DropsTheOldKeyFirst  Flaw = "makes room for a new key by dropping the old one"
	ReadsOnePage         Flaw = "sees the first of several keys only"
	HidesTheAge          Flaw = "does not say when a key was made"
	ForgetsUse           Flaw = "does not say when a key was used, though it says so"
	SwitchesByDeleting   Flaw = "deletes a key that it should switch off"
	ForgetsUseOfTheIdle  Flaw = "does not say when a key was used that is switched off"
	SwitchesOnlyOff      Flaw = "says that a key is switched on again, which it is not"
	RemembersTheFirstUse Flaw = "says when a key was used first"
	SwitchesTheOldest    Flaw = "switches the oldest key, whichever is meant"
	RetiresTheYoungest   Flaw = "retires the youngest key, whichever is meant"
	RetiresByHalf        Flaw = "switches a key off that it should delete"
	SeesEveryKeyActive   Flaw = "takes a key that is switched off for one that works"
	NeverRejected        Flaw = "does not say that a key is not accepted"
	ShutsNothing         Flaw = "says that a grantee is shut out, which it is not"
	ShutsSilently        Flaw = "hides that it could not shut a grantee out"
	LooksAround          Flaw = "does not shut a grantee out whose role has drifted"
	ReopensTheDoor       Flaw = "takes a revocation for a drift"
	RestoresMore         Flaw = "gives back more than there was"
	OpensEverything      Flaw = "switches every key on when it lets a grantee in"
	OpensStolenKeys      Flaw = "lets a grantee in by switching its latest key on"
	ShutsStrangers       Flaw = "shuts strangers out"
	KeepsTheShut         Flaw = "does not destroy what was revoked"
	RingsForAll          Flaw = "has keys of those that have none"
	HidesANeedOfRotation Flaw = "names too few permissions for a rotation"
	AsksToRotateMore     Flaw = "names permissions for a revocation that are never needed"
	OverlooksLogins      Flaw = "does not see passwords"
	CriesWolf            Flaw = "finds what is not there"
	PromisesEverything   Flaw = "says that every permission is there"
	MindsNobody          Flaw = "does not tell other machines that it is at work"
	DoubtsEverything     Flaw = "says that no permission is there"
)

// The flaws that show only while readers are late.
const (
	CallsLateAFailure Flaw = "takes what is not visible yet for a failure"
	IssuesUntilListed Flaw = "makes another key if it does not see the first at once"
)

// empty deletes every object of the bucket.
func (s *steps) empty(ctx context.Context) {
	out, err := s.as(ctx, "object.list", request{})
	if err != nil {
		return
	}
	for _, k := range out.Names {
		_, _ = s.as(ctx, "object.delete", request{Key: k})
	}
}

// unbind removes every binding of the bucket.
func (s *steps) unbind(ctx context.Context) {
	out, err := s.as(ctx, "policy.read", request{})
	if err != nil {
		return
	}
	for _, b := range out.Bindings {
		_, _ = s.as(ctx, "policy.remove", request{Binding: b})
	}
}
