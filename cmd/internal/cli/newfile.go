// New file: written for its owner only, whole, and never over another one.
package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// writeNew writes data to a file that does not exist yet, named shown by the user.
func writeNew(path, shown string, data []byte) error {
	err := handoff.WriteNew(path, data)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write %q: exists, and nothing is ever overwritten", shown)
	}
	if err != nil {
		return fmt.Errorf("write %q: %s", shown, cause(err))
	}
	return nil
}
