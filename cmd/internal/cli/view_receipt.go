// The receipt and the proof as people see them.
package cli

import (
	"fmt"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// receiptJSON is a receipt as machines read it.
type receiptJSON struct {
	core.Receipt
	Written []core.File `json:"written,omitempty"` // what is there for the grantee beside a hand-off
}

// printReceipt prints what was done to plan p on standard output. failed is why
// a run ended early; what had been done until then is printed all the same.
func (a *app) printReceipt(r core.Receipt, p *core.Plan, files []core.File, failed error) error {
	a.warnChanged(r, p)
	if a.global.JSON {
		return printJSON(a.env.Stdout, receiptJSON{r, files})
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if failed != nil {
		e := a.paper(a.env.Stderr, a.env.Terminal.Err)
		a.partial(e, r)
		a.proof(e, core.Proof{How: r.How, Rows: r.Failures(), Left: r.Left, Missing: r.Missing})
		return e.err
	}
	secretless := a.keyless(p.Blueprint.Grant.Who)
	if r.Key != nil || secretless && p.Want.Present && len(r.Changes) > 0 {
		w.raw(handoff.Text(r))
		a.warnRisk(w, p.Blueprint.Grant)
		written(w, files)
		w.raw(fmt.Sprintf("%-12s %s, without the proof\n", "effort", roundTrips(r.Calls, r.Depth)))
		return w.err
	}
	if r.Sandbox {
		w.loud(sandboxBanner)
	}
	issued := "; no credential was issued"
	switch {
	case !p.Want.Present:
		issued = ""
	case secretless:
		issued = "; no secret is handed over"
	}
	if len(r.Changes) == 0 && !p.Want.Present {
		w.line("no grant %s here: nothing to do", r.Grant)
	} else if len(r.Changes) == 0 {
		w.line("grant %s: nothing to do%s", r.Grant, issued)
	} else {
		w.line("grant %s: %d changes done%s", r.Grant, len(r.Changes), issued)
		a.changes(w, r.Changes)
		w.line("%s", roundTrips(r.Calls, r.Depth))
	}
	a.told(w, r)
	written(w, files)
	a.oldKeys(w, p)
	return w.err
}

// warnChanged warns that the access of keys has changed which were proven, and
// described to their holders, as something else.
func (a *app) warnChanged(r core.Receipt, p *core.Plan) {
	if r.Key != nil || !p.Want.Present || !slices.ContainsFunc(r.Changes, func(c core.Change) bool { return c.Step == core.RoleStep }) {
		return
	}
	for _, k := range p.Keys {
		a.warn(a.paper(a.env.Stderr, a.env.Terminal.Err), fmt.Sprintf("the access of key %s has changed and was not tried; manifests handed over before are out of date; try it with: %s verify, the same grant and --credential FILE", k.ID, a.cloud.Program))
	}
}

// oldKeys says what a run without a new credential means for those that exist.
func (a *app) oldKeys(w *paper, p *core.Plan) {
	if !p.Want.Present {
		return
	}
	for _, k := range p.Keys {
		if !k.Active {
			w.line("key %s is switched off: %s restore gives it back, %s reissue replaces it", k.ID, a.cloud.Program, a.cloud.Program)
			continue
		}
		w.line("nothing was delivered: the secret of key %s cannot be read again; if it is lost: %s reissue", k.ID, a.cloud.Program)
	}
}

// partial prints what had been done when a run failed.
func (a *app) partial(w *paper, r core.Receipt) {
	if len(r.Changes) > 0 {
		w.line("done before the failure:")
		a.changes(w, r.Changes)
	}
	if r.Delivery != nil { // what failed came after it
		w.loud("the credential (key %s) had been delivered before the failure:", keyID(r))
		for _, f := range r.Delivery.Files {
			w.line("  written: %s", f.Path)
		}
		w.loud("run the same command again before you send them: if it issues a fresh key, send that one and delete these files; if it has nothing to do, these are good")
	}
	for _, addr := range r.Withdrawn {
		w.loud("taken back, because it allowed too much: %s", addr)
	}
	if r.Retired != "" {
		w.loud("key %s, which was issued, has been retired; nobody has received it", r.Retired)
	}
}

func keyID(r core.Receipt) string {
	if r.Key == nil {
		return ""
	}
	return r.Key.ID
}

// proof prints one line for each thing that was tried.
func (a *app) proof(w *paper, p core.Proof) {
	var rows [][]string
	for _, r := range p.Rows {
		verdict := "ok"
		if !r.OK() {
			verdict = "NOT AS GRANTED"
		}
		why := r.Why
		if r.Err != "" {
			why = r.Err
		}
		rows = append(rows, []string{verdict, string(r.Got), tried(r.Probe), r.How, why})
	}
	w.table(rows)
	for _, missing := range p.Missing {
		w.line("  not tried: %s", missing)
	}
	if left := handoff.Left(p); left != "" {
		w.line("  %s", left)
	}
}

// tried says what a probe is about.
func tried(p core.Probe) string {
	switch {
	case p.Action != "":
		return p.Action + " on " + p.Key
	case p.Ability == core.Enter && p.Key == "":
		return "act as the grantee"
	case p.Ability == core.Enter:
		return "pass for the grantee: " + p.Key
	}
	i, _ := core.DescribeAbility(p.Ability)
	return fmt.Sprintf("%s (%s)", i.Means, place(p.Where))
}

// place says where something was tried.
func place(where core.Where) string {
	switch where {
	case core.Inside:
		return "inside the grant"
	case core.Sibling:
		return "beside the prefix"
	case core.Outside:
		return "outside the prefix"
	case core.Elsewhere:
		return "in another bucket"
	case core.Neighbour:
		return "below the prefix of another grant"
	case core.Door:
		return "at the door"
	}
	return "the bucket or its owner"
}
