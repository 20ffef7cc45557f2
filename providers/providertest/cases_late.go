// Cases about writes that readers see late: each write of every command, for every length, steadily or in turns.
package providertest

import (
	"errors"
	"fmt"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// EveryWriteMayBeSeenLate delays what readers see of one write at a time. A run then
// ends as it should or says that it could not see that it has, soon enough and
// without making anything twice; once everything is seen, the next run is the last
// that writes.
func (cases) EveryWriteMayBeSeenLate(b *bench) {
	all := b.recorded()
	b.group("late", func(b *bench) {
		b.suite("E1")
		covered := cover{}
		for _, r := range all {
			for _, op := range r.late {
				for _, l := range latenesses() {
					if covered.late(r, op, l) {
						b.later(r.name()+" "+path(op)+" is seen late "+l.name, func(t *trial) { t.seenLate(r, op, l) })
					}
				}
			}
		}
	})
}

// late reports whether it is worth a look, and notes it. Writes of one kind by one
// command are alike for all grantees of one identity. Where time is short each kind
// of write is looked at once where it is never seen, and one way of the others in
// turn, so that every way meets every command.
func (c cover) late(r *record, op string, l lateness) bool {
	key := fmt.Sprint(r.c.name, " ", r.who, " ", op, " ", l.name)
	if c[key] {
		return false
	}
	n, first := len(c), l.worst() && !c[op]
	c[key] = true
	if first {
		c[op] = true
	}
	return soak || first || n%oneInSoMany == 0
}

// oneInSoMany ways are looked at where time is short. It shares no divisor with
// their number, so that each gets its turn.
const oneInSoMany = 13

// seenLate carries r's command out while readers see its first write of one kind late.
func (t *trial) seenLate(r *record, op string, l lateness) {
	t.Helper()
	blue := t.begins(r)
	r.c.before(t, blue)
	given, before := len(t.given), t.theirs(blue)
	t.late = &late{op: op, lag: &l.lag}
	receipt, err := t.patiently(r.c, blue)
	t.stands(r.c, blue, before)
	if l.lag.Delay == never {
		_, _ = t.patiently(r.c, blue)
		t.stands(r.c, blue, before)
	}
	if l.lag.Facts() == 0 {
		t.Errorf("the run writes what is to be seen late: got no %s", op)
	}
	l.lag.End()
	if l.lag.Delay != never {
		t.truthful(r.c, blue, r.want, given, receipt, err)
	}
	t.recovers(r.c, blue, r.want, before, false)
}

// patiently carries c out where readers are late: it ends soon enough, makes one key
// at most, and gives no other reason than that it could not see what it has done.
func (t *trial) patiently(c command, b core.Blueprint) (core.Receipt, error) {
	t.Helper()
	start, issues := time.Now(), t.issues
	plan, r, err := t.do(c.job(t, b))
	if took, most := time.Since(start), 2*t.Provider().Info().Settle; took > most {
		t.Errorf("a %s whose effect is seen late ends soon enough: got %s, want at most %s", c.name, took, most)
	}
	if n := t.issues - issues; n > 1 {
		t.Errorf("a %s makes one key at most: got %d", c.name, n)
	}
	comes := t.late.lag.Flaps && errors.Is(err, core.ErrMoved) // what comes and goes may be taken to have changed
	if err != nil && !comes && !errors.Is(err, core.ErrNotConverged) && !errors.Is(err, core.ErrUnproven) && (!c.phased || !errors.Is(err, core.ErrInvalid)) {
		t.Errorf("a %s whose effect is seen late says so: got error %v%s", c.name, err, changes(plan))
	}
	return r, err
}
