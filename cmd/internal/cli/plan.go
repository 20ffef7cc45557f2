// plan: what would be done, without doing it.
package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
)

type planOptions struct {
	grant     *grantFlags
	Handoff   handoffOptions
	Offline   bool
	Out       string
	ExitCode  bool
	Documents bool
	Operator  string // print what whoever runs this command must be allowed to do, and nothing else
	Fleet     fleetOptions
	Journal   string
}

func (a *app) planCommand() *cobra.Command {
	var o planOptions
	c := a.command(page{
		Use: "plan", Short: "Show what apply would do, without doing it",
		Long: "Reads what is there, compares it with the grant and prints every change, the policies with --documents, what the credential will and will not allow, and which ways there are for the grantee to prove who it is: one without a secret is recommended wherever there is one. " +
			"With --offline it makes no call and needs no credentials. With --out the plan is saved, with the keys that the credential will be sealed to, and its digest printed: what was reviewed is what is applied. " +
			"With --operator-policy nothing is printed but the smallest policy or role that whoever runs a COMMAND on exactly this plan must hold, in the cloud's own language: " + strings.Join(core.Commands(), ", ") + ".",
		Examples: []string{
			"$PROGRAM plan --profile event-dump --bucket acme-events --prefix events/ $SETTINGS",
			"$PROGRAM plan --profile event-dump --bucket acme-events $SETTINGS --offline --documents",
			"$PROGRAM plan --profile event-dump --as-documented --bucket acme-events $SETTINGS --offline",
			"$PROGRAM plan -f grant.yaml --out reviewed.plan",
			"$PROGRAM plan -f grant.yaml --operator-policy > operator.json",
			"$PROGRAM plan -f grant.yaml --operator-policy rotate --offline",
		},
		Ends: []error{errChanges, core.ErrNotOurs, core.ErrBlocked, core.ErrOperator, errInterrupted},
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return f.Key != "out" })
	o.Handoff.add(c.Flags())
	c.Flags().BoolVar(&o.Offline, "offline", false, "make no call: plan as if nothing existed")
	c.Flags().StringVar(&o.Out, "out", "", "save the plan to `FILE` for: apply FILE")
	c.Flags().BoolVar(&o.ExitCode, "exit-code", false, "end with 3 if there are changes, 4 if something is refused")
	c.Flags().BoolVar(&o.Documents, "documents", false, "print policies and configurations in the cloud's own language")
	c.Flags().StringVar(&o.Operator, operatorKey, "", "print only what the operator of `COMMAND` must be allowed to do, as a policy or role of the cloud")
	c.Flags().Lookup(operatorKey).NoOptDefVal = operatorDefault
	o.Fleet.add(c.Flags())
	c.Flags().StringVar(&o.Journal, "journal", "", "look for the journal in `DIR`")
	c.Args = func(c *cobra.Command, args []string) error {
		most := 0
		if o.Operator == operatorDefault {
			most = 1 // a COMMAND behind the flag
		}
		return argsError(c, args, 0, most, []string{"COMMAND"})
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.Operator = args[0]
		}
		return a.run(&o, func() error { return planRun(c.Context(), a, o) })
	}
	return c
}

func planRun(ctx context.Context, a *app, o planOptions) (err error) {
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	if f, faults, err := a.fleetOf(s, o.grant, o.Fleet, o.Journal); f != nil || err != nil || len(faults) > 0 {
		if err := join(err, faults.Err()); err != nil {
			return err
		}
		return a.planFleet(ctx, f, o)
	}
	r, faults, err := a.request(s.provider, o.grant)
	if err != nil {
		return err
	}
	faults = append(faults, o.operatorFaults()...)
	h, err := a.handoff(r, o.Handoff, &faults)
	if err != nil {
		return err
	}
	if o.Operator == "" { // what ended can still be looked at and removed
		faults = append(faults, mustLast(r.Grant, time.Now())...)
	}
	if o.Out != "" {
		a.mustReach(r, o.Handoff, &faults)
		a.mustAccept(r, &faults)
		faults = append(faults, a.outFault("out", o.Out)...)
	}
	if o.Out != "" && o.Offline {
		faults = append(faults, core.Fault{Field: "out", Value: o.Out, Rule: "cannot be given with --offline, because nobody has looked at the cloud", Accepts: "one of them"})
	}
	if err := faults.Err(); err != nil {
		return err
	}
	e, err := s.engine(r.Grant.Name, o.Journal, reading, nil)
	if err != nil {
		return err
	}
	var p *core.Plan
	if o.Offline {
		p, err = e.Offline(r.Grant)
	} else {
		p, err = a.planned(ctx, e, r.Grant, core.Present)
	}
	if err != nil {
		return err
	}
	if o.Operator != "" {
		return a.printOperatorPolicy(p, o.Operator, s)
	}
	v := planView{Sandbox: s.sandbox != nil, Documents: o.Documents, Prove: true, Accepted: r.AcceptRisk, Handoff: h}
	if o.Out != "" {
		digest, err := a.savePlan(o.Out, p, r, o.Handoff, h, s.sandbox != nil)
		if err != nil {
			return err
		}
		v.Saved = &savedFile{o.Out, digest}
	}
	if err := a.printPlan(p, v); err != nil {
		return err
	}
	switch {
	case !o.ExitCode:
		return nil
	case len(p.Refused()) > 0:
		return p.Refusal()
	case p.Changed():
		return errChanges
	}
	return nil
}

// printPlan prints p on standard output.
func (a *app) printPlan(p *core.Plan, v planView) error {
	if a.global.JSON {
		doc := planDocument(p, v.Sandbox)
		doc.Recipients, doc.Saved = publicOf(v.Handoff.Recipients), v.Saved
		doc.Trusts = a.info.Trusts(p.Blueprint.Grant)
		doc.Identities, doc.Risk = a.choicesOf(p.Blueprint.Grant), a.risk(p.Blueprint.Grant)
		return printJSON(a.env.Stdout, doc)
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	a.plan(w, p, v)
	if p.Issues() && (v.Handoff.Plain || len(v.Handoff.Recipients) > 0) {
		w.table(recipientLines(v.Handoff))
	}
	if v.Saved != nil {
		w.table([][]string{{"saved", v.Saved.File}, {"digest", v.Saved.Digest}})
		w.line("next: %s apply %s%s --digest %s", a.cloud.Program, v.Saved.File, a.again(), v.Saved.Digest)
	}
	return w.err
}

// closeInto closes s and adds what fails to err.
func (s *session) closeInto(err *error) {
	if failed := s.close(); failed != nil {
		*err = join(*err, failed)
	}
}

// again is the global flags that a later command on the same cloud needs.
func (a *app) again() string {
	if a.global.SandboxFile != "" {
		return " --sandbox-file " + a.global.SandboxFile
	}
	if a.global.AllowEndpoint {
		return " --allow-endpoint"
	}
	return ""
}
