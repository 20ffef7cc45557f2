// What a journal survives when any operation on the disk fails: what it has
// acknowledged, in both directions.

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core/disktest"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// begun are journals as earlier runs may have left them; "old" is pending in each.
func begun(t *testing.T) map[string][]byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "j")
	f := reopen(t, dir)
	must(t, f.Intend(intent("old")), f.Close())
	whole, err := os.ReadFile(filepath.Join(dir, "acme.jsonl"))
	must(t, err)
	settled := bytes.ReplaceAll(whole, []byte(`"old"`), []byte(`"done"`))
	settled = append(settled, `{"at":"2026-01-01T00:00:00Z","settle":"done","ok":true}`+"\n"...)
	return map[string][]byte{
		"new":   nil,
		"short": whole,
		"torn":  append(slices.Clone(whole), whole[:len(whole)/2]...),
		"long":  append(bytes.Repeat(settled, compactOver/len(settled)+1), whole...),
	}
}

// record is a run that opens the journal in dir, records three intents and
// settles two. It returns what was acknowledged: what must be pending, and what must not.
func record(dir string) (pending, settled []string, failed error) {
	f, err := Open(dir, "acme", "test")
	if err != nil {
		return nil, nil, err
	}
	for _, id := range []string{"a", "b", "c"} {
		if err := f.Intend(intent(id)); err != nil {
			failed = err
			continue
		}
		if id == "c" {
			pending = append(pending, id)
			continue
		}
		if err := f.Settle(id, true); err != nil {
			failed = err
			continue
		}
		settled = append(settled, id)
	}
	return pending, settled, errors.Join(failed, f.Close())
}

func TestAJournalKeepsWhatItAcknowledgedWhateverTheDiskDoes(t *testing.T) {
	t.Attr("suite", "D1")
	for what, content := range begun(t) {
		t.Run(what, func(t *testing.T) {
			ran := 0
			defer func() { t.Attr("cases", strconv.Itoa(ran)) }()
			make := func() string {
				dir := filepath.Join(t.TempDir(), "j")
				if content != nil {
					must(t, os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "acme.jsonl"), content, 0o600))
				}
				return dir
			}
			recorded := disktest.Record(func() { _, _, err := record(make()); must(t, err) })
			faults, err := disktest.Faults(recorded, disktest.EveryFault)
			must(t, err)
			if !disktest.EveryFault && what == "long" { // each run reads and writes it all
				faults = disktest.Distinct(recorded, faults, map[string]bool{})
			}
			for _, fault := range faults {
				ran++
				dir := make()
				var pend, settled []string
				var failed error
				if met := fault.Run(func() { pend, settled, failed = record(dir) }); failed == nil && disktest.Matters(met) {
					t.Errorf("%s: everything was acknowledged", fault)
				}
				next := reopen
				if fault.Op == safefile.OpRemove && fault.Ever { // what a run cannot take away a later one does
					next = muchLater
				}
				got := pending(t, next(t, dir))
				if content != nil {
					pend = append(pend, "old")
				}
				for _, id := range pend {
					if !slices.Contains(got, id) {
						t.Errorf("%s: pending: got %v, want %q in it", fault, got, id)
					}
				}
				for _, id := range settled {
					if slices.Contains(got, id) {
						t.Errorf("%s: pending: got %v, want no %q in it", fault, got, id)
					}
				}
				left, err := disktest.Leftovers(os.DirFS(dir))
				must(t, err)
				open, err := disktest.Open(os.DirFS(filepath.Dir(dir)))
				must(t, err)
				if open = slices.DeleteFunc(open, func(path string) bool { return path[:2] == ". " }); len(left)+len(open) > 0 {
					t.Errorf("%s: left behind %q, open to others %q", fault, left, open)
				}
			}
			if ran < 20 {
				t.Errorf("got %d faults: is everything on the disk still seen?", ran)
			}
		})
	}
}

// muchLater opens the journal in dir when no living run can be at the files in it.
func muchLater(t *testing.T, dir string) *File {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		must(t, os.Chtimes(filepath.Join(dir, e.Name()), time.Time{}, time.Now().Add(-time.Hour)))
	}
	return reopen(t, dir)
}

func TestANewRunIsNotStoppedByWhatAFailureHasLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	f := reopen(t, dir)
	must(t, f.Intend(intent("old")), f.Close())
	for _, name := range []string{".part-XXXXXXXXXXXXXXXXXXXXXXXXXX", "acme.jsonl.new", "acme.lock.holder"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600))
		must(t, os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Now().Add(-time.Hour)))
	}
	if got := pending(t, reopen(t, dir)); fmt.Sprint(got) != "[old]" {
		t.Errorf("pending: got %v, want [old]", got)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".part-*")); err != nil || len(left) > 0 {
		t.Errorf("got %q, %v left of a run that died an hour ago, want nothing", left, err)
	}
}
