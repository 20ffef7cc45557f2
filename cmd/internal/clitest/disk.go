// Disks that fail: every operation that a command does on a disk, one after the
// other, with the whole program around it.
package clitest

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/disktest"
)

// chapterFor is how long one chapter goes on where everything is tried.
const chapterFor = 12 * time.Second

// Disk lets each operation on the disk fail in each chapter, or, where every
// second counts, in those alone. Afterwards every key has a whole file or
// is gone, nothing half is left, the exit code is true, and the next run on a
// good disk ends where a run without a failure does. Where everything is tried,
// chance decides what comes first, and the clock when it is enough.
func Disk(t *testing.T, c cli.Cloud, alone ...string) {
	seen := map[string]bool{}
	t.Attr("suite", "D1")
	t.Setenv("TMPDIR", t.TempDir())
	for _, ch := range chapters() {
		if !disktest.EveryFault && !slices.Contains(alone, ch.name) {
			continue
		}
		t.Run(ch.name, func(t *testing.T) {
			base := newShop(t, c)
			base.open(func(s *shop) {
				for _, line := range ch.before {
					if code := s.run(line); code != 0 {
						t.Fatalf("%v: exit %d\n%s", line, code, s.said)
					}
				}
				s.keep()
			})
			var want string
			twice := 0 // what a second run says where a first has done everything
			var recorded []disktest.Op
			base.copy(t).open(func(s *shop) {
				recorded = disktest.Record(func() {
					if code := s.run(ch.run); code != 0 {
						t.Fatalf("on a good disk: exit %d\n%s", code, s.said)
					}
				})
				want = s.state()
				s.whole(true)
				twice = s.run(ch.run)
			})
			faults, err := disktest.Faults(recorded, disktest.EveryFault)
			if err != nil || len(faults) == 0 {
				t.Fatalf("%d faults and %v: this chapter is about nothing", len(faults), err)
			}
			if !disktest.EveryFault {
				faults = disktest.Distinct(recorded, faults, seen)
			}
			begun := time.Now()
			for _, f := range disktest.Drawn(t, faults) {
				if disktest.EveryFault && time.Since(begun) > chapterFor {
					break
				}
				t.Run(f.String(), func(t *testing.T) {
					t.Setenv("TMPDIR", t.TempDir()) // what cannot be removed for ever is nobody else's litter
					base.copy(t).open(func(s *shop) { s.suffers(ch, f, want, twice) })
				})
			}
		})
	}
}

// suffers runs a chapter on a disk with a fault, and then on a good one.
func (s *shop) suffers(ch chapter, f disktest.Fault, want string, twice int) {
	code := 0
	met := f.Run(func() { code = s.run(ch.run) })
	if met.Name == "" {
		return // another order of what runs side by side needs fewer operations
	}
	first := s.said
	s.whole(f.Ever && met.Name == "remove")
	got := s.state()
	done := got == want
	switch {
	case code == 0 && !done:
		s.t.Errorf("%s: exit 0, but what is there differs (-want +got):\n%s\n%s", met, cmp.Diff(want, got), first)
	case code == 0 && disktest.Matters(met) && !ch.tough:
		s.t.Errorf("%s failed, and the exit code is 0\n%s", met, first)
	case code != 0 && !strings.Contains(first, ": "):
		s.t.Errorf("%s: exit %d without a reason: %q", met, code, first)
	case code == 0:
		return
	}
	again := s.run(ch.run)
	s.whole(f.Ever && met.Name == "remove")
	if got := s.state(); again != 0 && (!done || again != twice) || got != want {
		s.t.Errorf("%s: the next run on a good disk: exit %d, and what is there differs (-want +got):\n%s\nfirst, exit %d: %s\nthen: %s", met, again, cmp.Diff(want, got), code, first, s.said)
	}
}

// shop is a directory and a cloud in which commands run.
type shop struct {
	t        *testing.T
	world    world
	dir      string
	snapshot []byte        // the cloud before
	time     time.Duration // how long it took until then
	identity *age.X25519Identity
	vars     map[string]string
	sandbox  cli.Sandbox
	said     string // what the last command has printed
}

func newShop(t *testing.T, c cli.Cloud) *shop {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	check(t, err)
	s := &shop{t: t, world: world{c, c.Connect(core.Connection{}).Info()}, dir: t.TempDir(), identity: id, vars: map[string]string{"TO": id.Recipient().String()}}
	sites := "profile: site-backup\nwho: key\nbucket: acme-backups\nto: " + s.vars["TO"] + "\n"
	for pair := range slices.Chunk(s.world.required(), 2) {
		sites += strings.TrimPrefix(pair[0], "--") + ": " + pair[1] + "\n"
	}
	sites += "grants:\n  - a.example\n  - b.example\n"
	check(t, errors.Join(os.Chmod(s.dir, 0o700), //nolint:gosec // in the test's own directory
		os.WriteFile(filepath.Join(s.dir, "key.txt"), []byte(id.String()+"\n"), 0o600),
		os.WriteFile(filepath.Join(s.dir, "sites.yaml"), []byte(sites), 0o600)))
	return s
}

// copy is another shop that begins like this one.
func (s *shop) copy(t *testing.T) *shop {
	t.Helper()
	other := *s
	other.t, other.dir = t, t.TempDir()
	check(t, os.Chmod(other.dir, 0o700)) //nolint:gosec // in the test's own directory
	check(t, filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		to := filepath.Join(other.dir, strings.TrimPrefix(path, s.dir))
		if err != nil || path == s.dir {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(to, 0o700)
		}
		data, err := os.ReadFile(path)                         //nolint:gosec // in the test's own directory
		return errors.Join(err, os.WriteFile(to, data, 0o600)) //nolint:gosec // in the test's own directory
	}))
	return &other
}

// open lets f work in the shop, in virtual time that goes on where it was kept.
func (s *shop) open(f func(*shop)) {
	synctest.Test(s.t, func(t *testing.T) {
		s.t = t
		time.Sleep(s.time)
		var err error
		s.sandbox, err = s.world.cloud.Sandbox(s.snapshot)
		check(t, err)
		f(s)
	})
}

// keep remembers the cloud and the time.
func (s *shop) keep() {
	var err error
	s.snapshot, err = s.sandbox.Snapshot()
	check(s.t, err)
	s.time = time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) // when virtual time begins
	for name, pattern := range map[string]string{"SEALED": "*.age", "MANIFEST": "*.manifest.json"} {
		if found, err := filepath.Glob(filepath.Join(s.dir, "handoff", pattern)); err == nil && len(found) > 0 {
			s.vars[name] = filepath.Join("handoff", filepath.Base(found[0]))
		}
	}
	for _, k := range s.keys() {
		s.vars["KEY"] = k.ID
	}
}

// run runs the program and returns its exit code.
func (s *shop) run(line []string) int {
	var args []string
	for _, word := range line {
		switch word {
		case "@grant":
			args = append(args, words("--profile event-dump --bucket acme-events --prefix events/")...)
			args = append(args, s.world.required()...)
		case "@keyless":
			args = append(args, s.world.keyless(strict{s.t})...)
		case "@state":
			args = append(args, words("--sandbox --journal journal")...)
		default:
			args = append(args, os.Expand(word, func(name string) string { return s.vars[name] }))
		}
	}
	c := s.world.cloud
	if slices.Contains(args, "--sandbox") {
		c.Sandbox = func([]byte) (cli.Sandbox, error) { return s.sandbox, nil }
	}
	var said bytes.Buffer
	code := cli.Run(context.Background(), c, cli.Env{Args: args, Dir: s.dir, Stdin: strings.NewReader(""), Stdout: &said, Stderr: &said, Getenv: func(string) string { return "" }})
	s.said = said.String()
	return code
}

// found is every grant that the cloud shows.
func (s *shop) found() []core.Found {
	finder, ok := core.Power[core.Finder](s.sandbox.Provider())
	if !ok {
		s.t.Fatalf("%s cannot list grants", s.world.info.Title)
	}
	settings := map[string]string{}
	for _, one := range s.world.info.Settings {
		if one.Required && len(one.Only) == 0 {
			settings[one.Name] = one.Example
		}
	}
	_, found, err := finder.Find(s.t.Context(), settings)
	check(s.t, err)
	return found
}

func (s *shop) keys() (keys []core.Key) {
	for _, f := range s.found() {
		keys = append(keys, f.Keys...)
	}
	return keys
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func words(line string) []string { return strings.Fields(line) }

// strict is a test that checks like a script does.
type strict struct{ *testing.T }

// Check ends the test if there is an error.
func (s strict) Check(err error) { check(s.T, err) }
