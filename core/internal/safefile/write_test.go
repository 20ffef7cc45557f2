// What must hold wherever a secret is written: closed to others from the first
// moment, never through a link, never over anything, and whole or not at all.

//go:build unix

package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// withUmask runs f under a umask, which belongs to the whole process.
func withUmask(t *testing.T, mask int, f func()) {
	t.Helper()
	old := syscall.Umask(mask)
	defer syscall.Umask(old)
	f()
}

// room is a directory that is ours alone, whatever the umask of the test run.
func room(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// names lists everything below dir.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFilesAndDirectoriesAreClosedToOthersWhateverTheUmask(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077, 0o777} {
		t.Run(fmt.Sprintf("%03o", mask), func(t *testing.T) {
			out := filepath.Join(room(t), "a", "b")
			withUmask(t, mask, func() {
				d, err := MakeDir(out)
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				if err := d.Write("secret", []byte("x")); err != nil {
					t.Fatal(err)
				}
			})
			for path, want := range map[string]fs.FileMode{filepath.Dir(out): 0o700, out: 0o700, filepath.Join(out, "secret"): 0o600} {
				i, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if got := i.Mode().Perm(); got != want {
					t.Errorf("mode of %s under umask %03o: got %04o, want %04o", path, mask, got, want)
				}
			}
		})
	}
}

func TestNothingThatExistsIsEverReplaced(t *testing.T) {
	for what, plant := range map[string]func(dir, name string) error{
		"a file": func(dir, name string) error {
			return os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o644)
		},
		"a symbolic link to a file": func(dir, name string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "victim"), []byte("old"), 0o644), os.Symlink("victim", filepath.Join(dir, name)))
		},
		"a dangling symbolic link": func(dir, name string) error {
			return os.Symlink("nowhere", filepath.Join(dir, name))
		},
		"a symbolic link to the outside": func(dir, name string) error {
			return os.Symlink("/tmp/nowhere", filepath.Join(dir, name))
		},
		"a hard link": func(dir, name string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "victim"), []byte("old"), 0o644), os.Link(filepath.Join(dir, "victim"), filepath.Join(dir, name)))
		},
		"a pipe": func(dir, name string) error {
			return syscall.Mkfifo(filepath.Join(dir, name), 0o600)
		},
		"a directory": func(dir, name string) error {
			return os.Mkdir(filepath.Join(dir, name), 0o700)
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := room(t)
			if err := plant(dir, "secret"); err != nil {
				t.Fatal(err)
			}
			before := names(t, dir)
			d, err := OpenDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.Write("secret", []byte("new")); !errors.Is(err, fs.ErrExist) {
				t.Errorf("writing over %s: got error %v, want %v", what, err, fs.ErrExist)
			}
			if _, err := d.Create("secret"); !errors.Is(err, fs.ErrExist) {
				t.Errorf("creating over %s: got error %v, want %v", what, err, fs.ErrExist)
			}
			if after := names(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("files: got %v, want %v as before", after, before)
			}
			if old, err := os.ReadFile(filepath.Join(dir, "victim")); err == nil && string(old) != "old" {
				t.Errorf("the file behind it: got %q, want %q", old, "old")
			}
		})
	}
}

func TestNamesCannotLeaveTheDirectory(t *testing.T) {
	d, err := MakeDir(filepath.Join(room(t), "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{"../out", "/tmp/out", "..", "a/../../out"} {
		if err := d.Write(name, []byte("x")); err == nil {
			t.Errorf("wrote %q", name)
		}
	}
}

func TestDirectoriesThatOthersCanChangeAreRefused(t *testing.T) {
	for what, c := range map[string]struct {
		make func(path string) error
		want string
	}{
		"group-writable":  {func(p string) error { return errors.Join(os.Mkdir(p, 0o700), os.Chmod(p, 0o770)) }, "others may write"},
		"world-writable":  {func(p string) error { return errors.Join(os.Mkdir(p, 0o700), os.Chmod(p, 0o777)) }, "others may write"},
		"sticky":          {func(p string) error { return errors.Join(os.Mkdir(p, 0o700), os.Chmod(p, 0o777|fs.ModeSticky)) }, "others may write"},
		"read-only":       {func(p string) error { return os.Mkdir(p, 0o500) }, "its owner may not write"},
		"a symbolic link": {func(p string) error { return errors.Join(os.Mkdir(p+"2", 0o700), os.Symlink(p+"2", p)) }, "symbolic link"},
		"a dangling link": {func(p string) error { return os.Symlink(p+"2", p) }, "symbolic link"},
		"a file":          {func(p string) error { return os.WriteFile(p, nil, 0o600) }, "not a directory"},
		"a pipe":          {func(p string) error { return syscall.Mkfifo(p, 0o600) }, "not a directory"},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(room(t), "out")
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			for _, spelling := range []string{path, path + "/", path + "/."} {
				d, err := MakeDir(spelling)
				if err == nil {
					d.Close()
					t.Fatalf("%s: a directory that is %s was accepted", spelling, what)
				}
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: got error %q, want %q in it", spelling, err, c.want)
				}
			}
		})
	}
}

func TestOpeningRefusesFilesThatOthersCanOpen(t *testing.T) {
	for what, c := range map[string]struct {
		make func(path string) error
		want string
	}{
		"world-readable":  {func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o600), os.Chmod(p, 0o644)) }, "others may open"},
		"group-writable":  {func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o600), os.Chmod(p, 0o620)) }, "others may open"},
		"a symbolic link": {func(p string) error { return errors.Join(os.WriteFile(p+"2", nil, 0o600), os.Symlink(p+"2", p)) }, "symbolic link"},
		"a pipe":          {func(p string) error { return syscall.Mkfifo(p, 0o600) }, "not a regular file"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := room(t)
			if err := c.make(filepath.Join(dir, "file")); err != nil {
				t.Fatal(err)
			}
			d, err := OpenDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if f, err := d.Open("file"); err == nil {
				f.Close()
				t.Errorf("a file that is %s was opened", what)
			} else if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %q, want %q in it", err, c.want)
			}
		})
	}
}

func TestWhatBelongsToSomebodyElseIsRefused(t *testing.T) {
	dir, file := "/", "/etc/passwd"
	if os.Geteuid() == 0 { // root must give something away to meet somebody else's
		dir = room(t)
		file = filepath.Join(dir, "file")
		err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chown(file, 1, -1), os.Chown(dir, 1, -1))
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, check := range map[string]func(string, fs.FileInfo) error{dir: checkDir, file: checkFile} {
		i, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(path, i); err == nil || !strings.Contains(err.Error(), "another user") {
			t.Errorf("%s: got error %v, want one about another user", path, err)
		}
	}
}

func TestADirectorySwappedWhileOpenIsNotWrittenTo(t *testing.T) {
	parent := room(t)
	out, moved := filepath.Join(parent, "out"), filepath.Join(parent, "moved")
	d, err := MakeDir(out)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := errors.Join(os.Rename(out, moved), os.Mkdir(out, 0o777)); err != nil {
		t.Fatal(err)
	}
	if err := d.Write("secret", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, out); len(got) > 0 {
		t.Errorf("in the directory that was put in its place: got %v, want nothing", got)
	}
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	if !alone(t) {
		return
	}
	parent := room(t)
	d, err := MakeDir(filepath.Join(parent, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	full(t, 1000, func() {
		if err := d.Write("secret", make([]byte, 4000)); err == nil {
			t.Error("a write beyond the limit succeeded")
		}
	})
	if got := names(t, parent); fmt.Sprint(got) != "[out]" {
		t.Errorf("files: got %v, want [out]", got)
	}
	if err := d.Undo(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, parent); len(got) > 0 {
		t.Errorf("files after undoing: got %v, want none", got)
	}
}

func TestUndoKeepsWhatSomebodyElsePutThere(t *testing.T) {
	parent := room(t)
	d, err := MakeDir(filepath.Join(parent, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := errors.Join(os.WriteFile(filepath.Join(parent, "a", "note"), nil, 0o600), d.Undo()); err != nil {
		t.Fatal(err)
	}
	if got := names(t, parent); fmt.Sprint(got) != "[a a/note]" {
		t.Errorf("files: got %v, want [a a/note]", got)
	}
}

func TestReadingRefusesWhatIsNoSmallFile(t *testing.T) {
	dir := room(t)
	pipe, long := filepath.Join(dir, "pipe"), filepath.Join(dir, "long")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(long, make([]byte, 11), 0o600)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "not a regular file", dir: "not a regular file", long: "longer than 10 bytes", dir + "/none": "no such file"} {
		if _, err := ReadAll(path, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q in it", path, err, want)
		}
	}
	if got, err := ReadAll(long, 11); err != nil || len(got) != 11 {
		t.Errorf("a file of just the limit: got %d bytes and %v, want 11 and no error", len(got), err)
	}
}

func TestAFileThatDecidesIsTheUsersOwn(t *testing.T) {
	for what, c := range map[string]struct {
		make func(path string) error
		want string
	}{
		"group-writable":  {func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o600), os.Chmod(p, 0o660)) }, "others may write"},
		"world-writable":  {func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o600), os.Chmod(p, 0o602)) }, "others may write"},
		"a symbolic link": {func(p string) error { return errors.Join(os.WriteFile(p+"2", nil, 0o600), os.Symlink(p+"2", p)) }, "symbolic link"},
		"a pipe":          {func(p string) error { return syscall.Mkfifo(p, 0o600) }, "not a regular file"},
		"long":            {func(p string) error { return os.WriteFile(p, make([]byte, 11), 0o600) }, "longer than 10 bytes"},
		"somebody else's": {func(p string) error {
			if os.Geteuid() != 0 {
				return os.Symlink("/etc/passwd", p) // only root can give a file away
			}
			return errors.Join(os.WriteFile(p, nil, 0o600), os.Chown(p, 1, -1))
		}, map[bool]string{true: "another user", false: "symbolic link"}[os.Geteuid() == 0]},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(room(t), "file")
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadOwn(path, 10); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q in it", err, c.want)
			}
		})
	}
	path := filepath.Join(room(t), "file")
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadOwn(path, 10); err != nil || string(got) != "x" {
		t.Errorf("a file that others may only read: got %q and %v, want it read", got, err)
	}
}

func TestANewFileBesideThoseOfOthersIsWrittenWhole(t *testing.T) {
	dir := room(t)
	if err := os.Chmod(dir, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "new")
	withUmask(t, 0, func() {
		if err := WriteNew(path, []byte("x")); err != nil {
			t.Fatal(err)
		}
	})
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("got %v and %v, want mode 0600", i, err)
	}
	if err := WriteNew(path, []byte("y")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: got error %v, want %v", err, fs.ErrExist)
	}
	if got := names(t, dir); fmt.Sprint(got) != "[new]" {
		t.Errorf("files: got %v, want [new]", got)
	}
}

// full makes every file of the process end at size bytes while f runs, as a
// full disk would.
func full(t *testing.T, size uint64, f func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

const aloneIn = "BUCKETGRANT_TEST_ALONE"

// alone runs the calling test again in a process of its own, whose limits it
// may change, and reports whether this is that process.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneIn) == t.Name() {
		return true
	}
	child := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), aloneIn+"="+t.Name())
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	}
	return false
}
