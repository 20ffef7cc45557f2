// What a killed run has left goes, and nothing else.

//go:build unix

package safefile

import (
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
