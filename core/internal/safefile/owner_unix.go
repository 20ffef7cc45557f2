// Ownership where files have owners and modes.

//go:build unix

package safefile

import (
	"io/fs"
	"os"
	"syscall"
)

// ours reports whether the file belongs to the user of this process.
func ours(i fs.FileInfo) bool {
	s, ok := i.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}

// nameCount is how many names the file has.
func nameCount(i fs.FileInfo) int {
	s, ok := i.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return int(s.Nlink) //nolint:gosec // its type differs between systems, and no file has that many
}

// widerThan reports whether mode permits anything that most does not.
func widerThan(mode, most fs.FileMode) bool { return mode.Perm()&^most != 0 }

// syncDir makes the names in an open directory durable.
func syncDir(f *os.File) error { return f.Sync() }

// lockFlags open what was just looked at: no link that was put there since, and
// no pipe that would block.
const lockFlags = os.O_RDWR | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
