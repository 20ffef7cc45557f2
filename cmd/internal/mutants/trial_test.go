// Trial: each mutant alone, before the tests that reach it.
package mutants

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whoever needs much longer than a sound program is lost in a loop, which
// somebody would notice.
const (
	patience = 20 * time.Second
	slower   = 5 // times what the tests took without a mutant, in addition
)

// memory is a disk that needs no time to be synced, where there is one.
const memory = "/dev/shm"

// bench is a judge with its program, and which tests reach which mutant.
type bench struct {
	judge
	dir     string
	program string
	reach   map[int][]string
	took    map[string]time.Duration // by test, without a mutant
}

// seat compiles a judge's tests and notes what each of them reaches.
func seat(t *testing.T, overlay string, j judge) bench {
	t.Helper()
	b := bench{judge: j, dir: filepath.Join(root(t), filepath.FromSlash(j.dir)), program: compiled(t, overlay, j.dir), reach: map[int][]string{}, took: map[string]time.Duration{}}
	var mu sync.Mutex
	sideBySide(b.tests(t), func(n int, test string) {
		notes := filepath.Join(overlay, filepath.Base(b.program)+strconv.Itoa(n))
		start := time.Now()
		err := b.run(t.Context(), []string{test}, 10*time.Minute, "BUCKETGRANT_MUTANT_NOTES="+notes)
		took := time.Since(start)
		if err != nil {
			t.Errorf("%s: %s fails without a mutant: %v", j.dir, test, err)
		}
		data, err := os.ReadFile(notes)
		if err != nil {
			return // it reaches none
		}
		mu.Lock()
		defer mu.Unlock()
		b.took[test] = took
		for _, word := range strings.Fields(string(data)) {
			number, _ := strconv.Atoi(word)
			b.reach[number] = append(b.reach[number], test)
		}
	})
	return b
}

// tests lists the tests of a judge by the names that choose them.
func (b bench) tests(t *testing.T) []string {
	t.Helper()
	if b.test == "" {
		return slices.DeleteFunc(strings.Fields(command(t, b.dir, b.program, "-test.list", "^Test")), func(s string) bool { return !strings.HasPrefix(s, "Test") })
	}
	out := command(t, b.dir, b.program, "-test.v", "-test.run", "^"+b.test+"$")
	direct := regexp.MustCompile(`(?m)^=== RUN +` + b.test + `/([^/\n]+)$`)
	var list []string
	for _, found := range direct.FindAllStringSubmatch(out, -1) {
		list = append(list, found[1])
	}
	if len(list) == 0 {
		t.Fatalf("%s: %s has no subtests", b.judge.dir, b.test)
	}
	return list
}

// run runs some of the tests; its error says that one of them failed or found no end.
func (b bench) run(ctx context.Context, tests []string, most time.Duration, env string) error {
	var quoted []string
	for _, test := range tests {
		quoted = append(quoted, regexp.QuoteMeta(test))
	}
	pattern := "^(" + strings.Join(quoted, "|") + ")$"
	if b.test != "" {
		pattern = "^" + b.test + "$/" + pattern
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	c := exec.CommandContext(ctx, b.program, "-test.failfast", "-test.run", pattern)
	c.Dir, c.Env = b.dir, append(os.Environ(), env)
	if _, err := os.Stat(memory); err == nil {
		c.Env = append(c.Env, "TMPDIR="+memory)
	}
	c.WaitDelay = time.Second
	if out, err := c.CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	return nil
}

// kills reports whether a test fails while the mutant is awake.
func (b bench) kills(ctx context.Context, m mutant) bool {
	tests, most := b.reach[m.number], patience
	for _, test := range tests {
		most += slower * b.took[test]
	}
	return len(tests) > 0 && b.run(ctx, tests, most, "BUCKETGRANT_MUTANT="+strconv.Itoa(m.number)) != nil
}

// sideBySide calls f for all of list, on as many processors as there are.
func sideBySide[T any](list []T, f func(int, T)) {
	var group sync.WaitGroup
	places := make(chan struct{}, runtime.GOMAXPROCS(0))
	for n, item := range list {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			f(n, item)
		})
	}
	group.Wait()
}

// survivors breaks every room in every way, and returns all mutants and those that nobody has noticed.
func survivors(t *testing.T) (all, lived []mutant) {
	t.Helper()
	overlay := t.TempDir()
	rooms := slices.DeleteFunc(scope(), func(r room) bool { return *only != "" && r.dir != *only })
	all = found(t, rooms, overlay)
	benches := map[judge]bench{}
	var mu sync.Mutex
	for _, r := range rooms {
		mine := slices.DeleteFunc(slices.Clone(all), func(m mutant) bool { return filepath.ToSlash(filepath.Dir(m.file)) != r.dir })
		for _, j := range r.judges {
			if _, seated := benches[j]; !seated {
				benches[j] = seat(t, overlay, j)
			}
			b := benches[j]
			var next []mutant
			sideBySide(mine, func(_ int, m mutant) {
				if !b.kills(t.Context(), m) {
					mu.Lock()
					next = append(next, m)
					mu.Unlock()
				}
			})
			t.Logf("%s: the tests of %s see %d of %d mutants", r.dir, j.dir, len(mine)-len(next), len(mine))
			mine = next
		}
		lived = append(lived, mine...)
	}
	slices.SortFunc(lived, func(a, b mutant) int { return a.number - b.number })
	return all, lived
}
