// Cases about every grant of a cloud whose run is cut short at one of its writes.
package providertest

import (
	"github.com/bucketgrant/bucketgrant/core"
)

func (cases) EveryGrantResumesAfterEveryWrite(b *bench) {
	judged := map[string]bool{}
	for _, name := range b.grants() {
		var of string
		var ours []string
		var writes []string
		b.now(func(t *trial) {
			g := t.Grants()[name]
			of = kind(g)
			blue := t.ready(g)
			writes = t.writing(func() { t.must(job{grant: g, noProof: true}) })
			ours = t.Ours(blue)
		})
		for n := range writes {
			for _, how := range []trouble{killed, lost} {
				if how == lost && judged[of] {
					continue // variants of a profile meet a lost answer alike
				}
				m := mishap{how, afterWrite, n + 1}
				b.later(path(name)+" "+m.String(), func(t *trial) {
					g := t.Grants()[name]
					blue := t.ready(g)
					_, _, err := t.do(job{grant: g, noProof: !t.keyless(g), mishap: m})
					if err == nil && how == killed {
						t.Errorf("a run that died is no success: got no error, %s", m)
					}
					t.accountedFor(blue, "after "+m.String())
					t.settles(blue, ours, how == killed)
				})
			}
		}
		judged[of] = true
	}
}

// settles reruns a disturbed apply of b, and checks that it has done what an
// undisturbed one does: ours is what that leaves. Where nothing is handed over, a
// rerun of what died is proven, because that never was.
func (t *trial) settles(b core.Blueprint, ours []string, died bool) {
	t.Helper()
	plan, r, err := t.do(job{grant: b.Grant, noProof: !t.keyless(b.Grant)})
	if err != nil {
		t.Errorf("a rerun converges: got error %v, %+v%s", err, r.Failures(), changes(plan))
		return
	}
	t.handed(b)
	t.holds("a rerun makes what an undisturbed run makes", t.Ours(b), ours)
	switch {
	case r.How != core.Skipped:
		t.proven(b, r.Proof)
	case died && t.keyless(b.Grant):
		t.Errorf("what an earlier run has opened is proven by the next: got %q", r.How)
	}
	writes := t.writing(func() {
		plan, again := t.must(job{grant: b.Grant, noProof: true})
		if plan.Changed() {
			t.Errorf("a further rerun has nothing to do: got%s", changes(plan))
		}
		t.same("a further rerun tells the grantee the same", text(t, again.Outputs), text(t, r.Outputs))
	})
	t.holds("a further rerun writes nothing", writes, nil)
	if pending := t.disk.debts(); len(pending) > 0 {
		t.Errorf("a rerun settles what was open: got %+v, want nothing pending", pending)
	}
}

func (cases) EveryGrantsEndResumesAfterEveryWrite(b *bench) {
	for _, name := range b.grants() {
		var writes []string
		b.now(func(t *trial) {
			g := t.Grants()[name]
			t.ready(g)
			t.must(job{grant: g, noProof: true})
			writes = t.writing(func() { t.must(job{grant: g, absent: true}) })
		})
		for n := range writes {
			m := mishap{killed, afterWrite, n + 1}
			b.later(path(name)+" "+m.String(), func(t *trial) {
				g := t.Grants()[name]
				blue := t.ready(g)
				foreign := t.Foreign(blue)
				t.must(job{grant: g, noProof: true})
				_, _, _ = t.do(job{grant: g, absent: true, mishap: m})
				t.must(job{grant: g, absent: true})
				t.shut(blue, "after a rerun of destroy")
				t.holds("after a rerun of destroy nothing else is left", t.Ours(blue), stays(g))
				t.same("a rerun of destroy leaves what is not ours", t.Foreign(blue), foreign)
				writes := t.writing(func() { t.must(job{grant: g, absent: true}) })
				t.holds("a further rerun of destroy writes nothing", writes, nil)
			})
		}
	}
}
