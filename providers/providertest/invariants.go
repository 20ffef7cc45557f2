// Invariants: what must hold whatever has gone wrong, right after it and once a run has been repeated.
package providertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// lag is how long a list of keys may be behind.
const lag = 5 * time.Minute

// picture is what the judge compares of a cloud.
type picture struct {
	ours []string // what exists of the grant
	ring []string // its keys
}

// picture looks at everything that c may change.
func (t *trial) picture(c command, b core.Blueprint) picture {
	t.Helper()
	p := picture{ours: t.Ours(b)}
	if !t.keyless(b.Grant) && !strings.HasPrefix(c.name, "destroy") {
		p.ring = t.ring(b.Grant)
	}
	if strings.HasPrefix(c.name, "apply") { // a first key that never reached anybody is followed by another
		for i := range p.ring {
			p.ring[i] = strings.Replace(p.ring[i], "first", "latest", 1)
		}
	}
	return p
}

// theirs is what no run may change.
type theirs struct {
	foreign string   // what is not ours
	data    []string // objects
}

func (t *trial) theirs(b core.Blueprint) theirs {
	return theirs{t.Foreign(b), slices.DeleteFunc(t.Objects(b.Grant.Target.Bucket), func(key string) bool { return strings.HasSuffix(key, "/") })}
}

// disturbed carries c out on b's grant, in a way that disturb spoils, and checks
// what must hold right after. want is what an undisturbed run leaves.
func (t *trial) disturbed(c command, b core.Blueprint, want picture, disturb func(*job)) (before theirs, err error) {
	t.Helper()
	c.before(t, b)
	given, before := len(t.given), t.theirs(b)
	j := c.job(t, b)
	disturb(&j)
	_, r, err := t.do(j)
	t.stands(c, b, before)
	t.truthful(c, b, want, given, r, err)
	return before, err
}

// stands checks what must hold at every moment, also where a run has died.
func (t *trial) stands(c command, b core.Blueprint, before theirs) {
	t.Helper()
	when := "after a disturbed " + c.name
	t.spares(when, b, before)
	t.accountedFor(b, when)
	if n := len(t.unknown(b)); n > 1 {
		t.Errorf("%s at most one secret is in nobody's hands: got %d working keys that were not delivered", when, n)
	}
	if !c.spent && !t.keyless(b.Grant) {
		t.helped(b, when)
	}
}

// accountedFor checks that every working key was delivered or is known to the
// journal as a debt, so that the next run finds it.
func (t *trial) accountedFor(b core.Blueprint, when string) {
	t.Helper()
	known := map[string]bool{}
	issuing := false
	for _, id := range slices.Concat(ids(t.given), t.byHand) {
		known[id] = true
	}
	for _, i := range t.disk.debts() {
		known[i.Key] = true
		issuing = issuing || i.Verb == core.DoIssue
	}
	for _, id := range t.Keys(b) {
		if !known[id] && !issuing {
			t.Errorf("%s every working key was delivered or is on record: got %q, which is neither", when, id)
		}
	}
}

// unknown are the keys that work and that nobody was handed.
func (t *trial) unknown(b core.Blueprint) []string {
	return slices.DeleteFunc(t.Keys(b), func(id string) bool { return slices.Contains(slices.Concat(ids(t.given), t.byHand), id) })
}

// spares checks that nothing has happened to what is not ours, and that data is
// where it was. What is ours and bears no mark would be among what is not.
func (t *trial) spares(when string, b core.Blueprint, before theirs) {
	t.Helper()
	now := t.theirs(b)
	probe := strings.TrimPrefix(b.Probes, b.Grant.Target.Prefix)
	if !strings.Contains(now.foreign, probe) { // a proof that was cut short leaves something in a bucket that is not ours
		t.same(when+" what is not ours is as it was", now.foreign, before.foreign)
	}
	for _, key := range before.data {
		if !slices.Contains(now.data, key) {
			t.Errorf("%s data is kept: got %q, want %s among it", when, now.data, key)
		}
	}
}

// truthful checks that what a run reports is so: success only if everything is
// as an undisturbed run leaves it, and a key only if it was delivered.
func (t *trial) truthful(c command, b core.Blueprint, want picture, given int, r core.Receipt, err error) {
	t.Helper()
	if r.Key != nil && !slices.Contains(ids(t.given[given:]), r.Key.ID) && !errors.Is(err, core.ErrUnknown) {
		t.Errorf("a receipt names a key that was handed over: got %s, error %v", r.Key.ID, err)
	}
	if err != nil {
		return
	}
	t.agrees("a "+c.name+" that reports success has done what it should", t.picture(c, b), want)
	if len(t.unknown(b)) > 0 && !c.ends {
		t.Errorf("a %s that reports success leaves no key in nobody's hands: got %q", c.name, t.unknown(b))
	}
	if c.ends {
		t.out(c, b, "after a "+c.name+" that reports success")
	}
}

// agrees compares what runs leave behind.
func (t *trial) agrees(promise string, got, want picture) {
	t.Helper()
	t.holds(promise, got.ours, want.ours)
	t.holds(promise+", to the keys", got.ring, want.ring)
}

// out checks that nobody gets in any more.
func (t *trial) out(c command, b core.Blueprint, when string) {
	t.Helper()
	if c.name == "revoke" {
		t.cut(when, b, nil)
	} else {
		t.shut(b, when)
	}
}

// recovers repeats c, in a cloud that is well, and checks that it ends as an
// undisturbed run does, with nothing left to do or to settle. died says that the
// disturbed run may not have got as far as proving what it has opened.
func (t *trial) recovers(c command, b core.Blueprint, want picture, before theirs, died bool) {
	t.Helper()
	plan, r, err := t.do(c.job(t, b))
	if err != nil && (!c.phased || !errors.Is(err, core.ErrInvalid)) {
		t.Errorf("%s, run again, goes on: got error %v, %+v%s", c.name, err, r.Failures(), changes(plan))
		return
	}
	t.agrees(c.name+", run again, leaves what an undisturbed run leaves", t.picture(c, b), want)
	t.spares("after a rerun of "+c.name, b, before)
	if unknown := t.unknown(b); len(unknown) > 0 {
		t.Errorf("%s, run again, leaves no key in nobody's hands: got %q", c.name, unknown)
	}
	if r.How != core.Skipped && r.How != "" {
		t.proven(b, r.Proof)
	} else if died && t.keyless(b.Grant) && c.name == "apply" {
		t.Errorf("what an earlier run has opened is proven by the next: got %q", r.How)
	}
	t.idle(c, b)
	if c.ends {
		t.out(c, b, "after a rerun of "+c.name)
		return
	}
	t.open(b)
}

// idle checks that a further run has nothing to do: the same one where something
// ends, else an apply.
func (t *trial) idle(c command, b core.Blueprint) {
	t.Helper()
	if slices.ContainsFunc(t.disk.debts(), func(i core.Intent) bool { return i.Verb == core.DoHand }) {
		time.Sleep(lag) // a key that was taken back, and which no list shows, is taken back again for so long
	}
	if !c.ends {
		t.rests(b.Grant)
		return
	}
	writes := t.writing(func() {
		if plan, _ := t.must(c.job(t, b)); plan.Changed() {
			t.Errorf("a further %s has nothing to do: got%s", c.name, changes(plan))
		}
	})
	t.holds("a further "+c.name+" writes nothing", writes, nil)
	if debts := t.disk.debts(); len(debts) > 0 {
		t.Errorf("everything is settled: got %+v pending", debts)
	}
}

// open checks that b's grantee gets in, with the latest of what works and it was handed.
func (t *trial) open(b core.Blueprint) {
	t.Helper()
	holds, works := core.Credential{}, t.Keys(b)
	for _, c := range t.given {
		if slices.Contains(works, c.ID) {
			holds = c
		}
	}
	actor, err := t.Provider().Act(t.Context(), b, holds)
	t.say(nil, err)
	switch {
	case errors.Is(err, core.ErrNotHere):
	case err != nil:
		t.Errorf("in the end the grantee gets in: got error %v, want success", err)
	default:
		t.tries("in the end", b, actor, true)
	}
}

// narrow checks that nobody who holds anything of b's may do more than was granted.
func (t *trial) narrow(b core.Blueprint, when string) {
	t.Helper()
	works := t.Keys(b)
	holders := slices.DeleteFunc(slices.Clone(t.born), func(c core.Credential) bool { return !slices.Contains(works, c.ID) })
	if t.keyless(b.Grant) {
		holders = []core.Credential{{}}
	}
	for _, c := range holders {
		actor, err := t.Provider().Act(t.Context(), b, c)
		t.say(nil, err)
		if err != nil {
			continue // nobody gets in at all
		}
		can := t.Provider().Info().Abilities
		if some, ok := actor.(core.Partial); ok {
			can = some.Tries()
		}
		t.attempts++
		for _, p := range core.ProbesFor(b, can, "judge-narrow", "") {
			if p.Want != core.Denied && p.Ability != core.Create {
				continue // what is refused may be aimed at what was created before
			}
			got, err := actor.Try(t.Context(), p)
			t.say(got, err)
			if got == core.Allowed && p.Want == core.Denied {
				t.Errorf("%s nobody may do more than was granted: got %s %s %s", when, p.Ability, p.Where, got)
			}
		}
	}
}

// helped checks that the holder has a key that works.
func (t *trial) helped(b core.Blueprint, when string) {
	t.Helper()
	works := t.Keys(b)
	if !slices.ContainsFunc(t.given, func(c core.Credential) bool { return slices.Contains(works, c.ID) }) {
		t.Errorf("%s a key that was delivered works: got %s of those delivered: %s", when, strings.Join(works, " "), fmt.Sprint(ids(t.given)))
	}
}
