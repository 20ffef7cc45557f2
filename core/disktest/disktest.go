// Package disktest is a disk that fails, for tests: it sees each operation that
// the program does on a disk, and lets those fail that a test chooses.
package disktest

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// Op is one operation on the disk.
type Op = safefile.Op

// Record returns the operations that f does, in their order.
func Record(f func()) []Op {
	var mu sync.Mutex
	var seen []Op
	end := safefile.Ask(func(op Op) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, op)
		return nil
	})
	defer end()
	f()
	return seen
}

// Fault is one operation of a run, and what becomes of it.
type Fault struct {
	At    int    // it is the one with that number, counted from 0
	Op    string // its name, when the run was recorded; what runs side by side may have changed places since
	Cause int    // which of the causes
	Ever  bool   // befalls all of that name that follow as well
}

// String names the fault for a test.
func (f Fault) String() string {
	return fmt.Sprintf("%d %s %s%s", f.At, f.Op, because(f.Op, f.Cause), map[bool]string{true: " and for ever"}[f.Ever])
}

// Run lets f run on a disk with the fault and returns the operation that it
// met; none if there was no such operation.
func (f Fault) Run(run func()) (met Op) {
	var mu sync.Mutex
	n := 0
	end := safefile.Ask(func(op Op) error {
		mu.Lock()
		defer mu.Unlock()
		defer func() { n++ }()
		if n == f.At {
			met = op
		}
		if n == f.At || f.Ever && n > f.At && op.Name == met.Name {
			return because(op.Name, f.Cause)
		}
		return nil
	})
	defer end()
	run()
	return met
}

// Matters reports whether a run must not succeed after the operation has failed.
// What could not be removed may be tried again.
func Matters(op Op) bool { return op.Name != "" && op.Name != safefile.OpRemove }

// because is one of the causes for which an operation fails.
func because(op string, cause int) syscall.Errno {
	of := causes[op]
	return of[cause%len(of)]
}

// causes are what a system can say of each operation.
var causes = map[string][]syscall.Errno{
	safefile.OpOpen:     {syscall.EMFILE, syscall.EACCES},
	safefile.OpCreate:   {syscall.ENOSPC, syscall.EROFS, syscall.EMFILE, syscall.EDQUOT},
	safefile.OpMkdir:    {syscall.ENOSPC, syscall.EROFS, syscall.EACCES},
	safefile.OpChmod:    {syscall.EPERM},
	safefile.OpWrite:    {syscall.ENOSPC, syscall.EDQUOT, syscall.EIO},
	safefile.OpRest:     {syscall.ENOSPC, syscall.EIO},
	safefile.OpTruncate: {syscall.EIO},
	safefile.OpSync:     {syscall.EIO, syscall.ENOSPC},
	safefile.OpSyncDir:  {syscall.EIO},
	safefile.OpClose:    {syscall.EIO, syscall.EDQUOT},
	safefile.OpLink:     {syscall.EXDEV, syscall.EPERM, syscall.ENOSPC},
	safefile.OpRename:   {syscall.EXDEV, syscall.EROFS},
	safefile.OpRemove:   {syscall.EIO, syscall.EACCES},
	safefile.OpLock:     {syscall.ENOLCK, syscall.EMFILE},
}

// Faults is every fault that can befall the operations of a recorded run: each
// of them once; with ever, each cause, once and from then on. An operation
// without a known cause is an error: it is new, and nobody has thought of it.
func Faults(recorded []Op, ever bool) ([]Fault, error) {
	var all []Fault
	for at, op := range recorded {
		of := causes[op.Name]
		if len(of) == 0 {
			return nil, fmt.Errorf("what can go wrong with %q is not known: add it to causes", op.Name)
		}
		if !ever {
			all = append(all, Fault{At: at, Op: op.Name, Cause: at}) // over the run, each of them has its turn
			continue
		}
		for cause := range of {
			all = append(all, Fault{At: at, Op: op.Name, Cause: cause}, Fault{At: at, Op: op.Name, Cause: cause, Ever: true})
		}
	}
	return all, nil
}

// Drawn is the faults in the order of their run; where everything is tried, in one
// that a seed decides, which is logged.
func Drawn(t interface{ Logf(string, ...any) }, faults []Fault) []Fault {
	if !EveryFault {
		return faults
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] }) //nolint:gosec // no secret
	return faults
}

// Leftovers are the files and directories below dir that are no whole ones: a
// failure has left them behind. Files of any content are told by their names.
func Leftovers(files fs.FS) ([]string, error) {
	var left []string
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && slices.ContainsFunc([]string{".part-", ".check-", "rehearsal-", ".new"}, func(part string) bool { return strings.Contains(d.Name(), part) }) {
			left = append(left, path)
		}
		return err
	})
	return left, err
}

// Open lists the files below dir that anybody but their owner can open.
func Open(files fs.FS) ([]string, error) {
	var open []string
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err == nil && i.Mode().Perm()&0o077 != 0 {
			open = append(open, fmt.Sprintf("%s (%04o)", path, i.Mode().Perm()))
		}
		return err
	})
	return open, err
}

// Before lets f happen once, right before the first operation of that name in
// the directory, while run runs.
func Before[T any](name, dir string, f func(), run func() T) T {
	var once sync.Once
	end := safefile.Ask(func(op Op) error {
		if op.Name == name && filepath.Dir(op.Path) == dir {
			once.Do(f)
		}
		return nil
	})
	defer end()
	return run()
}
