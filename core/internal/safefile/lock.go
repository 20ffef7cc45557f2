// Locks: held by the system for as long as the process lives, so that a crash
// releases them.
package safefile

import (
	"errors"
	"io/fs"

	"github.com/gofrs/flock"
)

// Lock is a file that is locked. It stays: removing it would let two runs lock
// two files of one name.
type Lock struct {
	dir   *Dir
	name  string
	flock *flock.Flock
}

// Lock locks a file, which is made if it is missing, or returns nil if somebody
// else holds it. It refuses what [Dir.Open] refuses.
func (d *Dir) Lock(name string) (*Lock, error) {
	file, err := d.Open(name) // checks what the lock itself would follow blindly
	if errors.Is(err, fs.ErrNotExist) {
		file, err = d.Create(name)
		if errors.Is(err, fs.ErrExist) {
			file, err = d.Open(name) // another run was faster
		}
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return nil, err
	}
	l := &Lock{d, name, flock.New(d.Path(name), flock.SetFlag(lockFlags))}
	got, err := opening(OpLock, d.Path(name), l.flock.TryLock)
	if err != nil || !got {
		return nil, err
	}
	return l, nil
}

// LockFile is [Dir.Lock] for a place that the user names; unlock gives it back,
// and is nil if somebody else holds it.
func LockFile(path string) (unlock func() error, err error) {
	err = in(path, func(d *Dir, name string) error {
		l, err := d.Lock(name)
		if err == nil && l != nil {
			unlock = l.flock.Unlock
		}
		return err
	})
	return unlock, err
}

// Held reports whether the file that is locked still is the one with its name.
func (l *Lock) Held() bool { return l.dir.Same(l.name, l.flock) }

// Unlock gives the lock back.
func (l *Lock) Unlock() error { return l.flock.Unlock() }
