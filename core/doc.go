// Package core is the base of bucketgrant: the vocabulary of a grant and the
// one engine that plans, applies, proves and destroys it. It speaks no cloud.
//
// # The five decisions
//
//  1. The wish is abstract, the policy is not. A [Grant] says in words that
//     belong to no cloud who may do what where; each [Provider] compiles it into
//     its own policy language. Where a cloud cannot say exactly what the grant
//     says, the plan prints a [Gap]. Rejected: one least common policy language,
//     which would hide what each cloud really enforces.
//  2. Plan is the only dry run. Plan, apply and destroy are one code path: Diff
//     toward [Present] or [Absent], then Do. Rejected: a dry-run flag below the
//     plan, which is a second implementation and can lie.
//  3. The cloud is the state. Ownership is marked in the creating call, found
//     again by deterministic names, and checked before every change. A
//     [Journal] records the intent before each write, so that a crash can be
//     told from a success. Rejected: a state file, which drifts, is lost and leaks.
//  4. Proof is by becoming the grantee. [Engine.Prove] tries every ability with
//     the issued credential, granted and not granted. Where nobody can become
//     the grantee the cloud's own simulator is asked and the row says simulated.
//  5. The sandbox is a cloud, not a mock. The fakes authenticate requests and
//     enforce policies; the real clients run on top of them, unchanged.
//
// # Decisions taken while building
//
//   - Who the operator is, is asked side by side with the reads ([Steps.Whoami]),
//     not before them: it saves one round trip, and nothing is written until all
//     of them have answered.
//   - A credential is journaled twice: its issue, then its delivery. A key whose
//     delivery never settled is retired by the next run even if the proof has
//     used it; a key that is only suspected to be ours is retired only if it
//     was never used.
//   - The number of calls and their sequential depth is counted by the call
//     itself ([Begin]) in a lane carried by the context, so that the figure follows
//     what waits for what rather than the clock.
//   - Whose a thing is, is asked twice: by the plan, and again right before it is
//     altered, dropped or given a key, unless this very run has made it. A plan
//     that somebody has thought about for more than half a minute is made again first.
//     Rejected: trusting the plan, between which and its changes hours may pass.
//   - A saved plan is applied if the cloud is as it was reviewed. If it is not,
//     but the journal says that this plan was begun, what is left of it may be
//     carried out, and nothing else.
//   - Limits of a grant are conditions in the cloud's own policy language, so that
//     they hold whatever becomes of this program.
//   - What one cloud alone asks for (a project, a key for encryption) is a
//     [Setting]: data that the roof turns into flags and keys of the grant file.
//     Rejected: typed fields in Grant, which would teach core every cloud's words.
//   - How a grantee proves who it is, is an [Identity] that a provider declares: data
//     for plans, help and proofs. Where no secret is handed over there is nothing
//     to hold back until the proof is done, so what the run has opened is taken
//     back if the proof shows too much. The ways to pass for somebody else are
//     declared with it, and tried like abilities ([Enter], [Forgery]).
//   - The shape of a grant in one cloud (a group, a statement in the bucket's policy, two
//     roles) is the profile's data in the provider's own words ([Grant].Native),
//     which core carries and never reads. Rejected: shapes as types of core.
//   - A source document's own recipe is a grant like any other, marked literal: it is
//     compiled, planned and proven to be exactly as wide as it says it is.
//   - A shared bucket is marked as shared rather than as one grant's; whichever grant
//     comes first makes it, and none of them drops it while others use it.
//   - Many grants are many runs of the same engine, each with its own journal and
//     its own failure ([Fleet]). Only a bucket that they share is settled first, once.
//     Rejected: one plan of all, which one refusal would stop.
//   - What is known of a key that is in somebody's hands ([DoHold]), and since when
//     and why one is switched off ([DoRest]), stays in the journal for as long as
//     the key exists. Rejected: marks in the cloud, since keys cannot carry any
//     and a mark on their holder would cost a call each time.
//   - Where a rotation stands is told by the keys that exist and by those facts
//     ([Rotation]), so that no step of it has a state of its own that could be lost. Without the
//     journal a key is of unknown origin, and touched only if it is named.
//   - A revocation is a plan of keys and the gate alone ([KeyWant]): it does not look
//     at bucket and role, so that it takes one round trip more than asking, and
//     nothing that somebody has done to them is in its way. That the gate is shut is marked
//     in the cloud, and an apply refuses to open it again.
//   - Which run changes a grant is said by the journal's lock to runs on its machine,
//     and by a [Claim] on something of the grant's own to runs on others. A claim tells
//     people who is at work; where a cloud writes it only over what was read it also
//     stops the slower of two. Nothing that is safe depends on it. Rejected: a lock
//     object in the cloud, which takes a place of its own, more permissions, and
//     somebody to remove it after a crash.
//   - What a read does not show within minutes of a write, one of an earlier run included,
//     proves nothing: the run waits, then says that it has not converged. It never makes
//     such a thing again, nor calls it a stranger's; a key that was handed over and is
//     not listed yet stops the next issue, and so do keys that differ from those on
//     which the issue was decided. Rejected: trusting a list, and asking the user.
//   - What a restoration leaves is what the cloud can say exactly: on AWS a refusal by the
//     time at which a session began, on Google a wait for the tokens that live. That a
//     revocation was for a stolen key is known only to the journal of the machine that did it.
//   - Every change of the disk goes through one door (internal/safefile), where a test
//     can let each of them fail. Rejected: a file system as an interface, which every
//     caller would carry along for the sake of tests.
//   - The fakes are judged as well as the providers: what vendors publish for machines
//     watches the traffic between both (providers/providertest/contract), and servers
//     and clients of others take their place where they can. Where such a judge is
//     wrong or lacks something a row says so, and goes with its reason.
//   - Further powers of a provider are optional interfaces ([Finder], [Advisor]),
//     asked for in one place ([Power]); those of one grant are parts of its [Steps].
//   - Why an access fails is a table of causes with the signs of each ([Cause]), data
//     of the provider; the engine gathers symptoms and adds weights up. Rejected: a
//     decision tree in code, which nobody could test cause by cause.
package core
