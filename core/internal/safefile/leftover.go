// Leftovers: what a run that was killed while it wrote has left behind.
package safefile

import (
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
)

// partPrefix begins the name of a file that is not whole yet.
const partPrefix = ".part-"

// leftAfter is longer than any file is on the way to its name: what is younger
// may belong to another run that is alive.
const leftAfter = 5 * time.Minute

// drawn is what follows a prefix in the names that this program draws. Other files
// that begin alike are the user's.
var drawn = regexp.MustCompile(`^[A-Z2-7]{10,26}(\.[a-z.]+)?$`)

// Sweep removes the user's own files that never became whole, and those whose
// names are one of the prefixes and drawn letters, once no living run can be at them.
func (d *Dir) Sweep(prefixes ...string) error {
	return d.removeEach(func(i fs.FileInfo) bool {
		return time.Since(i.ModTime()) >= leftAfter && slices.ContainsFunc(append(prefixes, partPrefix), func(p string) bool {
			rest, begins := strings.CutPrefix(i.Name(), p)
			return begins && drawn.MatchString(rest)
		})
	})
}

// RemoveAll removes the user's own files whose names begin with a prefix.
func (d *Dir) RemoveAll(prefix string) error {
	return d.removeEach(func(i fs.FileInfo) bool { return strings.HasPrefix(i.Name(), prefix) })
}

func (d *Dir) removeEach(goes func(fs.FileInfo) bool) error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
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
