// Prove: trying everything as the grantee, granted and not granted.
package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// How a proof is made.
const (
	Tried     = "tried"     // with the credential itself
	Simulated = "simulated" // by asking the cloud what it would do
	Skipped   = "skipped"   // not at all
)

// Row is one probe and what came of it.
type Row struct {
	Probe
	Got Outcome `json:"got"`
	How string  `json:"how"`           // [Tried] or [Simulated]
	Err string  `json:"err,omitempty"` // why an outcome is unclear

	cause error // what Err is the text of, if the cloud was asked
}

// OK reports whether the outcome is the wanted one.
func (r Row) OK() bool { return r.Got == r.Want }

// Proof is the result of trying everything. It is part of other documents, so
// the names of its fields are whole ones.
type Proof struct {
	How     string        `json:"proof"` // [Tried], [Simulated] or [Skipped]
	Rows    []Row         `json:"proof_rows,omitempty"`
	Waited  time.Duration `json:"proof_waited_ns,omitempty"` // until everything granted worked steadily
	Left    []string      `json:"probes_left,omitempty"`     // keys of probe objects that may be there still
	Missing []string      `json:"not_tried,omitempty"`       // what could not be tried at all, with the reason
}

// Failures are the rows that are not as wanted.
func (p Proof) Failures() []Row {
	return slices.DeleteFunc(slices.Clone(p.Rows), Row.OK)
}

// DefaultPace is the time between two rounds of a proof: long enough for the
// rounds to meet different endpoints of a cloud that spreads changes slowly.
const DefaultPace = 2 * time.Second

const (
	steady = 3                // consecutive successes that make a positive believable: one alone may come from the only endpoint that knows
	tryFor = 30 * time.Second // one try
	atOnce = 6                // probes side by side
)

// prover is one proof under way.
type prover struct {
	actor  Actor
	probes []Probe
	settle time.Duration
	pace   time.Duration
	tell   func(Event)
	keys   map[string]bool                                // every key that a probe may have written
	plant  func(ctx context.Context, keys []string) error // puts objects as the operator; nil if nobody can
	idle   bool                                           // the grantee may not put the objects that others are aimed at
	last   int                                            // the round of positives whose objects the negatives are aimed at
}

// prove tries everything. Its error is of kind [ErrUnproven] or [ErrNotConverged].
func (v *prover) prove(ctx context.Context) (Proof, error) {
	i := slices.IndexFunc(v.probes, func(p Probe) bool { return p.Want != Allowed })
	if i < 0 {
		i = len(v.probes)
	}
	proof := Proof{How: Tried}
	start := time.Now()
	rows, err := v.positives(ctx, v.probes[:i])
	proof.Rows, proof.Waited = rows, time.Since(start)
	if err != nil {
		return proof, err
	}
	if err := v.renew(ctx, v.probes[:i]); err != nil {
		return proof, err
	}
	rows, err = v.negatives(ctx, v.probes[i:])
	proof.Rows = append(proof.Rows, rows...)
	return proof, err
}

// renew puts an object for the negatives to be aimed at, where the last round of
// positives has removed its own.
func (v *prover) renew(ctx context.Context, positives []Probe) error {
	if !slices.ContainsFunc(positives, Probe.removes) {
		return nil
	}
	i := slices.IndexFunc(positives, func(p Probe) bool { return p.Ability == Create && p.Where == Inside })
	for try := 1; ; try++ {
		v.last++
		if i < 0 {
			return nil // the round plants it
		}
		rows, err := v.round(ctx, positives[i:i+1], v.last)
		if err != nil || rows[0].OK() {
			return err
		}
		if try == steady+2 {
			return &Error{Kind: ErrNotConverged, What: string(Create), Err: errors.New("worked before, and does not any more: " + rows[0].Err)}
		}
		if err := sleep(ctx, v.pace); err != nil {
			return err
		}
	}
}

// removes reports whether p takes an object of the proof away.
func (p Probe) removes() bool {
	return p.Where == Inside && (p.Ability == Delete || p.Ability == Erase)
}

// positives tries what is granted until it works [steady] times in a row, or
// the cloud's time to settle is over.
func (v *prover) positives(ctx context.Context, probes []Probe) ([]Row, error) {
	worked := make([]int, len(probes)) // consecutive successes of each probe
	ever := make([]bool, len(probes))  // whether it worked at all
	deadline := time.Now().Add(v.settle)
	for round, good := 1, 0; ; round++ {
		v.last = round
		rows, err := v.round(ctx, probes, round)
		if err != nil {
			return rows, err
		}
		bad := 0
		for i, r := range rows {
			if r.OK() {
				worked[i]++
				ever[i] = true
			} else {
				worked[i] = 0
				bad++
			}
		}
		if good++; bad > 0 {
			good = 0
		}
		v.tell(Event{Kind: Proving, Text: fmt.Sprintf("%d of %d granted abilities work (%d of %d times in a row)", len(rows)-bad, len(rows), good, steady)})
		if good == steady {
			return rows, nil
		}
		if bad > 0 && time.Now().Add(v.pace).After(deadline) { // what works now may finish its rounds
			return rows, v.late(rows, worked, ever)
		}
		if err := sleep(ctx, v.pace); err != nil {
			return rows, err
		}
	}
}

// late tells too little access from a change that is not visible yet; one of the
// rows is not as wanted. The credential has arrived if one ability has worked steadily, or if no outcome is
// unclear: only a known caller is denied. What has then been denied for the
// whole time that the cloud takes to settle is really missing. So is the way in:
// whoever is denied it can try nothing else.
func (v *prover) late(rows []Row, worked []int, ever []bool) error {
	arrived := slices.ContainsFunc(worked, func(n int) bool { return n >= steady }) ||
		!slices.ContainsFunc(rows, func(r Row) bool { return r.Got == Unclear })
	for i, r := range rows {
		if r.Got == Denied && !ever[i] && (arrived || r.Ability == Enter) {
			return &Error{Kind: ErrUnproven, What: string(r.Ability), Err: errors.New("granted, but refused " + r.where())}
		}
	}
	r := rows[slices.IndexFunc(rows, func(r Row) bool { return !r.OK() })]
	return &Error{Kind: ErrNotConverged, What: string(r.Ability), Err: fmt.Errorf("after %s the outcome is still %q: %s", v.settle, r.Got, r.Err)}
}

// negatives tries what is not granted, once each; an unclear outcome is tried
// again within bounds, because only a clear refusal proves anything.
func (v *prover) negatives(ctx context.Context, probes []Probe) ([]Row, error) {
	rows := make([]Row, len(probes))
	pending := make([]int, len(probes))
	for i := range probes {
		pending[i] = i
	}
	for try := 1; len(pending) > 0; try++ {
		some := make([]Probe, len(pending))
		for n, i := range pending {
			some[n] = probes[i]
		}
		got, err := v.round(ctx, some, v.last)
		var again []int
		for n, i := range pending {
			rows[i] = got[n]
			if got[n].Got == Unclear {
				again = append(again, i)
			}
		}
		if err != nil {
			return rows, err
		}
		v.tell(Event{Kind: Proving, Text: fmt.Sprintf("%d of %d abilities outside the grant tried", len(probes)-len(again), len(probes))})
		if pending = again; len(pending) == 0 || try == steady+2 {
			break
		}
		if err := sleep(ctx, v.pace); err != nil {
			return rows, err
		}
	}
	for _, r := range rows {
		if r.Got == Allowed {
			return rows, &Error{Kind: ErrUnproven, What: string(r.Ability), Err: fmt.Errorf("works %s, but is not granted", r.where())}
		}
	}
	for _, r := range rows {
		if !r.OK() {
			return rows, &Error{Kind: ErrUnproven, What: string(r.Ability), Err: fmt.Errorf("no clear refusal %s: %s", r.where(), r.Err)}
		}
	}
	return rows, nil
}

// where is where a row was tried, as the end of a sentence.
func (r Row) where() string {
	switch r.Where {
	case Inside:
		return "inside the grant"
	case Sibling:
		return "beside the prefix"
	case Neighbour:
		return "below the prefix of another grant: " + r.Key
	case Outside:
		return "outside the prefix"
	case Elsewhere:
		return "in another bucket"
	case Door:
		if r.Key == "" {
			return "as the grantee"
		}
		return "with a forgery: " + r.Key
	}
	return "on the bucket or its owner"
}

// round tries every probe once. Create inside the prefix goes first, because
// others are aimed at its object, and what removes objects goes last; the rest
// run side by side. Each round of positives has objects of its own, since some
// clouds refuse to put one twice.
func (v *prover) round(ctx context.Context, probes []Probe, n int) ([]Row, error) {
	rows := make([]Row, len(probes))
	var first, rest, last []int
	var aims []string
	for i, p := range probes {
		if n > 1 && p.Where == Inside && p.Ability != List {
			p.Key = fmt.Sprintf("%s-%d", p.Key, n)
		}
		rows[i] = Row{Probe: p, Got: Unclear, How: Tried, Err: "not tried"}
		switch {
		case p.Ability == Create && p.Where == Inside, p.Ability == Enter && p.Key == "":
			first = append(first, i)
		case p.removes():
			last = append(last, i)
		default:
			rest = append(rest, i)
		}
		if aimed := p.Ability == Read || p.Ability == Overwrite || p.Ability == Delete || p.Ability == Erase; aimed && p.Where == Inside && v.idle || p.beside {
			aims = append(aims, p.Key)
		}
	}
	if err := v.prepare(ctx, aims); err != nil {
		return rows, err
	}
	for _, some := range [][]int{first, rest, last} {
		var group errgroup.Group
		group.SetLimit(atOnce)
		for _, i := range some {
			fork, join := Fork(ctx)
			group.Go(func() error {
				defer join()
				return guarded(func() error { rows[i] = v.try(fork, rows[i].Probe); return nil })
			})
		}
		failed := group.Wait()
		v.remember(rows, some)
		if ctx.Err() != nil {
			return rows, context.Cause(ctx)
		}
		if failed != nil {
			return rows, failed
		}
	}
	return rows, nil
}

// prepare plants the objects that tries are aimed at and that the grantee may not put.
func (v *prover) prepare(ctx context.Context, aims []string) error {
	if v.plant == nil {
		return nil
	}
	slices.Sort(aims)
	aims = slices.DeleteFunc(slices.Compact(aims), func(key string) bool { return v.keys[key] })
	if len(aims) == 0 {
		return nil
	}
	for _, key := range aims {
		v.keys[key] = true
	}
	return v.plant(ctx, aims)
}

// remember notes where a try may have left something: an object, the mark of a
// deletion where a bucket keeps versions, or an upload that could be begun but
// not given up. What was clearly refused left nothing.
func (v *prover) remember(rows []Row, tried []int) {
	for _, i := range tried {
		r := rows[i]
		writes := r.Ability == Create || r.Ability == Overwrite || r.Ability == Abort || r.Ability == Delete
		if writes && r.Where != Elsewhere && (r.Got != Denied || r.Ability == Abort) {
			v.keys[r.Key] = true
		}
	}
}

func (v *prover) try(ctx context.Context, p Probe) Row {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	got, err := v.actor.Try(ctx, p)
	row := Row{Probe: p, Got: got, How: Tried}
	if err != nil {
		row.Err = err.Error()
	}
	return row
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
