// Hostile places: what others may have put where the program writes, for each
// file that it writes.

//go:build unix

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core/disktest"
)

// spot is a file that some command writes, in the directory d.
type spot struct {
	file   string
	before [][]string
	run    []string
	mode   fs.FileMode
}

// places are all files that the program writes.
func places(to string) map[string]spot {
	apply := with("apply", "--name", "acme", "--to", to, "--no-verify", "--yes")
	sealed := "handoff/acme.AKIAIOSFODNN7EXAMPLE.age"
	return map[string]spot{
		"credential":     {"d/acme.AKIAIOSFODNN7EXAMPLE.age", nil, slices.Concat(apply, []string{"--out", "d"}), 0o600},
		"manifest":       {"d/acme.AKIAIOSFODNN7EXAMPLE.manifest.json", nil, slices.Concat(apply, []string{"--out", "d"}), 0o600},
		"journal":        {"d/acme.jsonl", nil, slices.Concat(apply, []string{"--journal", "d"}), 0o600},
		"lock":           {"d/acme.lock", nil, slices.Concat(apply, []string{"--journal", "d"}), 0o600},
		"holder":         {"d/acme.lock.holder", nil, slices.Concat(apply, []string{"--journal", "d"}), 0o600},
		"saved plan":     {"d/reviewed.plan", nil, with("plan", "--to", to, "--out", "d/reviewed.plan"), 0o600},
		"received":       {"d/received", [][]string{apply}, []string{"receive", sealed, "--identity", "key.txt", "--out", "d/received"}, 0o600},
		"report":         {"d/report", [][]string{apply}, []string{"doctor", strings.Replace(sealed, ".age", ".manifest.json", 1), "--error", "403", "--report", "d/report"}, 0o600},
		"sandbox":        {"d/cloud.json", nil, slices.Concat(apply, []string{"--sandbox-file", "d/cloud.json"}), 0o600},
		"sandbox's lock": {"d/cloud.json.lock", nil, slices.Concat(apply, []string{"--sandbox-file", "d/cloud.json"}), 0o600},
		"man page":       {"d/toygrant.1", nil, []string{"man", "d"}, 0o644},
	}
}

// traps are what others may have prepared at a file in the directory d, beside
// which they have files of their own.
func traps() map[string]func(file string) error {
	victim := func(file string) string { return filepath.Join(filepath.Dir(filepath.Dir(file)), "others", "victim") }
	return map[string]func(file string) error{
		"nothing": func(string) error { return nil },
		"a file of wider mode": func(file string) error {
			return errors.Join(os.WriteFile(file, []byte("planted"), 0o600), os.Chmod(file, 0o644))
		},
		"a link":                 func(file string) error { return os.Symlink(victim(file), file) },
		"a link to nowhere":      func(file string) error { return os.Symlink(victim(file)+"2", file) },
		"a hard link":            func(file string) error { return os.Link(victim(file), file) },
		"a pipe":                 func(file string) error { return syscall.Mkfifo(file, 0o600) },
		"a directory":            func(file string) error { return os.Mkdir(file, 0o700) },
		"a directory for others": func(file string) error { return os.Chmod(filepath.Dir(file), 0o777|fs.ModeSticky) },
		"somebody's directory":   func(file string) error { return os.Chown(filepath.Dir(file), 1, -1) },
		"a linked directory": func(file string) error {
			d := filepath.Dir(file)
			return errors.Join(os.Rename(d, d+".real"), os.Symlink(d+".real", d))
		},
		"a swapped directory": func(string) error { return nil }, // while it is written to
	}
}

func TestNoPlaceLeadsAWriteAstray(t *testing.T) {
	t.Attr("suite", "P1")
	masks := []int{0, 0o022, 0o077}
	pair := 0
	for _, where := range slices.Sorted(maps.Keys(places(""))) {
		for _, what := range slices.Sorted(maps.Keys(traps())) {
			pair++
			for i, mask := range masks {
				if !everyMask && what != "nothing" && pair%len(masks) != i {
					continue // each has its turn with some other pair
				}
				t.Run(fmt.Sprintf("%s/%s/%03o", where, what, mask), func(t *testing.T) {
					s := newStage(t, &toy{})
					p := places(s.key())[where]
					if err := errors.Join(os.Mkdir(filepath.Join(s.dir, "others"), 0o700), os.Mkdir(filepath.Join(s.dir, "d"), 0o700)); err != nil {
						t.Fatal(err)
					}
					s.write("others/victim", "victim")
					for _, line := range p.before {
						s.run(line...).wants(t, 0)
					}
					file := filepath.Join(s.dir, p.file)
					if err := traps()[what](file); err != nil && (what != "somebody's directory" || os.Geteuid() == 0) {
						t.Fatal(err) // only root can give a directory away; for all others it stays their own
					}
					r := s.within(what, mask, file, p.run)
					s.unharmed(r, p, file, what)
				})
			}
		}
	}
}

// within runs a command under a umask, in front of a trap that may hold it or
// move while it works.
func (s *stage) within(what string, mask int, file string, line []string) ran {
	old := syscall.Umask(mask)
	defer syscall.Umask(old)
	if what == "a pipe" {
		free := time.AfterFunc(10*time.Second, func() {
			s.t.Error("the run waits at a pipe")
			if f, err := os.OpenFile(file, os.O_RDWR|syscall.O_NONBLOCK, 0); err == nil {
				time.Sleep(time.Second)
				_ = f.Close()
			}
		})
		defer free.Stop()
	}
	if what != "a swapped directory" {
		return s.run(line...)
	}
	d := filepath.Dir(file)
	return disktest.Before("create", d, func() {
		if err := errors.Join(os.Rename(d, d+".real"), os.Mkdir(d, 0o700), os.Chmod(d, 0o777)); err != nil {
			s.t.Error(err)
		}
	}, func() ran { return s.run(line...) })
}

// unharmed checks what must be so whatever has become of the run.
func (s *stage) unharmed(r ran, p spot, file, what string) {
	s.t.Helper()
	victim := filepath.Join(s.dir, "others", "victim")
	if i, err := os.Stat(victim); err != nil || i.Mode().Perm() != 0o600 {
		s.t.Errorf("somebody's file: got %v and %v, want it as it was", i, err)
	}
	if data, err := os.ReadFile(victim); err != nil || string(data) != "victim" {
		s.t.Errorf("somebody's file: got %q and %v, want it as it was", data, err)
	}
	if others, err := os.ReadDir(filepath.Dir(victim)); err != nil || len(others) != 1 {
		s.t.Errorf("beside somebody's file: got %v and %v, want nothing more", others, err)
	}
	i, err := os.Lstat(file)
	switch {
	case what == "nothing" && (r.code != 0 || err != nil && !strings.HasSuffix(file, ".holder")):
		s.t.Errorf("exit %d and %v, want the file\n%s", r.code, err, r.errout)
	case what == "a swapped directory":
		if planted, err := os.ReadDir(filepath.Dir(file)); err == nil && r.code == 0 && len(planted) > 0 && len(trusted(p)) == 0 {
			s.t.Errorf("in the directory that was put there: got %v", planted)
		}
	case r.code == 0 && err == nil && (!i.Mode().IsRegular() || i.Mode().Perm() != p.mode || i.Sys().(*syscall.Stat_t).Nlink != 1):
		s.t.Errorf("the file: got %v with %d names, want %v with one", i.Mode(), i.Sys().(*syscall.Stat_t).Nlink, p.mode)
	case r.code != 0 && what == "a file of wider mode":
		if data, err := os.ReadFile(file); err != nil || string(data) != "planted" {
			s.t.Errorf("the file that was there: got %q and %v, want it as it was", data, err)
		}
	}
	s.closed(p)
}

// closed checks the mode of all that the run has written.
func (s *stage) closed(p spot) {
	s.t.Helper()
	for _, dir := range []string{"d", "d.real", "handoff", "d/cloud.json.journal", ".local"} {
		err := filepath.WalkDir(filepath.Join(s.dir, dir), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || err == nil && (e.Type()&fs.ModeSymlink != 0 || !e.IsDir() && !e.Type().IsRegular()) {
				return nil
			}
			if err != nil {
				return err
			}
			i, err := e.Info()
			if err != nil {
				return err
			}
			data, _ := os.ReadFile(path)
			ours := string(data) != "planted" && filepath.Base(path) != "d" && filepath.Base(path) != "d.real"
			if wide := i.Mode().Perm() &^ (p.mode | map[bool]fs.FileMode{true: 0o700}[i.IsDir()]); ours && wide != 0 {
				s.t.Errorf("%s: mode %v", strings.TrimPrefix(path, s.dir), i.Mode())
			}
			return nil
		})
		if err != nil {
			s.t.Error(err)
		}
	}
}

// trusted is what a place allows in a directory that was swapped.
func trusted(p spot) []string {
	if p.mode == 0o644 {
		return []string{p.file} // each page opens it anew
	}
	return nil
}
