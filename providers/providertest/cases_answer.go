// Cases about the answers that must not be lost unnoticed, by name.
package providertest

import "slices"

// EveryDecisiveAnswerMayBeLost: whatever makes a thing that only its answer tells of,
// or replaces a document of many, is decided rightly by the next run.
func (cases) EveryDecisiveAnswerMayBeLost(b *bench) {
	all := b.recorded()
	var decisive []string
	b.now(func(t *trial) { decisive = t.Decisive() })
	b.group("answer", func(b *bench) {
		b.suite("F1")
		for _, op := range decisive {
			in := slices.DeleteFunc(slices.Clone(all), func(r *record) bool { return !slices.Contains(r.writes(), op) })
			b.later(op+" is made", func(t *trial) {
				if len(in) == 0 {
					t.Errorf("a command makes a call of %s: got none", op)
				}
			})
			seen := map[string]bool{}
			for _, r := range in {
				if seen[r.c.name] && !soak {
					continue
				}
				seen[r.c.name] = true
				for _, why := range []Trouble{reset, truncated} {
					one := play{r, []fault{{op, 1, why, true, 1}}}
					b.later(one.name(), one.play)
				}
			}
		}
	})
}
