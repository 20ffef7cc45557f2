// Reading: bounded, and looked at first, because opening a pipe could block.
package safefile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ReadAll reads a small file of the user's choice, following links. It refuses
// more than most bytes, and anything that is not a file.
func ReadAll(path string, most int64) ([]byte, error) {
	i, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !i.Mode().IsRegular() {
		return nil, fmt.Errorf("file %q: is not a regular file", path)
	}
	return readSame(path, i, most)
}

// ReadOwn is [ReadAll] for a file that decides something: nobody but the user
// can have written it. It refuses links, other owners and what others may write to.
func ReadOwn(path string, most int64) ([]byte, error) {
	i, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	switch mode := i.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("file %q: is a symbolic link", path)
	case !mode.IsRegular():
		return nil, fmt.Errorf("file %q: is not a regular file", path)
	case !ours(i):
		return nil, fmt.Errorf("file %q: belongs to another user", path)
	case widerThan(mode, 0o755):
		return nil, fmt.Errorf("file %q: others may write to it (mode %04o); accepted: 0600", path, mode.Perm())
	}
	return readSame(path, i, most)
}

// readSame reads the file that was looked at, and no other of its name.
func readSame(path string, seen fs.FileInfo, most int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	if now, err := f.Stat(); err != nil || !os.SameFile(seen, now) {
		return nil, fmt.Errorf("file %q: was replaced while it was opened", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("file %q: is longer than %d bytes", path, most)
	}
	return data, nil
}
