// The list: which mutants may live, and why.
package mutants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// listed is where the mutants that live are named, each with the reason below it.
const listed = ".mutants.txt"

const preface = `# Mutants that no test notices, and why none does. make mutants fails if another
# one lives, or if one of these does not any more. A line that is indented is
# the reason for the lines above it.
`

// reasons reads the list: the reason of each mutant by its name.
func reasons(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(t), listed))
	must(t, err)
	list := map[string]string{}
	var open []string
	for n, line := range strings.Split(string(data), "\n") {
		switch reason, indented := strings.CutPrefix(line, "\t"); {
		case line == "" || strings.HasPrefix(line, "#"):
		case !indented:
			if _, twice := list[line]; twice {
				t.Errorf("%s:%d: is named twice: %s", listed, n+1, line)
			}
			list[line], open = "", append(open, line)
		default:
			for _, name := range open {
				list[name] = reason
			}
			open = nil
		}
	}
	for name, reason := range list {
		if reason == "" {
			t.Errorf("%s: no reason why this may live: %s", listed, name)
		}
	}
	return list
}
