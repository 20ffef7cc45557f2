// The table: a line for each suite.
package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// about says what each suite does. One that is not here has its name alone.
var about = map[string]string{
	"K1": "killed at every call, record and delivery; run again",
	"K2": "killed again while it recovers",
	"F1": "every call broken in every way, before and after it takes effect",
	"F2": "three random faults at once",
	"E1": "every write seen late, or now and then, or never",
	"C1": "several runs at once",
	"D1": "a full, broken or read-only disk at every durable step",
	"P1": "hostile places for files, under every umask",
	"M1": "hostile text in every format, read back by its consumer",
	"M2": "random grants before three judges",
	"M3": "policies that are too wide, which a proof must notice",
	"L1": "secrets in anything that anybody could read",
	"T1": "text that would drive a terminal",
	"S1": "interrupted at every boundary",
}

// mostNames is how many skipped tests are named.
const mostNames = 20

// sum is the line of one suite.
type sum struct{ cases, violations int }

// sums counts for each suite. A case is a test without subtests, below the one that
// announces the suite; either of them may say itself how many cases it has tried.
func (r *record) sums() map[string]sum {
	all := map[string]sum{}
	for _, t := range r.tests {
		by := t
		for by != nil && by.suite == "" {
			by = by.above
		}
		if by == nil {
			continue
		}
		s := all[by.suite]
		switch {
		case by == t && t.cases > 0:
			s.cases += t.cases
		case by.cases == 0 && !t.parent && !t.skipped:
			s.cases += max(1, t.cases)
		}
		if t.failed && !t.within {
			s.violations++
		}
		all[by.suite] = s
	}
	return all
}

// table prints the sums of the suites that are wanted and of all others that ran.
// It returns those that were wanted and have tried nothing.
func (r *record) table(to io.Writer, wanted []string) (missing []string) {
	sums := r.sums()
	for _, name := range wanted {
		if sums[name].cases == 0 {
			sums[name] = sum{}
			missing = append(missing, name)
		}
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	var total sum
	_, _ = fmt.Fprintln(w, "\nsuite\tcases\tviolations\t")
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		s := sums[name]
		total.cases, total.violations = total.cases+s.cases, total.violations+s.violations
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t  %s\n", name, s.cases, s.violations, about[name])
	}
	_, _ = fmt.Fprintf(w, "all\t%d\t%d\t\n", total.cases, total.violations)
	_ = w.Flush()
	switch {
	case len(r.skipped) > mostNames:
		_, _ = fmt.Fprintf(to, "skipped: %d tests\n", len(r.skipped))
	case len(r.skipped) > 0:
		_, _ = fmt.Fprintf(to, "skipped: %s\n", strings.Join(slices.Sorted(slices.Values(r.skipped)), " "))
	}
	return missing
}
