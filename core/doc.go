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
package core
