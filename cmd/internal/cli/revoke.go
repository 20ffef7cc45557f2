// revoke and restore: end an access at once, and give it back.
package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
)

type revokeOptions struct {
	grant       *grantFlags
	Keys        []string
	Compromised bool
	Force       bool
	Credential  string
	Bundle      string
	Identity    string
	Yes         bool
	Journal     string
}

func (a *app) revokeCommand() *cobra.Command {
	var o revokeOptions
	c := a.command(page{
		Use: "revoke", Short: "End an access at once: switch off its keys and shut the grantee out; restore gives it back",
		Long: "Nothing is deleted, and bucket and role are not looked at, so that nothing is in the way. What was made with a key (tokens, sessions) is cut as well; with --key, only that key is switched off, " +
			"and it says how long the rest lives on. With the revoked credential at hand (--credential or --bundle) it is tried until it is refused. " +
			"--compromised is for a secret that somebody else may have: it says what the cloud does by itself about exposed keys and where to look for what was done, and restore will not bring such a key back.",
		Examples: []string{
			"$PROGRAM revoke -f grant.yaml",
			"$PROGRAM revoke -f grant.yaml --compromised --yes",
			"$PROGRAM revoke -f grant.yaml --key KEYID",
			"$PROGRAM revoke -f grant.yaml --credential credentials",
		},
		Ends: append(keyEnds(), core.ErrNotConverged),
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Flags().StringArrayVar(&o.Keys, "key", nil, "switch off the key with that `ID` and nothing else; repeat it")
	c.Flags().BoolVar(&o.Compromised, "compromised", false, "somebody else may have the secret")
	c.Flags().StringVar(&o.Credential, "credential", "", "try the credential in `FILE` until it is refused")
	c.Flags().StringVar(&o.Bundle, "bundle", "", "try the credential in the sealed `FILE` until it is refused")
	c.Flags().StringVar(&o.Identity, "identity", "", "open the bundle with the private key in `FILE`")
	o.common(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error { return revokeRun(c.Context(), a, o) })
	}
	return c
}

func (a *app) restoreCommand() *cobra.Command {
	var o revokeOptions
	c := a.command(page{
		Use: "restore", Short: "Give an access back that was revoked: only what was switched off, nothing that was deleted",
		Long: "The grantee is let in again, and those keys work again that revoke has switched off on this machine, or that are named. " +
			"A key that was revoked as compromised stays off unless it is named with --force, and one that the cloud itself has switched off stays off. Tokens and sessions from before the revocation stay dead where the cloud can tell them; " +
			"where it cannot, an access that was compromised is not opened before they are over, unless --force is given. Then replace the key: $PROGRAM reissue.",
		Examples: []string{
			"$PROGRAM restore -f grant.yaml",
			"$PROGRAM restore -f grant.yaml --key KEYID",
		},
		Ends: keyEnds(),
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Flags().StringArrayVar(&o.Keys, "key", nil, "switch on the key with that `ID`; repeat it")
	c.Flags().BoolVar(&o.Force, "force", false, "although tokens of a compromised key may still live; with --key that key itself as well")
	o.common(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error {
			return a.keyRun(c.Context(), keyOptions{grant: o.grant, Yes: o.Yes, Journal: o.Journal}, func(ctx context.Context, e *core.Engine, g core.Grant) (*core.Plan, error) {
				return e.PlanRestore(ctx, g, o.core())
			}, a.restored)
		})
	}
	return c
}

func (o *revokeOptions) common(c *cobra.Command) {
	c.Flags().BoolVar(&o.Yes, "yes", false, "do not ask for a confirmation")
	c.Flags().StringVar(&o.Journal, "journal", "", "keep the journal in `DIR`")
}

func (o revokeOptions) core() core.RevokeOptions {
	return core.RevokeOptions{Keys: o.Keys, Compromised: o.Compromised, Force: o.Force}
}

func revokeRun(ctx context.Context, a *app, o revokeOptions) error {
	c, faults, err := a.credential(o.Credential, o.Bundle, o.Identity)
	if err := join(err, faults.Err()); err != nil {
		return err
	}
	defer c.Secret.Clear()
	return a.keyRun(ctx, keyOptions{grant: o.grant, Yes: o.Yes, Journal: o.Journal}, func(ctx context.Context, e *core.Engine, g core.Grant) (*core.Plan, error) {
		p, err := e.PlanRevoke(ctx, g, o.core())
		if err == nil && c.ID != "" && (!isKey(p, c.ID) || len(o.Keys) > 0 && !slices.Contains(o.Keys, c.ID)) {
			err = core.Faults{{Field: "credential", Value: c.ID, Rule: "is not what is revoked: that it is refused would show nothing", Accepts: "the credential of the key that is revoked"}}
		}
		return p, err
	}, func(d *keyRunJSON, e *core.Engine, p *core.Plan) error {
		a.lasting(d, e, p, o)
		return a.refused(ctx, d, e, p, c)
	})
}

// lasting says how long what was made with a key goes on, and what is to be done about one that is compromised.
func (a *app) lasting(d *keyRunJSON, e *core.Engine, p *core.Plan, o revokeOptions) {
	id, _ := a.info.Identity(p.Blueprint.Grant.Who)
	if len(o.Keys) > 0 && id.Outlives > 0 {
		d.say("what was made with the key before (tokens, sessions) may go on for up to %s: %s revoke without --key cuts that too, and shuts out the whole grant", span(id.Outlives), a.cloud.Program)
	}
	advisor, ok := core.Power[core.Advisor](e.Provider)
	if !o.Compromised || !ok {
		return
	}
	for _, id := range p.Want.Keys.Off {
		for _, text := range advisor.Exposed(p.Blueprint, id) {
			d.say("%s: %s", id, text)
		}
	}
	if len(p.Keys) == 0 {
		for _, text := range advisor.Exposed(p.Blueprint, "") {
			d.say("%s", text)
		}
	} else {
		d.say("next: look at what was done with it, then replace it: %s reissue --key KEYID, which restores nothing that was compromised", a.cloud.Program)
	}
}

// refused tries what was revoked until it is refused, if that can be done from here.
func (a *app) refused(ctx context.Context, d *keyRunJSON, e *core.Engine, p *core.Plan, c core.Credential) error {
	if c.Secret.Empty() && !a.keyless(p.Blueprint.Grant.Who) {
		d.say("not tried: the revoked credential is not at hand; with --credential or --bundle it is tried until it is refused")
		return nil
	}
	waited, err := e.AwaitRefusal(ctx, p, c)
	switch {
	case errors.Is(err, core.ErrNotHere):
		d.say("not tried: only the grantee itself can be refused; the cloud has accepted the change")
		return nil
	case err != nil:
		return &core.Error{Err: err, Hint: "the change was accepted: try again in some minutes, with the same command"}
	}
	yes := true
	d.Refused, d.Waited = &yes, waited
	d.say("tried: what was granted is refused, after %s", span(waited))
	return nil
}

// isKey reports whether the plan knows a key of that ID.
func isKey(p *core.Plan, id string) bool {
	return slices.ContainsFunc(p.Keys, func(k core.Key) bool { return k.ID == id })
}

// restored says what has not come back.
func (a *app) restored(d *keyRunJSON, _ *core.Engine, p *core.Plan) error {
	for _, k := range p.Keys {
		if !k.Active && !slices.Contains(p.Want.Keys.On, k.ID) {
			d.say("key %s stays off: no revocation on this machine has switched it off, or it was revoked as compromised; replace it (%s reissue --key %s), or name it: --key %s", k.ID, a.cloud.Program, k.ID, k.ID)
		}
	}
	d.say("what works is not tried: %s verify does that, with the credential", a.cloud.Program)
	return nil
}

// span is a time as people say it.
func span(d time.Duration) string {
	switch {
	case d == time.Hour:
		return "an hour"
	case d > time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return d.Round(time.Second).String()
}
