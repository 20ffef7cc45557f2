// What must hold on a disk that has failed, and what is there in the end.
package clitest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/bucketgrant/bucketgrant/core/disktest"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// state is what is there in the end, whatever it is called.
func (s *shop) state() string {
	var b strings.Builder
	for _, f := range s.found() {
		fmt.Fprintf(&b, "grant %s of %s/%s\n", f.Grant, f.Bucket, f.Prefix)
		for _, k := range f.Keys {
			fmt.Fprintf(&b, "  a key, active %v\n", k.Active)
		}
	}
	for _, name := range []string{"reviewed.plan", "received", "received.json", "report.json"} {
		if _, err := os.Lstat(filepath.Join(s.dir, name)); err == nil {
			fmt.Fprintf(&b, "%s\n", name)
		}
	}
	for _, dir := range []string{"pages"} {
		entries, _ := os.ReadDir(filepath.Join(s.dir, dir))
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(s.dir, dir, e.Name())) //nolint:gosec // in the test's own directory
			fmt.Fprintf(&b, "%s of %d bytes, %v\n", e.Name(), len(data), err)
		}
	}
	return b.String()
}

// whole checks what holds at any time: every key has a file that opens, nothing
// half is left, and nobody else can open anything.
func (s *shop) whole(littered bool) {
	files := os.DirFS(s.dir)
	left, err := disktest.Leftovers(files)
	check(s.t, err)
	demos, err := filepath.Glob(filepath.Join(os.TempDir(), "bucketgrant-*"))
	check(s.t, err)
	left = append(left, demos...)
	if len(left) > 0 && !littered {
		s.t.Errorf("left behind: %q\n%s", left, s.said)
	}
	open, err := disktest.Open(files)
	check(s.t, err)
	for _, path := range open {
		if !strings.HasPrefix(path, "pages") {
			s.t.Errorf("others can open %s", path)
		}
	}
	have := s.holds()
	for _, k := range s.keys() {
		if !slices.Contains(have, k.ID) {
			s.t.Errorf("key %s works, and no file holds it: got %q\n%s", k.ID, have, s.said)
		}
	}
}

// holds are the keys that somebody can take out of the files of the hand-off.
func (s *shop) holds() (ids []string) {
	paths, _ := filepath.Glob(filepath.Join(s.dir, "handoff", "*"))
	for _, path := range paths {
		data, err := os.ReadFile(path) //nolint:gosec // in the test's own directory
		check(s.t, err)
		if opened, err := handoff.OpenSealed(data, []age.Identity{s.identity}); err == nil {
			data = opened
		}
		if c, _, err := handoff.Read(data); err == nil {
			ids = append(ids, c.ID)
		}
	}
	return ids
}
