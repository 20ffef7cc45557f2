// Binary: what the program weighs, and what must not be in it.
package clitest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/cmd/internal/cli"
)

// Binary builds the program in the current directory as the Makefile does, and
// holds it to a size in MB.
func Binary(t *testing.T, c cli.Cloud, most int) {
	path := filepath.Join(t.TempDir(), c.Program)
	line := append([]string{"build", "-o", path}, buildFlags(t)...)
	build := exec.CommandContext(t.Context(), "go", append(line, ".")...) //nolint:gosec // the repository's own flags
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(path) //nolint:gosec // in the test's own directory
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > most*1_000_000 {
		t.Errorf("%s: got %.1f MB, want at most %d", c.Program, float64(len(data))/1e6, most)
	}
	coldStart(t, path)
	// What executes templates calls methods by name, and then no method of any
	// type can be left out of the program.
	for _, function := range []string{"text/template.(*Template).Execute", "testing.tRunner"} {
		if bytes.Contains(data, []byte(function)) {
			t.Errorf("%s: got %s in it, want a program without it", c.Program, function)
		}
	}
}

// coldStart holds the time from nothing to the first answer. The best of some
// runs counts, and of each what the processor worked for it if that is less: a
// program that waits for nothing starts in that time where nothing else runs.
func coldStart(t *testing.T, path string) {
	const most, tries = 50 * time.Millisecond, 100
	best := time.Hour
	for try := 0; try < tries && best > most; try++ { // beside other tests it takes some luck
		begun := time.Now()
		start := exec.CommandContext(t.Context(), path, "version")
		if out, err := start.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		worked := start.ProcessState.UserTime() + start.ProcessState.SystemTime()
		best = min(best, time.Since(begun), worked)
	}
	if best > most {
		t.Errorf("start of %s: got %s, want at most %s", filepath.Base(path), best, most)
	}
}

// buildFlags is the value of BUILD in the Makefile.
func buildFlags(t *testing.T) []string {
	t.Helper()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string) string {
		found := regexp.MustCompile(`(?m)^` + name + `\s*:=\s*(.+)$`).FindSubmatch(makefile)
		if found == nil {
			t.Fatalf("the Makefile has no %s", name)
		}
		return string(found[1])
	}
	text := strings.ReplaceAll(value("BUILD"), "$(TAGS)", value("TAGS"))
	var flags []string
	for _, word := range regexp.MustCompile(`(?:[^\s"']|"[^"]*"|'[^']*')+`).FindAllString(text, -1) {
		flags = append(flags, strings.NewReplacer(`"`, "", `'`, "").Replace(word))
	}
	return flags
}
