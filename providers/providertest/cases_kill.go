// Cases about runs that die: at every call and at every write to the disk.
package providertest

import "fmt"

// EveryRunThatDiesIsGoneOnWith kills every command wherever it can leave something
// else behind than a moment before: before its first call, after each call that
// writes, after each record of the journal, before and after a delivery.
func (cases) EveryRunThatDiesIsGoneOnWith(b *bench) {
	all := b.recorded()
	b.group("kill", func(b *bench) {
		b.suite("K1")
		covered := cover{}
		for _, r := range all {
			for _, at := range r.boundaries() {
				if !covered.needs(r, at) {
					continue
				}
				m := mishap{killed, at.at, at.n}
				b.later(r.name()+" "+m.String(), func(t *trial) {
					blue := t.begins(r)
					before, err := t.disturbed(r.c, blue, r.want, func(j *job) { j.mishap = m })
					if err == nil && !at.last {
						t.Errorf("a run that died is no success: got no error, %s", m)
					}
					t.recovers(r.c, blue, r.want, before, m.at == afterWrite)
				})
				if m.at == afterWrite && r.c.opens {
					b.later(r.name()+" "+m.String()+" opens no more than was granted", func(t *trial) {
						blue := t.begins(r)
						_, _ = t.disturbed(r.c, blue, r.want, func(j *job) { j.mishap = m })
						t.narrow(blue, "after "+m.String())
					})
				}
			}
		}
	})
}

// boundary is a point of a run at which it can be cut short.
type boundary struct {
	at  moment
	n   int
	did string // what has just happened, or is about to: points of that kind are alike

	last bool // nothing may be left to do there: runs that were not disturbed differ in it
}

// boundaries are all the points of the run.
func (r *record) boundaries() (all []boundary) {
	for i, op := range r.calls {
		if i == 0 || soak { // before another nothing has changed since the last write or record
			all = append(all, boundary{at: beforeCall, n: i + 1, did: op.Name})
		}
	}
	for i, name := range r.writes() {
		all = append(all, boundary{afterWrite, i + 1, name, i+1 == len(r.writes())})
	}
	for i, note := range r.notes {
		all = append(all, boundary{recorded, i + 1, note, true})
	}
	for _, at := range []moment{beforeDelivery, afterDelivery} {
		for n := range r.moments[at] {
			all = append(all, boundary{at: at, n: n + 1})
		}
	}
	return all
}

func (r *record) name() string {
	if r.grant == "" {
		return "main " + r.c.name
	}
	return path(r.grant + " " + r.c.name)
}

// cover remembers which points were looked at. A point of a command is like another
// one if the same has just happened there, to a grantee that has a key as well or has none as well.
type cover map[string]bool

// needs reports whether nothing like the point was looked at yet, and notes it.
func (c cover) needs(r *record, at boundary) bool {
	if at.at == recorded && r.grant != "" && !soak {
		return false // the journal does not depend on what is granted
	}
	key := fmt.Sprint(r.c.name, " ", r.keyless, " ", at.at, " ", at.did)
	seen := c[key]
	c[key] = true
	return soak || !seen
}
