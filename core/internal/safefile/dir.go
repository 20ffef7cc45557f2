// Package safefile reads and writes files that belong to one user alone.
//
// Nothing is written through a link, over an existing file, or into a directory
// that somebody else may change. Files are 0600 and directories 0700 from their
// first moment, whatever the umask.
package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is an open directory that only its owner can change. It stays the same
// directory even if its name is moved to another one.
type Dir struct {
	root *os.Root
	made []string // the directories that opening has made, outermost first
}

// OpenDir opens the directory, which must exist.
func OpenDir(path string) (*Dir, error) { return open(filepath.Clean(path), nil) }

// MakeDir opens the directory and makes it, and its parents, if they are missing.
func MakeDir(path string) (*Dir, error) {
	path = filepath.Clean(path)
	var missing []string // innermost first
	for p := path; ; p = filepath.Dir(p) {
		_, err := os.Lstat(p)
		if err == nil || p == filepath.Dir(p) {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		missing = append(missing, p)
	}
	var made []string
	for i := len(missing) - 1; i >= 0; i-- {
		err := makeOne(missing[i])
		if errors.Is(err, fs.ErrExist) {
			continue // somebody was faster; the checks below decide
		}
		if err != nil {
			return nil, errors.Join(err, remove(made))
		}
		made = append(made, missing[i])
	}
	d, err := open(path, made)
	if err != nil {
		return nil, errors.Join(err, remove(made))
	}
	return d, nil
}

// makeOne makes one directory, durably.
func makeOne(path string) error {
	if err := step(OpMkdir, path, func() error { return os.Mkdir(path, 0o700) }); err != nil {
		return err
	}
	err := step(OpChmod, path, func() error { return os.Chmod(path, 0o700) }) //nolint:gosec // a directory, from which a umask may have taken bits away
	if err == nil {
		err = syncAt(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, remove([]string{path}))
	}
	return nil
}

// syncAt makes what happened to names in a directory durable.
func syncAt(path string) error {
	f, err := opening(OpOpen, path, func() (*os.File, error) { return os.Open(path) }) //nolint:gosec // a directory in which something was made
	if err != nil {
		return err
	}
	return errors.Join(step(OpSyncDir, path, func() error { return syncDir(f) }), f.Close())
}

// open checks the directory before and after opening it, so that no link and no
// swap in between leads elsewhere.
func open(path string, made []string) (*Dir, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := checkDir(path, before); err != nil {
		return nil, err
	}
	root, err := opening(OpOpen, path, func() (*os.Root, error) { return os.OpenRoot(path) })
	if err != nil {
		return nil, err
	}
	after, err := root.Stat(".")
	if err == nil && !os.SameFile(before, after) {
		err = fmt.Errorf("directory %q: was replaced while it was opened", path)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &Dir{root, made}, nil
}

// checkDir refuses a directory in which somebody else could plant or swap files.
func checkDir(path string, i fs.FileInfo) error {
	mode := i.Mode()
	switch {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("directory %q: is a symbolic link", path)
	case !mode.IsDir():
		return fmt.Errorf("directory %q: is not a directory", path)
	case !ours(i):
		return fmt.Errorf("directory %q: belongs to another user", path)
	case widerThan(mode, 0o755):
		return fmt.Errorf("directory %q: others may write to it (mode %04o); accepted: 0700", path, mode.Perm())
	case mode.Perm()&0o300 != 0o300:
		return fmt.Errorf("directory %q: its owner may not write to it (mode %04o); accepted: 0700", path, mode.Perm())
	}
	return nil
}

// Path is the path of a name in the directory.
func (d *Dir) Path(name string) string { return filepath.Join(d.root.Name(), name) }

// Sync makes what happened to names in the directory durable.
func (d *Dir) Sync() error {
	path := d.root.Name()
	f, err := opening(OpOpen, path, func() (*os.File, error) { return d.root.Open(".") })
	if err != nil {
		return err
	}
	return errors.Join(step(OpSyncDir, path, func() error { return syncDir(f) }), f.Close())
}

// Remove removes a file, durably. It is fine if there is none.
func (d *Dir) Remove(name string) error {
	if err := d.unlink(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return d.Sync()
}

// unlink removes a file, not durably.
func (d *Dir) unlink(name string) error {
	return step(OpRemove, d.Path(name), func() error { return d.root.Remove(name) })
}

// Rename moves a file of the directory over another one, durably.
func (d *Dir) Rename(from, to string) error {
	if err := step(OpRename, d.Path(to), func() error { return d.root.Rename(from, to) }); err != nil {
		return err
	}
	return d.Sync()
}

// Undo removes the directories that opening has made, if nobody has put
// anything else into them.
func (d *Dir) Undo() error { return remove(d.made) }

// Close releases the directory.
func (d *Dir) Close() error { return d.root.Close() }

func remove(made []string) error {
	for i := len(made) - 1; i >= 0; i-- {
		if others, err := os.ReadDir(made[i]); err == nil && len(others) > 0 {
			return nil
		}
		if err := step(OpRemove, made[i], func() error { return os.Remove(made[i]) }); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
