// destroy: end a grant. Data stays, and so does what is not ours.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
)

type destroyOptions struct {
	grant      *grantFlags
	DropBucket string
	Yes        bool
	Fleet      fleetOptions
	Journal    string
}

func (a *app) destroyCommand() *cobra.Command {
	var o destroyOptions
	c := a.command(page{
		Use: "destroy", Short: "End a grant: retire its keys, then remove what was made for it; the bucket and all data stay",
		Long: "Keys are retired first, so that the access ends at once. Only what this grant has made is removed. No object is ever deleted. " +
			"The bucket goes only with --drop-bucket NAME, and only if this grant has made it and it is empty.",
		Examples: []string{
			"$PROGRAM destroy --profile event-dump --bucket acme-events $SETTINGS",
			"$PROGRAM destroy -f grant.yaml --yes",
			"$PROGRAM destroy -f grant.yaml --drop-bucket acme-events",
		},
		Ends: []error{core.ErrNotOurs, core.ErrBlocked, core.ErrOperator, core.ErrLocked, core.ErrUnknown, errInterrupted},
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Flags().StringVar(&o.DropBucket, "drop-bucket", "", "remove the bucket as well if it is empty; `NAME` must be its name")
	c.Flags().BoolVar(&o.Yes, "yes", false, "do not ask for the grant's name")
	o.Fleet.add(c.Flags())
	c.Flags().StringVar(&o.Journal, "journal", "", "keep the journal in `DIR`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error { return destroyRun(c.Context(), a, o) })
	}
	return c
}

func destroyRun(ctx context.Context, a *app, o destroyOptions) (err error) {
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	if f, faults, err := a.fleetOf(s, o.grant, o.Fleet, o.Journal); f != nil || err != nil || len(faults) > 0 {
		if err := join(err, faults.Err()); err != nil {
			return err
		}
		return a.destroyFleet(ctx, f, o)
	}
	r, faults, err := a.request(s.provider, o.grant)
	if err != nil {
		return err
	}
	faults = append(faults, a.wrongBucket(s.provider, r.Grant, o.DropBucket)...)
	if o.DropBucket != "" && r.Grant.Target.Adopt {
		faults = append(faults, core.Fault{Field: "drop-bucket", Value: o.DropBucket, Rule: "is given together with adopt: an adopted bucket is never dropped", Accepts: "one of them"})
	}
	if err := faults.Err(); err != nil {
		return err
	}
	progress := a.progress()
	e, err := s.engine(r.Grant.Name, o.Journal, writing, progress.observe)
	if err != nil {
		return err
	}
	p, err := a.planned(ctx, e, r.Grant, core.Want{DropBucket: o.DropBucket != ""})
	if err != nil {
		return err
	}
	if a.talks() || a.asks(o.Yes) {
		a.showDestroy(a.paper(a.env.Stderr, a.env.Terminal.Err), p, s.sandbox != nil)
	}
	if err := p.Stopped(); err != nil {
		return err
	}
	if p.Changed() && !o.Yes {
		question := fmt.Sprintf("This ends the access in %s %s. Type the grant's name (%s) to go on:", a.info.Nouns.Account, p.Operator.Account, r.Grant.Name)
		if err := a.confirm(ctx, question, r.Grant.Name); err != nil {
			return err
		}
	}
	if err := a.elsewhereOwned(ctx, e, p); err != nil {
		return err
	}
	receipt, err := e.Apply(ctx, p, core.ApplyOptions{})
	progress.done()
	receipt.Sandbox = s.sandbox != nil
	err = join(err, a.printReceipt(receipt, p, nil, err))
	if o.DropBucket != "" && err == nil {
		err = kept(p)
	}
	return err
}

// elsewhereOwned is the error if nothing of the grant is there, but something
// of its name is that belongs to another one: the wrong grant was named.
func (a *app) elsewhereOwned(ctx context.Context, e *core.Engine, p *core.Plan) error {
	if p.Changed() {
		return nil
	}
	would, err := a.planned(ctx, e, p.Blueprint.Grant, core.Present)
	if err != nil || len(would.Refused()) == 0 {
		return err
	}
	c := would.Refused()[0]
	return &core.Error{Kind: core.ErrNotOurs, What: "no grant " + p.Blueprint.Grant.Name + " here: " + c.Addr, Err: errors.New(c.Why), Hint: "name the grant by the same --name, or the same --profile, --bucket and --prefix, as apply"}
}

// kept is the error if a bucket was to be dropped and is there still.
func kept(p *core.Plan) error {
	var stays *core.Change
	for i, c := range p.Changes {
		switch {
		case c.Step != core.BucketStep:
		case c.Action == core.Drop:
			return nil
		case stays == nil:
			stays = &p.Changes[i]
		}
	}
	if stays == nil {
		return nil
	}
	return &core.Error{What: stays.Addr, Err: errors.New("was not dropped: " + cmp.Or(stays.Why, "it stays")), Hint: stays.Hint}
}

// wrongBucket is a fault unless named is the bucket of g. The full name is
// wanted, which some clouds make of the one in the grant.
func (a *app) wrongBucket(p core.Provider, g core.Grant, named string) core.Faults {
	if named == "" {
		return nil
	}
	bucket := g.Target.Bucket
	if b, err := core.Compile(p, g); err == nil {
		bucket = b.Grant.Target.Bucket
	}
	if named == bucket {
		return nil
	}
	return core.Faults{{Field: "drop-bucket", Value: named, Rule: "is not the bucket of the grant", Accepts: bucket}}
}

// showDestroy prints what will go and what will stay.
func (a *app) showDestroy(w *paper, p *core.Plan, sandbox bool) {
	if sandbox {
		w.loud(sandboxBanner)
	}
	w.line("end of grant %s on %s, %s %s, as %s", p.Blueprint.Grant.Name, a.info.Title, a.info.Nouns.Account, p.Operator.Account, p.Operator.Principal)
	a.changes(w, slices.SortedStableFunc(slices.Values(p.Changes), func(x, y core.Change) int { return cmp.Compare(turn(x), turn(y)) }))
	w.line("%s", totals(p))
}

// turn puts keys before all else, as they are retired.
func turn(c core.Change) int {
	if c.Step == core.CredentialStep {
		return 0
	}
	return 1
}
