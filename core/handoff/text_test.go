// What the receipt promises to a reader: everything that support needs, and no
// way to overlook what was not proven or not sealed.

package handoff

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestTheReceiptSaysEverythingThatSupportNeeds(t *testing.T) {
	c := pairOf(exampleID, "secret")
	r := receiptFor(c)
	r.Delivery = &core.Delivery{Sealed: true, Format: "native", Files: []core.File{{Path: "acme.age", SHA256: "abc"}}, Recipients: []core.Recipient{{Kind: "x25519", Fingerprint: "SHA256:def"}}}
	want := `grant        acme-events (profile event-dump)
cloud        s3
account      111122223333
bucket       acme
region       eu-west-1
prefix       events/
principal    principal/acme
key ID       AKIAIOSFODNN7EXAMPLE
created      2026-11-21T09:00:00Z
rotate by    2027-02-19T09:00:00Z
policy       sha256:00
may          put new objects
may not      read objects
             delete objects
overwriting  refused: no
proof        tried with the credential itself: 1 of 1 as granted
hand-off     sealed (age), format native
file         acme.age
             sha256 abc
sealed to    x25519 SHA256:def
revoke       revoke AKIAIOSFODNN7EXAMPLE
`
	if diff := cmp.Diff(want, Text(r)); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
}

func TestManyProbeObjectsAreOneLine(t *testing.T) {
	var p core.Proof
	if got := Left(p); got != "" {
		t.Errorf("nothing left: got %q, want nothing", got)
	}
	for n := range 300 {
		p.Left = append(p.Left, fmt.Sprintf("events/.probe/run-%d", n))
	}
	p.Left = append(p.Left, ".probe/other")
	want := `up to 301 probe objects may be left below "events/.probe/", ".probe/"; the bucket's owner can remove them`
	if got := Left(p); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Text(core.Receipt{Proof: core.Proof{Left: p.Left, Missing: []string{"another bucket: none"}}}); strings.Count(got, "may be left") != 1 || !strings.Contains(got, "not tried    another bucket: none") {
		t.Errorf("got %s, want one line about them, and what was not tried", got)
	}
}

func TestWhatWasNotProvenOrNotSealedIsLoud(t *testing.T) {
	r := receiptFor(pairOf(exampleID, "secret"))
	r.Sandbox, r.Prefix = true, ""
	r.Delivery = &core.Delivery{Format: "env"}
	r.Proof = core.Proof{How: core.Skipped}
	skipped := Text(r)
	r.Proof = core.Proof{How: core.Simulated, Rows: []core.Row{{Probe: core.Probe{Ability: core.Read, Where: core.Inside, Want: core.Denied}, Got: core.Allowed}}, Left: []string{"events/probe"}}
	simulated := Text(r)
	for text, wants := range map[string][]string{
		skipped:   {"SANDBOX", "SKIPPED", "NOT SEALED", "(the whole bucket)"},
		simulated: {"SIMULATED, not tried: the cloud says so for 0 of 1", "NOT AS GRANTED: read inside: allowed, the grant says denied", "events/probe"},
	} {
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("got\n%s\nwant %q in it", text, want)
			}
		}
	}
}

func TestManifestsAreReadStrictly(t *testing.T) {
	r := receiptFor(pairOf(exampleID, "secret"))
	good, err := EncodeManifest(r)
	must(t, err)
	path := filepath.Join(room(t), "m.json")
	must(t, os.WriteFile(path, good, 0o600))
	got, err := Manifest(path)
	if diff := cmp.Diff(compact(t, r), compact(t, got)); err != nil || diff != "" {
		t.Errorf("read back: %v (-want +got):\n%s", err, diff)
	}
	for what, c := range map[string]struct{ file, want string }{
		"another version":  {strings.Replace(string(good), `"schema_version": 1`, `"schema_version": 2`, 1), "schema_version is 2"},
		"an unknown field": {strings.Replace(string(good), `"bucket"`, `"bukket"`, 1), "unknown field"},
		"half":             {string(good[:100]), "damaged"},
		"more":             {string(good) + "{}", "damaged"},
		"nothing":          {"", "damaged"},
		"far too long":     {strings.Repeat(" ", mostManifest+1), "longer than"},
	} {
		must(t, os.WriteFile(path, []byte(c.file), 0o600))
		if _, err := Manifest(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q in it", what, err, c.want)
		}
	}
	if err := Bound(r, "x", nil); err == nil {
		t.Error("a manifest of no file is bound to one")
	}
	r.Delivery = &core.Delivery{Files: []core.File{{Path: "a.age", SHA256: "00"}}}
	if err := Bound(r, "b.age", nil); err == nil || !strings.Contains(err.Error(), "other files") {
		t.Errorf("another file: got error %v", err)
	}
}

func FuzzManifestsNeverPanic(f *testing.F) {
	good, err := EncodeManifest(core.Receipt{SchemaVersion: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "m.json")
		must(t, os.WriteFile(path, data, 0o600))
		if r, err := Manifest(path); err == nil && !harmless(Text(r)) {
			t.Errorf("the receipt of %q is harmful: %q", data, Text(r))
		}
	})
}

func TestASummaryCountsWhatWasTriedAndWhatWasOnlyAsked(t *testing.T) {
	rows := []core.Row{{How: core.Tried}, {How: core.Tried}, {How: core.Simulated}}
	for want, p := range map[string]core.Proof{
		"tried": {How: core.Tried, Rows: rows[:2]}, "simulated": {How: core.Simulated, Rows: rows[2:]}, "skipped": {How: core.Skipped},
		"2 tried, 1 simulated": {How: core.Tried, Rows: rows},
	} {
		if got := Counts(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := proofLine(core.Proof{How: core.Tried, Rows: rows}, false); !strings.Contains(got, "3 of 3 as granted (2 tried, 1 simulated)") {
		t.Errorf("got %q", got)
	}
}
