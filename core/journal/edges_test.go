// The edges of a journal: just too long, just closed, nobody's, and unreadable.
package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// lines makes a journal of just that many bytes, whose intents are all settled or all pending.
func lines(t *testing.T, dir string, size int, settled bool) {
	t.Helper()
	intend, settle := `{"at":"2026-11-21T12:00:00Z","intend":{"id":"a"}}`+"\n", `{"at":"2026-11-21T12:00:00Z","settle":"a","ok":true}`
	var out strings.Builder
	for out.Len() < size-1000 {
		out.WriteString(intend)
		if settled {
			out.WriteString(settle + "\n")
		}
	}
	last := settle
	if !settled {
		last = strings.TrimSpace(intend)
	}
	out.WriteString(last + strings.Repeat(" ", size-out.Len()-len(last)-1) + "\n")
	must(t, os.MkdirAll(dir, 0o700), os.WriteFile(path(dir), []byte(out.String()), 0o600))
}

func TestOnlyWhatIsTooLongAndCanBeShorterIsWrittenAnew(t *testing.T) {
	for name, c := range map[string]struct {
		size    int
		settled bool
		anew    bool
	}{
		"just long enough": {compactOver, true, false}, "one byte too long": {compactOver + 1, true, true}, "nothing is settled": {2 * compactOver, false, false},
	} {
		dir := filepath.Join(t.TempDir(), "j")
		lines(t, dir, c.size, c.settled)
		before, err := os.Stat(path(dir))
		must(t, err, reopen(t, dir).Close())
		after, err := os.Stat(path(dir))
		must(t, err)
		if anew := !os.SameFile(before, after); anew != c.anew || !anew && after.Size() != int64(c.size) || anew && after.Size() != 0 {
			t.Errorf("%s: got written anew %v, %d bytes, want %v", name, anew, after.Size(), c.anew)
		}
	}
}

func TestAnIntentThatNobodyCouldSettleIsRefused(t *testing.T) {
	f := reopen(t, filepath.Join(t.TempDir(), "j"))
	if err := f.Intend(core.Intent{Verb: core.DoIssue}); err == nil || len(pending(t, f)) > 0 {
		t.Errorf("an intent without an ID: got %v and %q, want it refused", err, pending(t, f))
	}
}

func TestAClosedJournalSaysNothing(t *testing.T) {
	f := reopen(t, filepath.Join(t.TempDir(), "j"))
	must(t, f.Intend(intent("a")), f.Close())
	if list, err := f.Pending(); err == nil {
		t.Errorf("got %v, want an error: nobody holds the lock", list)
	}
}

func TestALastLineThatIsLostFromItsBeginningIsATornEnd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	f := reopen(t, dir)
	must(t, f.Intend(intent("a")), f.Intend(intent("b")), f.Close())
	data, err := os.ReadFile(path(dir))
	must(t, err)
	from := strings.IndexByte(string(data), '\n') + 1
	clear(data[from : from+40])
	must(t, os.WriteFile(path(dir), data, 0o600))
	if got := pending(t, reopen(t, dir)); len(got) != 1 || got[0] != "a" {
		t.Errorf("pending: got %v, want [a]", got)
	}
}

func TestARunThatHasNotSignedYetHoldsTheLockAllTheSame(t *testing.T) {
	for name, sign := range map[string]func(path string) error{
		"no signature":        os.Remove,
		"half of a signature": func(path string) error { return os.WriteFile(path, []byte(`{"who":`), 0o600) },
	} {
		dir := filepath.Join(t.TempDir(), "j")
		reopen(t, dir)
		must(t, sign(filepath.Join(dir, "acme.lock.holder")))
		if _, err := Open(dir, "acme", "bob"); !errors.Is(err, core.ErrLocked) || !strings.Contains(err.Error(), "just begun") {
			t.Errorf("%s: got %v, want %v by a run that has just begun", name, err, core.ErrLocked)
		}
	}
}

func TestWhoeverOnlyLooksIsToldWhatCannotBeRead(t *testing.T) {
	good := filepath.Join(t.TempDir(), "j")
	must(t, reopen(t, good).Close())
	for name, c := range map[string]struct {
		make func(dir string) error // where "acme" is looked for
		name string
		want string // in the error; "" is none, and nothing pending
	}{
		"no directory":             {func(dir string) error { return os.Remove(dir) }, "acme", ""},
		"no journal":               {func(string) error { return nil }, "acme", ""},
		"a name of no file":        {func(string) error { return nil }, "../acme", "accepted"},
		"a directory for everyone": {func(dir string) error { return os.Chmod(dir, 0o777) }, "acme", "others may write"},
		"a journal for everyone": {func(dir string) error {
			return errors.Join(os.WriteFile(path(dir), nil, 0o600), os.Chmod(path(dir), 0o666))
		}, "acme", "others may open"},
		"a damaged journal": {func(dir string) error { return os.WriteFile(path(dir), []byte("x\n"), 0o600) }, "acme", "line 1"},
	} {
		dir := filepath.Join(t.TempDir(), "j")
		must(t, os.Mkdir(dir, 0o700), c.make(dir))
		j, err := Read(dir, c.name)
		if c.want == "" {
			must(t, err)
			if got := pending(t, j); len(got) > 0 {
				t.Errorf("%s: got %v, want nothing", name, got)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.want) || j != nil {
			t.Errorf("%s: got %v, want %q in it and no journal", name, err, c.want)
		}
	}
}
