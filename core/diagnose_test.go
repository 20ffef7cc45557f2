// How causes are ranked.
package core

import (
	"regexp"
	"slices"
	"testing"
)

func TestCausesAreRankedByTheirSigns(t *testing.T) {
	sign := func(from Source, match string, weight int) Sign {
		return Sign{Source: from, Match: regexp.MustCompile(match), Weight: weight}
	}
	causes := []Cause{
		{Name: "clock", Signs: []Sign{sign(SaidClock, "off by", 8)}},
		{Name: "key", Signs: []Sign{sign(SaidKey, "inactive", 9), sign("", "InvalidAccessKeyId", 6)}},
		{Name: "boundary", Signs: []Sign{sign(SaidError, "permissions boundary", 10), sign(SaidTry, "200", -10)}},
		{Name: "alike", Signs: []Sign{sign("", "InvalidAccessKeyId", 6)}},
		{Name: "never", Signs: []Sign{sign(SaidPlan, ".", 5)}},
		{Name: "doubtful", Signs: []Sign{sign("", "InvalidAccessKeyId", 2), sign(SaidKey, "K1", -2)}},
	}
	d := Diagnosis{Symptoms: []Symptom{
		{Source: SaidError, Text: "InvalidAccessKeyId: no such key"},
		{Source: SaidError, Text: "because no permissions boundary allows it"},
		{Source: SaidTry, Text: "create inside: 200", Good: true},
		{Source: SaidKey, Text: "K1 inactive"},
		{Source: SaidClock, Text: "off by 0s", Good: true},
	}}
	d.rank(causes)
	var got []string
	for _, h := range d.Hypotheses {
		got = append(got, h.Name)
		if len(h.Evidence) == 0 {
			t.Errorf("%s: a hypothesis has evidence: got none", h.Name)
		}
	}
	if want := []string{"key", "alike"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: what is as it should be speaks against a cause only", got, want)
	}
}
