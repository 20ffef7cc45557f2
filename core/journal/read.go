// Reading a journal without its lock, for whoever only looks.
package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

var errReadOnly = errors.New("journal: was opened for reading only")

// Read returns what the journal NAME.jsonl in dir says at this moment; nothing
// if there is none. It makes no file, and what it returns refuses to record.
// Another run may hold the lock meanwhile: lines are only added or replaced by
// a whole file, so what is read is what was true at some moment.
func Read(dir, name string) (core.Journal, error) {
	if !usableName.MatchString(name) {
		return nil, &core.Error{Kind: core.ErrInvalid, What: fmt.Sprintf("journal %q", name), Err: errors.New(`accepted: letters, digits, ".", "_" and "-"`)}
	}
	d, err := safefile.OpenDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &seen{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	file, err := d.Open(name + ".jsonl")
	if errors.Is(err, fs.ErrNotExist) {
		return &seen{}, d.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal: %w", err), d.Close())
	}
	data, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close(), d.Close()); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	s, _, err := replay(data)
	if err != nil {
		return nil, fmt.Errorf("journal %q: %w", name+".jsonl", err)
	}
	return &seen{s.pending}, nil
}

// seen is a journal as it was.
type seen struct{ pending []core.Intent }

func (s *seen) Intend(core.Intent) error        { return errReadOnly }
func (s *seen) Settle(string, bool) error       { return errReadOnly }
func (s *seen) Pending() ([]core.Intent, error) { return s.pending, nil }
