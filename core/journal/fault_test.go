// What a journal promises when the disk fails: what was acknowledged is there, and a doubt stops everything.
package journal

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

var errDisk = errors.New("the disk is bad")

// failing lets an operation fail, chosen by its number, counted from 0, and its name. met is false if there was none.
func failing(choose func(n int, op string) bool) (met *bool, end func()) {
	n := 0
	met = new(bool)
	return met, safefile.Ask(func(op safefile.Op) error {
		if n++; choose(n-1, op.Name) {
			*met = true
			return errDisk
		}
		return nil
	})
}

// life is a run that records three intents and settles one; it returns which of
// the two others were acknowledged, and what failed.
func life(dir string) (acknowledged []string, err error) {
	f, err := Open(dir, "acme", "test")
	if err != nil {
		return nil, err
	}
	for _, id := range []string{"a", "b", "c"} {
		if failed := f.Intend(intent(id)); failed != nil {
			err = errors.Join(err, failed)
		} else {
			acknowledged = append(acknowledged, id)
		}
	}
	acknowledged = slices.DeleteFunc(acknowledged, func(id string) bool { return id == "a" })
	return acknowledged, errors.Join(err, f.Settle("a", true), f.Close())
}

func TestWhateverFailsOnTheDiskIsSaidAndWhatWasAcknowledgedIsThere(t *testing.T) {
	for name, prepare := range map[string]func(dir string){
		"a new journal": func(string) {},
		"a torn one": func(dir string) {
			lines(t, dir, 2000, true)
			must(t, os.Truncate(path(dir), 1990))
		},
		"one that is too long": func(dir string) { lines(t, dir, compactOver+1, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Attr("suite", "D1")
			for at := 0; ; at++ {
				dir := filepath.Join(t.TempDir(), "j")
				prepare(dir)
				met, end := failing(func(n int, _ string) bool { return n == at })
				acknowledged, err := life(dir)
				end()
				if !*met {
					if err != nil || at < 10 {
						t.Errorf("without a fault: got %v after %d operations", err, at)
					}
					t.Attr("cases", strconv.Itoa(at))
					break
				}
				if !errors.Is(err, errDisk) {
					t.Errorf("operation %d: got %v, want %v", at, err, errDisk)
				}
				got := pending(t, reopen(t, dir))
				for _, id := range acknowledged {
					if !slices.Contains(got, id) {
						t.Errorf("operation %d: got %q pending, want %q, which was acknowledged", at, got, acknowledged)
					}
				}
				if _, err := os.Stat(path(dir) + ".new"); err == nil {
					t.Errorf("operation %d: a half of a journal is left", at)
				}
			}
		})
	}
}

func TestADoubtAboutTheDiskStopsEverything(t *testing.T) {
	for name, c := range map[string]struct {
		ops   []string // fail once each
		stops bool
	}{
		"a write that is taken back":       {[]string{safefile.OpWrite}, false},
		"a write that cannot be":           {[]string{safefile.OpWrite, safefile.OpTruncate}, true},
		"a write that is back for a while": {[]string{safefile.OpWrite, safefile.OpSync}, true},
		"a sync":                           {[]string{safefile.OpSync}, true},
	} {
		f := reopen(t, filepath.Join(t.TempDir(), "j"))
		must(t, f.Intend(intent("old")))
		left := slices.Clone(c.ops)
		_, end := failing(func(_ int, op string) bool {
			i := slices.Index(left, op)
			if i >= 0 {
				left = slices.Delete(left, i, i+1)
			}
			return i >= 0
		})
		if err := f.Intend(intent("new")); !errors.Is(err, errDisk) || !strings.HasPrefix(err.Error(), "journal: ") {
			t.Errorf("%s: got %v, want %v of the journal", name, err, errDisk)
		}
		end()
		_, asked := f.Pending()
		if later := f.Intend(intent("later")); (later != nil) != c.stops || (asked != nil) != c.stops || len(left) > 0 {
			t.Errorf("%s: got %v and %v afterwards, want stopped %v", name, later, asked, c.stops)
		}
	}
}

func TestAJournalIsOnTheDiskBeforeAnybodyReliesOnIt(t *testing.T) {
	for name, size := range map[string]int{"a new one": 0, "one that was too long": compactOver + 1} {
		dir := filepath.Join(t.TempDir(), "j")
		if size > 0 {
			lines(t, dir, size, true)
		}
		loose := map[string]string{} // what is not on the disk yet, by the operation that would put it there
		end := safefile.Ask(func(op safefile.Op) error {
			switch op.Name {
			case safefile.OpWrite:
				loose[safefile.OpSync] = op.Path
			case safefile.OpCreate, safefile.OpRename:
				loose[safefile.OpSyncDir] = op.Path
			}
			if op.Name == safefile.OpRename && loose[safefile.OpSync] != "" {
				t.Errorf("%s: got %q renamed before it is on the disk", name, op.Path)
			}
			delete(loose, op.Name)
			return nil
		})
		f, err := Open(dir, "acme", "test")
		end()
		must(t, err, f.Close())
		if len(loose) > 0 {
			t.Errorf("%s: got it opened with %q not on the disk", name, loose)
		}
	}
}
