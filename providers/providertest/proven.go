// Proven: what the judge wants to see in the proof of a grant.
package providertest

import (
	"errors"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// proven checks how b was proven: by trying wherever the grantee can be had, and
// then with every forgery that can be tried.
func (t *trial) proven(b core.Blueprint, p core.Proof) {
	t.Helper()
	how := core.Tried
	actor, err := t.Provider().Act(t.Context(), b, t.holder(b.Grant))
	if errors.Is(err, core.ErrNotHere) {
		how = core.Simulated
	} else if err != nil {
		t.Fatalf("act as the grantee: got error %v, want success or %v", err, core.ErrNotHere)
	}
	if p.How != how {
		t.Errorf("an apply is proven: got %q, want %q", p.How, how)
	}
	beyond := t.beyond(actor)
	for _, a := range b.Grant.Can {
		if beyond[a] {
			t.Errorf("whoever can be the grantee tries what is granted: got %s left to others", a)
		}
	}
	for _, row := range p.Rows {
		asked := beyond[row.Ability] && row.How == core.Simulated
		if !row.OK() || row.How != how && !asked {
			t.Errorf("the proof holds: %s%s %s %s: got %s (%s) %s, want %s", row.Ability, row.Action, row.Where, row.Key, row.Got, row.How, row.Err, row.Want)
		}
	}
	if t.keyless(b.Grant) {
		t.forged(b, p, actor)
	}
}

// beyond are the abilities that actor cannot try, because what it holds is not
// known to all of the cloud.
func (t *trial) beyond(actor core.Actor) map[core.Ability]bool {
	out := map[core.Ability]bool{}
	if some, ok := actor.(core.Partial); ok {
		for _, a := range t.Provider().Info().Abilities {
			out[a] = !slices.Contains(some.Tries(), a)
		}
	}
	return out
}

// forged checks that p tried to pass for the grantee, or says what it has not tried.
func (t *trial) forged(b core.Blueprint, p core.Proof, actor core.Actor) {
	t.Helper()
	id, _ := t.Provider().Info().Identity(b.Grant.Who)
	forger, _ := actor.(core.Forger)
	switch {
	case p.How == core.Simulated:
		if len(id.Forgeries) > 0 && len(p.Missing) == 0 {
			t.Errorf("what was not tried is said: got nothing, want a word about %+v", id.Forgeries)
		}
		return
	case forger == nil && len(id.Forgeries) > 0:
		t.Fatalf("whoever can be the grantee can try to pass for it: got an actor of who: %s that is no forger", b.Grant.Who)
	case forger != nil:
		for _, name := range forger.Forgeries() {
			if !slices.ContainsFunc(id.Forgeries, func(f core.Forgery) bool { return f.Name == name }) {
				t.Errorf("a forger tries what its identity declares: got %q, want one of %+v", name, id.Forgeries)
			}
		}
		if len(forger.Forgeries()) == 0 && len(id.Forgeries) > 0 {
			t.Errorf("a forger tries something: got nothing of %+v", id.Forgeries)
		}
	}
	entered := func(key string) core.Outcome {
		i := slices.IndexFunc(p.Rows, func(r core.Row) bool { return r.Ability == core.Enter && r.Key == key })
		if i < 0 {
			return ""
		}
		return p.Rows[i].Got
	}
	if got := entered(""); got != core.Allowed {
		t.Errorf("the grantee itself gets in: got %q, want %s", got, core.Allowed)
	}
	for _, f := range id.Forgeries {
		missing := slices.ContainsFunc(p.Missing, func(m string) bool { return strings.Contains(m, f.Name) })
		if got := entered(f.Name); got != core.Denied && (got != "" || !missing) {
			t.Errorf("a forgery is refused, or said not to be tried: got %q for %s, want %s", got, f.Name, core.Denied)
		}
	}
}

// tidy checks that no object of a proof is left in b's bucket.
func (t *trial) tidy(b core.Blueprint) {
	t.Helper()
	for _, key := range t.Objects(b.Grant.Target.Bucket) {
		if strings.Contains(key, strings.TrimPrefix(b.Probes, b.Grant.Target.Prefix)) {
			t.Errorf("a proof removes what it has put: got %q", key)
		}
	}
}

// findings are the outcomes of a proof, without the keys, which differ from run to run.
func findings(p core.Proof) string {
	var list []string
	for _, r := range p.Rows {
		door := ""
		if r.Where == core.Door {
			door = r.Key
		}
		list = append(list, strings.Join([]string{string(r.Ability), r.Action, string(r.Where), door, string(r.Got), r.How}, " "))
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}
