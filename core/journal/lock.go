// The lock: one run at a time for each grant.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// lock is held by the system for as long as the process lives, so a crash
// releases it. The file stays: removing it would let two runs lock two files of one name.
type lock struct {
	dir   *safefile.Dir
	name  string
	flock *flock.Flock
	file  *os.File // the same file, to write the holder into
}

// holder is what the lock's file says of who holds it.
type holder struct {
	Who   string    `json:"who"`
	Since time.Time `json:"since"`
}

// acquire takes the lock at once or fails with [core.ErrLocked].
func acquire(d *safefile.Dir, name, who string) (*lock, error) {
	file, err := d.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = d.Create(name)
		if errors.Is(err, fs.ErrExist) {
			file, err = d.Open(name) // another run was faster
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	l := &lock{d, name, flock.New(d.Path(name)), file}
	got, err := l.flock.TryLock()
	if err == nil && !got {
		err = &core.Error{Kind: core.ErrLocked, What: fmt.Sprintf("lock %q", d.Path(name)), Err: l.holder()}
	}
	if err == nil && !l.held() {
		err = &core.Error{Kind: core.ErrLocked, What: fmt.Sprintf("lock %q", d.Path(name)), Err: errors.New("was replaced while it was taken")}
	}
	if err == nil {
		err = l.sign(holder{who, time.Now().UTC().Truncate(time.Second)})
	}
	if err != nil {
		return nil, errors.Join(err, l.flock.Unlock(), file.Close())
	}
	return l, nil
}

// holder says who holds the lock, as an error.
func (l *lock) holder() error {
	data, err := safefile.ReadAll(l.dir.Path(l.name), 4<<10)
	var h holder
	if err != nil || json.Unmarshal(data, &h) != nil {
		return errors.New("by a run that has just begun") // it has not signed yet
	}
	return fmt.Errorf("%q since %s", h.Who, h.Since.Format(time.RFC3339))
}

// sign writes who holds the lock into its file.
func (l *lock) sign(h holder) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.Write(append(data, '\n'))
	return err
}

// held reports whether the file that is locked still is the one with its name.
func (l *lock) held() bool {
	locked, err := l.flock.Stat()
	if err != nil {
		return false
	}
	named, err := l.file.Stat()
	return err == nil && os.SameFile(locked, named) && l.dir.Same(l.name, l.file)
}

// release gives the lock back.
func (l *lock) release() error {
	return errors.Join(l.file.Truncate(0), l.flock.Unlock(), l.file.Close())
}
