// Ownership where access is decided by lists that modes do not show: a
// directory below the user's profile is closed to others by inheritance.

//go:build !unix

package safefile

import (
	"io/fs"
	"os"
)

func nameCount(fs.FileInfo) int { return 1 }

func ours(fs.FileInfo) bool { return true }

func widerThan(_, _ fs.FileMode) bool { return false }

// syncDir does nothing: directories cannot be synced there.
func syncDir(*os.File) error { return nil }

const lockFlags = os.O_RDWR
