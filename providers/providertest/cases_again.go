// Cases about more than one thing that goes wrong: a run that dies, and the next one too; three faults at once.
package providertest

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"pgregory.net/rapid"
)

// How many are tried, and for how long.
const (
	mostDeaths = 5000
	mostThrice = 10_000
	fewDeaths  = 10
	fewThrice  = 5
	tryingFor  = time.Minute // of the time on the wall, for each
)

func (b *bench) atMost(few, many int) int {
	if soak || b.patient {
		return many
	}
	return few
}

// EveryRecoveryThatDiesIsGoneOnWith kills a run, and the one that goes on with it.
func (cases) EveryRecoveryThatDiesIsGoneOnWith(b *bench) {
	all := b.recorded()
	seed := uint64(1)
	if soak {
		seed = uint64(time.Now().UnixNano())
	}
	b.group(fmt.Sprint("kill twice, seed ", seed), func(b *bench) {
		b.suite("K2")
		random := rand.New(rand.NewPCG(seed, 0))
		var over atomic.Bool // as the clock on the wall says, which trials do not see
		time.AfterFunc(tryingFor, func() { over.Store(true) })
		for n := range b.atMost(fewDeaths, mostDeaths) {
			r := all[random.IntN(len(all))]
			some := r.boundaries()
			first, second := some[random.IntN(len(some))], some[random.IntN(len(some))]
			b.later(fmt.Sprintf("%d %s %s %d, %s %d", n, r.name(), first.at, first.n, second.at, second.n), func(t *trial) {
				if over.Load() {
					return
				}
				blue := t.begins(r)
				before, _ := t.disturbed(r.c, blue, r.want, func(j *job) { j.mishap = mishap{killed, first.at, first.n} })
				given := len(t.given)
				j := r.c.job(t, blue)
				j.mishap = mishap{killed, second.at, second.n}
				_, receipt, err := t.do(j)
				t.stands(r.c, blue, before)
				if !errors.Is(err, core.ErrInvalid) {
					t.truthful(r.c, blue, r.want, given, receipt, err)
				}
				t.recovers(r.c, blue, r.want, before, false)
			})
		}
	})
}

// NoThreeFaultsAreTooMuch tries schedules of faults at random, and tells the
// smallest that a run does not outlive.
func (cases) NoThreeFaultsAreTooMuch(b *bench) {
	all := b.recorded()
	b.group("three faults", func(b *bench) {
		b.suite("F2")
		if err := flag.Set("rapid.checks", strconv.Itoa(b.atMost(fewThrice, mostThrice))); err != nil {
			panic(err)
		}
		n, until := 0, time.Now().Add(tryingFor)
		b.check(threeFaults(all), func(p play) string {
			if time.Now().After(until) {
				return ""
			}
			n++
			return b.quiet(p.play)
		})
		b.count(n)
	})
}

// threeFaults are runs with three faults that their calls can meet.
func threeFaults(all []*record) *rapid.Generator[play] {
	return rapid.Custom(func(rt *rapid.T) play {
		p := play{r: rapid.SampledFrom(all).Draw(rt, "run")}
		for range 3 {
			op := rapid.SampledFrom(p.r.calls).Draw(rt, "operation")
			p.faults = append(p.faults, rapid.SampledFrom(faults(op, rapid.IntRange(1, 3).Draw(rt, "n"))).Draw(rt, "fault"))
		}
		return p
	})
}
