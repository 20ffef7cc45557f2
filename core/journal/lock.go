// The lock: one run at a time for each grant.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// lock is the lock of a journal.
type lock struct {
	dir  *safefile.Dir
	name string // NAME.lock; beside it NAME.lock.holder says who
	file *safefile.Lock
}

// holder is what is said of who holds the lock.
type holder struct {
	Who   string    `json:"who"`
	Since time.Time `json:"since"`
}

// acquire takes the lock at once or fails with [core.ErrLocked].
func acquire(d *safefile.Dir, name, who string) (*lock, error) {
	l := &lock{dir: d, name: name}
	var err error
	if l.file, err = d.Lock(name); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if l.file == nil {
		return nil, l.taken(l.holder())
	}
	if !l.held() {
		err = l.taken("it was replaced while it was taken")
	}
	if err == nil {
		err = l.sign(holder{who, time.Now().UTC().Truncate(time.Second)})
	}
	if err != nil {
		return nil, errors.Join(err, l.file.Unlock())
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
func (l *lock) held() bool { return l.file.Held() }

// release gives the lock back.
func (l *lock) release() error {
	return errors.Join(l.dir.Remove(l.name+".holder"), l.file.Unlock())
}
