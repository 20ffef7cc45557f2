// What a killed run has left goes, and nothing else.

//go:build unix

package safefile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestOnlyWhatNoLivingRunCanBeAtIsSwept(t *testing.T) {
	dir := room(t)
	old := time.Now().Add(-2 * leftAfter)
	for _, name := range []string{".part-OLDOLDOLDOLDOLDOLDOLDOLDOL", ".part-YOUNGYOUNGYOUNGYOUNGYOUNGY", ".check-OLDOLDOLDOLDOLDOLDOLDOLDOL", ".part-movie", "kept.age", ".other"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if name != ".part-YOUNGYOUNGYOUNGYOUNGYOUNGY" {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Symlink("kept.age", filepath.Join(dir, ".part-LINKLINKLINKLINKLINKLINKLI")); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Sweep(".check-"); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, dir), []string{".other", ".part-LINKLINKLINKLINKLINKLINKLI", ".part-YOUNGYOUNGYOUNGYOUNGYOUNGY", ".part-movie", "kept.age"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOnlyFilesOfThatNameAreRemoved(t *testing.T) {
	dir := room(t)
	for _, name := range []string{"acme.OLD.age", "acme.OLD.json", "acme.NEW.age"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "acme.OLD.d"), 0o700), os.Symlink("acme.NEW.age", filepath.Join(dir, "acme.OLD.link"))); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if met, err := failing(0, func() error { return d.RemoveAll("acme.OLD.") }); !met || !errors.Is(err, errDisk) {
		t.Errorf("a removal that fails: got %t, %v, want %v", met, err, errDisk)
	}
	if err := d.RemoveAll("acme.OLD."); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, dir), []string{"acme.NEW.age", "acme.OLD.d", "acme.OLD.link"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.RemoveAll("acme.OLD."); err == nil {
		t.Error("a directory that cannot be read: got success, want an error")
	}
}
