// Terminals: text that somebody else has written is shown as text, whichever
// command prints it and wherever it comes from.
package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/journal"
)

// steering is what a terminal or an eye would be led by.
var steering = strings.Join([]string{
	"\x1b[2J", "\x1b]52;c;aGk=\x07", "\x1b]8;;https://evil.example\x1b\\here", "\u009b31m", "\x9b31m", "\u009d52;c;x\u009c", "\u202egnp", "\u2066x\u2069", "zero\u200bwidth", "\ufeff",
	"a\rb", "a\bb", "a\x00b", "a\x7fb", "a\x0bb", "\xff\xc0\x80", "\u2028\u2029", "\U000e0041", "\u00ad", "\u3164",
}, " ") + strings.Repeat("long ", 400)

// harmful is the first character of what was printed that is more than text; 0 if there is none.
func harmful(printed string) rune {
	for i, r := range printed {
		if r == utf8.RuneError && printed[i] != "\ufffd"[0] {
			return r
		}
		if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)) {
			return r
		}
	}
	return 0
}

// harmless checks both streams of a run, which are documents if it was asked for JSON.
func (r ran) harmless(t *testing.T, args []string) {
	t.Helper()
	for name, printed := range map[string]string{"standard output": r.out, "standard error": r.errout} {
		if c := harmful(printed); c != 0 {
			t.Errorf("%.100q: %s: %q in %.2000q", args, name, c, printed)
		}
		if !slices.Contains(args, "--json") {
			continue
		}
		for d := json.NewDecoder(strings.NewReader(printed)); d.More(); {
			var doc any
			if err := d.Decode(&doc); err != nil {
				t.Errorf("%.100q: %s: %v in %.2000q", args, name, err, printed)
				break
			}
		}
	}
}

// lines are the commands that talk to the cloud.
func lines(to string) [][]string {
	plain := []string{"--plain", "--no-verify", "--yes"}
	return [][]string{
		with("plan", "--to", to), with("plan", "--to", to, "--documents"), with("plan", "--operator-policy"), with("apply", "--to", to, "--yes"), with("apply", plain...), with("status"), with("verify"), with("destroy", "--yes"), with("preflight", "--to", to), {"list"},
		with("rotate status")[1:], slices.Concat([]string{"rotate", "status"}, with("x")[1:]), slices.Concat([]string{"rotate", "start"}, with("x", "--to", to, "--yes")[1:]), slices.Concat([]string{"rotate", "finish"}, with("x", "--yes")[1:]),
		slices.Concat([]string{"rotate", "abort"}, with("x", "--yes")[1:]), with("reissue", "--to", to, "--yes"), with("revoke", "--yes"), with("restore", "--yes"), with("doctor"), {"demo", "--sandbox"},
	}
}

// clouds are clouds that speak so.
func clouds() map[string]func() *toy {
	all := map[string]func() *toy{
		"what it lists": func() *toy {
			finding := core.Finding{Kind: core.FindingKind(steering), Addr: steering, Text: steering}
			return &toy{Bucket: "acme", Role: true, Issued: []string{steering}, Caller: steering, look: toyLook{
				Grants: []core.Found{{Grant: steering, Profile: steering, Who: core.Who(steering), Principal: steering, Bucket: steering, Prefix: steering, Region: steering, Keys: []core.Key{{ID: steering, Off: steering}}, Findings: []core.Finding{finding}}},
				Odd:    []core.Finding{finding},
				Checks: []core.Check{{Kind: steering, What: steering, Outcome: core.Denied, Why: steering, Fix: steering}},
			}}
		},
	}
	for _, kind := range []error{nil, core.ErrUnknown, core.ErrBlocked, core.ErrOperator, core.ErrNotOurs} {
		for _, at := range []string{"whoami", "diff", "toy:bucket/acme", "toy:role", "issue", "retire"} {
			all[fmt.Sprintf("%v at %s", kind, at)] = func() *toy {
				return &toy{Fail: map[string]error{at: &core.Error{Kind: kind, What: steering, Err: errors.New(steering + "\nmore" + steering), Hint: steering}}}
			}
		}
	}
	return all
}

func TestNoCloudSteersATerminal(t *testing.T) {
	t.Attr("suite", "T1")
	all := clouds()
	for i, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			for j, line := range lines(newStage(t, &toy{}).key()) {
				if !everyMask && (i+j)%4 != 0 && name != "what it lists" {
					continue // another failure has its turn with this command
				}
				s := newStage(t, all[name]())
				s.tty, s.ttyOut, s.env["NO_COLOR"] = true, true, "1"
				if (i+j)%8 == 0 {
					line = append(line, "--json")
				}
				s.run(line...).harmless(t, line)
			}
		})
	}
}

// poisoned are copies of a JSON document with such text at the end of one of its texts each.
func poisoned(t *testing.T, path string, mend func([]byte) []byte) map[string][]byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	var walk func(at string, node any, put func(any))
	walk = func(at string, node any, put func(any)) {
		switch v := node.(type) {
		case map[string]any:
			for key, value := range v {
				walk(at+"."+key, value, func(x any) { v[key] = x })
			}
		case []any:
			for i, value := range v {
				if i > 0 && !everyMask {
					break // it is like the first
				}
				walk(fmt.Sprintf("%s[%d]", at, i), value, func(x any) { v[i] = x })
			}
		case string:
			put(v + steering)
			out, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			all[at] = mend(out)
			put(v)
		}
	}
	walk("", doc, nil)
	if len(all) < 3 {
		t.Fatalf("%s: got %d texts in it", path, len(all))
	}
	return all
}

func TestNoFileSteersATerminal(t *testing.T) {
	t.Attr("suite", "T1")
	s := newStage(t, &toy{})
	to := s.key()
	manifest, bundle := handedOver(t, s)
	s.run(with("plan", "--to", to, "--out", "reviewed.plan")...).wants(t, 0)
	other := newStage(t, &toy{})
	other.run(vendors("apply", "--yes")...).wants(t, 0)
	s.run(with("apply", "--to", to, "--sandbox-file", "cloud.json", "--yes")...).wants(t, 0)
	s.tty, s.ttyOut, s.env["NO_COLOR"] = true, true, "1"
	secretless, err := filepath.Glob(filepath.Join(other.dir, "handoff", "*.manifest.json"))
	if err != nil || len(secretless) != 1 {
		t.Fatalf("got %v and %v", secretless, err)
	}
	same := func(data []byte) []byte { return data }
	for name, c := range map[string]struct {
		file string
		mend func([]byte) []byte
		runs [][]string
	}{
		"a manifest": {filepath.Join(s.dir, manifest), same, [][]string{
			{"receive", bundle, "--identity", "key.txt", "--manifest", "poisoned", "--try"}, {"doctor", "poisoned", "--error", "403"}, with("status", "--name", "acme", "--ack", "x", "--manifest", "poisoned"), with("doctor", "--name", "acme", "poisoned")}},
		"a manifest without a secret": {secretless[0], same, [][]string{{"receive", "poisoned"}, {"doctor", "poisoned"}, {"receive", "poisoned", "--json"}}},
		"a saved plan": {filepath.Join(s.dir, "reviewed.plan"), func(data []byte) []byte {
			var p savedPlan
			if json.Unmarshal(data, &p) != nil {
				return data
			}
			p.Digest = p.sum() // whoever can write the file can write this as well
			data, _ = json.Marshal(p)
			return data
		}, [][]string{{"apply", "poisoned", "--yes"}}},
		"a sandbox": {filepath.Join(s.dir, "cloud.json"), same, [][]string{with("plan", "--sandbox-file", "poisoned"), {"list", "--sandbox-file", "poisoned"}}},
	} {
		t.Run(name, func(t *testing.T) {
			for at, data := range poisoned(t, c.file, c.mend) {
				t.Run(at, func(t *testing.T) {
					s.write("poisoned", string(data))
					for _, line := range c.runs {
						s.run(line...).harmless(t, line)
					}
				})
			}
		})
	}
}

func TestNoWordSteersATerminal(t *testing.T) {
	t.Attr("suite", "T1")
	s := newStage(t, &toy{})
	to := s.key()
	manifest, bundle := handedOver(t, s)
	s.write("grant.yaml", "profile: event-dump\nbucket: acme\nshelf: moon-1\n")
	s.write("steering.yaml", "profile: \""+strings.ReplaceAll(strings.ToValidUTF8(steering, ""), `\`, `\\`)+"\"\nbucket: acme\n")
	s.write("raw.yaml", steering+": x\n")
	s.write("message", "403 Denied "+steering)
	s.tty, s.ttyOut, s.env["NO_COLOR"], s.stdin = true, true, "1", "403 Denied "+steering+"\n"
	for _, line := range [][]string{
		{steering}, {"plan", steering}, {"plan", "--" + steering}, {"plan", "-f", steering}, {"plan", "-f", "steering.yaml"}, {"plan", "-f", "raw.yaml"}, {"apply", steering, "--yes"}, {"apply", "-f", "-", "--yes"},
		with("plan", "--bucket", steering), with("plan", "--prefix", steering), with("plan", "--profile", steering), with("plan", "--owner", steering), with("plan", "--to", steering), with("plan", "--format", steering), with("plan", "--name", steering), with("plan", "--out", steering),
		with("apply", "--out", "new"+strings.ToValidUTF8(steering[:200], ""), "--to", to, "--yes"), with("apply", "--journal", steering, "--to", to, "--yes"), with("plan", "--sandbox-file", steering), with("verify", "--credential", steering), with("verify", "--bundle", steering),
		{"receive", steering}, {"receive", bundle, "--identity", steering}, {"receive", bundle, "--identity", "key.txt", "--out", steering}, {"receive", bundle, "--identity", "key.txt", "--format", steering},
		{"doctor", manifest, "--error", steering}, {"doctor", manifest, "--error", "-"}, {"doctor", manifest, "--error", "message"}, {"doctor", steering}, {"profiles", "show", steering}, {"profiles", "explain", steering}, {"explain", steering}, {"explain", "-"}, {"help", steering}, {"completion", steering}, {"man", steering + "\x00"},
		{"sandbox", "serve", "--listen", steering}, with("destroy", "--drop-bucket", steering, "--yes"), with("revoke", "--key", steering, "--yes"), with("status", "--ack", steering), with("destroy"),
	} {
		t.Run(fmt.Sprintf("%.40q", line), func(t *testing.T) {
			s.run(line...).harmless(t, line)
			if slices.Equal(line, with("destroy")) {
				return // somebody is asked, in words
			}
			line = append(slices.Clone(line), "--json")
			s.run(line...).harmless(t, line)
		})
	}
	t.Run("who holds a lock", func(t *testing.T) {
		held, err := journal.Open(filepath.Join(s.dir, "j"), "acme", steering)
		if err != nil {
			t.Fatal(err)
		}
		line := with("apply", "--name", "acme", "--journal", "j", "--to", to, "--yes")
		s.run(line...).harmless(t, line)
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("what goes on at a second signal", func(t *testing.T) {
		var said strings.Builder
		env := Env{Stderr: &said, Doing: new(Activity)}
		env.Doing.Set("waiting for " + steering)
		signals, done := make(chan os.Signal, 2), make(chan struct{})
		signals <- os.Interrupt
		signals <- os.Interrupt
		time.AfterFunc(50*time.Millisecond, func() { close(done) })
		attend(signals, done, func(error) {}, env)
		if ran := (ran{errout: said.String()}); !strings.Contains(ran.errout, "still cleaning up") {
			t.Errorf("got %q", ran.errout)
		} else {
			ran.harmless(t, nil)
		}
	})
}
