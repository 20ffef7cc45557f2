// Leftovers: what a run that was killed while it wrote has left behind.
package safefile

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// partPrefix begins the name of a file that is not whole yet.
const partPrefix = ".part-"

// leftAfter is longer than any file is on the way to its name: what is younger
// may belong to another run that is alive.
const leftAfter = 5 * time.Minute

// Sweep removes the user's own files that never became whole, and those whose
// names begin with one of the prefixes, once no living run can be at them.
func (d *Dir) Sweep(prefixes ...string) error {
	return d.removeEach(append(prefixes, partPrefix), func(i fs.FileInfo) bool { return time.Since(i.ModTime()) >= leftAfter })
}

// RemoveAll removes the user's own files whose names begin with a prefix.
func (d *Dir) RemoveAll(prefix string) error {
	return d.removeEach([]string{prefix}, func(fs.FileInfo) bool { return true })
}

func (d *Dir) removeEach(prefixes []string, goes func(fs.FileInfo) bool) error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Name(), p) }) {
			continue
		}
		i, err := d.root.Lstat(e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // another run was faster
		}
		if err == nil && i.Mode().IsRegular() && ours(i) && goes(i) {
			err = d.Remove(e.Name())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
