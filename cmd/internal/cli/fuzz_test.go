// Hostile words of users: networks, plans that were saved, and what somebody pastes.
package cli

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzNetworks: what is accepted holds exactly the addresses that its text names, and says the same when it is read again.
func FuzzNetworks(f *testing.F) {
	for _, s := range []string{"203.0.113.0/24", "2001:db8::/32", "::ffff:203.0.113.1", "fe80::1%eth0", "0.0.0.0/0", "203.0.113.7", "010.0.0.1", "1.2.3.4/32,5.6.7.8"} {
		f.Add(s, "203.0.113.0/25")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		list, faults := parseNetworks([]string{one, two, one})
		if len(faults) > 0 {
			return
		}
		if !slices.IsSortedFunc(list, netip.Prefix.Compare) || len(list) > 2 {
			t.Errorf("%q and %q: got %v, want them in order and once each", one, two, list)
		}
		var again []string
		for _, p := range list {
			if !p.IsValid() || p != p.Masked() || p.Bits() == 0 || p.Addr().Is4In6() || p.Addr().Zone() != "" {
				t.Errorf("%q and %q: got %v, which is no network", one, two, p)
			}
			again = append(again, p.String())
		}
		if back, faults := parseNetworks(again); len(faults) > 0 || !slices.Equal(back, list) {
			t.Errorf("%q: got %v (%v) when it is read again, want %v", again, back, faults, list)
		}
		for _, text := range []string{one, two} {
			named, err := netip.ParseAddr(strings.Split(text, "/")[0])
			if err != nil || !slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(named.Unmap()) }) {
				t.Errorf("%q: got %v, which does not hold it (%v)", text, list, err)
			}
		}
	})
}

// FuzzSavedPlan: a plan that anybody has written into is refused, or is to the letter what its digest says.
func FuzzSavedPlan(f *testing.F) {
	a := newApp(toyCloud(&toy{}), Env{})
	now := time.Date(2027, 2, 20, 12, 0, 0, 0, time.UTC)
	good := savedPlan{SchemaVersion: 1, Kind: savedPlanKind, Cloud: a.info.Name, Account: "1", Principal: "ann", Changes: "sha256:0", Writes: []string{"+ x"}, Made: now}
	good.Digest = good.sum()
	raw, err := json.Marshal(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, false)
	f.Add(bytes.ReplaceAll(raw, []byte(`"ann"`), []byte(`"eve"`)), false)
	f.Add(bytes.ReplaceAll(raw, []byte(`"ann"`), []byte(`"eve"`)), true)
	f.Add(append(raw, raw...), true)
	f.Add([]byte(`{"kind":"bucketgrant plan","schema_version":1,"grant":{"target":{"bucket":"x"}}}`), true)
	f.Add([]byte(`null`), true)
	file := filepath.Join(f.TempDir(), "plan")
	f.Fuzz(func(t *testing.T, raw []byte, sign bool) {
		var p savedPlan
		if sign && json.Unmarshal(raw, &p) == nil { // by whoever can write the file
			p.Digest = p.sum()
			raw, _ = json.Marshal(p)
		}
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := a.loadPlan(file, "", false, now)
		if err != nil {
			return
		}
		if got.Digest != got.sum() || got.Cloud != a.info.Name || got.Sandbox || got.SchemaVersion != 1 {
			t.Errorf("%s: got %+v, which is not to be applied here", raw, got)
		}
		if _, err := a.loadPlan(file, good.Digest, false, now); (err == nil) != (got.Digest == good.Digest) {
			t.Errorf("%s: got %v where the digest %s was demanded", raw, err, good.Digest)
		}
	})
}

// FuzzPastedMessages: what is taken is taken as it is, and a secret on a line of its own never is.
func FuzzPastedMessages(f *testing.F) {
	for _, s := range []string{"AccessDenied: User: arn:aws:iam::111122223333:user/x is not authorized", "\x1b]52;c;eA==\x07", "a\u202eb", strings.Repeat("x", mostPasted), "-", "%2Fa%2B", "eyJh"} {
		f.Add(s)
	}
	const secret = "kT8vQ2xW9zR4mN7bY1cL6pH3sJ5dF0gA+eUiOq/Z" // of a pair that nobody has
	f.Fuzz(func(t *testing.T, text string) {
		a := newApp(toyCloud(&toy{}), Env{Stdin: strings.NewReader(text), Dir: t.TempDir()})
		if got, fault := a.pasted("-"); fault == nil && got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		a.env.Stdin = strings.NewReader(text + "\n" + secret + "\n" + text)
		if got, fault := a.pasted("-"); fault == nil {
			t.Errorf("a secret that was pasted is taken: %q", got)
		} else if strings.Contains(fault.Value+fault.Rule+fault.Accepts, secret) {
			t.Errorf("a secret that was pasted is shown: %+v", fault)
		}
	})
}
