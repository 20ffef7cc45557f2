//go:build bench

// Package bench measures the program beside what people use today: everything
// against the same sandbox, behind the same wire that delays and counts.
package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The targets. What is compared with a floor is the program without its proof.
const (
	fasterThanCLI = 8.0                   // times, first apply at 100 ms; the recipe proves nothing either
	overFloor     = 1.5                   // times depth × latency and the start of the process
	mostMemory    = 40 << 20              // bytes
	coldStart     = 30 * time.Millisecond // until --version is printed
)

var latencies = []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond}

// rival is one way to do the job.
type rival struct {
	name    string
	needs   string // a program; without it the rival is left out, and that is said
	apply   func(at place) []string
	again   func(at place) []string // the same once more; nil if it cannot
	destroy func(at place) []string
}

// place is where one run works.
type place struct {
	dir, bucket string
	proof       bool
}

func ours(program string, more ...string) rival {
	args := func(at place, verb string, extra ...string) []string {
		return slices.Concat([]string{filepath.Join(os.Getenv("BIN"), program), verb, "--profile", "event-dump", "--bucket", at.bucket, "--prefix", "events/", "--allow-endpoint", "--yes"}, more, extra)
	}
	apply := func(at place) []string {
		extra := []string{"--plain", "--out", filepath.Join(at.dir, "handoff"), "--json"}
		if !at.proof {
			extra = append(extra, "--no-verify")
		}
		return args(at, "apply", extra...)
	}
	return rival{name: program, apply: apply, again: apply, destroy: func(at place) []string { return args(at, "destroy", "--drop-bucket", at.bucket) }}
}

func script(name, needs, interpreter, file string) rival {
	run := func(verb string) func(at place) []string {
		return func(at place) []string { return []string{interpreter, file, verb, at.bucket, at.dir} }
	}
	return rival{name: name, needs: needs, apply: run("apply"), destroy: run("destroy")}
}

func rivals(t *testing.T) []rival {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return []rival{
		ours("s3grant", "--region", "us-east-1"),
		script("aws CLI", "aws", "bash", filepath.Join(here, "testdata", "recipe.sh")),
		script("boto3", "python3", "python3", filepath.Join(here, "testdata", "recipe.py")),
	}
}

// sites is how many sites an agency has.
const sites = 200

// fleet is one file of many sites at 50 ms: made, and planned once more.
func fleet(t *testing.T, w *wire) []row {
	t.Helper()
	dir, latency := t.TempDir(), 50*time.Millisecond
	var file strings.Builder
	fmt.Fprintf(&file, "profile: site-backup\nbucket: acme-backups\nregion: us-east-1\nout: %s\ngrants:\n", filepath.Join(dir, "handoff"))
	for i := range sites {
		fmt.Fprintf(&file, "  - site-%03d.example\n", i)
	}
	path := filepath.Join(dir, "sites.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(os.Getenv("BIN"), "s3grant")
	return []row{
		w.run(t, "s3grant, 200 sites", "first apply", latency, []string{program, "apply", "-f", path, "--plain", "--allow-endpoint", "--yes", "--no-verify"}),
		w.run(t, "s3grant, 200 sites", "plan again", latency, []string{program, "plan", "-f", path, "--allow-endpoint"}),
	}
}

func TestTheTableOfFigures(t *testing.T) {
	w := newWire(t, "s3grant")
	var table []row
	for _, r := range rivals(t) {
		if why := r.absent(); why != "" {
			t.Logf("%s is left out: %s", r.name, why)
			continue
		}
		for _, proof := range []bool{true, false} {
			if !proof && r.needs != "" {
				continue // only the program proves anything
			}
			for i, latency := range latencies {
				at := place{dir: t.TempDir(), bucket: fmt.Sprintf("acme-%s-%t-%d", strings.ToLower(strings.ReplaceAll(r.name, " ", "")), proof, i), proof: proof}
				name := r.name
				if r.needs == "" && !proof {
					name += ", no proof"
				}
				measure := func(what string, command func(place) []string) {
					if command != nil {
						table = append(table, w.run(t, name, what, latency, command(at)))
					}
				}
				measure("first apply", r.apply)
				measure("no change", r.again)
				measure("destroy", r.destroy)
			}
		}
	}
	table = append(table, fleet(t, w)...)
	t.Log("\n" + text(table))
	judge(t, table)
}
