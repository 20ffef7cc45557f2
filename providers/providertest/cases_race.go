// Cases about runs at the same time.
package providertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// contest is what several runs want at once.
type contest struct {
	name   string
	fits   func(t *trial, b core.Blueprint) bool
	before func(t *trial, b core.Blueprint)
	runs   []string // by the names of commands; further ones begin again with the first
	ends   string   // the command that ends it, run where the first run was: "" is an apply
	once   bool     // however many run, one key is handed over
}

func contests() []contest {
	return []contest{
		{name: "apply and apply", fits: always, before: nothing, runs: []string{"apply"}, once: true},
		{name: "repair and repair", fits: powerful, before: drifted, runs: []string{"repair"}},
		{name: "apply and destroy", fits: powerful, before: drifted, runs: []string{"repair", "destroy"}, ends: "destroy"},
		{name: "destroy and destroy", fits: always, before: inUse, runs: []string{"destroy"}, ends: "destroy"},
		{name: "start and start", fits: rotatable, before: aged, runs: []string{"start"}},
		{name: "finish and abort", fits: rotatable, before: rotating, runs: []string{"finish", "abort"}},
		{name: "revoke and apply", fits: revocableDrift, before: drifted, runs: []string{"revoke", "repair"}, ends: "revoke"},
		{name: "revoke and start", fits: revocableKey, before: aged, runs: []string{"revoke", "start"}, ends: "revoke"},
		{name: "reissue and apply", fits: rotatable, before: aged, runs: []string{"reissue", "apply"}},
		{name: "reissue and reissue", fits: rotatable, before: aged, runs: []string{"reissue"}},
	}
}

func revocableDrift(t *trial, b core.Blueprint) bool { return powerful(t, b) && t.revocable(b) }
func revocableKey(t *trial, b core.Blueprint) bool   { return rotatable(t, b) && t.revocable(b) }

// races is how many histories are looked at.
const (
	races     = 50
	soakRaces = 1000
)

// RunsAtTheSameTimeSpareEachOther lets several runs meet on one grant, on
// machines that know nothing of each other and on one that they share. Whatever
// order their calls arrive in, nobody is given more than was granted, no secret
// is forgotten, what a run reports is so, and who is stopped is told.
func (cases) RunsAtTheSameTimeSpareEachOther(b *bench) {
	fits := map[string][]string{} // the grants of each contest
	for _, name := range b.oneOfEachKind() {
		b.now(func(t *trial) {
			blue := t.ready(t.called(name))
			for _, c := range contests() {
				if c.fits(t, blue) {
					fits[c.name] = append(fits[c.name], name)
				}
			}
		})
	}
	most := races
	if soak {
		most = soakRaces
	}
	b.suite("C1")
	for seed := range uint64(most) {
		c := contests()[seed%uint64(len(contests()))]
		name := fits[c.name][drawn(seed, uint64(len(fits[c.name])), "grant")]
		b.later(path(fmt.Sprintf("seed %d %s %s", seed, c.name, name)), func(t *trial) { t.contend(seed, c, t.called(name)) })
	}
}

// contend is one history.
func (t *trial) contend(seed uint64, c contest, g core.Grant) {
	t.Helper()
	b := t.ready(g)
	c.before(t, b)
	first := &machine{disk: t.disk}
	machines := []*machine{first}
	before, given := t.theirs(b), len(t.given)
	var all []*racer
	for i := range 2 + int(drawn(seed, 7, "runs")) {
		name := c.runs[i%len(c.runs)]
		m := first
		if i > 0 && drawn(seed, 3, "machine", i) > 0 {
			m = &machine{disk: &disk{settled: map[string]bool{}}}
			machines = append(machines, m)
		}
		all = append(all, &racer{name: name, machine: m, job: t.contender(name, b), begins: time.Duration(drawn(seed, uint64(2*time.Second), "begins", i))})
	}
	t.race(seed, all)
	t.judges(c, b, all, machines, before, given)
	t.settles(c, b, all, machines, before)
}

// contender is the run of that name; what it may touch it is told by name, because
// other machines do not know it.
func (t *trial) contender(name string, b core.Blueprint) job {
	t.Helper()
	o := core.RotateOptions{Force: true, Keys: ids(t.given)}
	switch name {
	case "finish":
		return finishing(b.Grant, o)
	case "abort":
		return aborting(b.Grant, o)
	case "reissue":
		return reissuing(b.Grant, o)
	}
	for _, c := range commands() {
		if c.name == name {
			return c.job(t, b)
		}
	}
	t.Fatalf("there is a command for every run of a race: got none called %q", name)
	return job{}
}

// takers are the commands that may end a key which somebody else has handed over.
var takers = []string{"destroy", "finish", "abort", "reissue", "revoke"}

// judges checks what must hold right after a race.
func (t *trial) judges(c contest, b core.Blueprint, all []*racer, machines []*machine, before theirs, given int) {
	t.Helper()
	when := "after a race of " + c.name
	t.spares(when, b, before)
	t.onRecord(when, b, machines)
	t.narrow(b, when)
	taken := slices.ContainsFunc(all, func(r *racer) bool { return slices.Contains(takers, r.name) })
	for _, r := range all {
		if r.err != nil {
			t.stoppedBy(r, taken)
			continue
		}
		if r.receipt.Key != nil && !slices.Contains(ids(r.desk.given), r.receipt.Key.ID) {
			t.Errorf("%s a receipt names a key that was handed over: got %s", when, r.receipt.Key.ID)
		}
		for _, k := range r.desk.given {
			if !taken && !slices.Contains(t.Keys(b), k.ID) {
				t.Errorf("%s a %s that reports success has handed over a key that works: got %s, which does not", when, r.name, k.ID)
			}
		}
		if r.name == "revoke" && r.plan.Changed() {
			t.refused(when, b)
		}
	}
	if handed := len(t.given) - given; c.once && !t.keyless(b.Grant) && handed != 1 {
		t.Errorf("%s one key is handed over: got %d", when, handed)
	}
	if c.once && !slices.ContainsFunc(all, func(r *racer) bool { return r.err == nil }) {
		t.Errorf("%s somebody wins: got %v", when, all[len(all)-1].err)
	}
}

// onRecord is accountedFor, whichever machine remembers it.
func (t *trial) onRecord(when string, b core.Blueprint, machines []*machine) {
	t.Helper()
	all := &disk{settled: map[string]bool{}}
	for _, m := range machines {
		all.intents = append(all.intents, m.disk.pending()...)
	}
	own := t.disk
	t.disk = all
	t.accountedFor(b, when)
	t.disk = own
}

// refused checks that nobody who was ever handed a key gets in.
func (t *trial) refused(when string, b core.Blueprint) {
	t.Helper()
	if t.keyless(b.Grant) {
		t.cut(when+", of which a revocation was part,", b, nil)
		return
	}
	for _, k := range t.given {
		actor, err := t.Provider().Act(t.Context(), b, k)
		t.say(nil, err)
		if err == nil {
			t.tries(when+", of which a revocation was part,", b, actor, false)
		}
	}
}

// settles repeats what was begun, on one machine after the other, and checks
// that it ends as it should, with nothing left to do or to settle.
func (t *trial) settles(c contest, b core.Blueprint, all []*racer, machines []*machine, before theirs) {
	t.Helper()
	time.Sleep(core.ClaimLasts)
	last := job{grant: b.Grant, noProof: !t.keyless(b.Grant)}
	shut := slices.ContainsFunc(all, func(r *racer) bool { return r.name == "revoke" })
	switch c.ends {
	case "":
	default:
		last = t.contender(c.ends, b)
	}
	for round := range 2 {
		for _, m := range machines {
			t.disk = m.disk
			writes := t.writing(func() {
				plan, _, err := t.do(last)
				if err != nil {
					t.Errorf("after a race of %s, an undisturbed %s succeeds: got error %v%s", c.name, last.name(), err, changes(plan))
				}
			})
			if round > 0 {
				t.holds("after a race of "+c.name+" a further "+last.name()+" writes nothing", writes, nil)
			}
			if debts := slices.DeleteFunc(t.disk.debts(), func(i core.Intent) bool { return i.Verb == core.DoLose || c.ends == "revoke" }); round > 0 && len(debts) > 0 {
				t.Errorf("after a race of %s everything is settled: got %+v pending", c.name, debts)
			}
		}
	}
	t.spares("after a race of "+c.name, b, before)
	switch {
	case shut:
		t.refused("in the end", b)
	case c.ends == "destroy":
		t.holds("after a destroy nothing is left", t.Ours(b), stays(b.Grant))
	default:
		if unknown := t.unknown(b); len(unknown) > 0 {
			t.Errorf("after a race of %s no key is in nobody's hands: got %q", c.name, unknown)
		}
		if !t.keyless(b.Grant) && len(t.Keys(b)) == 0 { // of two keys each of two runs has ended one: what only rests can be given back
			t.must(restoring(b.Grant, core.RevokeOptions{Keys: t.listed(b.Grant)}))
		}
		t.open(b)
	}
}
