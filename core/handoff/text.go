// The receipt for people: what one may paste into a ticket.
package handoff

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// Text is the receipt for people, safe in a ticket and on a terminal.
func Text(r core.Receipt) string { return describe(r).String() }

// Claimed is a manifest that somebody sent, for the one who received it. Nobody
// has signed it, so it is called a claim and holds no command to run.
func Claimed(r core.Receipt) string {
	t := text{}
	t.line("The manifest, as its sender claims; nobody has signed it:")
	t.WriteString(describe(WithoutCommands(r)).String())
	return t.String()
}

// WithoutCommands is a manifest without what somebody could be led to run.
func WithoutCommands(r core.Receipt) core.Receipt {
	if r.Key != nil {
		key := *r.Key
		key.Revoke = ""
		r.Key = &key
	}
	return r
}

func describe(r core.Receipt) *text {
	t := &text{}
	if r.Sandbox {
		t.line("SANDBOX: nothing of this exists in a real cloud.")
	}
	t.row("grant", r.Grant+" (profile "+r.Profile+")")
	t.row("cloud", r.Cloud)
	t.row("account", r.Account)
	t.row("bucket", r.Bucket)
	t.row("region", r.Region)
	t.row("prefix", orElse(r.Prefix, "(the whole bucket)"))
	var networks []string
	for _, from := range r.From {
		networks = append(networks, from.String())
	}
	t.rows("only from", networks)
	var trusts []string
	for _, o := range r.Trusts {
		trusts = append(trusts, o.Name+": "+o.Value)
	}
	t.rows("trusts", trusts)
	if r.Key == nil && r.Who != "" {
		t.row("identity", string(r.Who)+": no secret is handed over")
		if !r.Expires.IsZero() {
			t.row("ends", day(r.Expires)+", by itself")
		}
	}
	if r.Key != nil {
		t.row("principal", r.Key.Holder)
		t.row("key ID", r.Key.ID)
		t.row("created", day(r.Key.Created))
		if !r.Expires.IsZero() {
			t.row("ends", day(r.Expires)+", by itself")
		}
		t.row("rotate by", day(r.Key.RotateBy))
	}
	t.row("policy", r.PolicyHash)
	if r.Literal {
		t.row("WEAK", "as its source document asks for, with all that is weak in it; not the sound form")
	}
	if len(r.Allowed) > 0 { // else what it may do is in the cloud's own actions, and the abilities say nothing of it
		t.rows("may", r.Allowed)
		t.rows("may not", r.Refused)
		t.row("overwriting", r.Overwrites)
	}
	t.row("proof", proofLine(r.Proof, r.Key == nil))
	for _, row := range r.Failures() {
		t.row("", fmt.Sprintf("NOT AS GRANTED: %s: %s, the grant says %s", RowName(row), row.Got, row.Want))
	}
	t.rows("not tried", r.Missing)
	t.row("left behind", Left(r.Proof))
	t.delivery(r.Delivery)
	t.outputs(r)
	if r.Key != nil {
		t.row("revoke", r.Key.Revoke)
	}
	return t
}

// outputs are what the grantee must be told. A whole file is named only.
func (t *text) outputs(r core.Receipt) {
	for _, o := range r.Outputs {
		if name := PublicName(r.Grant, o); name != "" {
			t.row(o.Name, "in the file "+name)
		} else {
			t.row(o.Name, o.Value)
		}
		if o.Why != "" {
			t.row("", "("+o.Why+")")
		}
	}
}

// RowName says what a row is about.
func RowName(row core.Row) string {
	switch {
	case row.Action != "":
		return row.Action + " on " + row.Key
	case row.Ability == core.Enter && row.Key == "":
		return "to act as the grantee"
	case row.Ability == core.Enter:
		return "to pass for the grantee (" + row.Key + ")"
	}
	return string(row.Ability) + " " + string(row.Where)
}

// proofLine sums a proof up. What was not proven is not to be overlooked.
func proofLine(p core.Proof, keyless bool) string {
	switch p.How {
	case core.Tried:
		with := "with the credential itself"
		if keyless {
			with = "as the grantee itself"
		}
		line := fmt.Sprintf("tried "+with+": %d of %d as granted", len(p.Rows)-len(p.Failures()), len(p.Rows))
		if counts := Counts(p); counts != core.Tried {
			line += " (" + counts + ")"
		}
		return line
	case core.Simulated:
		return fmt.Sprintf("SIMULATED, not tried: the cloud says so for %d of %d", len(p.Rows)-len(p.Failures()), len(p.Rows))
	}
	if keyless {
		return "SKIPPED: nobody has tried what this grantee can do"
	}
	return "SKIPPED: nobody has tried what this credential can do"
}

// Counts says how the rows of a proof came about: "tried", or "34 tried, 3
// simulated" where the cloud had to be asked for some.
func Counts(p core.Proof) string {
	simulated := 0
	for _, row := range p.Rows {
		if row.How == core.Simulated {
			simulated++
		}
	}
	if simulated == 0 || simulated == len(p.Rows) {
		return p.How
	}
	return fmt.Sprintf("%d tried, %d simulated", len(p.Rows)-simulated, simulated)
}

// Left is one line about the objects that a proof may have left, "" if none.
func Left(p core.Proof) string {
	if len(p.Left) == 0 {
		return ""
	}
	if len(p.Left) == 1 {
		return fmt.Sprintf("one probe object may be left: %q; the bucket's owner can remove it", p.Left[0])
	}
	var below []string
	for _, key := range p.Left {
		if folder := fmt.Sprintf("%q", key[:strings.LastIndexByte(key, '/')+1]); !slices.Contains(below, folder) {
			below = append(below, folder)
		}
	}
	return fmt.Sprintf("up to %d probe objects may be left below %s; the bucket's owner can remove them", len(p.Left), strings.Join(below, ", "))
}

// delivery says where the credential lies and who can open it.
func (t *text) delivery(d *core.Delivery) {
	if d == nil {
		return
	}
	if d.Sealed {
		t.row("hand-off", "sealed (age), format "+d.Format)
	} else {
		t.row("hand-off", "NOT SEALED, format "+d.Format+": whoever reads the file has the access")
	}
	for _, f := range d.Files {
		t.row("file", f.Path)
		t.row("", "sha256 "+f.SHA256)
	}
	for _, to := range d.Recipients {
		if to.Recovery {
			t.row("recover", to.Kind+" "+to.Fingerprint+", the owner's own key")
			continue
		}
		t.row("sealed to", to.Kind+" "+to.Fingerprint)
	}
}

// text is a column of names and a column of values.
type text struct{ strings.Builder }

func (t *text) line(s string) { t.WriteString(s + "\n") }

func (t *text) row(name, value string) {
	if value != "" {
		t.line(fmt.Sprintf("%-12s %s", Safe(name), Safe(value)))
	}
}

// rows is one row for each value, with the name on the first.
func (t *text) rows(name string, values []string) {
	for _, v := range values {
		t.row(name, v)
		name = ""
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func day(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
