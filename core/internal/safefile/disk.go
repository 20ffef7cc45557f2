// Disk: each operation that changes it, asked about first, so that a test can
// let every one of them fail.
package safefile

import (
	"io/fs"
	"os"
	"sync/atomic"
)

// Op is one operation on the disk.
type Op struct{ Name, Path string }

// The names of operations.
const (
	OpOpen     = "open"
	OpCreate   = "create"
	OpMkdir    = "mkdir"
	OpChmod    = "chmod"
	OpWrite    = "write"
	OpRest     = "write rest" // half of the bytes have been written; asked only while somebody listens
	OpTruncate = "truncate"
	OpSync     = "sync"
	OpSyncDir  = "sync directory"
	OpClose    = "close" // the file is closed even if this fails
	OpLink     = "link"
	OpRename   = "rename"
	OpRemove   = "remove"
	OpLock     = "lock"
)

// asked is who decides on each operation, nobody outside of tests.
var asked atomic.Pointer[func(Op) error]

// Ask lets f see each operation before it is done; an error of f's is what comes
// of it, and it is not done. It returns what ends this. No product calls it.
func Ask(f func(Op) error) (end func()) {
	asked.Store(&f)
	return func() { asked.Store(nil) }
}

// before asks about an operation.
func before(name, path string) error {
	f := asked.Load()
	if f == nil {
		return nil
	}
	if err := (*f)(Op{name, path}); err != nil {
		return &fs.PathError{Op: name, Path: path, Err: err}
	}
	return nil
}

// step does one operation.
func step(name, path string, do func() error) error {
	if err := before(name, path); err != nil {
		return err
	}
	return do()
}

// opening does an operation that opens something.
func opening[T any](name, path string, do func() (T, error)) (T, error) {
	if err := before(name, path); err != nil {
		var none T
		return none, err
	}
	return do()
}

// File is an open file of a [Dir].
type File struct{ *os.File }

// Write implements [io.Writer].
func (f *File) Write(data []byte) (int, error) {
	if err := before(OpWrite, f.Name()); err != nil {
		return 0, err
	}
	if asked.Load() == nil {
		return f.File.Write(data)
	}
	half, err := f.File.Write(data[:len(data)/2])
	if err == nil {
		err = before(OpRest, f.Name())
	}
	if err != nil {
		return half, err
	}
	rest, err := f.File.Write(data[half:])
	return half + rest, err
}

// Sync makes what was written durable.
func (f *File) Sync() error { return step(OpSync, f.Name(), f.File.Sync) }

// Truncate cuts the file off.
func (f *File) Truncate(size int64) error {
	return step(OpTruncate, f.Name(), func() error { return f.File.Truncate(size) })
}

// Chmod sets the mode.
func (f *File) Chmod(mode fs.FileMode) error {
	return step(OpChmod, f.Name(), func() error { return f.File.Chmod(mode) })
}

// Close closes the file. A failure means that what was written may be lost.
func (f *File) Close() error {
	err := before(OpClose, f.Name())
	if closed := f.File.Close(); err == nil {
		err = closed
	}
	return err
}
