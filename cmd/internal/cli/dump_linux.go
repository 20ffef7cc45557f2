// No core dumps: they would hold secrets.
package cli

import "golang.org/x/sys/unix"

// limitCore forbids core dumps. A system that pipes them to a program ignores the
// limit, and heeds that the process may not be dumped, which also keeps the user's
// other processes from its memory. A system that refuses is left as it is.
func limitCore() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
