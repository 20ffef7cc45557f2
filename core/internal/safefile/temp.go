// Directories that are not for secrets: those of the program's own for a while,
// and those for everybody.
package safefile

import "os"

// TempDir makes a directory of the user's own that remove takes away with all
// that is in it, at the second attempt if the first fails: its files are secrets of a sandbox.
func TempDir(prefix string) (path string, remove func() error, err error) {
	path, err = opening(OpMkdir, os.TempDir(), func() (string, error) { return os.MkdirTemp("", prefix) })
	if err != nil {
		return "", nil, err
	}
	take := func() error { return step(OpRemove, path, func() error { return os.RemoveAll(path) }) }
	return path, func() error {
		if take() == nil {
			return nil
		}
		return take()
	}, nil
}

// PublicDir makes a directory for files that everybody may read, and its parents.
func PublicDir(path string) error {
	return step(OpMkdir, path, func() error { return os.MkdirAll(path, 0o755) }) //nolint:gosec // its files are for everybody
}
