// What is promised of places that the user names: locks, modes, directories for a while and for everybody.

//go:build unix

package safefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPlaceIsLockedByOneAtATime(t *testing.T) {
	path := filepath.Join(room(t), "lock")
	unlock, err := LockFile(path)
	if err != nil || unlock == nil {
		t.Fatalf("got %v, want it locked", err)
	}
	if again, err := LockFile(path); again != nil || err != nil {
		t.Errorf("somebody else: got locked %v and %v, want neither", again != nil, err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if again, err := LockFile(path); again == nil || err != nil || again() != nil {
		t.Errorf("afterwards: got %v, want it locked", err)
	}
	for at := range 3 {
		met, err := failing(at, func() error {
			unlock, err := LockFile(path)
			if unlock != nil {
				return unlock()
			}
			return err
		})
		if met && !errors.Is(err, errDisk) {
			t.Errorf("operation %d: got %v, want %v", at, err, errDisk)
		}
	}
}

func TestWhatIsPutInThePlaceOfAFileHasTheModeThatIsAskedFor(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o644} {
		path := filepath.Join(room(t), "file")
		withUmask(t, 0o077, func() {
			if err := errors.Join(Replace(path, []byte("old"), 0o600), Replace(path, []byte("new"), mode)); err != nil {
				t.Fatal(err)
			}
		})
		data, err := os.ReadFile(path)
		i, _ := os.Stat(path)
		if err != nil || string(data) != "new" || i.Mode() != mode {
			t.Errorf("got %q with mode %v and %v, want the new one with %v", data, i.Mode(), err, mode)
		}
	}
}

func TestADirectoryForAWhileIsTheUsersAndGoesWithAllThatIsInIt(t *testing.T) {
	t.Setenv("TMPDIR", room(t))
	path, remove, err := TempDir("while-")
	if err != nil || !strings.HasPrefix(path, filepath.Join(os.TempDir(), "while-")) {
		t.Fatalf("got %q and %v", path, err)
	}
	i, err := os.Stat(path)
	if err != nil || i.Mode().Perm() != 0o700 {
		t.Errorf("got %v and %v, want mode 0700", i, err)
	}
	if err := os.WriteFile(filepath.Join(path, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := failing(0, remove); err != nil {
		t.Errorf("a failure that passes: got %v, want it taken away all the same", err)
	}
	if got := names(t, os.TempDir()); len(got) > 0 {
		t.Errorf("got %q left, want nothing", got)
	}
	if _, err := failing(0, func() error { _, _, err := TempDir("while-"); return err }); !errors.Is(err, errDisk) {
		t.Errorf("got %v, want %v", err, errDisk)
	}
}

func TestADirectoryForEverybodyIsOpenToAll(t *testing.T) {
	path := filepath.Join(room(t), "a", "b")
	withUmask(t, 0o022, func() {
		if err := errors.Join(PublicDir(path), PublicDir(path)); err != nil {
			t.Fatal(err)
		}
	})
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o755 {
		t.Errorf("got %v and %v, want mode 0755", i, err)
	}
	if _, err := failing(0, func() error { return PublicDir(path) }); !errors.Is(err, errDisk) {
		t.Errorf("got %v, want %v", err, errDisk)
	}
}

func TestUndoingIsFineIfNothingIsThereAndSaysIfItFails(t *testing.T) {
	for name, c := range map[string]struct {
		before func(dir string) error
		fault  int
		want   error
	}{
		"somebody was faster": {os.RemoveAll, -1, nil}, "the disk fails": {func(string) error { return nil }, 0, errDisk},
	} {
		dir := filepath.Join(room(t), "a")
		d, err := MakeDir(filepath.Join(dir, "b"))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := c.before(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := failing(c.fault, d.Undo); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestADirectoryBelowAFileCannotBeMade(t *testing.T) {
	file := filepath.Join(room(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := MakeDir(filepath.Join(file, "a", "b")); err == nil || d != nil {
		t.Errorf("got %v, want an error", err)
	}
}

func TestWhatWasReadIsClosed(t *testing.T) {
	dir := room(t)
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, make([]byte, 9), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, most := range []int64{9, 8} {
		_, err := ReadAll(path, most)
		_, own := ReadOwn(path, most)
		if (err != nil) != (most < 9) || (own != nil) != (most < 9) || descriptors(dir) > 0 {
			t.Errorf("at most %d of 9 bytes: got %v, %v and %d files left open", most, err, own, descriptors(dir))
		}
	}
}

func TestAnOldFileIsNamedAsTheReason(t *testing.T) {
	path := filepath.Join(room(t), "file")
	err := errors.Join(WriteNew(path, nil), WriteNew(path, nil))
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "never overwritten") {
		t.Errorf("got %v, want one that names the file and the rule", err)
	}
}

func TestAFileOfTwoNamesIsNotOpened(t *testing.T) {
	dir := room(t)
	path := filepath.Join(dir, "old")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Link(path, path+".other")); err != nil {
		t.Fatal(err)
	}
	if err := deeds["open"](dir); err == nil || !strings.Contains(err.Error(), "another name") {
		t.Errorf("got %v, want it refused for its other name", err)
	}
	if err := errors.Join(os.Remove(path+".other"), deeds["open"](dir)); err != nil {
		t.Errorf("got %v, want a file of one name opened", err)
	}
}
