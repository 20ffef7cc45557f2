// Records: what every command does on every grant where nothing goes wrong, so that each point of it can be disturbed.
package providertest

import (
	"maps"
	"slices"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// record is one undisturbed run of a command on a grant.
type record struct {
	grant string // its name; "" is the main one
	who   core.Who
	c     command

	keyless bool // its grantee is handed nothing

	want    picture         // what it leaves
	calls   []cloudsim.Op   // in order
	moments map[moment]int  // how often there was one
	notes   []string        // what it wrote to the journal
	issues  map[string]bool // the operations that make a credential
	late    []string        // the operations whose effect readers may see late
}

// records are all of them, made once for all cases.
type records struct {
	once sync.Once
	mu   sync.Mutex
	by   map[string]*record
	list []*record
}

// recorded makes the records, or waits until somebody has. Grants that differ
// from another one only in what they allow are looked at when there is time for it.
func (b *bench) recorded() []*record {
	b.records.once.Do(func() {
		b.records.by = map[string]*record{}
		names := b.oneOfEachKind()
		b.group("undisturbed", func(b *bench) {
			for _, name := range names {
				for _, c := range commands() {
					b.later(path(name+" "+c.name), func(t *trial) { t.record(b.records, name, c) })
				}
			}
		})
		for _, name := range names {
			for _, c := range commands() {
				if r := b.records.by[name+" "+c.name]; r != nil {
					b.records.list = append(b.records.list, r)
				}
			}
		}
	})
	return b.records.list
}

// oneOfEachKind are names of grants, beginning with the main one.
func (b *bench) oneOfEachKind() (names []string) {
	names = []string{""}
	b.now(func(t *trial) {
		seen := map[string]bool{kind(t.Grant()): true}
		for _, name := range slices.Sorted(maps.Keys(t.Grants())) {
			if k := kind(t.Grants()[name]); soak || !seen[k] {
				seen[k] = true
				names = append(names, name)
			}
		}
	})
	return names
}

// called is the grant of that name.
func (t *trial) called(name string) core.Grant {
	if name == "" {
		return t.Grant()
	}
	return t.Grants()[name]
}

func (t *trial) record(all *records, name string, c command) {
	t.Helper()
	g := t.called(name)
	b := t.ready(g)
	if !c.fits(t, b) {
		return
	}
	c.before(t, b)
	r := &record{grant: name, who: g.Who, c: c, keyless: t.keyless(g), issues: map[string]bool{}}
	j := c.job(t, b)
	j.born = func() { t.issuing = r.issues }
	t.late = &late{}
	before := len(t.Transport().Calls())
	t.must(j)
	r.late, t.late, t.issuing = t.late.noted, nil, nil
	for _, call := range t.Transport().Calls()[before:] {
		r.calls = append(r.calls, call.Op)
	}
	r.moments, r.notes = t.life.seen, t.life.notes
	r.want = t.picture(c, b)
	all.mu.Lock()
	defer all.mu.Unlock()
	all.by[name+" "+c.name] = r
}

// begins is r's command in a fresh world: the grant, compiled, with what it presupposes.
func (t *trial) begins(r *record) core.Blueprint {
	t.Helper()
	return t.ready(t.called(r.grant))
}

// writes are the names of the calls that write, in order.
func (r *record) writes() (names []string) {
	for _, op := range r.calls {
		if op.Write {
			names = append(names, op.Name)
		}
	}
	return names
}
