// The plans and the results of many grants, as people and machines see them.
package cli

import (
	"fmt"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// memberJSON is one grant of a fleet as machines read it.
type memberJSON struct {
	Grant   string        `json:"grant"`
	Bucket  string        `json:"bucket"`
	Prefix  string        `json:"prefix"`
	Plan    *planJSON     `json:"plan,omitempty"`
	Receipt *core.Receipt `json:"receipt,omitempty"`
	Failed  *problem      `json:"failed,omitempty"`
}

// fleetJSON is a fleet as machines read it.
type fleetJSON struct {
	SchemaVersion int          `json:"schema_version"` // 1
	Cloud         string       `json:"cloud"`
	Sandbox       bool         `json:"sandbox,omitempty"`
	Done          int          `json:"done"`
	Failed        int          `json:"failed"`
	Grants        []memberJSON `json:"grants"`
}

func (f *fleet) document(plans bool) fleetJSON {
	doc := fleetJSON{SchemaVersion: 1, Cloud: f.app.info.Name, Sandbox: f.session.sandbox != nil, Grants: []memberJSON{}}
	for _, m := range f.members {
		one := memberJSON{Grant: m.Grant.Name, Bucket: m.Grant.Target.Bucket, Prefix: m.Grant.Target.Prefix}
		switch {
		case m.Err != nil:
			p := describe(m.Err, f.app.cloud.Program).clean()
			one.Failed = &p
			doc.Failed++
		case plans:
			p := planDocument(m.Plan, doc.Sandbox)
			one.Plan = &p
			doc.Done++
		default:
			doc.Done++
		}
		if !plans && m.Receipt.RunID != "" {
			one.Receipt = &m.Receipt
		}
		doc.Grants = append(doc.Grants, one)
	}
	return doc
}

// printFleetPlan prints the plans on standard output.
func (a *app) printFleetPlan(f *fleet, v planView) error {
	if a.global.JSON {
		return printJSON(a.env.Stdout, f.document(true))
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	a.fleetPlan(w, f, v)
	return w.err
}

// fleetPlan prints the plan of one grant in full and what the others differ in.
func (a *app) fleetPlan(w *paper, f *fleet, v planView) {
	i := slices.IndexFunc(f.members, func(m *core.Member) bool { return m.Plan != nil && m.Plan.Changed() && len(m.Plan.Refused()) == 0 })
	if i < 0 {
		i = slices.IndexFunc(f.members, func(m *core.Member) bool { return m.Plan != nil })
	}
	if i >= 0 {
		a.plan(w, f.members[i].Plan, v)
		a.warnRisk(w, f.members[i].Grant)
		w.line("")
		w.line("the first of %d grants is shown; all of them:", len(f.members))
	}
	var rows [][]string
	for _, m := range f.members {
		text := ""
		switch {
		case m.Err != nil:
			text = "FAILED: " + f.reason(m)
		case len(m.Plan.Refused()) > 0:
			c := m.Plan.Refused()[0]
			text = "REFUSED: " + c.Addr + ": " + c.Why
		case m.Plan.Changed():
			text = totals(m.Plan)
		default:
			text = "nothing to do"
		}
		rows = append(rows, []string{m.Grant.Name, m.Grant.Target.Bucket + "/" + m.Grant.Target.Prefix, text})
	}
	w.table(rows)
}

// printFleet prints what became of every grant on standard output, and why some
// failed on standard error.
func (a *app) printFleet(f *fleet, want core.Want) error {
	if a.global.JSON {
		return printJSON(a.env.Stdout, f.document(false))
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if f.session.sandbox != nil {
		w.loud(sandboxBanner)
	}
	var rows [][]string
	bad := 0
	for _, m := range f.members {
		text := "nothing to do"
		switch {
		case m.Err != nil:
			text = "FAILED: " + f.reason(m)
			bad++
		case m.Receipt.Key != nil:
			text = "key " + m.Receipt.Key.ID + ", " + m.Receipt.How
		case len(m.Receipt.Changes) > 0:
			text = fmt.Sprintf("%d changes done", len(m.Receipt.Changes))
		}
		rows = append(rows, []string{m.Grant.Name, m.Grant.Target.Bucket + "/" + m.Grant.Target.Prefix, text})
	}
	w.table(rows)
	if want.Present {
		w.line("%d of %d grants are as they should be", len(f.members)-bad, len(f.members))
	} else {
		w.line("%d of %d grants have ended", len(f.members)-bad, len(f.members))
	}
	if i := slices.IndexFunc(f.members, func(m *core.Member) bool { return m.Receipt.Delivery != nil }); i >= 0 {
		w.line("sealed files and manifests are beside %s", f.members[i].Receipt.Delivery.Files[0].Path)
	}
	return w.err
}
