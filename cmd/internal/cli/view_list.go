// The grants of an account as people see them.
package cli

import (
	"fmt"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// printList prints one line for each grant, and below them what was found.
func (a *app) printList(doc listJSON) error {
	if a.global.JSON {
		return printJSON(a.env.Stdout, doc)
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if doc.Sandbox {
		w.loud(sandboxBanner)
	}
	w.line("%s on %s, %s %s", counted(len(doc.Grants), "grant"), a.info.Title, a.info.Nouns.Account, doc.Operator.Account)
	rows := [][]string{{"GRANT", "PROFILE", "WHO", "BUCKET", "KEYS", "AGE", "LAST USED", "ROTATE BY", "ENDS", "FINDINGS"}}
	for _, g := range doc.Grants {
		rows = append(rows, listRow(g))
	}
	if len(doc.Grants) > 0 {
		w.table(rows)
	}
	for _, g := range doc.Grants {
		if len(g.Findings) > 0 {
			w.line("%s:", g.Grant)
			findingLines(w, g.Findings)
		}
	}
	switch {
	case len(doc.Grants) == 0:
		w.line("nothing here carries the mark of a grant")
	case doc.Findings == 0:
		w.line("nothing was found that is not as it should be")
	default:
		w.line("%s; look closer with: %s status, the flags of the grant", counted(doc.Findings, "finding"), a.cloud.Program)
	}
	return w.err
}

// listRow is one grant. What does not apply to it is "-".
func listRow(g listedJSON) []string {
	active, oldest, used := 0, 0, time.Time{}
	for i, k := range g.Found.Keys {
		if k.Active {
			active++
		}
		oldest = max(oldest, g.Keys[i].AgeDays)
		if k.Used.After(used) {
			used = k.Used
		}
	}
	keys, age := "-", "-"
	if n := len(g.Found.Keys); n > 0 {
		if keys = fmt.Sprint(active); active < n {
			keys += fmt.Sprintf(" of %d on", n)
		}
		age = fmt.Sprintf("%d days", oldest)
	}
	var by time.Time
	if g.RotateBy != nil {
		by = *g.RotateBy
	}
	count := fmt.Sprint(len(g.Findings))
	if g.Orphan {
		count += " ORPHAN"
	}
	place := g.Bucket
	if g.Prefix != "" {
		place += "/" + g.Prefix
	}
	return []string{dash(g.Grant), dash(g.Profile), dash(string(g.Who)), dash(place), keys, age, date(used), date(by), date(g.Expires), count}
}

// findingLines prints one line for each finding, those first that let somebody do more.
func findingLines(w *paper, list []core.Finding) {
	for _, grave := range []bool{true, false} {
		for _, f := range list {
			if f.Grave != grave {
				continue
			}
			if grave {
				w.loud("  ! %s %s: %s", f.Kind, f.Addr, f.Text)
			} else {
				w.line("  - %s %s: %s", f.Kind, f.Addr, f.Text)
			}
			if f.Fix != "" {
				w.line("      fix: %s", f.Fix)
			}
		}
	}
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func date(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}
