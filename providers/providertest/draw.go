// Draw: where everything is tried, chance decides what comes first, and the clock when it is enough.
package providertest

import (
	"math/rand/v2"
	"testing"
	"time"
)

// drawingFor is how long the trials of one group that belongs to a suite go on, by
// the clock on the wall.
const drawingFor = 45 * time.Second

// drawingMost is more trials than there is time for; each that is only named costs some too.
const drawingMost = 15_000

// draw runs f, and then what f has put off, in an order that a seed decides. Of a
// suite, what has not begun when the time is over is skipped.
func (b *bench) draw(t *testing.T, f func(*bench)) {
	type put struct {
		name string
		f    func(*trial)
	}
	var off []put
	later, suite, timed := b.later, b.suite, false
	b.later = func(name string, f func(*trial)) { off = append(off, put{name, f}) }
	b.suite = func(name string) { timed = true; suite(name) }
	f(b)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(off), func(i, j int) { off[i], off[j] = off[j], off[i] })
	if timed {
		off = off[:min(len(off), drawingMost)]
		time.AfterFunc(drawingFor, func() { b.over.Store(true) })
	}
	for _, one := range off {
		later(one.name, one.f)
	}
}
