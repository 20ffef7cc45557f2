// Runs: every command of the program with what must have happened before it, as one table.
package providertest

import (
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// command is one run of the program that can go wrong in any way. Run again, it
// must end as an undisturbed one ends.
type command struct {
	name   string
	fits   func(t *trial, b core.Blueprint) bool // whether a grant like b's has it
	before func(t *trial, b core.Blueprint)      // what has happened before, with nothing wrong
	job    func(t *trial, b core.Blueprint) job  // the run; asked again, the next one after it

	opens  bool // it changes what the grantee may do
	ends   bool // afterwards nobody gets in: the access is shut, or gone
	spent  bool // what its holder has need not work meanwhile
	phased bool // once it is done, the program may refuse to do it again
}

// commands is every command. The steps of a rotation follow each other: each
// finds the keys as the one before has left them.
func commands() []command {
	return []command{
		{name: "apply", fits: always, before: nothing, job: applying, opens: true, spent: true},
		{name: "apply with a proof", fits: mainGrant, before: nothing, job: proving, opens: true, spent: true},
		{name: "repair", fits: powerful, before: drifted, job: applying, opens: true},
		{name: "destroy", fits: always, before: inUse, job: destroying, ends: true, spent: true},
		{name: "destroy with the bucket", fits: emptied, before: applied, job: dropping, ends: true, spent: true},
		{name: "start", fits: rotatable, before: aged, job: func(_ *trial, b core.Blueprint) job { return starting(b.Grant) }, phased: true},
		{name: "finish", fits: rotatable, before: rotating, job: forcedFinish, phased: true},
		{name: "finish after the grace", fits: rotatable, before: resting, job: forcedFinish, phased: true},
		{name: "abort", fits: rotatable, before: rotating, job: abortion, phased: true},
		{name: "abort after a finish", fits: rotatable, before: resting, job: abortion, phased: true},
		{name: "reissue", fits: rotatable, before: aged, job: reissuingLost, spent: true, phased: true},
		{name: "reissue without room", fits: rotatable, before: crowded, job: reissuingFirst, spent: true, phased: true},
		{name: "revoke", fits: shuttable, before: inUse, job: func(_ *trial, b core.Blueprint) job { return revoking(b.Grant, core.RevokeOptions{}) }, ends: true, spent: true},
		{name: "restore", fits: shuttable, before: revoked, job: func(_ *trial, b core.Blueprint) job { return restoring(b.Grant, core.RevokeOptions{}) }, opens: true, spent: true},
	}
}

func always(*trial, core.Blueprint) bool { return true }

func mainGrant(t *trial, b core.Blueprint) bool {
	return kind(b.Grant) == kind(t.Grant()) && slices.Equal(b.Grant.Can, t.Grant().Can)
}

func powerful(t *trial, b core.Blueprint) bool  { return len(t.Powers(b)) > 0 }
func emptied(_ *trial, b core.Blueprint) bool   { return !b.Grant.Target.Adopt && !b.Grant.Target.Shared }
func rotatable(t *trial, b core.Blueprint) bool { return t.replaceable(b.Grant) }
func shuttable(t *trial, b core.Blueprint) bool { return t.revocable(b) }

func nothing(*trial, core.Blueprint) {}

func applied(t *trial, b core.Blueprint) { t.applied(b.Grant) }

// inUse is a grant with data, and with what others have set beside it.
func inUse(t *trial, b core.Blueprint) {
	applied(t, b)
	t.Plant(Others, b)
	t.Plant(Data, b)
}

// drifted is a grant of which somebody has taken a power away.
func drifted(t *trial, b core.Blueprint) {
	applied(t, b)
	t.Plant(Others, b)
	t.Tamper(b, t.Powers(b)[0], "")
}

func aged(t *trial, b core.Blueprint) {
	inUse(t, b)
	time.Sleep(week)
}

func rotating(t *trial, b core.Blueprint) {
	aged(t, b)
	t.must(starting(b.Grant))
	time.Sleep(week)
}

func resting(t *trial, b core.Blueprint) {
	rotating(t, b)
	t.must(finishing(b.Grant, core.RotateOptions{Force: true}))
	time.Sleep(grace)
}

// crowded is a grantee who has as many keys as it may have.
func crowded(t *trial, b core.Blueprint) { t.full(b.Grant, b) }

func revoked(t *trial, b core.Blueprint) {
	inUse(t, b)
	t.must(revoking(b.Grant, core.RevokeOptions{}))
}

// applying leaves a proof out where a secret is handed over: it is a command of
// its own. What is opened without a secret is proven by the run that opens it.
func applying(t *trial, b core.Blueprint) job {
	return job{grant: b.Grant, noProof: !t.keyless(b.Grant)}
}

func proving(_ *trial, b core.Blueprint) job    { return job{grant: b.Grant} }
func destroying(_ *trial, b core.Blueprint) job { return job{grant: b.Grant, absent: true} }

func dropping(_ *trial, b core.Blueprint) job {
	return job{grant: b.Grant, absent: true, want: core.Want{DropBucket: true}}
}

func forcedFinish(_ *trial, b core.Blueprint) job {
	return finishing(b.Grant, core.RotateOptions{Force: true})
}

func abortion(t *trial, b core.Blueprint) job {
	return aborting(b.Grant, core.RotateOptions{Force: !t.showsUse(b.Grant)})
}

func reissuingLost(_ *trial, b core.Blueprint) job {
	return reissuing(b.Grant, core.RotateOptions{Force: true})
}

func reissuingFirst(t *trial, b core.Blueprint) job {
	return reissuing(b.Grant, core.RotateOptions{Keys: []string{t.given[0].ID}})
}
