// What a journal promises: nothing that was acknowledged is lost, nothing that
// was torn is believed, and one run at a time.
package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bucketgrant/bucketgrant/core"
)

func intent(id string) core.Intent {
	return core.Intent{ID: id, RunID: "run", Verb: core.DoChange, Addr: "addr:" + id, At: time.Date(2026, 11, 21, 12, 0, 0, 5, time.UTC), Known: []string{"k1", "k2"}}
}

// reopen opens the journal, and closes it when the test ends.
func reopen(t *testing.T, dir string) *File {
	t.Helper()
	f, err := Open(dir, "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// pending gives the IDs that are pending.
func pending(t *testing.T, j core.Journal) []string {
	t.Helper()
	list, err := j.Pending()
	must(t, err)
	ids := []string{}
	for _, i := range list {
		ids = append(ids, i.ID)
	}
	return ids
}

func path(dir string) string { return filepath.Join(dir, "acme.jsonl") }

func TestPendingIntentsOutliveTheRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "journal")
	f := reopen(t, dir)
	must(t, f.Intend(intent("a")), f.Intend(intent("b")), f.Intend(intent("c")), f.Settle("b", true), f.Close())
	f = reopen(t, dir)
	got, err := f.Pending()
	must(t, err)
	if diff := cmp.Diff([]core.Intent{intent("a"), intent("c")}, got); diff != "" {
		t.Errorf("pending after reopening (-want +got):\n%s", diff)
	}
	must(t, f.Settle("a", false), f.Settle("c", true), f.Close())
	if got := pending(t, reopen(t, dir)); len(got) > 0 {
		t.Errorf("pending after settling all: got %v, want none", got)
	}
}

func TestMemoryKeepsTheSamePromisesButOne(t *testing.T) {
	for _, j := range []core.Journal{Memory(), reopen(t, filepath.Join(t.TempDir(), "j"))} {
		must(t, j.Intend(intent("a")), j.Intend(intent("b")), j.Settle("a", false), j.Settle("never", true))
		if got := pending(t, j); fmt.Sprint(got) != "[b]" {
			t.Errorf("%T: pending: got %v, want [b]", j, got)
		}
		list, err := j.Pending()
		must(t, err)
		list[0].ID = "changed"
		if got := pending(t, j); fmt.Sprint(got) != "[b]" {
			t.Errorf("%T: after changing what Pending gave: got %v, want [b]", j, got)
		}
	}
}

func TestATornEndIsForgottenWhereverItWasTorn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	f := reopen(t, dir)
	must(t, f.Intend(intent("a")), f.Intend(intent("b")), f.Settle("a", true), f.Intend(intent("c")), f.Settle("c", false), f.Close())
	whole, err := os.ReadFile(path(dir))
	must(t, err)
	for cut := range len(whole) + 1 {
		lines := strings.Count(string(whole[:cut]), "\n")
		want := [][]string{{}, {"a"}, {"a", "b"}, {"b"}, {"b", "c"}, {"b"}}[lines]
		must(t, os.WriteFile(path(dir), whole[:cut], 0o600))
		f := reopen(t, dir)
		if got := pending(t, f); !reflect.DeepEqual(got, want) {
			t.Fatalf("torn at byte %d: pending: got %v, want %v", cut, got, want)
		}
		must(t, f.Intend(intent("after")), f.Close())
		f = reopen(t, dir)
		if got := pending(t, f); !reflect.DeepEqual(got, append(want, "after")) {
			t.Fatalf("torn at byte %d, then used: pending: got %v, want %v", cut, got, append(want, "after"))
		}
		must(t, f.Close())
	}
}

func TestALostBlockInTheLastLineIsATornEnd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	f := reopen(t, dir)
	must(t, f.Intend(intent("a")), f.Intend(intent("b")), f.Close())
	data, err := os.ReadFile(path(dir))
	must(t, err)
	copy(data[len(data)-20:], make([]byte, 10))
	must(t, os.WriteFile(path(dir), data, 0o600))
	if got := pending(t, reopen(t, dir)); fmt.Sprint(got) != "[a]" {
		t.Errorf("pending: got %v, want [a]", got)
	}
}

func TestDamageInTheMiddleNamesFileAndLine(t *testing.T) {
	good := `{"at":"2026-11-21T12:00:00Z","settle":"a","ok":true}`
	for what, bad := range map[string]string{
		"no JSON":             `hello`,
		"nothing":             ``,
		"half a line":         good[:20],
		"two values":          good + good,
		"an unknown field":    `{"at":"2026-11-21T12:00:00Z","settle":"a","ok":true,"more":1}`,
		"neither":             `{"at":"2026-11-21T12:00:00Z"}`,
		"both":                `{"at":"2026-11-21T12:00:00Z","intend":{"id":"a"},"settle":"a","ok":true}`,
		"an intent of no ID":  `{"at":"2026-11-21T12:00:00Z","intend":{"id":""}}`,
		"settled without how": `{"at":"2026-11-21T12:00:00Z","settle":"a"}`,
		"zeros":               "\x00\x00\x00",
	} {
		dir := filepath.Join(t.TempDir(), "j")
		must(t, os.Mkdir(dir, 0o700), os.WriteFile(path(dir), []byte(good+"\n"+bad+"\n"+good+"\n"), 0o600))
		f, err := Open(dir, "acme", "test")
		if err == nil {
			f.Close()
			t.Errorf("%s: a damaged journal was accepted", what)
			continue
		}
		for _, want := range []string{fmt.Sprintf("%q", path(dir)), "line 2", "damaged"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got error %q, want %q in it", what, err, want)
			}
		}
		f, err = Open(dir, "other", "test")
		must(t, err, f.Close()) // and nothing stays locked
	}
}

func TestDamageAtTheEndThatNoCrashMakesIsNotForgotten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	must(t, os.Mkdir(dir, 0o700), os.WriteFile(path(dir), []byte("{\"at\":\n"), 0o600))
	if f, err := Open(dir, "acme", "test"); err == nil {
		f.Close()
		t.Error("a whole last line that is damaged was accepted")
	}
}

func TestASecondRunIsToldWhoHoldsTheLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	first, err := Open(dir, "acme", "alice@laptop \x1b[2J")
	must(t, err)
	_, err = Open(dir, "acme", "bob")
	if !errors.Is(err, core.ErrLocked) {
		t.Fatalf("second run: got error %v, want kind %v", err, core.ErrLocked)
	}
	if !strings.Contains(err.Error(), `"alice@laptop \x1b[2J" since 20`) {
		t.Errorf("got error %q, want who and since when in it, escaped", err)
	}
	must(t, reopenOther(dir)) // another grant is not locked
	must(t, first.Close(), first.Close())
	if err := first.Intend(intent("late")); err == nil {
		t.Error("a closed journal took an intent")
	}
	must(t, reopen(t, dir).Close())
}

func reopenOther(dir string) error {
	f, err := Open(dir, "other", "bob")
	if err != nil {
		return err
	}
	return f.Close()
}

func TestARunThatLostItsLockWritesNothingMore(t *testing.T) {
	for what, lose := range map[string]func(dir string) error{
		"lock removed":     func(dir string) error { return os.Remove(filepath.Join(dir, "acme.lock")) },
		"lock replaced":    func(dir string) error { return replace(filepath.Join(dir, "acme.lock")) },
		"journal removed":  func(dir string) error { return os.Remove(path(dir)) },
		"journal replaced": func(dir string) error { return replace(path(dir)) },
	} {
		dir := filepath.Join(t.TempDir(), "j")
		f := reopen(t, dir)
		must(t, f.Intend(intent("a")), lose(dir))
		if err := f.Intend(intent("b")); !errors.Is(err, core.ErrLocked) {
			t.Errorf("%s: got error %v, want kind %v", what, err, core.ErrLocked)
		}
		if err := f.Settle("a", true); !errors.Is(err, core.ErrLocked) {
			t.Errorf("%s: settling: got error %v, want kind %v", what, err, core.ErrLocked)
		}
	}
}

func replace(path string) error {
	return errors.Join(os.WriteFile(path+".other", nil, 0o600), os.Rename(path+".other", path))
}

func TestManyWritersLoseNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	f := reopen(t, dir)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			id := fmt.Sprint(i)
			if err := f.Intend(intent(id)); err != nil {
				t.Error(err)
			}
			if i%2 == 0 {
				if err := f.Settle(id, true); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	must(t, f.Close())
	if got := pending(t, reopen(t, dir)); len(got) != 10 {
		t.Errorf("pending: got %d, want 10", len(got))
	}
}

func TestAGrownJournalKeepsOnlyWhatIsPending(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	f := reopen(t, dir)
	must(t, f.Intend(intent("kept")), f.Intend(intent("one")), f.Settle("one", true), f.Close())
	data, err := os.ReadFile(path(dir))
	must(t, err)
	first, rest, _ := strings.Cut(string(data), "\n")
	grown := first + "\n" + strings.Repeat(rest, compactOver/len(rest)+1)
	must(t, os.WriteFile(path(dir), []byte(grown), 0o600))
	must(t, os.WriteFile(path(dir)+".new", []byte("left by a crash"), 0o600))
	f = reopen(t, dir)
	if got := pending(t, f); fmt.Sprint(got) != "[kept]" {
		t.Errorf("pending after compacting: got %v, want [kept]", got)
	}
	i, err := os.Stat(path(dir))
	must(t, err)
	if i.Size() > 1000 || i.Mode().Perm() != 0o600 {
		t.Errorf("compacted: got %d bytes with mode %04o, want less than 1000 with 0600", i.Size(), i.Mode().Perm())
	}
	must(t, f.Intend(intent("next")), f.Close())
	if got := pending(t, reopen(t, dir)); fmt.Sprint(got) != "[kept next]" {
		t.Errorf("pending after compacting and use: got %v, want [kept next]", got)
	}
	if _, err := os.Stat(path(dir) + ".new"); err == nil {
		t.Error("the file of the earlier crash is still there")
	}
}

func TestNamesThatAreNoFileNamesAreRefused(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../x", "a/b", "/a", ".hidden", "a\x00b", "a\nb", strings.Repeat("a", 300)} {
		if f, err := Open(t.TempDir(), name, "test"); err == nil {
			f.Close()
			t.Errorf("%q was accepted", name)
		} else if !errors.Is(err, core.ErrInvalid) {
			t.Errorf("%q: got error %v, want kind %v", name, err, core.ErrInvalid)
		}
	}
}

func FuzzReplayNeverGoesBackOnAWholeLine(f *testing.F) {
	f.Add([]byte(`{"at":"2026-11-21T12:00:00Z","intend":{"id":"a","run_id":"r","verb":"issue","addr":"x","at":"2026-11-21T12:00:00Z"}}` + "\n"))
	f.Add([]byte(`{"at":"2026-11-21T12:00:00Z","settle":"a","ok":true}` + "\n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, size, err := replay(data)
		if err != nil {
			return
		}
		again, same, err := replay(data[:size])
		if err != nil || same != size || !reflect.DeepEqual(s, again) {
			t.Errorf("what was kept reads differently: %v, %d bytes, %v; want %v, %d bytes", again, same, err, s, size)
		}
	})
}

func TestWhoeverOnlyLooksNeedsNoLockAndChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	none, err := Read(dir, "acme")
	must(t, err)
	if got := pending(t, none); len(got) > 0 {
		t.Errorf("no journal: got %v, want nothing pending", got)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("reading made a directory")
	}
	f := reopen(t, dir) // and holds the lock
	must(t, f.Intend(intent("a")), f.Intend(intent("b")), f.Settle("a", true))
	before, err := os.ReadFile(path(dir))
	must(t, err)
	j, err := Read(dir, "acme")
	must(t, err)
	if got := pending(t, j); fmt.Sprint(got) != "[b]" {
		t.Errorf("pending: got %v, want [b]", got)
	}
	if j.Intend(intent("c")) == nil || j.Settle("b", true) == nil {
		t.Error("a journal that was opened for reading was written")
	}
	after, err := os.ReadFile(path(dir))
	must(t, err)
	if string(after) != string(before) {
		t.Errorf("journal: got %s, want it unchanged", after)
	}
}
