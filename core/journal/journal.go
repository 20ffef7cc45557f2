// Package journal keeps the intents of a grant on the disk, so that a run that
// finds an unfinished one knows what an earlier run was about to do.
//
// A journal is a file of JSON lines that only its owner can open. A line is on
// the disk before the call that wrote it returns. It never holds a secret.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

var _ core.Journal = (*File)(nil)

// File is a journal on the disk, locked against other runs until it is closed.
type File struct {
	dir  *safefile.Dir
	name string
	lock *lock

	mu     sync.Mutex
	file   *safefile.File
	size   int64 // of all whole lines
	state  state
	broken error // what is on the disk is not known; nothing more is written
}

var usableName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)

// Open opens the journal NAME.jsonl in dir and locks it. Both are made if they
// are missing. The error is of kind [core.ErrLocked] if another run holds the
// lock, and says who. who names this run to others.
func Open(dir, name, who string) (*File, error) {
	if !usableName.MatchString(name) {
		return nil, &core.Error{Kind: core.ErrInvalid, What: fmt.Sprintf("journal %q", name), Err: errors.New(`accepted: letters, digits, ".", "_" and "-"`)}
	}
	d, err := safefile.MakeDir(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	f := &File{dir: d, name: name + ".jsonl"}
	f.lock, err = acquire(d, name+".lock", who)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	_ = d.Sweep() // of other grants too: what cannot be removed must stop nobody
	if err := f.open(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// open reads what earlier runs have left, removes a torn end, and compacts.
func (f *File) open() error {
	file, err := f.dir.Open(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = f.dir.Create(f.name)
		if err == nil {
			f.file = file
			return f.dir.Sync()
		}
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	f.file = file
	data, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	f.state, f.size, err = replay(data)
	if err != nil {
		return fmt.Errorf("journal %q: %w", f.dir.Path(f.name), err)
	}
	if f.size < int64(len(data)) {
		if err := f.cut(); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	return f.compact()
}

// Intend records that a write is about to happen.
func (f *File) Intend(i core.Intent) error {
	if i.ID == "" {
		return errors.New("journal: an intent has no ID")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.append(line{At: time.Now().UTC(), Intend: &i})
}

// Settle records what came of an intent. It is fine if none is pending.
func (f *File) Settle(id string, ok bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.state.has(id) {
		return nil
	}
	return f.append(line{At: time.Now().UTC(), Settle: id, OK: &ok})
}

// Pending returns the intents that were never settled, oldest first.
func (f *File) Pending() ([]core.Intent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return nil, f.broken
	}
	return slices.Clone(f.state.pending), nil
}

// append writes one line and waits until it is on the disk.
func (f *File) append(l line) error {
	if f.broken != nil {
		return f.broken
	}
	if err := f.stillOurs(); err != nil {
		return err
	}
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	data = append(data, '\n')
	if _, err := f.file.Write(data); err != nil {
		err = fmt.Errorf("journal: %w", err)
		if cut := f.cut(); cut != nil {
			f.broken = errors.Join(err, cut)
		}
		return err
	}
	if err := f.file.Sync(); err != nil {
		// After a failed sync nobody knows what the disk holds, and a second sync may claim success.
		f.broken = fmt.Errorf("journal: %w", err)
		return f.broken
	}
	f.size += int64(len(data))
	f.state.apply(l)
	return nil
}

// cut removes what follows the last whole line.
func (f *File) cut() error {
	if err := f.file.Truncate(f.size); err != nil {
		return err
	}
	return f.file.Sync()
}

// stillOurs stops a run whose lock or journal was removed or replaced under it.
func (f *File) stillOurs() error {
	if f.lock.held() && f.dir.Same(f.name, f.file) {
		return nil
	}
	return &core.Error{Kind: core.ErrLocked, What: fmt.Sprintf("journal %q", f.dir.Path(f.name)), Err: errors.New("it or its lock was replaced while this run held it")}
}

// Close releases the lock. What comes after it fails, but for another Close.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lock == nil {
		return nil
	}
	var err error
	if f.file != nil {
		err = f.file.Close()
	}
	err = errors.Join(err, f.lock.release(), f.dir.Close())
	f.lock, f.broken = nil, errors.New("journal: is closed")
	return err
}
