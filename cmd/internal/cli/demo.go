// demo: the whole job on the cloud inside the program, told step by step.
package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
	"github.com/bucketgrant/bucketgrant/core/journal"
)

func (a *app) demoCommand() *cobra.Command {
	c := a.command(page{
		Use: "demo", Short: "Watch the whole job on a cloud inside the program: no account, no network",
		Long: "Plans, makes bucket, role and credential, proves the credential, seals it, opens it as its receiver would, uploads one event with it, shows what is refused, and removes everything again. " +
			"The cloud, the receiver's key and the directory of the hand-off are gone afterwards.",
		Examples: []string{"$PROGRAM demo"},
	})
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(nil, func() error { return demoRun(c.Context(), a) })
	}
	return c
}

// demo is the story while it is told.
type demo struct {
	app     *app
	session *session
	engine  *core.Engine
	out     *paper
	grant   core.Grant
	step    int
}

func demoRun(ctx context.Context, a *app) (err error) {
	if a.global.JSON {
		return noJSON("a story for people")
	}
	a.global.Sandbox, a.global.SandboxFile = true, ""
	s, err := a.connect()
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	dir, remove, err := handoff.TempDir("bucketgrant-demo-")
	if err != nil {
		return err
	}
	defer func() { err = join(err, remove()) }()
	d := &demo{app: a, session: s, engine: s.bare(nil), out: a.paper(a.env.Stdout, a.env.Terminal.Out)}
	d.engine.Journal = journal.Memory()
	d.grant = a.exampleGrant(demoProfile, core.WhoKey)
	d.out.loud(sandboxBanner)
	if faults, err := a.bind(s.provider, &d.grant, wanted{}); err != nil || len(faults) > 0 {
		return join(err, faults.Err())
	}
	if err := d.tell(ctx, filepath.Join(dir, "handoff")); err != nil {
		return err
	}
	return d.out.err
}

// demoProfile is what the story is about.
const demoProfile = "event-dump"

// exampleGrant is a grant with the values that help texts use.
func (a *app) exampleGrant(profile string, w core.Who) core.Grant {
	g := core.Grant{Name: "acme-events", Profile: profile, Who: w, Settings: map[string]string{},
		Target: core.Target{Bucket: "acme-events-demo", Prefix: "events/", Region: a.cloud.Region}}
	for _, s := range a.info.Settings {
		if s.Required && s.For(w) {
			g.Settings[s.Name] = s.Example
		}
	}
	return g
}

// say begins a step.
func (d *demo) say(format string, args ...any) {
	d.step++
	d.out.line("")
	d.out.loud("%d. %s", d.step, fmt.Sprintf(format, args...))
}

// tell is the story, from plan to destroy.
func (d *demo) tell(ctx context.Context, dir string) error {
	identity, recipients, err := receiver()
	if err != nil {
		return err
	}
	d.say("The plan: what would be made, and what its holder could do. Nothing has been written.")
	p, err := d.engine.Plan(ctx, d.grant, core.Present)
	if err != nil {
		return err
	}
	d.app.plan(d.out, p, planView{Prove: true})
	d.say("Carried out, then tried with the new credential itself, then sealed to %s.", recipients[0].Fingerprint)
	h := handoff.Handoff{Dir: dir, Name: d.grant.Name, Format: handoff.DefaultFormat(d.app.info.Form(d.grant.Who)), Recipients: recipients}
	r, err := d.engine.Apply(ctx, p, core.ApplyOptions{Deliver: &marked{h, true}})
	if err != nil {
		return err
	}
	d.app.proof(d.out, r.Proof)
	d.say("The receipt. It holds no secret, so it can go into a ticket.")
	r.Sandbox = true
	d.out.raw(handoff.Text(r))
	c, err := d.open(r, identity)
	if err != nil {
		return err
	}
	defer c.Secret.Clear()
	if err := d.upload(ctx, p.Blueprint, c); err != nil {
		return err
	}
	return d.again(ctx)
}

// receiver makes a key pair like that of whoever asked for the access.
func receiver() (age.Identity, []handoff.Recipient, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, nil, err
	}
	recipients, err := handoff.ParseRecipients([]string{identity.Recipient().String()})
	return identity, recipients, err
}

// open opens the sealed file as its receiver would.
func (d *demo) open(r core.Receipt, identity age.Identity) (core.Credential, error) {
	sealed, err := os.ReadFile(r.Delivery.Files[0].Path)
	if err != nil {
		return core.Credential{}, err
	}
	data, err := handoff.OpenSealed(sealed, []age.Identity{identity})
	if err != nil {
		return core.Credential{}, err
	}
	defer clear(data)
	c, format, err := handoff.Read(data)
	if err == nil {
		d.say("The receiver opens %s with the private key and finds key %s (%s).", filepath.Base(r.Delivery.Files[0].Path), c.ID, format)
	}
	return c, err
}

// upload puts one event with the credential, and tries what must be refused.
func (d *demo) upload(ctx context.Context, b core.Blueprint, c core.Credential) error {
	d.say("The receiver uploads one event, and tries what was not granted.")
	actor, err := d.session.provider.Act(ctx, b, c)
	if err != nil {
		return err
	}
	event := b.Grant.Target.Prefix + "2026/01/01/event-1.json.gz"
	var rows [][]string
	for _, try := range []core.Probe{
		{Ability: core.Create, Where: core.Inside, Key: event, Want: core.Allowed},
		{Ability: core.List, Where: core.Inside, Key: b.Grant.Target.Prefix, Want: core.Denied},
		{Ability: core.Delete, Where: core.Inside, Key: event, Want: core.Denied},
		{Ability: core.Create, Where: core.Outside, Key: "elsewhere/event-1.json.gz", Want: core.Denied},
		{Ability: core.Inspect, Where: core.Whole, Want: core.Denied},
	} {
		try.Bucket = b.Grant.Target.Bucket
		got, err := actor.Try(ctx, try)
		if err != nil {
			return err
		}
		if got != try.Want {
			return &core.Error{Kind: core.ErrUnproven, What: string(try.Ability), Err: fmt.Errorf("is %s", got)}
		}
		i, _ := core.DescribeAbility(try.Ability)
		rows = append(rows, []string{string(got), i.Means, try.Key})
	}
	d.out.table(rows)
	return nil
}

// again shows that a second run writes nothing, and ends the grant.
func (d *demo) again(ctx context.Context) error {
	p, err := d.engine.Plan(ctx, d.grant, core.Present)
	if err != nil {
		return err
	}
	d.say("The same command again would write nothing and issue no second key: %s.", totals(p))
	if p.Changed() {
		d.app.changes(d.out, p.Changes)
		return fmt.Errorf("a second run would write something")
	}
	d.say("The end of the grant: keys first, then what was made for it. The bucket stays, because there is data in it.")
	p, err = d.engine.Plan(ctx, d.grant, core.Absent)
	if err != nil {
		return err
	}
	r, err := d.engine.Apply(ctx, p, core.ApplyOptions{})
	if err != nil {
		return err
	}
	d.app.changes(d.out, r.Changes)
	return nil
}
