// Which faults are worth a run of their own where there is no time for all.
package disktest

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/bucketgrant/bucketgrant/core/internal/safefile"
)

// Shape is what a recorded run does, without names, to find those that differ.
func Shape(recorded []Op) string {
	var names []string
	for _, op := range recorded {
		names = append(names, op.Name)
	}
	return strings.Join(names, ", ")
}

// records is how the name of a journal ends.
const records = ".jsonl"

// Distinct leaves out faults that are like others: of the same operation on the
// same kind of file. A journal has many records: the last that is cut off and
// the last that is not durable are kept between any two files that were
// published, since what has become of the secret lies in between. seen is what
// earlier runs have had.
func Distinct(recorded []Op, faults []Fault, seen map[string]bool) []Fault {
	var few []Fault
	last := map[string]int{} // where in few the last record is
	published, at := 0, 0
	for _, f := range faults {
		for ; at < f.At; at++ {
			if recorded[at].Name == safefile.OpLink {
				published++
			}
		}
		path := recorded[f.At].Path
		if strings.HasSuffix(path, records) && (f.Op == safefile.OpRest || f.Op == safefile.OpSync) {
			sign := fmt.Sprint(f.Op, published, f.Ever)
			if i, again := last[sign]; again {
				few[i] = f
				continue
			}
			last[sign] = len(few)
		} else {
			sign := fmt.Sprint(f.Op, kind(path), f.Ever)
			if seen[sign] {
				continue
			}
			seen[sign] = true
		}
		few = append(few, f)
	}
	return few
}

var random = regexp.MustCompile(`(\.part-|\.check-|rehearsal-)[A-Za-z0-9]+|[0-9]+`)

// kind is a path without what differs from run to run.
func kind(path string) string {
	name := random.ReplaceAllString(filepath.Base(path), "$1")
	if _, after, ok := strings.Cut(name, "."); ok && !strings.HasPrefix(name, ".") {
		return after
	}
	return name
}
