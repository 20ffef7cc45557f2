// Killed: a process that ends at any moment leaves nothing that the next one does not put right.
package clitest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// Processes takes a program through everything that can happen to a process.
func Processes(t *testing.T, s Seam) {
	g := newStage(t, s)
	t.Run("killed, it leaves nothing that the next one does not put right", g.killed)
	t.Run("interrupted, it ends soon and tells the truth", g.signalled)
	t.Run("whatever happens to it, nobody reads a secret", g.leaks)
	t.Run("a leak would be seen", g.planted)
}

// killed kills the program at every call and at every step on the disk of every
// verb, and runs the same command again.
func (g *stage) killed(t *testing.T) {
	t.Attr("suite", "K1")
	for _, v := range verbs() {
		t.Run(v.Name, func(t *testing.T) {
			w := g.wholes[v.Name]
			for _, p := range w.points(kill, killEvery, beforeCall, afterCall, beforeStep) {
				t.Run(fmt.Sprintf("%s %d", p.At, p.N), func(t *testing.T) {
					t.Parallel()
					b := g.bed(t, g.scenes[v.In])
					if r := b.run(p, v.Args...); r.Signal != syscall.SIGKILL {
						t.Fatalf("got exit code %d, want a process that was killed\n%s%s", r.Code, r.Stdout, r.Stderr)
					}
					b.converges(v, w)
					b.hunt()
				})
			}
		})
	}
}

// whole is what a run comes to that nothing happens to.
type whole struct {
	result
	survey survey
}

// whole lets a verb run undisturbed.
func (g *stage) whole(t *testing.T, v verb) whole {
	t.Helper()
	b := g.bed(t, g.scenes[v.In])
	r := b.run(point{}, v.Args...)
	if r.Code != 0 || r.Report.Calls == 0 || watched && r.Report.Steps == 0 {
		t.Fatalf("%s: got exit code %d after %d calls and %d steps\n%s%s", v.Name, r.Code, r.Report.Calls, r.Report.Steps, r.Stdout, r.Stderr)
	}
	return whole{r, b.survey()}
}

// points are moments of the whole run, each of some kinds and one in so many.
func (w whole) points(do deed, every int, at ...moment) []point {
	var list []point
	for _, m := range at {
		n := w.Report.Calls
		if m == beforeStep {
			n = w.Report.Steps
		}
		for i := range n {
			list = append(list, point{m, i + 1, do})
		}
	}
	var some []point
	for i := min(every, len(list)) / 2; i < len(list); i += every {
		some = append(some, list[i])
	}
	return some
}

// converges demands that the same command, run again, gets everything to where an
// undisturbed run does, and that one more run changes nothing.
func (b *bed) converges(v verb, w whole) {
	b.Helper()
	b.later()
	if r := b.inside(v.Args...); r.Code != 0 && r.Code != v.Done {
		b.Errorf("run again: got exit code %d, want 0 or %d\n%s%s", r.Code, v.Done, r.Stdout, r.Stderr)
	}
	now := b.survey()
	if !slices.Equal(now.active(), w.survey.active()) {
		b.Errorf("run again: got the keys %v, want them as %v", now.Keys, w.survey.Keys)
	}
	b.tidy(v, now)
	before := b.writes.Load()
	if r := b.inside(v.Args...); r.Code != 0 && r.Code != v.Done {
		b.Errorf("run once more: got exit code %d, want 0 or %d\n%s%s", r.Code, v.Done, r.Stdout, r.Stderr)
	}
	if wrote := b.writes.Load() - before; wrote > 0 && v.Name != "reissue" {
		b.Errorf("run once more: got %d writes, want none", wrote)
	}
}

// decided is longer than a cloud is given to show what came of a call whose answer is not known.
const decided = 6 * time.Minute

var (
	undecided = regexp.MustCompile(`(?m)^.*"verb":"(?:issue|deliver)".*$`)
	moments   = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[0-9:.]+Z"`)
)

// earlier is a moment some time before.
func earlier(moment []byte) []byte {
	at, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(moment))
	if err != nil {
		return moment
	}
	return []byte(at.Add(-decided).Format(`"` + time.RFC3339Nano + `"`))
}

// later lets time go by for what is undecided in the journal and for all files: the next run comes when everything can be decided.
func (b *bed) later() {
	b.Helper()
	found, err := filepath.Glob(filepath.Join(b.home, "journal", "*.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range found {
		data, err := os.ReadFile(path) //nolint:gosec // the test's own
		if err != nil {
			b.Fatal(err)
		}
		data = undecided.ReplaceAllFunc(data, func(line []byte) []byte { return moments.ReplaceAllFunc(line, earlier) })
		if err := os.WriteFile(path, data, 0o600); err != nil { //nolint:gosec // as above
			b.Fatal(err)
		}
	}
	then := time.Now().Add(-decided)
	err = filepath.WalkDir(b.home, func(path string, e os.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, then, then)) //nolint:gosec // as above
	})
	if err != nil {
		b.Fatal(err)
	}
}

// tidy demands that every file belongs to a key that exists or was there before,
// that whoever has a key has its files, and that nothing is half done.
func (b *bed) tidy(v verb, now survey) {
	b.Helper()
	was := names(b.T, filepath.Join(b.stage.scenes[v.In].home, "handoff"))
	if b.stage.scenes[v.In].home == "" {
		was = nil
	}
	for _, name := range now.Files {
		if slices.Contains(was, name) {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(keysOf(now)), func(id string) bool { return strings.Contains(name, fileKey(id)) }) {
			b.Errorf("got the file %q in the hand-off directory, want only those of keys that exist: %v", name, now.Keys)
		}
	}
	for id := range now.Keys {
		bundle := slices.ContainsFunc(now.Files, func(name string) bool { return strings.HasSuffix(name, fileKey(id)+".age") })
		manifest := slices.ContainsFunc(now.Files, func(name string) bool { return strings.HasSuffix(name, fileKey(id)+".manifest.json") })
		if !bundle || !manifest {
			b.Errorf("got a key %s and the files %q, want its bundle and its manifest", id, now.Files)
		}
	}
	for _, name := range names(b.T, filepath.Join(b.home, "journal")) {
		if !strings.HasSuffix(name, ".jsonl") && !strings.HasSuffix(name, ".lock") {
			b.Errorf("got the file %q beside the journal, want the journal and its lock", name)
		}
	}
}

// fileKey is how the names of files call a key.
func fileKey(id string) string { return core.Credential{ID: id}.KeyName() }

// keysOf are the IDs of the keys.
func keysOf(s survey) func(func(string) bool) {
	return func(yield func(string) bool) {
		for id := range s.Keys {
			if !yield(id) {
				return
			}
		}
	}
}
