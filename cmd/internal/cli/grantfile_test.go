// The grant file: strict, with positions, and described by its schema.
package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"
)

func table() []field { return fields((&toy{}).Info(), "moon-1") }

func TestGrantFileSaysWhatFlagsSay(t *testing.T) {
	words, faults := parseGrantFile([]byte(`
# a comment
profile: event-dump
bucket: "acme"
prefix: events/
shelf: moon-1
owner: 007          # a number is taken as it is written
strict: true
name: |-
  acme
to:
  - age1one
  - ssh-ed25519 AAAA me@host
out: handoff/
`), "g.yaml", table())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := map[string]string{"profile": "event-dump", "bucket": "acme", "prefix": "events/", "shelf": "moon-1", "owner": "007", "name": "acme", "out": "handoff/"}
	if !reflect.DeepEqual(words.text, want) {
		t.Errorf("texts: got %v, want %v", words.text, want)
	}
	if !words.flag["strict"] || len(words.list["to"]) != 2 || words.list["to"][1] != "ssh-ed25519 AAAA me@host" {
		t.Errorf("got %v %v", words.flag, words.list)
	}
	if words.at["bucket"] != "g.yaml:4:1" {
		t.Errorf("position: got %s, want g.yaml:4:1", words.at["bucket"])
	}
}

func TestGrantFileFaultsHaveAPosition(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":     {"bucket: a\nbuckett: b\n", `g.yaml:2:1: buckett: is not a key of a grant file (did you mean "bucket"?)`},
		"twice":           {"bucket: a\nbucket: b\n", "g.yaml:2:1: bucket: is said twice"},
		"a list":          {"bucket: [a, b]\n", "g.yaml:1:9: bucket: is not a text"},
		"a mapping":       {"bucket:\n  name: a\n", "bucket: is not a text"},
		"a truth":         {"bucket: true\n", `g.yaml:1:9: bucket "true": is not a text`},
		"nothing":         {"bucket:\nprefix: a/\n", "bucket"},
		"no truth":        {"adopt: yes please\n", `g.yaml:1:8: adopt "yes please": is not a truth value`},
		"quoted truth":    {"adopt: \"true\"\n", "adopt"},
		"an anchor":       {"bucket: &b a\n", "g.yaml:1:9: bucket: is an anchor"},
		"an alias":        {"bucket: a\nname: *b\n", "g.yaml:2:7: name: is an anchor"},
		"a tag":           {"bucket: !!binary YQ==\n", "g.yaml:1:9: bucket: is an anchor, an alias or a tag"},
		"a merge":         {"<<: {bucket: a}\n", "is not a key of a grant file"},
		"a sequence":      {"- bucket\n", "g.yaml:1:1: is not a mapping"},
		"a word":          {"bucket\n", "g.yaml:1:1: is not a mapping"},
		"two documents":   {"bucket: a\n---\nbucket: b\n", "second document"},
		"broken":          {"bucket: \"a\n", "is not YAML"},
		"a tab":           {"to:\n\t- a\n", "is not YAML"},
		"empty":           {"", "says nothing"},
		"only a comment":  {"# hello\n", "says nothing"},
		"no text":         {"bucket: \xff\n", "is not UTF-8"},
		"a zero":          {"bucket: a\x00b\n", "is not UTF-8"},
		"deep brackets":   {"to: " + strings.Repeat("[", 5000), "nested too deeply"},
		"deep lists":      {"to:\n" + strings.Repeat("- ", 5000) + "a\n", "nested too deeply"},
		"long":            {"bucket: " + strings.Repeat("a", maxGrantFile), "longer than 1 MiB"},
		"a list in to":    {"to:\n  - [a]\n", "g.yaml:2:5: to: is not a text"},
		"a key of a list": {"? [a]\n: b\n", "is not YAML"},
	} {
		_, faults := parseGrantFile([]byte(c.text), "g.yaml", table())
		if !strings.Contains(faults.Error(), c.want) {
			t.Errorf("%s: got %q, want %q", name, faults.Error(), c.want)
		}
	}
}

func TestWhatIsWrongAThousandTimesIsSaidTwentyTimesAndSoon(t *testing.T) {
	slow := time.AfterFunc(20*time.Second, func() { panic("no end with a grant file of many mistakes") }) // it takes half a second, and ten times that under the race detector of a busy machine
	defer slow.Stop()
	for name, c := range map[string]struct {
		text string
		most int
	}{
		"keys":         {strings.Repeat("colour: red\n", 1000), maxFaults + 1},
		"more keys":    {strings.Repeat("colour: red\n", 87000), 1},
		"odd keys":     {strings.Repeat("? a\n", 260000), 1},
		"documents":    {strings.Repeat("--- a\n", 170000), 1},
		"recipients":   {"to:\n" + strings.Repeat("  - true\n", 90000), maxFaults + 1},
		"just so many": {strings.Repeat("colour: red\n", maxFaults), maxFaults},
	} {
		_, faults := parseGrantFile([]byte(c.text), "g.yaml", table())
		if len(faults) != c.most {
			t.Errorf("%s: got %d faults, want %d", name, len(faults), c.most)
		}
	}
	s := newStage(t, &toy{})
	s.write("g.yaml", "to:\n"+strings.Repeat("  - nobody\n", 50000))
	if r := s.run("plan", "-f", "g.yaml", "--offline"); strings.Count(r.errout, "nobody")+strings.Count(r.errout, "to: is neither") > maxFaults+1 {
		t.Errorf("got %d bytes of faults about recipients, want about twenty", len(r.errout))
	}
}

func TestAPipeInPlaceOfAFileDoesNotBlock(t *testing.T) {
	s := newStage(t, &toy{})
	pipe := filepath.Join(s.dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	slow := time.AfterFunc(10*time.Second, func() { panic("waits for a pipe") })
	defer slow.Stop()
	s.key()
	s.run("plan", "-f", "pipe", "--offline").wants(t, 2, "is not a regular file")
	s.run("apply", "pipe", "--yes").wants(t, 2, "is not a regular file")
	s.run("receive", "pipe", "--identity", "key.txt", "--out", "x").wants(t, 2, "is not a regular file")
	s.run(with("verify", "--credential", "pipe")...).wants(t, 2, "is not a regular file")
	s.run(with("plan", "--sandbox-file", "pipe")...).wants(t, 2, "is not a regular file")
}

func TestFlagsWinOverTheFileAndTheFileOverTheEnvironment(t *testing.T) {
	for _, c := range []struct {
		text string
		args []string
		want string
	}{
		{"", nil, "ann"},
		{"owner: bob\n", nil, "bob"},
		{"owner: bob\n", []string{"--owner", "cat"}, "cat"},
	} {
		s := newStage(t, &toy{})
		s.write("g.yaml", "profile: event-dump\nbucket: acme\nshelf: moon-1\nadopt: true\n"+c.text)
		r := s.run(append([]string{"plan", "--offline", "--json", "-f", "g.yaml", "--adopt=false"}, c.args...)...)
		r.wants(t, 0, `"owner": "`+c.want+`"`)
		r.lacks(t, `"adopt": true`)
	}
}

func TestFaultsOfAFileNameTheirPlaceEvenIfTheCloudFindsThem(t *testing.T) {
	s := newStage(t, &toy{})
	s.write("g.yaml", "profile: event-dump\nbucket: ACME\nprefix: nope\nshelf: moon-1\nto: AGE-SECRET-KEY-1QQQ\nformat: xml\n")
	r := s.run("apply", "-f", "g.yaml", "--yes")
	r.wants(t, 2, `g.yaml:2:1: bucket "ACME"`, `g.yaml:3:1: prefix "nope"`, "g.yaml:5:1: to: is a private key", `g.yaml:6:1: format "xml"`)
	r.lacks(t, "QQQ")
}

// documents that a parser and a schema must judge alike.
func judged(recipient string) map[string]bool {
	return map[string]bool{
		`{"profile": "event-dump", "bucket": "acme"}`:          true,
		`{"profile": "nope"}`:                                  false,
		`{"bucket": 7}`:                                        true,
		`{"bucket": true}`:                                     false,
		`{"bucket": ["a"]}`:                                    false,
		`{"bucket": {"name": "a"}}`:                            false,
		`{"strict": true, "adopt": false}`:                     true,
		`{"strict": "true"}`:                                   false,
		`{"strict": 1}`:                                        false,
		`{"to": "` + recipient + `"}`:                          true,
		`{"to": ["` + recipient + `"]}`:                        true,
		`{"to": [["age1"]]}`:                                   false,
		`{"to": [true]}`:                                       false,
		`{"format": "env"}`:                                    true,
		`{"format": "xml"}`:                                    false,
		`{"shelf": "moon-1", "owner": "ann"}`:                  true,
		`{"region": "moon-1"}`:                                 false,
		`{"colour": "red"}`:                                    false,
		`{"who": "key", "lamp": true}`:                         true,
		`{"who": "magic"}`:                                     false,
		`{"lamp": "true"}`:                                     false,
		`{"from": ["203.0.113.0/24"]}`:                         true,
		`{"from": [true]}`:                                     false,
		`{"profile": "event-dump+replay"}`:                     true,
		`{"as-documented": true}`:                              true,
		`{"shared": true, "grants": ["a/", {"prefix": "b/"}]}`: true,
		`{"grants": "a/"}`:                                     false,
		`{"grants": [true]}`:                                   false,
		`{"grants": [{"colour": "red"}]}`:                      false,
		`["bucket"]`:                                           false,
		`"bucket"`:                                             false,
	}
}

// completing is a command with the flags that a grant file leaves out.
func completing(doc any) []string {
	line := []string{"plan", "--offline"}
	said, _ := doc.(map[string]any)
	for _, f := range table() {
		if _, ok := said[f.Key]; !ok && f.always() {
			line = append(line, "--"+f.Key, f.Example)
		}
	}
	return line
}

func TestSchemaAndParserAgree(t *testing.T) {
	s := newStage(t, &toy{})
	r := s.run("schema")
	r.wants(t, 0)
	var parsed jsonschema.Schema
	if err := json.Unmarshal([]byte(r.out), &parsed); err != nil {
		t.Fatal(err)
	}
	resolved, err := parsed.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range judged(s.key()) {
		var doc any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if got := resolved.Validate(doc) == nil; got != want {
			t.Errorf("schema on %s: got %v, want %v", text, got, want)
		}
		s.write("g.json", text)
		r := s.run(append(completing(doc), "-f", "g.json")...)
		if got := r.code == 0; got != want {
			t.Errorf("plan of %s: got %d %s, want it accepted: %v", text, r.code, r.errout, want)
		}
	}
	for _, f := range table() {
		if parsed.Properties[f.Key] == nil {
			t.Errorf("schema: got nothing for the key %q", f.Key)
		}
	}
	if want := len(table()) + 1; len(parsed.Properties) != want { // the list of many grants
		t.Errorf("schema: got %d keys, want %d", len(parsed.Properties), want)
	}
}

func TestTheExampleOfAGrantFileIsOne(t *testing.T) {
	a := newApp(toyCloud(&toy{}), Env{})
	if _, faults := parseGrantFile([]byte(a.grantExample()), "g.yaml", table()); len(faults) > 0 {
		t.Error(faults)
	}
}

// FuzzGrantFile holds the parser to two promises: it never panics, and what it
// accepts another reading of YAML understands in the same way.
func FuzzGrantFile(f *testing.F) {
	for text := range judged("age1") {
		f.Add(text)
	}
	f.Add("bucket: a\nto:\n  - b\nadopt: true\n")
	f.Add("bucket: 'it''s'\nname: >\n  folded\n  text\n")
	f.Fuzz(func(t *testing.T, text string) {
		slow := time.AfterFunc(2*time.Second, func() { panic(fmt.Sprintf("no end with %q", text)) })
		words, faults := parseGrantFile([]byte(text), "g.yaml", table())
		defer slow.Stop()
		if len(faults) > 0 {
			return
		}
		var other map[string]any
		if err := yaml.Unmarshal([]byte(text), &other); err != nil {
			return
		}
		for key, v := range words.flag {
			if other[key] != v {
				t.Errorf("%q: %s: got %v, want %v", text, key, v, other[key])
			}
		}
		for key, v := range words.text {
			if s, ok := other[key].(string); ok && s != v {
				t.Errorf("%q: %s: got %q, want %q", text, key, v, s)
			}
		}
	})
}

func TestAFileOfManyGrantsIsSaidToBeOneWhereOneIsTaken(t *testing.T) {
	s := newStage(t, &toy{})
	s.write("sites.yaml", "profile: site-backup\nbucket: acme\nshelf: moon-1\ngrants:\n  - a\n")
	for _, verb := range []string{"status", "verify"} {
		r := s.run(verb, "-f", "sites.yaml")
		r.wants(t, 2, `file "sites.yaml": holds many grants, and this command takes one`, "--name", "plan -f FILE looks at all")
		r.lacks(t, "is not a key")
	}
	s.stdin = "grants:\n  - a\n"
	s.run("plan", "-f", "-").wants(t, 2, "holds many grants, which are not read from standard input", "a file of its own")
}
