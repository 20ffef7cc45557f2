// The plan as people see it.
package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// sandboxBanner begins every view of a cloud inside the program.
const sandboxBanner = "SANDBOX: a cloud inside this program; nothing outside is touched"

// planView is what a plan's view is about, beside the plan.
type planView struct {
	Sandbox   bool
	Documents bool
	Prove     bool
	Accepted  bool // somebody consents to the risk
	Handoff   handoff.Handoff
	Saved     *savedFile // nil if the plan is not saved
}

// explained says of a credential to be issued only what will happen to it.
func (v planView) explained(changes []core.Change) []core.Change {
	list := slices.Clone(changes)
	for i, c := range list {
		if c.Step != core.CredentialStep || c.Action != core.Make {
			continue
		}
		parts := []string{"issued last"}
		if v.Prove {
			parts = append(parts, "proven")
		} else {
			parts = append(parts, "not tried")
		}
		if len(v.Handoff.Recipients) > 0 {
			parts = append(parts, "sealed")
		} else if v.Handoff.Plain {
			parts = append(parts, "not sealed")
		}
		list[i].Why = strings.Join(append(parts, "delivered"), ", ")
	}
	return list
}

// savedFile is where a plan was saved, and what demands exactly that plan.
type savedFile struct {
	File   string `json:"file"`
	Digest string `json:"digest"`
}

// plan prints p.
func (a *app) plan(w *paper, p *core.Plan, v planView) {
	g := p.Blueprint.Grant
	if v.Sandbox {
		w.loud(sandboxBanner)
	}
	w.line("grant %s (profile %s) on %s", g.Name, g.Profile, a.info.Title)
	rows := [][]string{{"bucket", g.Target.Bucket + adoptNote(g)}, {a.info.Nouns.Region, g.Target.Region}, {"prefix", orAll(g.Target.Prefix)}, {"who", a.whoText(g)}, {"until", until(g.Limits.Expires)}}
	for _, t := range a.info.Trusts(g) {
		rows = append(rows, []string{"trusts", t.Name + ": " + t.Value})
	}
	for _, from := range g.Limits.From {
		rows = append(rows, []string{"only from", from.String()})
	}
	if p.Offline {
		rows = append(rows, []string{a.info.Nouns.Account, "not asked: this plan was made offline, as if nothing existed"})
	} else {
		rows = append(rows, []string{a.info.Nouns.Account, p.Operator.Account}, []string{"you are", p.Operator.Principal})
		if p.Operator.Source != "" {
			rows = append(rows, []string{"credentials", p.Operator.Source})
		}
		for _, e := range p.Operator.Endpoints {
			rows = append(rows, []string{"endpoint", e + " (not the cloud's own)"})
		}
	}
	w.table(rows)
	if p.Claimed != nil {
		w.loud("another run is at work on this grant, on another machine: %s", p.Claimed)
	}
	w.line("")
	a.changes(w, v.explained(p.Changes))
	w.line("")
	a.holder(w, p.Blueprint)
	showChoices(w, a.choicesOf(g))
	if len(p.Refused()) == 0 {
		if p.Issues() {
			a.warnKey(w, g)
		}
		if v.Prove && len(g.Limits.From) > 0 && p.Changed() {
			w.line("the access is of use in those networks only, so the proof asks the cloud's own simulator and writes nothing")
		} else if v.Prove && p.Issues() {
			w.line("the proof writes objects below %q and removes them again", p.Blueprint.Probes)
		} else if v.Prove && a.keyless(g.Who) && p.Changed() {
			w.line("where the grantee can be tried from here, the proof writes objects below %q and removes them again", p.Blueprint.Probes)
		}
	}
	a.warnRisk(w, g)
	if a.risk(g) != "" && !v.Accepted {
		w.line("apply carries it out only with --%s", riskKey)
	}
	if v.Documents {
		documents(w, p.Blueprint.Documents)
		operator(w, p.Blueprint.Operator)
	}
	w.line("%s", totals(p))
}

func adoptNote(g core.Grant) string {
	if g.Target.Adopt {
		return " (adopted: never created or dropped; nothing in it is altered but the statement or binding of this grant, if it needs one)"
	}
	if g.Target.Shared {
		return " (shared by many grants)"
	}
	return ""
}

// whoText says how the grantee of g proves who it is.
func (a *app) whoText(g core.Grant) string {
	id, _ := a.info.Identity(g.Who)
	if id.Title == "" {
		return string(g.Who)
	}
	return string(g.Who) + ": " + id.Title
}

func orAll(prefix string) string {
	if prefix == "" {
		return "none: the whole bucket"
	}
	return prefix
}

// changes prints one line for each change, and what explains it below.
func (a *app) changes(w *paper, changes []core.Change) {
	const widest = 60 // a longer address does not push the reasons of all others away
	width := 0
	for _, c := range changes {
		if n := len(c.Addr); n <= widest {
			width = max(width, n)
		}
	}
	for _, c := range changes {
		w.sign(c.Action, "%s", strings.TrimRight(fmt.Sprintf("%-*s  %s", width, c.Addr, c.Why), " "))
		if c.Before != "" {
			w.line("      is:   %s", c.Before)
		}
		if c.After != "" {
			w.line("      will: %s", c.After)
		}
		if c.Hint != "" {
			w.line("      %s", ownCommand(c.Hint, a.cloud.Program))
		}
	}
	if len(changes) == 0 {
		w.line("  nothing is there")
	}
}

// holder prints what the grantee may do, the gaps, and what else a reader must know.
func (a *app) holder(w *paper, b core.Blueprint) {
	var r core.Receipt
	r.Describe(b, a.info.Abilities)
	if a.keyless(b.Grant.Who) {
		w.line("the grantee")
	} else {
		w.line("the holder of the credential")
	}
	if len(r.Allowed) > 0 {
		w.field("may", strings.Join(r.Allowed, "; "))
		w.field("may not", strings.Join(r.Refused, "; "))
	}
	for _, gap := range b.Gaps {
		w.field("gap", gapText(gap))
	}
	if n := len(b.Checks); n > 0 {
		refused := len(slices.DeleteFunc(slices.Clone(b.Checks), func(p core.Probe) bool { return p.Want != core.Denied }))
		w.field("checks", fmt.Sprintf("%d actions that must be allowed and %d that must be refused are asked of the cloud's own simulator", n-refused, refused))
	}
	for _, note := range b.Notes {
		w.field("note", note)
	}
}

// gapText says where the cloud cannot do exactly what the grant says.
func gapText(g core.Gap) string {
	means := string(g.Ability)
	if i, ok := core.DescribeAbility(g.Ability); ok {
		means = "to " + i.Means
	}
	if g.Where != "" && g.Where != core.Inside {
		means += " (" + place(g.Where) + ")"
	}
	return fmt.Sprintf("%s is %s: %s", means, g.Outcome, g.Why)
}

// documents prints policies and configurations in the cloud's own language.
func documents(w *paper, docs []core.Document) {
	for _, d := range docs {
		w.line("")
		w.line("%s of %s: %s", d.Name, d.Of, d.Why)
		var b bytes.Buffer
		if json.Indent(&b, d.Body, "  ", "  ") != nil {
			b.Write(d.Body)
		}
		for line := range strings.Lines("  " + b.String()) {
			w.line("%s", strings.TrimRight(line, "\n"))
		}
	}
	w.line("")
}

// operator prints what whoever runs this must be allowed to do.
func operator(w *paper, needed []core.Permission) {
	w.line("what you must be allowed to do")
	var rows [][]string
	for _, p := range needed {
		rows = append(rows, []string{p.Action, p.Resource, strings.Join(p.Verbs, ", ")})
	}
	w.table(rows)
	w.line("")
}

// totals counts the changes by sign.
func totals(p *core.Plan) string {
	count := map[core.Action]int{}
	for _, c := range p.Changes {
		count[c.Action]++
	}
	var parts []string
	for _, s := range []struct {
		action core.Action
		verb   string
	}{{core.Make, "to make"}, {core.Alter, "to alter"}, {core.Drop, "to drop"}, {core.Keep, "to keep"}, {core.Refuse, "refused"}} {
		if n := count[s.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s.verb))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to do"}
	}
	text := "plan: " + strings.Join(parts, ", ")
	if !p.Offline {
		text += "; " + roundTrips(p.Calls, p.Depth)
	}
	return text
}

// roundTrips says how much was asked of the cloud, and how long the longest
// chain of answers was that waited for each other.
func roundTrips(calls, depth int) string {
	unit := "round trips"
	if depth == 1 {
		unit = "round trip"
	}
	return fmt.Sprintf("%d calls in %d %s", calls, depth, unit)
}

// planJSON is a plan as machines read it.
type planJSON struct {
	SchemaVersion int  `json:"schema_version"`
	Sandbox       bool `json:"sandbox,omitempty"`
	*core.Plan
	Changed bool      `json:"changed"`
	Issues  bool      `json:"issues"` // carrying it out makes a credential
	Keys    []keyJSON `json:"keys"`

	Trusts     []core.Output    `json:"trusts,omitempty"`     // whom the access is for, where no secret is handed over
	Identities []choice         `json:"identities,omitempty"` // how the grantee can prove who it is here
	Risk       string           `json:"risk,omitempty"`       // what the holder of a grant as documented could do to the owner
	Recipients []core.Recipient `json:"recipients,omitempty"` // to whom the credential will be sealed
	Saved      *savedFile       `json:"saved,omitempty"`
}

// keyJSON is a key of the grantee as machines read it.
type keyJSON struct {
	ID      string     `json:"id"`
	Created time.Time  `json:"created"`
	Active  bool       `json:"active"`
	Used    *time.Time `json:"used,omitempty"`
	AgeDays int        `json:"age_days"`
	Rotate  bool       `json:"rotate"` // is older than a long-lived key should get

	RotateBy time.Time  `json:"rotate_by"`
	Expires  *time.Time `json:"expires,omitempty"` // ends by itself
	Off      string     `json:"off,omitempty"`     // why it is not active, if the cloud says so
}

func planDocument(p *core.Plan, sandbox bool) planJSON {
	return planJSON{SchemaVersion: 1, Sandbox: sandbox, Plan: p, Changed: p.Changed(), Issues: p.Issues(), Keys: keysJSON(p.Keys, p.Made)}
}

func keysJSON(keys []core.Key, now time.Time) []keyJSON {
	list := []keyJSON{}
	for _, k := range keys {
		j := keyJSON{ID: k.ID, Created: k.Created.UTC(), Active: k.Active, AgeDays: days(now.Sub(k.Created)), Rotate: now.Sub(k.Created) >= core.RotateAfter}
		j.RotateBy, j.Off = k.Created.Add(core.RotateAfter).UTC(), k.Off
		if !k.Expires.IsZero() {
			expires := k.Expires.UTC()
			j.Expires = &expires
		}
		if !k.Used.IsZero() {
			used := k.Used.UTC()
			j.Used = &used
		}
		list = append(list, j)
	}
	return list
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }
