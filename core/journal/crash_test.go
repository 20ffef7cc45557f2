// What a journal survives: a kill at any moment, a full disk, a hostile directory.

//go:build unix

package journal

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const childOf = "BUCKETGRANT_JOURNAL_CHILD" // the directory of a child that writes until it is killed

func TestMain(m *testing.M) {
	if dir := os.Getenv(childOf); dir != "" {
		os.Exit(writeForEver(dir))
	}
	os.Exit(m.Run())
}

// writeForEver acknowledges every record on stdout after it is written.
func writeForEver(dir string) int {
	f, err := Open(dir, "acme", "child")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for n := 0; ; n++ {
		if err := f.Intend(intent(fmt.Sprint(n))); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(n)
	}
}

func TestAKilledRunLosesNothingThatItAcknowledgedAndFreesTheLock(t *testing.T) {
	for _, killAfter := range []int{0, 1, 7, 40} {
		dir := filepath.Join(t.TempDir(), "j")
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childOf+"="+dir)
		out, err := child.StdoutPipe()
		must(t, err, child.Start())
		acknowledged := -1
		for said := bufio.NewScanner(out); said.Scan(); {
			if _, err := fmt.Sscan(said.Text(), &acknowledged); err != nil {
				t.Fatalf("the child says %q", said.Text())
			}
			if acknowledged == killAfter {
				must(t, child.Process.Kill()) // what it says until it is dead counts too
			}
		}
		if err := child.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		got := pending(t, reopen(t, dir))
		if len(got) <= acknowledged {
			t.Errorf("killed after %d records: got %d pending, want at least %d", killAfter, len(got), acknowledged+1)
		}
		for n, id := range got {
			if id != fmt.Sprint(n) {
				t.Fatalf("record %d: got %q", n, id)
			}
		}
	}
}

func TestAFullDiskLosesTheNewRecordAndNoOlderOne(t *testing.T) {
	if !alone(t) {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	for room := range uint64(250) { // one record is shorter than that
		dir := filepath.Join(t.TempDir(), "j")
		f := reopen(t, dir)
		must(t, f.Intend(intent("old")))
		var old syscall.Rlimit
		must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(f.size) + room, Max: old.Max}))
		failed := f.Intend(intent("new"))
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old))
		want := "[old]"
		if failed == nil {
			want = "[old new]"
		}
		if room == 0 && failed == nil {
			t.Fatal("a record was written to a full disk")
		}
		if got := pending(t, f); fmt.Sprint(got) != want {
			t.Errorf("%d bytes left: pending: got %v, want %v", room, got, want)
		}
		must(t, f.Intend(intent("later")), f.Close())
		want = strings.Replace(want, "]", " later]", 1)
		if got := pending(t, reopen(t, dir)); fmt.Sprint(got) != want {
			t.Errorf("%d bytes left, then used: pending: got %v, want %v", room, got, want)
		}
	}
}

func TestNobodyElseCanOpenTheJournalWhateverTheUmask(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077} {
		dir := filepath.Join(t.TempDir(), "state", "journal")
		old := syscall.Umask(mask)
		f, err := Open(dir, "acme", "test")
		syscall.Umask(old)
		must(t, err, f.Intend(intent("a")))
		files, err := os.ReadDir(dir)
		must(t, err)
		if len(files) != 3 {
			t.Errorf("files: got %v, want journal, lock and holder", files)
		}
		for _, file := range files {
			if i, err := file.Info(); err != nil || i.Mode().Perm() != 0o600 {
				t.Errorf("umask %03o: %s: got mode %04o and %v, want 0600", mask, file.Name(), i.Mode().Perm(), err)
			}
		}
		if i, err := os.Stat(dir); err != nil || i.Mode().Perm() != 0o700 {
			t.Errorf("umask %03o: directory: got mode %04o and %v, want 0700", mask, i.Mode().Perm(), err)
		}
		must(t, f.Close())
	}
}

func TestPlantedFilesAreRefused(t *testing.T) {
	for _, file := range []string{"acme.jsonl", "acme.lock"} {
		for what, plant := range map[string]func(path string) error{
			"a symbolic link": func(p string) error {
				return errors.Join(os.WriteFile(p+".victim", nil, 0o600), os.Symlink(p+".victim", p))
			},
			"a dangling link": func(p string) error { return os.Symlink(p+".victim", p) },
			"a readable file": func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o600), os.Chmod(p, 0o640)) },
			"a pipe":          func(p string) error { return syscall.Mkfifo(p, 0o600) },
			"a directory":     func(p string) error { return os.Mkdir(p, 0o700) },
		} {
			dir := filepath.Join(t.TempDir(), "j")
			must(t, os.Mkdir(dir, 0o700), plant(filepath.Join(dir, file)))
			if f, err := Open(dir, "acme", "test"); err == nil {
				f.Close()
				t.Errorf("%s as %s was accepted", what, file)
			}
			if victim, err := os.ReadFile(filepath.Join(dir, file) + ".victim"); err == nil && len(victim) > 0 {
				t.Errorf("%s as %s: %q was written through it", what, file, victim)
			}
		}
	}
	target := filepath.Join(t.TempDir(), "j")
	link := target + ".link"
	must(t, os.Mkdir(target, 0o700), os.Symlink(target, link))
	if f, err := Open(link, "acme", "test"); err == nil {
		f.Close()
		t.Error("a linked directory was accepted")
	}
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
