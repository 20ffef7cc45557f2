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
	whole, err := d.part(data, 0o600)
	if err != nil {
		return err
	}
	err = step(OpLink, d.Path(name), func() error { return d.root.Link(whole, name) }) // a link, unlike a rename, fails if the name exists
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("file %q: exists, and is never overwritten: %w", d.Path(name), fs.ErrExist)
	}
	if err != nil {
		return errors.Join(err, d.Remove(whole))
	}
	if err := d.Remove(whole); err != nil {
		return errors.Join(err, d.unlink(name), d.tidy(whole))
	}
	return nil
}

// Replace puts data in the place of name, whatever is there, by one rename: at
// every moment the old file is there, or the new one is whole and on the disk.
func (d *Dir) Replace(name string, data []byte, mode fs.FileMode) error {
	whole, err := d.part(data, mode)
	if err != nil {
		return err
	}
	if err := d.Rename(whole, name); err != nil {
		return errors.Join(err, d.tidy(whole))
	}
	return nil
}

// part writes data to a file of a name that nobody else has, durably.
func (d *Dir) part(data []byte, mode fs.FileMode) (name string, err error) {
	name = partPrefix + rand.Text()
	f, err := d.Create(name)
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil && mode != 0o600 {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, d.Remove(name))
	}
	return name, nil
}

// Rehearse writes a file and removes it again, so that whatever could fail does.
func (d *Dir) Rehearse(name string, data []byte) error {
	if err := d.Write(name, data); err != nil {
		return err
	}
	if err := d.Remove(name); err != nil {
		return errors.Join(err, d.tidy(name))
	}
	return nil
}

// tidy removes what a failure may have left, if it is there.
func (d *Dir) tidy(name string) error {
	if _, err := d.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return d.Sync()
	}
	return d.Remove(name)
}

// WriteNew is [Dir.Write] for a place that the user names: the directory may be
// one that others write to as well, because whatever they put there instead
// belongs to them, which [ReadOwn] sees.
func WriteNew(path string, data []byte) error {
	return in(path, func(d *Dir, name string) error { return d.Write(name, data) })
}

// Replace is [Dir.Replace] for a place that the user names.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return in(path, func(d *Dir, name string) error { return d.Replace(name, data, mode) })
}

// in does something in the directory of path, which is opened without a look at
// who else may write to it.
func in(path string, do func(d *Dir, name string) error) error {
	dir := filepath.Dir(path)
	root, err := opening(OpOpen, dir, func() (*os.Root, error) { return os.OpenRoot(dir) })
	if err != nil {
		return err
	}
	d := &Dir{root: root}
	return errors.Join(do(d, filepath.Base(path)), d.Close())
}

// Create makes a new, empty file with mode 0600, open for appending. It fails
// with [fs.ErrExist] if the name exists as anything.
func (d *Dir) Create(name string) (*File, error) {
	opened, err := opening(OpCreate, d.Path(name), func() (*os.File, error) {
		return d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	})
	if err != nil {
		return nil, err
	}
	f := &File{opened}
	if err := f.Chmod(0o600); err != nil { // a umask may have taken bits away
		return nil, errors.Join(err, f.Close(), d.unlink(name))
	}
	i, err := f.Stat()
	if err == nil {
		err = checkFile(d.Path(name), i)
	}
	if err != nil { // a file system without permissions cannot keep a secret
		return nil, errors.Join(err, f.Close(), d.unlink(name))
	}
	return f, nil
}

// Open opens an existing file for reading and appending. It refuses links of
// both kinds, anything that is not a file, another owner and wider permissions
// than 0600.
func (d *Dir) Open(name string) (*File, error) {
	before, err := d.root.Lstat(name) // opening a pipe could block, so look first
	if err != nil {
		return nil, err
	}
	if err := checkFile(d.Path(name), before); err != nil {
		return nil, err
	}
	f, err := opening(OpOpen, d.Path(name), func() (*os.File, error) { return d.root.OpenFile(name, os.O_RDWR|os.O_APPEND, 0) })
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
	return &File{f}, nil
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
	case nameCount(i) > 1:
		return fmt.Errorf("file %q: has another name as well (a hard link), under which it would be changed too; copy it to a file of its own", path)
	case widerThan(mode, 0o600):
		return fmt.Errorf("file %q: others may open it (mode %04o); accepted: 0600", path, mode.Perm())
	}
	return nil
}
