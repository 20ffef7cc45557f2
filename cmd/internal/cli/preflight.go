// preflight: what would stop a command, looked for before the first write.
package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
)

type preflightOptions struct {
	grant   *grantFlags
	For     string
	Journal string
}

func (a *app) preflightCommand() *cobra.Command {
	var o preflightOptions
	c := a.command(page{
		Use: "preflight", Short: "Check, before anything is written, whether a command would be stopped",
		Long: "Makes the plan and asks the cloud for everything that could stop the command: permissions of yours that are missing, quotas that are used up, rules of an organisation, names that are taken or that something deleted still holds. " +
			"It only reads. What the cloud does not tell is shown as unknown, with the reason, and is no failure.",
		Examples: []string{
			"$PROGRAM preflight --profile event-dump --bucket acme-events $SETTINGS",
			"$PROGRAM preflight -f grant.yaml --for rotate",
		},
		Ends: []error{core.ErrNotOurs, core.ErrBlocked, core.ErrOperator, errInterrupted},
		Means: map[error]string{
			core.ErrNotOurs: "a name is taken", core.ErrBlocked: "a rule of your organisation is in the way, or this cloud has no such thing", core.ErrOperator: "your own credentials are missing, or lack a permission",
		},
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Flags().StringVar(&o.For, "for", operatorDefault, "the `COMMAND` that is to be run: "+strings.Join(core.Commands(), ", "))
	c.Flags().StringVar(&o.Journal, "journal", "", "look for the journal in `DIR`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error { return preflightRun(c.Context(), a, o) })
	}
	return c
}

func preflightRun(ctx context.Context, a *app, o preflightOptions) (err error) {
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	r, faults, err := a.request(s.provider, o.grant)
	if err != nil {
		return err
	}
	if err := append(faults, commandFaults("for", o.For)...).Err(); err != nil {
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
	a.env.Doing.Set("reading the cloud; nothing has been written")
	checks, err := e.Preflight(ctx, p, o.For)
	if err != nil {
		return err
	}
	stopped := a.stopped(o.For, checks)
	return join(stopped, a.printPreflight(p, o.For, checks, s.sandbox != nil))
}

// stops says how a command ends that is stopped by checks of a kind. A kind that
// is not here ends it with plain failure.
var stops = map[string]error{
	"permission":   core.ErrOperator,
	"api":          core.ErrOperator,
	"organisation": core.ErrBlocked,
	"name":         core.ErrNotOurs,
	"deleted":      core.ErrNotOurs,
}

// stopped is the error of a command that a check denies, nil if none does.
func (a *app) stopped(command string, checks []core.Check) error {
	var errs []error
	for i, c := range checks {
		same := func(o core.Check) bool { return o.Outcome == core.Denied && o.Kind == c.Kind }
		if c.Outcome != core.Denied || slices.ContainsFunc(checks[:i], same) {
			continue
		}
		n := len(slices.DeleteFunc(slices.Clone(checks), func(o core.Check) bool { return !same(o) }))
		err := &core.Error{Kind: stops[c.Kind], What: command, Err: fmt.Errorf("%d of the checks of kind %q stand in the way", n, c.Kind)}
		if n == 1 {
			err.Err = errors.New(c.What + ": " + c.Why)
		}
		if c.Kind == "permission" {
			err.Hint = a.cloud.Program + " plan --" + operatorKey + " " + command + ", with the same grant, prints what you must be allowed to do"
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// preflightJSON is a preflight as machines read it.
type preflightJSON struct {
	SchemaVersion int          `json:"schema_version"`
	Sandbox       bool         `json:"sandbox,omitempty"`
	Grant         string       `json:"grant"`
	Command       string       `json:"command"`
	OK            bool         `json:"ok"` // nothing that could be looked at stands in the way
	Allowed       int          `json:"allowed"`
	Denied        int          `json:"denied"`
	Unclear       int          `json:"unclear"`
	Checks        []core.Check `json:"checks"`
}

// printPreflight prints what was found, what stands in the way first.
func (a *app) printPreflight(p *core.Plan, command string, checks []core.Check, sandbox bool) error {
	order := []core.Outcome{core.Denied, core.Unclear, core.Allowed}
	checks = append([]core.Check{}, checks...)
	slices.SortStableFunc(checks, func(x, y core.Check) int {
		return slices.Index(order, x.Outcome) - slices.Index(order, y.Outcome)
	})
	count := map[core.Outcome]int{}
	for _, c := range checks {
		count[c.Outcome]++
	}
	if a.global.JSON {
		return printJSON(a.env.Stdout, preflightJSON{1, sandbox, p.Blueprint.Grant.Name, command, count[core.Denied] == 0,
			count[core.Allowed], count[core.Denied], count[core.Unclear], checks})
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if sandbox {
		w.loud(sandboxBanner)
	}
	w.line("%s of the grant %s on %s, %s %s, by %s", command, p.Blueprint.Grant.Name, a.info.Title, a.info.Nouns.Account, p.Operator.Account, p.Operator.Principal)
	verdicts := map[core.Outcome]string{core.Allowed: "ok", core.Denied: "NO", core.Unclear: "unknown"}
	for _, c := range checks {
		w.line("  %-8s%-13s %s", verdicts[c.Outcome], c.Kind, c.What)
		if c.Why != "" {
			w.line("%22s  %s", "", c.Why)
		}
		if c.Fix != "" {
			w.line("%22s  fix: %s", "", c.Fix)
		}
	}
	w.line("%d ok, %d in the way, %d unknown", count[core.Allowed], count[core.Denied], count[core.Unclear])
	if count[core.Denied] == 0 {
		w.line("nothing that could be looked at stands in the way of %s", command)
	}
	return w.err
}
