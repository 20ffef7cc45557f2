// rotate: replace a key in two phases, between which weeks may pass.
package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
)

type rotateOptions struct {
	grant    *grantFlags
	Handoff  handoffOptions
	NoVerify bool
	Keys     []string
	Grace    string
	Force    bool
	ExitCode bool
	Yes      bool
	Journal  string
}

func (a *app) rotateCommand() *cobra.Command {
	c := a.command(page{
		Use: "rotate", Short: "Replace a key without an interruption: start, and weeks later finish",
		Long: "start issues a second key, proves it and seals it as apply does; the old one goes on working. Once its holder has taken the new one, finish switches the old one off, and, " +
			"called again after a grace, deletes it. abort takes the new key back. Where no secret is handed over there is nothing to rotate. " +
			"Which key is which is told by the cloud and by the journal of this machine, so that each step can be run weeks later and again after any failure.",
		Examples: []string{
			"$PROGRAM rotate start -f grant.yaml",
			"$PROGRAM rotate status -f grant.yaml",
			"$PROGRAM rotate finish -f grant.yaml",
		},
	})
	c.AddCommand(a.rotateStartCommand(), a.rotateStatusCommand(), a.rotateFinishCommand(), a.rotateAbortCommand())
	return c
}

func (a *app) rotateStartCommand() *cobra.Command {
	var o rotateOptions
	c := a.command(page{
		Use: "start", Short: "Issue a second key beside the one that works, prove it, hand it over sealed",
		Long: "The key that works is not touched. If the new one cannot be proven or handed over it is retired, and everything is as it was. " +
			"It refuses before it starts if the $PRINCIPAL has no room for a further key, if a rotation is under way, or if bucket or role are not as the grant wants them. " +
			"A certificate is replaced by one that the grant names beside the old one.",
		Examples: []string{
			"$PROGRAM rotate start -f grant.yaml",
			"$PROGRAM rotate start --profile event-dump --bucket acme-events --prefix events/ $SETTINGS --to age1… --out handoff/",
		},
		Ends: []error{core.ErrNotOurs, core.ErrUnproven, core.ErrNotConverged, core.ErrBlocked, core.ErrLocked, core.ErrUnknown, core.ErrOperator, errInterrupted},
	})
	o.grant = a.addGrantFlags(c.Flags(), func(field) bool { return true })
	o.Handoff.add(c.Flags())
	c.Flags().BoolVar(&o.NoVerify, "no-verify", false, "deliver the credential without trying it; the receipt says so loudly")
	o.common(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error {
			return a.further(c.Context(), o, func(ctx context.Context, e *core.Engine, g core.Grant) (*core.Plan, error) {
				return e.PlanRotation(ctx, g)
			})
		})
	}
	return c
}

func (a *app) rotateStatusCommand() *cobra.Command {
	var o rotateOptions
	c := a.command(page{
		Use: "status", Short: "Show where a rotation stands: each key with its age and its last use",
		Examples: []string{"$PROGRAM rotate status -f grant.yaml", "$PROGRAM rotate status -f grant.yaml --exit-code"},
		Ends:     []error{errChanges, core.ErrBlocked, core.ErrOperator, errInterrupted},
		Means:    map[error]string{errChanges: "a rotation is under way (with --exit-code)"},
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Flags().BoolVar(&o.ExitCode, "exit-code", false, "end with 3 while a rotation is under way")
	c.Flags().StringVar(&o.Journal, "journal", "", "look for the journal in `DIR`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error { return rotateStatusRun(c.Context(), a, o) })
	}
	return c
}

func (a *app) rotateFinishCommand() *cobra.Command {
	var o rotateOptions
	c := a.command(page{
		Use: "finish", Short: "Switch the old key off; called again after the grace, delete it",
		Long: "It refuses while the old key is in use, or the new one is not, where the cloud tells when a key was used; --force is for whoever knows better. " +
			"What is switched off can be switched on again (restore --key) until it is deleted. A key that no run on this machine has handed over is not touched unless it is named.",
		Examples: []string{
			"$PROGRAM rotate finish -f grant.yaml",
			"$PROGRAM rotate finish -f grant.yaml --grace 7d",
			"$PROGRAM rotate finish -f grant.yaml --grace 0",
		},
		Ends: keyEnds(),
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Flags().StringVar(&o.Grace, "grace", "24h", "delete an old key once it has been switched off for `TIME` (e.g. 36h or 7d); 0 deletes it at once")
	o.touching(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error { return rotateFinishRun(c.Context(), a, o) })
	}
	return c
}

func (a *app) rotateAbortCommand() *cobra.Command {
	var o rotateOptions
	c := a.command(page{
		Use: "abort", Short: "Take the new key back; the old one goes on working",
		Long: "An old key that finish has switched off is switched on again first. It refuses if the holder has used the new key already, or if nobody can tell, unless --force is given.",
		Examples: []string{
			"$PROGRAM rotate abort -f grant.yaml",
		},
		Ends: keyEnds(),
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	o.touching(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error {
			return a.keyRun(c.Context(), o.keyOptions(), func(ctx context.Context, e *core.Engine, g core.Grant) (*core.Plan, error) {
				p, _, err := e.PlanAbort(ctx, g, core.RotateOptions{Keys: o.Keys, Force: o.Force})
				return p, err
			}, nil)
		})
	}
	return c
}

// reissueCommand replaces a key whose secret nobody has any more.
func (a *app) reissueCommand() *cobra.Command {
	var o rotateOptions
	c := a.command(page{
		Use: "reissue", Short: "Replace a key whose secret is lost: issue another, prove it, hand it over, delete the lost one",
		Long: "The lost key is deleted once the fresh one is delivered, or right before if the $PRINCIPAL has no room for both. A key that was used lately is refused: somebody has its secret. Where the cloud does not tell when a key was used, name it.",
		Examples: []string{
			"$PROGRAM reissue -f grant.yaml",
			"$PROGRAM reissue --profile event-dump --bucket acme-events --prefix events/ $SETTINGS --to age1… --key KEYID",
		},
		Ends: []error{core.ErrNotOurs, core.ErrUnproven, core.ErrNotConverged, core.ErrBlocked, core.ErrLocked, core.ErrUnknown, core.ErrOperator, errInterrupted},
	})
	o.grant = a.addGrantFlags(c.Flags(), func(field) bool { return true })
	o.Handoff.add(c.Flags())
	c.Flags().BoolVar(&o.NoVerify, "no-verify", false, "deliver the credential without trying it; the receipt says so loudly")
	o.touching(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error {
			return a.further(c.Context(), o, func(ctx context.Context, e *core.Engine, g core.Grant) (*core.Plan, error) {
				return e.PlanReissue(ctx, g, core.RotateOptions{Keys: o.Keys, Force: o.Force})
			})
		})
	}
	return c
}

// common are the flags of every step that writes.
func (o *rotateOptions) common(c *cobra.Command) {
	c.Flags().BoolVar(&o.Yes, "yes", false, "do not ask for a confirmation")
	c.Flags().StringVar(&o.Journal, "journal", "", "keep the journal in `DIR`")
}

// touching are the flags of steps that end a key.
func (o *rotateOptions) touching(c *cobra.Command) {
	c.Flags().StringArrayVar(&o.Keys, "key", nil, "the key with that `ID` is meant, whoever has made it; repeat it")
	c.Flags().BoolVar(&o.Force, "force", false, "although a key is in use, or nobody can tell")
	o.common(c)
}

func (o rotateOptions) keyOptions() keyOptions {
	return keyOptions{grant: o.grant, Yes: o.Yes, Journal: o.Journal}
}

// keyEnds are the ways in which a run that only turns keys can end.
func keyEnds() []error {
	return []error{core.ErrNotOurs, core.ErrBlocked, core.ErrOperator, core.ErrLocked, core.ErrUnknown, errInterrupted}
}

// further issues a further key: the plan says which ones go for it.
func (a *app) further(ctx context.Context, o rotateOptions, plan planner) (err error) {
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	r, faults, err := a.request(s.provider, o.grant)
	if err != nil {
		return err
	}
	if none, err := a.nothingToRotate(r.Grant, faults); none || err != nil {
		return err
	}
	h, err := a.handoff(r, o.Handoff, &faults)
	if err != nil {
		return err
	}
	a.mustReach(r, o.Handoff, &faults)
	a.mustAccept(r, &faults)
	faults = append(append(faults, mustLast(r.Grant, time.Now())...), a.unusable("out", orDefault(r.Out, defaultOut))...)
	if o.Journal != "" {
		faults = append(faults, a.unusable("journal", o.Journal)...)
	}
	if err := faults.Err(); err != nil {
		return err
	}
	progress := a.progress()
	e, err := s.engine(r.Grant.Name, o.Journal, writing, progress.observe)
	if err != nil {
		return err
	}
	p, err := a.reading(func() (*core.Plan, error) { return plan(ctx, e, r.Grant) })
	if err != nil {
		return err
	}
	return a.handOver(ctx, s, e, p, r, h, applyOptions{Handoff: o.Handoff, NoVerify: o.NoVerify, Yes: o.Yes}, nil, progress)
}

// nothingToRotate says so of a grant that no key opens.
func (a *app) nothingToRotate(g core.Grant, faults core.Faults) (bool, error) {
	id, known := a.info.Identity(g.Who)
	if !known || id.MostKeys > 0 || len(faults) > 0 {
		return false, nil
	}
	text := "grant " + g.Name + ": there is nothing to rotate: no key opens it (" + string(g.Who) + "), so nothing has to be replaced"
	if a.global.JSON {
		return true, printJSON(a.env.Stdout, rotationJSON{SchemaVersion: 1, Grant: g.Name, Rotation: core.Rotation{Phase: core.NoRotation}, Says: text})
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	w.line("%s", text)
	return true, w.err
}

func rotateFinishRun(ctx context.Context, a *app, o rotateOptions) error {
	grace, fault := parseGrace(o.Grace)
	if fault != nil {
		return core.Faults{*fault}
	}
	var found core.Rotation
	k := o.keyOptions()
	k.needsKeys = true
	return a.keyRun(ctx, k, func(ctx context.Context, e *core.Engine, g core.Grant) (p *core.Plan, err error) {
		p, found, err = e.PlanFinish(ctx, g, core.RotateOptions{Keys: o.Keys, Grace: grace, Force: o.Force})
		return p, err
	}, func(d *keyRunJSON, e *core.Engine, p *core.Plan) error {
		if len(p.Want.Keys.Gone) == len(found.Old) {
			return nil
		}
		until := found.RestsUntil(grace)
		if len(p.Want.Keys.Off) > 0 {
			until = time.Now().Add(grace)
		}
		d.RestsUntil = until.UTC().Truncate(time.Second)
		d.say("the old key rests until %s: what still needs it fails meanwhile, and %s restore --key brings it back; then run the same command again, which deletes it", d.RestsUntil.Format(time.RFC3339), a.cloud.Program)
		return nil
	})
}

// parseGrace reads a time such as 36h, 7d or 0.
func parseGrace(text string) (time.Duration, *core.Fault) {
	const most = 366 * 24 * time.Hour
	digits, isDays := strings.CutSuffix(text, "d")
	if isDays {
		text = digits + "h"
	}
	d, err := time.ParseDuration(text)
	if isDays {
		d *= 24
	}
	if err != nil || d < 0 || d > most {
		return 0, &core.Fault{Field: "grace", Value: text, Rule: "is no time between 0 and a year", Accepts: "hours or days, e.g. 36h or 7d; 0 for none"}
	}
	return d, nil
}

// rotationJSON is where a rotation stands, as machines read it.
type rotationJSON struct {
	SchemaVersion int    `json:"schema_version"`
	Sandbox       bool   `json:"sandbox,omitempty"`
	Grant         string `json:"grant"`
	core.Rotation
	Keys []keyJSON `json:"keys"`
	Says string    `json:"says,omitempty"`
}

func rotateStatusRun(ctx context.Context, a *app, o rotateOptions) (err error) {
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	r, faults, err := a.request(s.provider, o.grant)
	if err != nil {
		return err
	}
	if none, err := a.nothingToRotate(r.Grant, faults); none || err != nil {
		return err
	}
	if err := faults.Err(); err != nil {
		return err
	}
	e, err := s.engine(r.Grant.Name, o.Journal, reading, nil)
	if err != nil {
		return err
	}
	var rotation core.Rotation
	p, err := a.reading(func() (p *core.Plan, err error) { p, rotation, err = e.Keys(ctx, r.Grant); return p, err })
	if err != nil {
		return err
	}
	if a.global.JSON {
		err = printJSON(a.env.Stdout, rotationJSON{1, s.sandbox != nil, r.Grant.Name, rotation, keysJSON(p.Keys, p.Made), ""})
	} else {
		err = a.printRotation(p, rotation, s.sandbox != nil)
	}
	if err == nil && o.ExitCode && rotation.Phase != core.NoRotation {
		return errChanges
	}
	return err
}

// printRotation says which key is which and what comes next.
func (a *app) printRotation(p *core.Plan, r core.Rotation, sandbox bool) error {
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if sandbox {
		w.loud(sandboxBanner)
	}
	w.line("grant %s, %s %s", p.Blueprint.Grant.Name, a.info.Nouns.Account, p.Operator.Account)
	keys(w, p.Keys, p.Made)
	if id, _ := a.info.Identity(p.Blueprint.Grant.Who); !id.ShowsUse && len(p.Keys) > 0 {
		w.line("%s does not say when a key was last used: ask its holder", a.info.Title)
	}
	for _, id := range r.Strange {
		w.line("no run on this machine has handed over key %s: name it (--key) to have it touched", id)
	}
	old := strings.Join(r.Old, ", ")
	switch r.Phase {
	case core.Rotating:
		w.line("under way: %s is to stay, %s to go; once its holder has taken the new one: %s rotate finish", r.New, old, a.cloud.Program)
	case core.Resting:
		w.line("under way: %s stays, %s is switched off; after the grace: %s rotate finish", r.New, old, a.cloud.Program)
	default:
		w.line("no rotation is under way")
		if slices.ContainsFunc(p.Keys, func(k core.Key) bool { return k.Active && p.Made.Sub(k.Created) > core.RotateAfter }) {
			w.line("replace the key: %s rotate start", a.cloud.Program)
		}
	}
	return w.err
}
