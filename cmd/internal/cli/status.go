// status: what is there of a grant, and whether it is still what the grant says.
package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
)

type statusOptions struct {
	grant    *grantFlags
	ExitCode bool
	Ack      string // a code that the holder has sent
	Manifest string // of the delivery that Ack is about
	Journal  string
}

func (a *app) statusCommand() *cobra.Command {
	var o statusOptions
	c := a.command(page{
		Use: "status", Short: "Show what is there of a grant, what differs from it, its keys with their age, and what else is not as it should be",
		Long: "Compares everything with the grant, and looks at what a plan does not: keys that nobody here has handed over, further ways to sign in, further permissions, principals that exist no more, public access, keys that should be replaced. " +
			"With --exit-code it is for a timer: 0 if everything is as it should be.",
		Examples: []string{
			"$PROGRAM status --profile event-dump --bucket acme-events $SETTINGS",
			"$PROGRAM status -f grant.yaml --exit-code",
			"$PROGRAM status -f grant.yaml --ack CODE",
		},
		Ends: []error{errChanges, core.ErrNotOurs, core.ErrBlocked, core.ErrOperator, errInterrupted},
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Flags().BoolVar(&o.ExitCode, "exit-code", false, "end with 3 if something differs from the grant or is found, 4 if something is refused")
	c.Flags().StringVar(&o.Ack, "ack", "", "check the acknowledgement `CODE` that the holder's receive has printed")
	c.Flags().StringVar(&o.Manifest, "manifest", "", "check it against the manifest in `FILE`, for what another machine has sent")
	c.Flags().StringVar(&o.Journal, "journal", "", "look for the journal in `DIR`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error { return statusRun(c.Context(), a, o) })
	}
	return c
}

func statusRun(ctx context.Context, a *app, o statusOptions) (err error) {
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	r, faults, err := a.request(s.provider, o.grant)
	if err != nil {
		return err
	}
	if o.Manifest != "" && o.Ack == "" {
		faults = append(faults, core.Fault{Field: "manifest", Value: o.Manifest, Rule: "is given without ack", Accepts: "both, or none"})
	}
	if err := faults.Err(); err != nil {
		return err
	}
	e, err := s.engine(r.Grant.Name, o.Journal, reading, nil)
	if err != nil {
		return err
	}
	p, err := a.planned(ctx, e, r.Grant, core.Present)
	if err != nil {
		return err
	}
	ack, err := a.acknowledged(e, p, o.Ack, o.Manifest)
	if err != nil {
		return err
	}
	found, err := e.Inspect(ctx, p)
	if err != nil {
		return err
	}
	if err := a.printStatus(p, found, ack, s.sandbox != nil); err != nil {
		return err
	}
	switch {
	case !o.ExitCode:
		return nil
	case len(p.Refused()) > 0:
		return p.Refusal()
	case p.Changed(), slices.ContainsFunc(found, amiss):
		return errChanges
	}
	return nil
}

// amiss reports whether a finding is worth waking somebody up for. That this
// machine has no record of a key is not.
func amiss(f core.Finding) bool { return f.Grave || f.Kind != core.ForeignKey }

// statusJSON is a status as machines read it.
type statusJSON struct {
	planJSON
	Findings     []core.Finding    `json:"findings"`
	Acknowledged *acknowledgedJSON `json:"acknowledged,omitempty"`
}

func (a *app) printStatus(p *core.Plan, found []core.Finding, ack *acknowledgedJSON, sandbox bool) error {
	slices.SortStableFunc(found, func(x, y core.Finding) int { return gravity(y) - gravity(x) })
	if a.global.JSON {
		if found == nil {
			found = []core.Finding{}
		}
		return printJSON(a.env.Stdout, statusJSON{planDocument(p, sandbox), found, ack})
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if sandbox {
		w.loud(sandboxBanner)
	}
	acknowledgement(w, ack)
	g := p.Blueprint.Grant
	w.line("grant %s (profile %s) on %s, %s %s", g.Name, g.Profile, a.info.Title, a.info.Nouns.Account, p.Operator.Account)
	if e := g.Limits.Expires; over(e, p.Made) {
		w.line("until  %s: ended", e.Format(time.RFC3339))
	} else {
		w.line("until  %s", until(e))
	}
	if nothingThere(p) {
		w.line("there is no such grant here: %s apply makes it", a.cloud.Program)
	}
	var there, missing, differs, refused, shut []core.Change
	for _, c := range p.Changes {
		switch {
		case c.Step == core.CredentialStep && c.Action == core.Keep:
		case c.Action == core.Keep:
			there = append(there, c)
		case c.Action == core.Make:
			missing = append(missing, c)
		case c.Shut:
			shut = append(shut, c)
		case c.Action == core.Refuse:
			refused = append(refused, c)
		default:
			differs = append(differs, c)
		}
	}
	for _, part := range []struct {
		title   string
		changes []core.Change
	}{{"there", there}, {"missing", missing}, {"differs", differs}, {"not ours", refused}, {"revoked", shut}} {
		if len(part.changes) > 0 {
			w.line("%s:", part.title)
			a.changes(w, part.changes)
		}
	}
	if a.keyless(g.Who) && len(p.Keys) == 0 {
		w.line("no secret was handed over: %s", a.whoText(g))
	} else {
		keys(w, p.Keys, p.Made)
	}
	if !p.Changed() && len(refused)+len(shut) == 0 {
		w.line("nothing differs from the grant")
	}
	shown := []core.FindingKind{core.Differs, core.OldKey} // above
	findings(w, slices.DeleteFunc(slices.Clone(found), func(f core.Finding) bool { return slices.Contains(shown, f.Kind) }))
	return w.err
}

func gravity(f core.Finding) int {
	switch {
	case f.Grave:
		return 2
	case amiss(f):
		return 1
	}
	return 0
}

// findings prints what was found beside the plan, the grave first.
func findings(w *paper, found []core.Finding) {
	if len(found) == 0 {
		return
	}
	w.line("found:")
	for _, f := range found {
		text := fmt.Sprintf("  %s: %s: %s", f.Kind, f.Addr, f.Text)
		if f.Grave {
			w.loud("%s", text)
		} else {
			w.line("%s", text)
		}
		if f.Fix != "" {
			w.line("      %s", f.Fix)
		}
	}
}

// nothingThere reports whether nobody has the access of p: no part of its role exists.
func nothingThere(p *core.Plan) bool {
	return len(p.Keys) == 0 && !slices.ContainsFunc(p.Changes, func(c core.Change) bool { return c.Step == core.RoleStep && c.Action != core.Make })
}

// keys prints the keys of the grantee with their age.
func keys(w *paper, list []core.Key, now time.Time) {
	if len(list) == 0 {
		w.line("keys: none")
		return
	}
	w.line("keys:")
	var rows [][]string
	for _, k := range keysJSON(list, now) {
		row := []string{k.ID, "issued " + k.Created.Format(time.DateOnly), fmt.Sprintf("%d days old", k.AgeDays), "active"}
		if !k.Active {
			row[3] = strings.TrimSpace("inactive " + k.Off)
		}
		if k.Used != nil {
			row = append(row, "last used "+k.Used.Format(time.DateOnly))
		}
		if k.Expires != nil {
			row = append(row, "ends "+k.Expires.Format(time.DateOnly))
		}
		if k.Rotate {
			row = append(row, fmt.Sprintf("OLDER than %d days: replace it", days(core.RotateAfter)))
		}
		rows = append(rows, row)
	}
	w.table(rows)
}
