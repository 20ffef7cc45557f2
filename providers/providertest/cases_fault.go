// Cases about calls that fail: each in every way, before and after it takes effect, once, often and for ever.
package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// longest is how long a run may go on, whatever happens to its calls.
const longest = 30 * time.Minute

// EveryRunOutlivesEveryFault: whatever the cloud or the network does to a call, the
// run ends, tells the truth, and is gone on with once all is well.
func (cases) EveryRunOutlivesEveryFault(b *bench) {
	all := b.recorded()
	b.group("fault", func(b *bench) {
		b.suite("F1")
		for _, one := range program(all) {
			b.later(one.name(), one.play)
		}
	})
}

// play is a run with faults in a fresh world.
type play struct {
	r      *record
	faults []fault
}

func (p play) name() string {
	name := p.r.name()
	for _, f := range p.faults[:min(3, len(p.faults))] {
		name += " " + f.String()
	}
	if len(p.faults) > 3 {
		name += " and all others"
	}
	return name
}

func (p play) play(t *trial) {
	b := t.begins(p.r)
	start := time.Time{}
	before, err := t.disturbed(p.r.c, b, p.r.want, func(j *job) {
		j.faults, start = p.faults, time.Now()
		if !soak && p.r.proves() {
			j.patient = briefly
		}
	})
	if took := time.Since(start); took > longest {
		t.Errorf("a run ends whatever happens to its calls: got %s, want at most %s", took, longest)
	}
	if t.life.hurt == 0 && len(p.faults) != 3 && !p.mayMiss() {
		t.Errorf("a fault hits a call: got none of %q", fmt.Sprint(p.faults))
	}
	p.told(t, err)
	t.recovers(p.r.c, b, p.r.want, before, false)
}

// mayMiss reports whether the fault is for a call about the claim: which of those
// are needed depends on what happens to run beside them.
func (p play) mayMiss() bool {
	return len(p.faults) == 1 && strings.HasPrefix(p.faults[0].op, ofClaim)
}

// told checks that the error is of the right kind.
func (p play) told(t *trial, err error) {
	t.Helper()
	if err == nil || len(p.faults) != 1 {
		return
	}
	f := p.faults[0]
	if p.r.issues[f.op] && f.doubtful() && !errors.Is(err, core.ErrUnknown) {
		t.Errorf("whether a key was made is unknown: got error %v, want %v", err, core.ErrUnknown)
	}
	if f.why == Refused && f.times == 0 && !p.r.proves() && !slices.ContainsFunc([]error{core.ErrOperator, core.ErrBlocked, core.ErrNotOurs}, func(kind error) bool { return errors.Is(err, kind) }) {
		t.Errorf("what the operator may not do is said to be so: got error %v, want %v", err, core.ErrOperator)
	}
	if errors.Is(err, context.Canceled) {
		t.Errorf("nobody has canceled anything: got error %v", err)
	}
}

// proves reports whether the run tries what the grantee may do, which takes many calls.
func (r *record) proves() bool {
	return r.c.name == "apply with a proof" || r.keyless && (r.c.name == "apply" || r.c.name == "repair")
}

// program are the plays. Where there is no time for all, every operation that any
// command makes meets every fault for long somewhere, and every command of every
// kind of grant one that hits each of its operations once.
func program(all []*record) (plays []play) {
	if soak {
		return everything(all)
	}
	turn := 0
	for _, op := range operations(all) {
		for i, f := range faults(op, 1) {
			if f.times == 1 || (i+turn)%2 == 0 {
				continue // once is for the sweeps; a call that fails oftener than anybody tries fails for ever
			}
			in := making(all, op.Name)
			turn++
			plays = append(plays, play{in[turn%len(in)], []fault{f}})
		}
		turn++
	}
	return append(plays, sweeps(all)...)
}

// operations are all that any run makes, in order of their first call.
func operations(all []*record) (ops []cloudsim.Op) {
	for _, r := range all {
		for _, op := range r.calls {
			if !slices.Contains(ops, op) {
				ops = append(ops, op)
			}
		}
	}
	return ops
}

// making are the runs that make calls of that operation: those without a proof, if there are any.
func making(all []*record, op string) (in []*record) {
	for _, proof := range []bool{false, true} {
		for _, r := range all {
			if r.proves() == proof && slices.Contains(r.distinct(), op) && len(in) < 40 {
				in = append(in, r)
			}
		}
		if len(in) > 0 {
			return in
		}
	}
	return in
}

// sweeps let every operation of every run fail once, each run in one way and all in every way.
func sweeps(all []*record) (plays []play) {
	ways := slices.DeleteFunc(faults(cloudsim.Op{Write: true}, 1), func(f fault) bool { return f.times != 1 })
	for i, r := range all {
		f := ways[i%len(ways)]
		var each []fault
		for _, op := range r.distinct() {
			f.op = op
			each = append(each, f)
		}
		plays = append(plays, play{r, each})
	}
	return plays
}

// everything is every fault of every call of every run.
func everything(all []*record) (plays []play) {
	for _, r := range all {
		nth := map[string]int{}
		for _, op := range r.calls {
			nth[op.Name]++
			for _, f := range faults(op, nth[op.Name]) {
				plays = append(plays, play{r, []fault{f}})
			}
		}
	}
	return plays
}

// distinct are the operations of the run.
func (r *record) distinct() (names []string) {
	for _, op := range r.calls {
		if !slices.Contains(names, op.Name) {
			names = append(names, op.Name)
		}
	}
	return names
}
