// No core dumps: they would hold secrets.
package cli

import "golang.org/x/sys/unix"

// limitCore forbids core dumps. A system that refuses to is left as it is.
func limitCore() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
