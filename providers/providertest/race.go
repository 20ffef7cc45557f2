// A race: several runs of the program at once, on machines of their own or sharing one, in an order that a seed decides.
package providertest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// machine is a disk, whose journal one run at a time may hold.
type machine struct {
	disk *disk
	lock sync.Mutex
}

// racer is one run of a race, and what came of it.
type racer struct {
	name    string
	job     job
	machine *machine
	begins  time.Duration // after the others may have begun
	desk    *desk

	engine  *core.Engine
	plan    *core.Plan
	receipt core.Receipt
	err     error
	ended   time.Time
}

type racerKey struct{}

// race runs all of them at once and waits for all. The same seed gives each call
// the same time on its way.
func (t *trial) race(seed uint64, all []*racer) {
	t.Helper()
	t.life = nil
	for _, r := range all {
		l := &life{seen: map[moment]int{}, cancel: func(error) {}}
		r.desk = &desk{life: l}
		r.engine = t.engine(nil, nil)
		r.engine.Host = "machine of " + r.engine.RunID
		r.engine.Journal = &journal{r.machine.disk, l}
	}
	t.Transport().Fault = traffic(seed)
	defer func() { t.Transport().Fault = nil }()
	var wg sync.WaitGroup
	for i, r := range all {
		ctx := context.WithValue(t.Context(), racerKey{}, i)
		wg.Go(func() {
			time.Sleep(r.begins)
			r.run(ctx)
			r.ended = time.Now()
		})
	}
	wg.Wait()
	slices.SortFunc(all, func(a, b *racer) int { return a.ended.Compare(b.ended) })
	for _, r := range all {
		t.given = append(t.given, r.desk.given...)
		t.say(r.plan, nil)
		t.say(r.receipt, r.err)
	}
}

// run is one process.
func (r *racer) run(ctx context.Context) {
	if !r.machine.lock.TryLock() {
		r.err = &core.Error{Kind: core.ErrLocked, What: "journal", Err: errors.New("since a moment ago")}
		return
	}
	defer r.machine.lock.Unlock()
	want := r.job.want
	if !r.job.absent {
		want = core.Present
	}
	if r.job.plan != nil {
		r.plan, r.err = r.job.plan(ctx, r.engine)
	} else {
		r.plan, r.err = r.engine.Plan(ctx, r.job.grant, want)
	}
	if r.err != nil {
		return
	}
	r.receipt, r.err = r.engine.Apply(ctx, r.plan, core.ApplyOptions{Deliver: r.desk, NoProof: r.job.noProof})
}

// longestWay is how long a call may be on its way.
const longestWay = 400 * time.Millisecond

// traffic gives every call its time on the way: by the seed, the run that sends it,
// and how often that run has asked the same.
func traffic(seed uint64) func(cloudsim.Call, *http.Request) cloudsim.Fault {
	var mu sync.Mutex
	asked := map[string]int{}
	return func(c cloudsim.Call, r *http.Request) cloudsim.Fault {
		who := fmt.Sprint(r.Context().Value(racerKey{}), c.Op.Name, " ", c.Method, " ", c.URL)
		mu.Lock()
		asked[who]++
		n := asked[who]
		mu.Unlock()
		return cloudsim.Fault{Delay: time.Duration(drawn(seed, uint64(longestWay), who, n))}
	}
}

// drawn is a number below most, the same for the same things.
func drawn(seed, most uint64, things ...any) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, seed, things)
	x := h.Sum64() // whose low bits are not mixed well
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x % most
}

// listed are the IDs of all keys of g's grantee, whether or not they work.
func (t *trial) listed(g core.Grant) (all []string) {
	t.Helper()
	p, _, err := t.engine(nil, nil).Keys(t.Context(), g)
	if err != nil {
		t.Fatalf("a look at the keys: got error %v, want success", err)
	}
	for _, k := range p.Keys {
		all = append(all, k.ID)
	}
	return all
}

// stoppedBy checks that a run that was stopped was told why, and by whom if another one stopped it.
func (t *trial) stoppedBy(r *racer, taken bool) {
	t.Helper()
	kinds := []error{core.ErrLocked, core.ErrMoved, core.ErrNotOurs, core.ErrInvalid, core.ErrInUse}
	if taken { // a proof that meets the end of the access says so
		kinds = append(kinds, core.ErrUnproven, core.ErrNotConverged)
	}
	if !slices.ContainsFunc(kinds, func(k error) bool { return errors.Is(r.err, k) }) {
		t.Errorf("a %s that others are in the way of is told so: got %v", r.name, r.err)
	}
	if errors.Is(r.err, core.ErrLocked) && !strings.Contains(r.err.Error(), "since") {
		t.Errorf("a %s that waits for another is told since when: got %v", r.name, r.err)
	}
}
