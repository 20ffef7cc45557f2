// When an access ends by itself, as users may write it.
package cli

import (
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestEndOfAnAccessIsReadAsItIsMeant(t *testing.T) {
	now := time.Date(2026, 11, 22, 23, 59, 0, 0, time.FixedZone("east", 3600)) // still the 22nd in UTC
	for text, want := range map[string]string{
		"90d":                       "2027-02-20T00:00:00Z",
		"1d":                        "2026-11-23T00:00:00Z",
		"2027-02-20":                "2027-02-20T00:00:00Z",
		"2027-02-20T12:00:00+02:00": "2027-02-20T10:00:00Z",
	} {
		got, fault := parseExpires(text, now)
		if fault != nil || got.Format(time.RFC3339) != want || got.Location() != time.UTC {
			t.Errorf("%q: got %s, fault %v, want %s", text, got.Format(time.RFC3339), fault, want)
		}
	}
	for _, text := range []string{"", "0d", "-1d", "3651d", "d", "90", "90 days", "tomorrow", "2027-02-30", "20270220"} {
		if got, fault := parseExpires(text, now); fault == nil || fault.Value != text {
			t.Errorf("%q: got %s, want a fault that names it", text, got)
		}
	}
}

func TestAccessThatIsOverIsNotGranted(t *testing.T) {
	now := time.Now()
	over := core.Grant{Limits: core.Limits{Expires: now}}
	if mustLast(over, now) == nil || mustLast(over, now.Add(-time.Second)) != nil || mustLast(core.Grant{}, now) != nil {
		t.Error("only an end that has come is a fault")
	}
}

func TestAccessThatHasEndedIsNotTried(t *testing.T) {
	a := &app{}
	in := received{receipt: core.Receipt{Expires: time.Now().Add(-time.Second)}}
	proof, err := a.tryReceived(t.Context(), nil, in)
	if err == nil || proof.How != core.Skipped {
		t.Errorf("got %v (%s), want the end that the manifest names", err, proof.How)
	}
}

func TestAnEndThatIsOverIsRefusedByAPlanAndSaidByEverythingElse(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("plan", "--expires", "1999-01-01")...).wants(t, 2, "is over already")
	s.run(with("plan", "--expires", "")...).wants(t, 2, `is no end of an access`)
	s.run(with("apply", "--expires", "2000-01-02", "--to", s.key(), "--yes")...).wants(t, 0, "ends")
	s.run(with("status", "--expires", "2000-01-02")...).wants(t, 0, "until  2000-01-02T00:00:00Z")
	s.run(with("status", "--expires", "1999-12-31")...).wants(t, 0, "until  1999-12-31T00:00:00Z: ended")
	r := s.run(with("verify", "--expires", "1999-12-31")...)
	r.wants(t, 1, "ended at 1999-12-31T00:00:00Z", "give it a later end")
	r.lacks(t, "repair")
}
