// The wall around the disk: what is not seen to be written cannot be let fail.
package core_test

import (
	"go/token"
	"slices"
	"testing"
)

func TestTheDiskHasOneDoor(t *testing.T) {
	changes := []string{"WriteFile", "Create", "CreateTemp", "OpenFile", "OpenRoot", "Mkdir", "MkdirAll", "MkdirTemp", "Rename", "Remove", "RemoveAll", "Link", "Symlink", "Chmod", "Chown", "Lchown", "Chtimes", "Truncate", "CopyFS"}
	writes := 0
	for _, f := range goFiles(t, false) {
		if stands("providers/providertest/**", f.dir) || f.dir == "cmd/internal/clitest" {
			continue
		}
		door := f.dir == "core/internal/safefile"
		selected(f, func(x, sel string, at token.Position) {
			if x == "os" && slices.Contains(changes, sel) {
				if writes++; !door {
					t.Errorf("%s:%d calls os.%s: only safefile changes the disk, so that all of it is durable, closed to others, and tested to fail", f.name, at.Line, sel)
				}
			}
			if x == "safefile" && sel == "Ask" && f.dir != "core/disktest" {
				t.Errorf("%s:%d lets the disk fail: only tests do", f.name, at.Line)
			}
			if x == "flock" && !door {
				t.Errorf("%s:%d locks a file: only safefile does, which looks at it first", f.name, at.Line)
			}
		})
	}
	if writes < 5 {
		t.Errorf("got %d changes of the disk: are they still called so?", writes)
	}
}
