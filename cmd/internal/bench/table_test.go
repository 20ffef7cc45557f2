//go:build bench

// The table, and what must hold of it.
package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// absent is why a rival cannot be measured here.
func (r rival) absent() string {
	if r.needs == "" {
		return ""
	}
	if _, err := exec.LookPath(r.needs); err != nil {
		return err.Error()
	}
	return ""
}

func text(table []row) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 1, ' ', 0)
	_, _ = fmt.Fprintln(w, "| who\t| what\t| latency\t| calls\t| depth\t| wall\t| CPU\t| memory\t|")
	_, _ = fmt.Fprintln(w, "|---\t|---\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|")
	for _, r := range table {
		_, _ = fmt.Fprintf(w, "| %s\t| %s\t| %d ms\t| %d\t| %d\t| %.2f s\t| %.2f s\t| %d MB\t|\n", r.who, r.what, r.latency.Milliseconds(), r.calls, r.depth, r.wall.Seconds(), r.cpu.Seconds(), r.memory>>20)
	}
	_ = w.Flush()
	return out.String()
}

func find(table []row, who, what string, latency time.Duration) (row, bool) {
	i := slices.IndexFunc(table, func(r row) bool { return r.who == who && r.what == what && r.latency == latency })
	if i < 0 {
		return row{}, false
	}
	return table[i], true
}

// judge holds the figures against the targets.
func judge(t *testing.T, table []row) {
	t.Helper()
	start := cold(t)
	verdict := func(what string, ok bool, got, want any) {
		t.Logf("%-60s %v, target %v: %s", what, got, want, map[bool]string{true: "met", false: "MISSED"}[ok])
		if !ok {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	slow := latencies[len(latencies)-1]
	mine, measured := find(table, "s3grant, no proof", "first apply", slow)
	theirs, there := find(table, "aws CLI", "first apply", slow)
	if measured && there {
		times := theirs.wall.Seconds() / mine.wall.Seconds()
		verdict("first apply without proof beside the aws CLI, times faster", times >= fasterThanCLI, fmt.Sprintf("%.1f", times), fasterThanCLI)
	}
	if bare, ok := find(table, "s3grant, no proof", "first apply", slow); ok {
		floor := time.Duration(bare.depth)*slow + start
		times := bare.wall.Seconds() / floor.Seconds()
		verdict("first apply without proof over its floor, times", times <= overFloor, fmt.Sprintf("%.2f", times), overFloor)
	}
	for _, r := range table {
		if strings.HasPrefix(r.who, "s3grant") && !strings.Contains(r.who, "sites") && r.memory > mostMemory {
			verdict("peak memory of "+r.what, false, r.memory>>20, mostMemory>>20)
		}
	}
	verdict("cold start", start <= coldStart, start.Round(time.Millisecond/10), coldStart)
}

// cold is the median time of ten starts.
func cold(t *testing.T) time.Duration {
	t.Helper()
	var all []time.Duration
	for range 11 {
		began := time.Now()
		if err := exec.CommandContext(t.Context(), filepath.Join(os.Getenv("BIN"), "s3grant"), "version").Run(); err != nil {
			t.Fatal(err)
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
