// status: what is there of a grant, and whether it is still what the grant says.
package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
)

type statusOptions struct {
	grant    *grantFlags
	ExitCode bool
	Journal  string
}

func (a *app) statusCommand() *cobra.Command {
	var o statusOptions
	c := a.command(page{
		Use: "status", Short: "Show what is there of a grant, what differs from it, and its keys with their age",
		Examples: []string{
			"$PROGRAM status --profile event-dump --bucket acme-events $SETTINGS",
			"$PROGRAM status -f grant.yaml --exit-code",
		},
		Ends: []error{errChanges, core.ErrNotOurs, core.ErrBlocked, core.ErrOperator, errInterrupted},
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Flags().BoolVar(&o.ExitCode, "exit-code", false, "end with 3 if something differs from the grant, 4 if something is refused")
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
	if err := a.printStatus(p, s.sandbox != nil); err != nil {
		return err
	}
	switch {
	case !o.ExitCode:
		return nil
	case len(p.Refused()) > 0:
		return refusal(p)
	case p.Changed():
		return errChanges
	}
	return nil
}

func (a *app) printStatus(p *core.Plan, sandbox bool) error {
	if a.global.JSON {
		return printJSON(a.env.Stdout, planDocument(p, sandbox))
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if sandbox {
		w.loud(sandboxBanner)
	}
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
	var there, missing, differs, refused []core.Change
	for _, c := range p.Changes {
		switch {
		case c.Step == core.CredentialStep && c.Action == core.Keep:
		case c.Action == core.Keep:
			there = append(there, c)
		case c.Action == core.Make:
			missing = append(missing, c)
		case c.Action == core.Refuse:
			refused = append(refused, c)
		default:
			differs = append(differs, c)
		}
	}
	for _, part := range []struct {
		title   string
		changes []core.Change
	}{{"there", there}, {"missing", missing}, {"differs", differs}, {"not ours", refused}} {
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
	if !p.Changed() && len(refused) == 0 {
		w.line("nothing differs from the grant")
	}
	return w.err
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
			row[3] = "inactive"
		}
		if k.Used != nil {
			row = append(row, "last used "+k.Used.Format(time.DateOnly))
		}
		if k.Rotate {
			row = append(row, fmt.Sprintf("OLDER than %d days: replace it", days(core.RotateAfter)))
		}
		rows = append(rows, row)
	}
	w.table(rows)
}
