// New file: written for its owner only, whole, and never over another one.
package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// writeNew writes data to a file that does not exist yet, and returns when it
// is on the disk. O_EXCL also refuses a link at that place.
func writeNew(path, shown string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the user chose the path
	if err != nil {
		return fmt.Errorf("write %q: %s", shown, cause(err))
	}
	err = f.Chmod(0o600) // whatever the umask says
	if err == nil {
		_, err = f.Write(data)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %q: %w", shown, errors.Join(err, os.Remove(path)))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write %q: %s", shown, cause(err))
	}
	return errors.Join(dir.Sync(), dir.Close())
}
