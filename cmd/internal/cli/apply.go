// apply: make it so, prove it, hand it over.
package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

type applyOptions struct {
	grant    *grantFlags
	Plan     string // a saved plan in place of a grant
	Digest   string // of the saved plan that was reviewed
	Handoff  handoffOptions
	NoVerify bool
	Yes      bool
	Fleet    fleetOptions
	Journal  string
}

func (a *app) applyCommand() *cobra.Command {
	var o applyOptions
	c := a.command(page{
		Use: "apply [PLAN]", Short: "Make bucket, role and, if one is needed, a credential; prove the access; hand it over sealed",
		Long: "Shows the plan, asks for a confirmation, carries it out, tries the new credential, granted and not granted, and seals it to the keys given by --to. " +
			"A credential that allows too much or too little is retired and not delivered; where no secret is handed over (see --who), what was opened is taken back if it allows too much. What exists and was made by this grant is kept: a second run writes nothing and issues nothing. " +
			"After any failure, run the same command again.\n\nThe grant comes from flags, from a file (-f), or from a saved plan, which is applied only if the cloud is still as it was reviewed.",
		Examples: []string{
			"$PROGRAM apply --profile event-dump --bucket acme-events --prefix events/ $SETTINGS --to age1… --out handoff/",
			"$PROGRAM apply --profile event-dump --bucket acme-events --prefix events/ $SETTINGS $KEYLESS",
			"$PROGRAM apply -f grant.yaml --yes",
			"$PROGRAM apply reviewed.plan --digest sha256:… --yes",
			"$PROGRAM apply --sandbox --profile event-dump --bucket acme-events $SETTINGS --to age1… --yes",
		},
		Ends: []error{core.ErrNotOurs, core.ErrUnproven, core.ErrNotConverged, core.ErrBlocked, core.ErrLocked, core.ErrUnknown, core.ErrOperator, errInterrupted},
	})
	o.grant = a.addGrantFlags(c.Flags(), func(field) bool { return true })
	o.Handoff.add(c.Flags())
	c.Flags().StringVar(&o.Digest, "digest", "", "carry the saved PLAN out only if it has the `DIGEST` that plan --out printed")
	c.Flags().BoolVar(&o.NoVerify, "no-verify", false, "deliver the credential without trying it; the receipt says so loudly")
	c.Flags().BoolVar(&o.Yes, "yes", false, "do not ask for a confirmation")
	o.Fleet.add(c.Flags())
	c.Flags().StringVar(&o.Journal, "journal", "", "keep the journal in `DIR`")
	c.Args = atMost("PLAN")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.Plan = args[0]
		}
		return a.run(&o, func() error { return applyRun(c.Context(), a, o) })
	}
	return c
}

func applyRun(ctx context.Context, a *app, o applyOptions) (err error) {
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	if f, faults, err := a.fleetOf(s, o.grant, o.Fleet, o.Journal); f != nil || err != nil || len(faults) > 0 {
		if err := join(err, faults.Err()); err != nil {
			return err
		}
		return a.applyFleet(ctx, f, o)
	}
	r, saved, faults, err := a.applyRequest(s, o)
	if err != nil {
		return err
	}
	if saved != nil {
		o.Handoff = saved.handoffOptions
	}
	h, err := a.handoff(r, o.Handoff, &faults)
	if err != nil {
		return err
	}
	a.mustReach(r, o.Handoff, &faults)
	a.mustAccept(r, &faults)
	faults = append(faults, mustLast(r.Grant, time.Now())...)
	if saved != nil && len(faults) == 0 {
		faults = saved.reaches(h)
	}
	faults = append(faults, a.unusable("out", orDefault(r.Out, defaultOut))...)
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
	p, err := a.planned(ctx, e, r.Grant, core.Present)
	if err != nil {
		return err
	}
	if saved != nil {
		begun, err := saved.begun(e.Journal)
		if err != nil {
			return err
		}
		if err := saved.moved(p, a.info.Nouns.Account, begun); err != nil {
			return err
		}
	}
	return a.handOver(ctx, s, e, p, r, h, o, saved, progress)
}

// handOver shows a plan that may issue a credential, asks, carries it out and prints the receipt.
func (a *app) handOver(ctx context.Context, s *session, e *core.Engine, p *core.Plan, r request, h handoff.Handoff, o applyOptions, saved *savedPlan, progress *progress) error {
	a.showApply(p, s, h, o, saved)
	if err := p.Stopped(); err != nil {
		return err
	}
	if p.Changed() && !o.Yes {
		if err := a.confirm(ctx, fmt.Sprintf("Carry this out in %s %s? [y/N]", a.info.Nouns.Account, p.Operator.Account), "y"); err != nil {
			return err
		}
	}
	receipt, err := carryOut(ctx, e, p, saved, core.ApplyOptions{Deliver: &marked{h, s.sandbox != nil}, NoProof: o.NoVerify})
	progress.done()
	receipt.Sandbox = s.sandbox != nil
	if err != nil {
		err = a.unsecret(err, receipt)
		return join(err, a.printReceipt(receipt, p, nil, err))
	}
	receipt = a.aside(receipt, r.Out)
	files, err := a.publish(receipt, r.Out)
	return join(err, a.printReceipt(receipt, p, files, nil))
}

// applyRequest returns the request of the flags and the file, or that of a saved plan.
func (a *app) applyRequest(s *session, o applyOptions) (request, *savedPlan, core.Faults, error) {
	if o.Plan == "" {
		r, faults, err := a.request(s.provider, o.grant)
		if o.Digest != "" {
			faults = append(faults, core.Fault{Field: "digest", Value: o.Digest, Rule: "is given without a saved plan", Accepts: "apply PLAN --digest DIGEST"})
		}
		return r, nil, faults, err
	}
	faults := o.besidePlan()
	saved, err := a.loadPlan(o.Plan, o.Digest, s.sandbox != nil, time.Now())
	if err := collect(&faults, err); err != nil {
		return request{}, nil, nil, err
	}
	return saved.request, &saved, faults, nil
}

// besidePlan returns faults for flags next to a saved plan, which says all of it.
func (o applyOptions) besidePlan() core.Faults {
	var faults core.Faults
	reviewed := func(field string) {
		faults = append(faults, core.Fault{Field: field, Rule: "is given beside a saved plan; it is part of the plan that was reviewed", Accepts: "the plan alone, or a new plan"})
	}
	for _, f := range o.grant.table {
		if flag := o.grant.own[f.Key]; flag != nil && flag.Changed {
			reviewed(f.Key)
		}
	}
	if o.Handoff.Plain {
		reviewed("plain")
	}
	if o.Handoff.Armor {
		reviewed("armor")
	}
	if o.grant.File != "" {
		reviewed("file")
	}
	return faults
}

// showApply prints the plan and the delivery on standard error.
func (a *app) showApply(p *core.Plan, s *session, h handoff.Handoff, o applyOptions, saved *savedPlan) {
	if !a.talks() && (!p.Changed() || !a.asks(o.Yes)) {
		return
	}
	w := a.paper(a.env.Stderr, a.env.Terminal.Err)
	a.plan(w, p, planView{Sandbox: s.sandbox != nil, Prove: !o.NoVerify, Accepted: true, Handoff: h})
	if saved != nil {
		w.table([][]string{{"plan", o.Plan + ", made " + saved.Made.Format(time.RFC3339)}, {"digest", saved.Digest}})
	}
	if o.NoVerify && a.keyless(p.Blueprint.Grant.Who) && p.Changed() {
		w.loud("warning: --no-verify: the access is opened without having been tried")
	}
	if !p.Issues() {
		return
	}
	w.table(recipientLines(h))
	if h.Plain {
		w.loud("warning: --plain: whoever can read the file has the access; a sealed file can be sent by mail, this one cannot")
	}
	if o.NoVerify {
		w.loud("warning: --no-verify: the credential is delivered without having been tried")
	}
}

// marked is a delivery whose manifest says that it comes from a sandbox.
type marked struct {
	handoff.Handoff
	sandbox bool
}

// Deliver implements [core.Deliverer].
func (m *marked) Deliver(c core.Credential, r core.Receipt) (core.Delivery, error) {
	r.Sandbox = m.sandbox
	return m.Handoff.Deliver(c, r)
}
