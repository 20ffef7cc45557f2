// Text: a file in which every mutant is planted and none is awake.
package mutants

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// text is a file under change. What is put at one place keeps the order of
// nesting: whatever opens later closes earlier.
type text struct {
	src  string
	puts []put
}

type put struct {
	at     int
	to     int // what is between is left out
	closes bool
	words  string
}

func (t *text) open(at int, format string, args ...any) {
	t.puts = append(t.puts, put{at, at, false, fmt.Sprintf(format, args...)})
}

func (t *text) close(at int, format string, args ...any) {
	t.puts = append(t.puts, put{at, at, true, fmt.Sprintf(format, args...)})
}

func (t *text) replace(from, to int, words string) {
	t.puts = append(t.puts, put{from, to, false, words})
}

// String is the file with everything put in.
func (t *text) String() string {
	opens, closes := []put{}, []put{}
	for _, p := range t.puts {
		if p.closes {
			closes = append(closes, p)
		} else {
			opens = append(opens, p)
		}
	}
	slices.Reverse(closes) // the tree is walked from the outside
	all := append(closes, opens...)
	slices.SortStableFunc(all, func(a, b put) int { return cmp.Compare(a.at, b.at) })
	var out strings.Builder
	from := 0
	for _, p := range all {
		out.WriteString(t.src[from:p.at])
		out.WriteString(p.words)
		from = p.to
	}
	out.WriteString(t.src[from:])
	return out.String()
}
