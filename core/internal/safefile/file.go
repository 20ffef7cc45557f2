// Files: checked when they are opened, and published only when they are whole.
package safefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write writes a new file with mode 0600 and publishes it under name once it is
// whole and on the disk. It never replaces anything: if name exists, as a file,
// a link or anything else, it fails with [fs.ErrExist]. A failed Write leaves nothing.
func (d *Dir) Write(name string, data []byte) error {
	whole := partPrefix + rand.Text()
	f, err := d.Create(whole)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = d.root.Link(whole, name) // a link, unlike a rename, fails if the name exists
	}
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("file %q: exists, and is never overwritten: %w", d.Path(name), fs.ErrExist)
	}
	if err != nil {
		return errors.Join(err, d.Remove(whole))
	}
	if err := d.Remove(whole); err != nil {
		return errors.Join(err, d.Remove(name))
	}
	return nil
}

// WriteNew is [Dir.Write] for a place that the user names: the directory may be
// one that others write to as well, because whatever they put there instead
// belongs to them, which [ReadOwn] sees.
func WriteNew(path string, data []byte) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	d := &Dir{root: root}
	return errors.Join(d.Write(filepath.Base(path), data), d.Close())
}

// Create makes a new, empty file with mode 0600, open for appending. It fails
// with [fs.ErrExist] if the name exists as anything.
func (d *Dir) Create(name string) (*os.File, error) {
	f, err := d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o600); err != nil { // a umask may have taken bits away
		return nil, errors.Join(err, f.Close(), d.root.Remove(name))
	}
	i, err := f.Stat()
	if err == nil {
		err = checkFile(d.Path(name), i)
	}
	if err != nil { // a file system without permissions cannot keep a secret
		return nil, errors.Join(err, f.Close(), d.root.Remove(name))
	}
	return f, nil
}

// Open opens an existing file for reading and appending. It refuses links,
// anything that is not a file, another owner and wider permissions than 0600.
func (d *Dir) Open(name string) (*os.File, error) {
	before, err := d.root.Lstat(name) // opening a pipe could block, so look first
	if err != nil {
		return nil, err
	}
	if err := checkFile(d.Path(name), before); err != nil {
		return nil, err
	}
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err == nil && !os.SameFile(before, after) {
		err = fmt.Errorf("file %q: was replaced while it was opened", d.Path(name))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Same reports whether name still is that file.
func (d *Dir) Same(name string, f interface{ Stat() (fs.FileInfo, error) }) bool {
	is, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := d.root.Lstat(name)
	return err == nil && os.SameFile(is, named)
}

func checkFile(path string, i fs.FileInfo) error {
	mode := i.Mode()
	switch {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("file %q: is a symbolic link", path)
	case !mode.IsRegular():
		return fmt.Errorf("file %q: is not a regular file", path)
	case !ours(i):
		return fmt.Errorf("file %q: belongs to another user", path)
	case widerThan(mode, 0o600):
		return fmt.Errorf("file %q: others may open it (mode %04o); accepted: 0600", path, mode.Perm())
	}
	return nil
}
