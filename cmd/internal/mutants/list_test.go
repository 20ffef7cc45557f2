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

// preface stands at the top of the list, and nowhere else does a line begin with "#".
const preface = `# Mutants that no test notices, and why none does. make mutants fails if another
# one lives, or if one of these does not live any more. An indented line is the
# reason for all the lines above it, up to the reason before.
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
	for _, name := range open {
		t.Errorf("%s: no reason why this may live: %s", listed, name)
	}
	return list
}

// rewrite writes the list anew: what does not live any more is gone, and what
// is new stands at the end and waits for its reason.
func rewrite(t *testing.T, lived []mutant, known map[string]string) {
	t.Helper()
	var out, fresh strings.Builder
	out.WriteString(preface)
	last := ""
	for n, m := range lived {
		reason := known[m.String()]
		if reason == "" {
			fresh.WriteString(m.String() + "\n")
			continue
		}
		if reason != last && n > 0 && last != "" {
			out.WriteString("\t" + last + "\n\n")
		}
		last = reason
		out.WriteString(m.String() + "\n")
	}
	if last != "" {
		out.WriteString("\t" + last + "\n\n")
	}
	must(t, os.WriteFile(filepath.Join(root(t), listed), []byte(strings.TrimRight(out.String()+fresh.String(), "\n")+"\n"), 0o644))
}
