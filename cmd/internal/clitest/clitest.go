// Package clitest runs the whole-program stories of testdata/script for one
// program. The stories are the same for every program, so they speak through
// variables and through words that begin with "@".
package clitest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/journal"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

// scripts is where the stories are, seen from cmd/PROGRAM.
const scripts = "../../testdata/script"

// Run runs every story with the program, which [testscript.Main] has put into the path.
func Run(t *testing.T, c cli.Cloud) {
	told(t, scripts)
	w := world{c, c.Connect(core.Connection{}).Info()}
	testscript.Run(t, w.params(scripts, w.process))
}

// told fails if a folder holds no story.
func told(t *testing.T, dir string) {
	t.Helper()
	if found, err := filepath.Glob(filepath.Join(dir, "*.txtar")); err != nil || len(found) == 0 {
		t.Fatalf("no stories in %s: %v", dir, err)
	}
}

// runner runs the program with these arguments and returns its exit code.
type runner func(ts *testscript.TestScript, line []string) int

// params are the words that the stories of dir know.
func (w world) params(dir string, run runner) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PROGRAM", w.cloud.Program)
			e.Setenv("CLOUD", w.info.Name)
			e.Setenv("REGION", w.info.Nouns.Region)
			e.Setenv("ACCOUNT", w.info.Nouns.Account)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TMPDIR", e.WorkDir)
			return nil
		},
		Condition: func(word string) (bool, error) {
			if word == "s3" || word == "gcs" {
				return word == w.info.Name, nil
			}
			return false, fmt.Errorf("no such condition: %q", word)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": func(ts *testscript.TestScript, neg bool, args []string) { w.exits(ts, neg, args, run) },
			"json":  jsonAt, "keygen": keygen, "lock": lock, "settings": w.settings, "file": theFile, "replace": replace, "secretless": secretless,
			"find": find,
		},
	}
}

// process runs the program as a process of its own.
func (w world) process(ts *testscript.TestScript, line []string) int {
	err := ts.Exec(w.cloud.Program, line...)
	if err == nil {
		return 0
	}
	exit, ok := err.(*exec.ExitError) //nolint:errorlint // Exec does not wrap
	if !ok {
		ts.Fatalf("%s: %v", w.cloud.Program, err)
	}
	return exit.ExitCode()
}

// find keeps what a pattern finds in an output or a file in a variable, its first
// group if it has one: find stdout 'code: (\S+)' CODE.
func find(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: find FILE PATTERN VARIABLE")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	m := pattern.FindStringSubmatch(ts.ReadFile(args[0]))
	if m == nil {
		ts.Fatalf("%s has nothing like %s:\n%s", args[0], args[1], ts.ReadFile(args[0]))
	}
	ts.Setenv(args[2], m[len(m)-1])
}

// world is one program with its cloud.
type world struct {
	cloud cli.Cloud
	info  core.Info
}

// exits runs the program and wants exactly one exit code: exits 4 apply @grant --yes.
//
//	@grant    the flags of a grant on a prefix of the bucket acme-events
//	@cloud    the flags that this cloud requires of any grant
//	@keyless  the flags of the recommended way for the grantee of @grant to need no secret
func (w world) exits(ts *testscript.TestScript, neg bool, args []string, run runner) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var line []string
	for _, a := range args[1:] {
		switch a {
		case "@grant":
			line = append(line, "--profile", "event-dump", "--bucket", "acme-events", "--prefix", "events/")
			line = append(line, w.required()...)
		case "@cloud":
			line = append(line, w.required()...)
		case "@keyless":
			line = append(line, w.keyless(ts)...)
		default:
			line = append(line, a)
		}
	}
	got := run(ts, line)
	if got != want {
		ts.Fatalf("%s %s: exit code %d, want %d", w.cloud.Program, strings.Join(line, " "), got, want)
	}
}

// required is the flags that every grant on this cloud needs, whoever the grantee is.
func (w world) required() []string {
	var line []string
	for _, s := range w.info.Settings {
		if s.Required && len(s.Only) == 0 {
			line = append(line, "--"+s.Name, s.Example)
		}
	}
	return append(line, "--"+w.info.Nouns.Region, w.cloud.Region)
}

// keyless is the flags of the first way without a secret that the profile of @grant allows.
func (w world) keyless(ts interface {
	Check(error)
	Fatalf(string, ...any)
}) []string {
	p, err := profile.Find("event-dump")
	ts.Check(err)
	for _, id := range w.info.Identities {
		if id.Form != "" || !slices.Contains(p.Who[w.info.Name], id.Who) {
			continue
		}
		line := []string{"--who", string(id.Who)}
		for _, s := range w.info.Settings {
			if s.Required && len(s.Only) > 0 && s.For(id.Who) {
				line = append(line, "--"+s.Name, s.Example)
			}
		}
		return line
	}
	ts.Fatalf("%s: got no way without a secret", w.info.Title)
	return nil
}

// settings appends what this cloud requires to a grant file: settings grant.yaml.
func (w world) settings(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	line := w.required()
	for pair := range slices.Chunk(line, 2) {
		text += strings.TrimPrefix(pair[0], "--") + ": " + pair[1] + "\n"
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// keygen makes a receiver's key pair: keygen FILE VARIABLE.
func keygen(ts *testscript.TestScript, _ bool, args []string) {
	id, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(id.String()+"\n"), 0o600))
	ts.Setenv(args[1], id.Recipient().String())
}

// lock holds a grant's lock until the story ends: lock DIR NAME.
func lock(ts *testscript.TestScript, _ bool, args []string) {
	held, err := journal.Open(ts.MkAbs(args[0]), args[1], "somebody else")
	ts.Check(err)
	ts.Defer(func() { _ = held.Close() })
}

// theFile finds the only file that matches and names it: file PATTERN VARIABLE.
func theFile(ts *testscript.TestScript, neg bool, args []string) {
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if neg {
		if len(found) > 0 {
			ts.Fatalf("%s: got %d files, want none", args[0], len(found))
		}
		return
	}
	if len(found) != 1 {
		ts.Fatalf("%s: got %d files, want one", args[0], len(found))
	}
	info, err := os.Lstat(found[0])
	ts.Check(err)
	if info.Mode().Perm() != 0o600 {
		ts.Fatalf("%s: mode %v, want 0600", args[0], info.Mode().Perm())
	}
	ts.Setenv(args[1], found[0])
}

// replace replaces a text in a file: replace FILE OLD NEW.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

// jsonAt wants a JSON document with a value at a path: json stdout .key.id AKIA…;
// without a value the path must be there, with "!" it must not.
func jsonAt(ts *testscript.TestScript, neg bool, args []string) {
	var doc any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc); err != nil {
		ts.Fatalf("%s is no JSON: %v", args[0], err)
	}
	got, ok := at(doc, strings.Split(strings.Trim(args[1], "."), "."))
	switch {
	case neg && ok:
		ts.Fatalf("%s: got %v, want nothing", args[1], got)
	case neg:
	case !ok:
		ts.Fatalf("%s: nothing is there", args[1])
	case got == nil:
		got = "null"
		fallthrough
	default:
		if len(args) > 2 && fmt.Sprint(got) != args[2] {
			ts.Fatalf("%s: got %v, want %s", args[1], got, args[2])
		}
	}
}

// at walks down a document; "#" is the length of a list.
func at(doc any, path []string) (any, bool) {
	for _, step := range path {
		switch v := doc.(type) {
		case map[string]any:
			next, ok := v[step]
			if !ok {
				return nil, false
			}
			doc = next
		case []any:
			if step == "#" {
				return len(v), true
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return nil, false
			}
			doc = v[i]
		default:
			return doc, step == ""
		}
	}
	return doc, true
}
