// Steps on the disk, counted and held up by the system itself: the program knows nothing of it.
package clitest

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// durable are the calls of the system after which something is on the disk that was not before.
var durable = []uint32{unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_LINKAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_FTRUNCATE, unix.SYS_MKDIRAT}

// watched reports whether steps on the disk can be counted here.
const watched = true

// notice is struct seccomp_notif, and verdict is struct seccomp_notif_resp.
// https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html
type (
	notice struct {
		id         uint64
		pid, flags uint32
		data       [64]byte
	}
	verdict struct {
		id     uint64
		value  int64
		failed int32
		flag   uint32
	}
)

// watchDisk has the system stop this process before each durable step until it was counted.
func (p *peril) watchDisk() error {
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}}
	for i, nr := range durable {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(durable) - i), K: nr}) //nolint:gosec // a handful
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // a handful
	const flags = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	listener, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program))) //nolint:gosec // the system's own interface
	if failed != 0 {
		return fmt.Errorf("seccomp: %w", failed)
	}
	go p.attend(listener)
	return nil
}

// attend lets each step go on once it was counted.
func (p *peril) attend(listener uintptr) {
	runtime.LockOSThread()
	for {
		var n notice
		if _, _, failed := unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); failed != 0 { //nolint:gosec // as above
			if failed == unix.EINTR || failed == unix.ENOENT {
				continue
			}
			return
		}
		v := verdict{id: n.id, flag: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if !p.step() {
			v.flag, v.failed = 0, -int32(unix.ENOSPC)
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&v))) //nolint:gosec // as above
	}
}

// ownFacts are whether this process may be dumped, and what everybody can read of it.
func ownFacts() facts {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	f := facts{Dumpable: dumpable != 0 || err != nil, Proc: map[string]string{}}
	for _, name := range []string{"limits", "cmdline", "environ"} {
		data, err := os.ReadFile("/proc/self/" + name) //nolint:gosec // one of the three
		if err != nil {
			panic(err)
		}
		f.Proc[name] = string(data)
	}
	return f
}
