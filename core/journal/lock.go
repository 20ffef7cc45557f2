// The lock: one run at a time for each grant.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/gofrs/flock"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// lock is held by the system for as long as the process lives, so a crash
// releases it. Its file stays: removing it would let two runs lock two files of
// one name.
type lock struct {
	dir   *safefile.Dir
	name  string // NAME.lock; beside it NAME.lock.holder says who
	flock *flock.Flock
}

// holder is what is said of who holds the lock.
type holder struct {
	Who   string    `json:"who"`
	Since time.Time `json:"since"`
}

// acquire takes the lock at once or fails with [core.ErrLocked].
func acquire(d *safefile.Dir, name, who string) (*lock, error) {
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
		return nil, fmt.Errorf("lock: %w", err)
	}
	l := &lock{d, name, flock.New(d.Path(name))}
	got, err := l.flock.TryLock()
	if err == nil && !got {
		err = l.taken(l.holder())
	}
	if err == nil && !l.held() {
		err = l.taken("it was replaced while it was taken")
	}
	if err == nil {
		err = l.sign(holder{who, time.Now().UTC().Truncate(time.Second)})
	}
	if err != nil {
		return nil, errors.Join(err, l.flock.Unlock())
	}
	return l, nil
}

func (l *lock) taken(by string) error {
	return &core.Error{Kind: core.ErrLocked, What: fmt.Sprintf("lock %q", l.dir.Path(l.name)), Err: errors.New(by)}
}

// holder says who holds the lock.
func (l *lock) holder() string {
	data, err := safefile.ReadAll(l.dir.Path(l.name+".holder"), 4<<10)
	var h holder
	if err != nil || json.Unmarshal(data, &h) != nil {
		return "it has just begun" // and has not signed yet
	}
	return fmt.Sprintf("%q since %s", h.Who, h.Since.Format(time.RFC3339))
}

// sign says who holds the lock, in a file of its own: on some systems nobody
// else can read a file that is locked.
func (l *lock) sign(h holder) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := l.dir.Remove(l.name + ".holder"); err != nil { // of a run that crashed
		return err
	}
	return l.dir.Write(l.name+".holder", append(data, '\n'))
}

// held reports whether the file that is locked still is the one with its name.
func (l *lock) held() bool { return l.dir.Same(l.name, l.flock) }

// release gives the lock back.
func (l *lock) release() error {
	return errors.Join(l.dir.Remove(l.name+".holder"), l.flock.Unlock())
}
