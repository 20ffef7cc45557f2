// Files that the user names, for programs: the rules are those of safefile.
package handoff

import (
	"crypto/rand"
	"errors"
	"io/fs"

	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// CheckDir makes sure that files of the user alone can be made in a directory,
// which is made if it is missing. It leaves nothing behind, and takes away what
// a run has left that was killed while it wrote.
func CheckDir(path string) error {
	d, err := safefile.MakeDir(path)
	if err != nil {
		return err
	}
	const prefix = ".check-"
	err = d.Rehearse(prefix+rand.Text(), nil)
	if err == nil {
		err = d.Sweep(prefix)
	}
	return errors.Join(err, d.Close(), d.Undo())
}

// HoldDir makes a directory that many deliveries will write to, so that none
// of them takes it away from another. release removes it again if it was made
// here and nothing is in it.
func HoldDir(path string) (release func() error, err error) {
	d, err := safefile.MakeDir(path)
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(d.Close(), d.Undo()) }, nil
}

// ReadSmall reads a file, following links. It refuses more than most bytes and
// what is no regular file, without opening it.
func ReadSmall(path string, most int64) ([]byte, error) { return safefile.ReadAll(path, most) }

// ReadOwn reads a file that nobody but the user can have written: a regular
// file of the user's own, no link, and closed to the writing of others.
func ReadOwn(path string, most int64) ([]byte, error) { return safefile.ReadOwn(path, most) }

// WriteNew writes a file that does not exist yet, with mode 0600, and returns
// when it is whole and on the disk. It fails with [io/fs.ErrExist] rather than
// replace anything.
func WriteNew(path string, data []byte) error { return safefile.WriteNew(path, data) }

// Replace puts data in the place of a file by one rename, with that mode: at
// every moment the old file is there, or the new one is whole and on the disk.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return safefile.Replace(path, data, mode)
}

// Lock locks a file, which is made if it is missing. unlock is nil if somebody
// else holds it. It follows no link and waits at no pipe.
func Lock(path string) (unlock func() error, err error) { return safefile.LockFile(path) }

// TempDir makes a directory of the user's own that remove takes away with all
// that is in it.
func TempDir(prefix string) (path string, remove func() error, err error) {
	return safefile.TempDir(prefix)
}

// PublicDir makes a directory for files that everybody may read, and its parents.
func PublicDir(path string) error { return safefile.PublicDir(path) }
