// What must hold when the disk fails at any moment, and when somebody else is faster.

//go:build unix

package safefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var errDisk = errors.New("the disk is bad")

// failing runs f while the operation with that number, counted from 0, fails; met is false if there was none.
func failing(at int, f func() error) (met bool, err error) {
	n := 0
	end := Ask(func(Op) error {
		if n++; n-1 == at {
			met = true
			return errDisk
		}
		return nil
	})
	defer end()
	return met, f()
}

// meanwhile runs f, and somebody else does one thing right before the first operation of that name.
func meanwhile(name string, somebody func() error, f func() error) (err error) {
	var failed error
	end := Ask(func(op Op) error {
		if op.Name == name && somebody != nil {
			failed = somebody()
			somebody = nil
		}
		return nil
	})
	defer end()
	return errors.Join(f(), failed)
}

// descriptors is how many files in or below dir this process has open, where that can be seen.
func descriptors(dir string) int {
	n := 0
	list, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range list {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, dir) {
			n++
		}
	}
	return n
}

// inside opens dir, does something in it and closes it.
func inside(dir string, do func(d *Dir) error) error {
	d, err := OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(do(d), d.Close())
}

// deeds are what can be done to a directory in which there is one old file.
var deeds = map[string]func(dir string) error{
	"write": func(dir string) error { return inside(dir, func(d *Dir) error { return d.Write("new", []byte("x")) }) },
	"replace": func(dir string) error {
		return inside(dir, func(d *Dir) error { return d.Replace("old", []byte("x"), 0o644) })
	},
	"rehearse": func(dir string) error {
		return inside(dir, func(d *Dir) error { return d.Rehearse("new", []byte("x")) })
	},
	"rename": func(dir string) error { return inside(dir, func(d *Dir) error { return d.Rename("old", "new") }) },
	"remove": func(dir string) error { return inside(dir, func(d *Dir) error { return d.Remove("old") }) },
	"create": func(dir string) error {
		return inside(dir, func(d *Dir) error {
			f, err := d.Create("new")
			if err != nil {
				return err
			}
			return f.Close()
		})
	},
	"open": func(dir string) error {
		return inside(dir, func(d *Dir) error {
			f, err := d.Open("old")
			if err != nil {
				return err
			}
			return f.Close()
		})
	},
	"lock": func(dir string) error {
		return inside(dir, func(d *Dir) error {
			l, err := d.Lock("old")
			if err != nil {
				return err
			}
			return l.Unlock()
		})
	},
	"make": func(dir string) error {
		d, err := MakeDir(filepath.Join(dir, "new", "deep"))
		if err != nil {
			return err
		}
		return d.Close()
	},
	"write anywhere":   func(dir string) error { return WriteNew(filepath.Join(dir, "new"), []byte("x")) },
	"replace anywhere": func(dir string) error { return Replace(filepath.Join(dir, "old"), []byte("x"), 0o600) },
}

func TestWhateverFailsOnTheDiskIsSaidAndLeavesNothingHalf(t *testing.T) {
	for name, do := range deeds {
		t.Run(name, func(t *testing.T) {
			t.Attr("suite", "D1")
			prepared := func() string {
				dir := room(t)
				if err := os.WriteFile(filepath.Join(dir, "old"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				return dir
			}
			whole := prepared()
			if err := do(whole); err != nil {
				t.Fatal(err)
			}
			for at := 0; ; at++ {
				dir := prepared()
				met, err := failing(at, func() error { return do(dir) })
				if !met {
					if at < 2 {
						t.Errorf("got %d operations, want them seen", at)
					}
					t.Attr("cases", strconv.Itoa(at))
					break
				}
				if !errors.Is(err, errDisk) {
					t.Errorf("operation %d: got error %v, want %v", at, err, errDisk)
				}
				if got := names(t, dir); !slices.Equal(got, []string{"old"}) && !slices.Equal(got, names(t, whole)) {
					t.Errorf("operation %d: got %q, want what was there before, or all that was to be there", at, got)
				}
				if left := descriptors(dir); left > 0 {
					t.Errorf("operation %d: got %d files left open, want none", at, left)
				}
			}
		})
	}
}

func TestADirectoryThatWasSyncedIsSyncedAfterEveryChangeOfItsNames(t *testing.T) {
	changes := []string{OpCreate, OpMkdir, OpLink, OpRename, OpRemove}
	for name, do := range deeds {
		dir := room(t)
		if err := os.WriteFile(filepath.Join(dir, "old"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		dirty, written := "", ""
		end := Ask(func(op Op) error {
			switch {
			case op.Name == OpWrite:
				written = op.Path
			case op.Name == OpSync:
				written = ""
			case op.Name == OpSyncDir:
				dirty = ""
			case (op.Name == OpLink || op.Name == OpRename) && written != "":
				t.Errorf("%s: %s has a name before it is on the disk", name, written)
			}
			if slices.Contains(changes, op.Name) {
				dirty = op.Name
			}
			return nil
		})
		err := do(dir)
		end()
		if created := name == "create"; err != nil || (dirty != "") != created { // whoever creates syncs once the file is whole
			t.Errorf("%s: got %v, and the last %q not on the disk", name, err, dirty)
		}
	}
}

func TestWhoeverIsFasterIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		at       string
		somebody func(dir string) error
		do       func(dir string) error
		want     string // in the error; "" is none
	}{
		"the directory is made": {OpMkdir, func(dir string) error { return os.Mkdir(filepath.Join(dir, "new"), 0o700) }, deeds["make"], ""},
		"another thing is made": {OpMkdir, func(dir string) error { return os.WriteFile(filepath.Join(dir, "new"), nil, 0o600) }, deeds["make"], "not a directory"},
		"the directory is swapped": {OpOpen, func(dir string) error { return errors.Join(os.Rename(dir, dir+".moved"), os.Mkdir(dir, 0o700)) },
			func(dir string) error { return inside(dir, func(*Dir) error { return nil }) }, "was replaced while it was opened"},
		"the lock is made": {OpCreate, func(dir string) error { return os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600) },
			func(dir string) error {
				return inside(dir, func(d *Dir) error {
					l, err := d.Lock("lock")
					if err == nil && !l.Held() {
						err = errors.New("it is not held")
					}
					return err
				})
			}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(room(t), "in")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			err := meanwhile(c.at, func() error { return c.somebody(dir) }, func() error { return c.do(dir) })
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if left := descriptors(dir); c.want != "" && left > 0 {
				t.Errorf("got %d files left open, want none", left)
			}
		})
	}
}

func TestAFileSwappedWhileItIsOpenedIsRefused(t *testing.T) {
	dir := room(t)
	path := filepath.Join(dir, "old")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = meanwhile(OpOpen, func() error { return errors.Join(os.Rename(path, path+".moved"), os.WriteFile(path, nil, 0o600)) }, func() error {
		_, err := d.Open("old")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "was replaced") || descriptors(path) > 0 {
		t.Errorf("got %v and %d files left open, want it refused and none", err, descriptors(path))
	}
}

func TestAClosedFileIsNoFileOfThatName(t *testing.T) {
	err := inside(room(t), func(d *Dir) error {
		f, err := d.Create("new")
		if err != nil {
			return err
		}
		if !d.Same("new", f) || d.Same("none", f) {
			t.Error("a file is the one of its name, and of no other")
		}
		if err := f.Close(); err != nil {
			return err
		}
		if d.Same("new", f) {
			t.Error("a closed file is said to be the one of its name")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatDoesNotExistIsAnErrorOfThatKindAndRemovedAllTheSame(t *testing.T) {
	none := filepath.Join(room(t), "none")
	for name, do := range map[string]func() error{
		"reading":     func() error { _, err := ReadAll(none, 1); return err },
		"reading own": func() error { _, err := ReadOwn(none, 1); return err },
		"opening":     func() error { _, err := OpenDir(none); return err },
		"writing":     func() error { return WriteNew(filepath.Join(none, "x"), nil) },
	} {
		if err := do(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want %v", name, err, fs.ErrNotExist)
		}
	}
	if err := inside(filepath.Dir(none), func(d *Dir) error { return d.Remove("none") }); err != nil {
		t.Errorf("removing: got %v, want none", err)
	}
}
