// What a proof by asking promises: the cloud gets time, excess does not.
package core

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCloudIsAskedAgainUntilItKnowsWhatIsGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, start := newGate(), time.Now()
		g.absent = true
		g.says = func(p Probe, _ int) (Outcome, error) {
			if p.Want == Allowed && time.Since(start) < 20*time.Second {
				return Unclear, errors.New("no such role")
			}
			return p.Want, nil
		}
		r, err := g.pass(t, t.Context(), &ledger{}, "one", Present)
		if err != nil || r.How != Simulated || len(r.Failures()) > 0 || r.Waited < 20*time.Second {
			t.Fatalf("got error %v, proof %q after %s, %+v", err, r.How, r.Waited, r.Failures())
		}
		if !slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Action == "backup:Start" && row.Got == Allowed }) {
			t.Errorf("the cloud's own actions are asked too: got %+v", r.Rows)
		}
		if !strings.Contains(strings.Join(r.Missing, "\n"), "passing for the grantee") {
			t.Errorf("that no forgery was tried is said: got %q", r.Missing)
		}
	})
}

func TestCloudThatNeverKnowsIsNotAskedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, start := newGate(), time.Now()
		g.absent = true
		g.says = func(p Probe, _ int) (Outcome, error) { return Denied, nil }
		_, err := g.pass(t, t.Context(), &ledger{}, "one", Present)
		if took := time.Since(start); !errors.Is(err, ErrUnproven) || took > time.Minute || !g.there["role"] {
			t.Errorf("got %v after %s, role %v, want %v within a minute, and the role kept", err, took, g.there["role"], ErrUnproven)
		}
	})
}

func TestExcessThatTheCloudAdmitsIsBelievedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, start := newGate(), time.Now()
		g.absent = true
		g.says = func(p Probe, _ int) (Outcome, error) {
			if p.Ability == Create {
				return Denied, nil // not seen yet, which must not hide the rest
			}
			return tooMuch(p), nil
		}
		r, err := g.pass(t, t.Context(), &ledger{}, "one", Present)
		if took := time.Since(start); !errors.Is(err, ErrUnproven) || took > 0 || g.there["role"] || len(r.Withdrawn) != 1 {
			t.Errorf("got %v after %s, role %v, withdrawn %q, want it shut at once", err, took, g.there["role"], r.Withdrawn)
		}
	})
}

func TestOperatorWhoMayNotAskHearsOfItAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, start := newGate(), time.Now()
		g.absent = true
		g.says = func(Probe, int) (Outcome, error) {
			return Unclear, &Error{Kind: ErrOperator, Err: errors.New("may not simulate")}
		}
		_, err := g.pass(t, t.Context(), &ledger{}, "one", Present)
		if !errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), "may not simulate") || time.Since(start) > 0 {
			t.Errorf("got %v after %s, want the reason at once", err, time.Since(start))
		}
	})
}
