// Compacting: a journal that has grown keeps only what is still pending.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// compactOver is the size from which settled lines are dropped on opening: some
// hundred runs.
const compactOver = 256 << 10

// compact replaces the file by one with the pending intents only, if that is
// worth it. A crash leaves the old file or the new one, never a mixture.
func (f *File) compact() error {
	if f.size <= compactOver || !f.state.settled {
		return nil
	}
	if err := f.rewrite(); err != nil {
		return fmt.Errorf("journal: compacting: %w", err)
	}
	return nil
}

func (f *File) rewrite() error {
	var data []byte
	for _, i := range f.state.pending {
		text, err := json.Marshal(line{At: time.Now().UTC(), Intend: &i})
		if err != nil {
			return err
		}
		data = append(append(data, text...), '\n')
	}
	next := f.name + ".new"
	if err := f.dir.Remove(next); err != nil { // of a run that crashed here; the lock is ours
		return err
	}
	file, err := f.dir.Create(next)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = f.dir.Rename(next, f.name)
	}
	if err != nil {
		return errors.Join(err, file.Close(), f.dir.Remove(next))
	}
	old := f.file
	f.file, f.size = file, int64(len(data))
	return old.Close()
}
