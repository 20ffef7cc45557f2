// Deviations: where a judge that is not ours is wrong, or cannot judge.
package contract

import "strings"

// Deviation leaves one case of one judge out.
type Deviation struct {
	Judge, Case string // Case may end in "*"
	Reason      string
	Link        string // to the vendor's page that says otherwise; "" if none is needed
}

// Deviations are all of them. A row that is no longer needed is a failure.
type Deviations struct {
	rows []Deviation
	used []bool
}

// Deviating returns a table.
func Deviating(rows ...Deviation) *Deviations {
	return &Deviations{rows, make([]bool, len(rows))}
}

// Excuse reports whether a row covers the case.
func (d *Deviations) Excuse(judge, what string) bool {
	for i, r := range d.rows {
		head, wild := strings.CutSuffix(r.Case, "*")
		if r.Judge == judge && (r.Case == what || wild && strings.HasPrefix(what, head)) {
			d.used[i] = true
			return true
		}
	}
	return false
}

// Print shows the table, and complains about rows that nothing has needed.
func (d *Deviations) Print(t T) {
	t.Helper()
	for i, r := range d.rows {
		t.Logf("%-12s %-50s %s %s", r.Judge, r.Case, r.Reason, r.Link)
		if !d.used[i] {
			t.Errorf("the deviation of %s in %q (%s) is no longer needed", r.Judge, r.Case, r.Reason)
		}
	}
}
