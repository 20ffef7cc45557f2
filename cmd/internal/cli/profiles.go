// profiles: what can be granted, and why each permission is needed.
package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

type profilesOptions struct {
	Verb   string // "list", "show" or "explain"
	Name   string
	Strict bool
}

func (a *app) profilesCommand() *cobra.Command {
	c := a.command(page{
		Use: "profiles", Short: "List the profiles: what well-known grantees need",
		Examples: []string{"$PROGRAM profiles", "$PROGRAM profiles show event-dump", "$PROGRAM profiles explain event-dump"},
	})
	o := profilesOptions{Verb: "list"}
	c.RunE = func(*cobra.Command, []string) error {
		return a.run(&o, func() error { return profilesRun(a, o) })
	}
	c.AddCommand(
		a.profileCommand(page{Use: "list", Short: "List the profiles", Examples: []string{"$PROGRAM profiles list"}}),
		a.profileCommand(page{Use: "show NAME", Short: "Show what a profile grants and where it comes from", Examples: []string{"$PROGRAM profiles show event-dump"}}),
		a.profileCommand(page{Use: "explain NAME", Short: "Show every permission of a profile on this cloud, with its reason", Examples: []string{"$PROGRAM profiles explain event-dump", "$PROGRAM profiles explain event-dump --strict"}}),
	)
	return c
}

// profileCommand is one of the commands below profiles.
func (a *app) profileCommand(p page) *cobra.Command {
	c := a.command(p)
	o := profilesOptions{Verb: c.Name()}
	if o.Verb != "list" {
		c.Args = exactly("NAME")
		c.Flags().BoolVar(&o.Strict, "strict", false, "leave out what the source asks for but the grantee can do without")
	}
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.Name = args[0]
		}
		return a.run(&o, func() error { return profilesRun(a, o) })
	}
	return c
}

// profileJSON is a profile as machines read it.
type profileJSON struct {
	profile.Profile
	Granted     []core.Ability `json:"granted"`               // on this cloud
	Permissions []core.Reason  `json:"permissions,omitempty"` // what they compile to
	Gaps        []core.Gap     `json:"gaps,omitempty"`        // where the cloud cannot say exactly that
}

func profilesRun(a *app, o profilesOptions) error {
	list := profile.All()
	if o.Verb != "list" {
		p, err := profile.Find(o.Name)
		if err != nil {
			return err
		}
		list = []profile.Profile{p}
	}
	if a.global.JSON {
		var all []profileJSON
		for _, p := range list {
			all = append(all, profileJSON{p, p.Bind(a.info.Name, o.Strict), a.reasons(p, o.Strict), a.gaps(p.Name, o.Strict)})
		}
		return printJSON(a.env.Stdout, struct {
			SchemaVersion int           `json:"schema_version"`
			Cloud         string        `json:"cloud"`
			Profiles      []profileJSON `json:"profiles"`
		}{1, a.info.Name, all})
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	switch o.Verb {
	case "list":
		var rows [][]string
		for _, p := range list {
			rows = append(rows, []string{p.Name, p.Summary})
		}
		w.table(rows)
	case "show":
		a.showProfile(w, list[0], o.Strict)
	case "explain":
		a.explainProfile(w, list[0], o.Strict)
	}
	return w.err
}

// reasons is what the abilities of p compile to on this cloud.
func (a *app) reasons(p profile.Profile, strict bool) []core.Reason {
	var found []core.Reason
	for _, row := range p.Asks(a.info.Name, strict) {
		for _, r := range a.info.Reasons {
			if r.Ability == row.Ability {
				found = append(found, r)
			}
		}
	}
	return found
}

// gaps is where this cloud cannot say exactly what a profile says, for a bucket
// like that of the examples.
func (a *app) gaps(name string, strict bool) []core.Gap {
	g := a.exampleGrant(name, "")
	p := a.cloud.Connect(core.Connection{})
	if faults, err := a.bind(p, &g, wanted{Strict: strict}); err != nil || len(faults) > 0 {
		return nil // the examples do not suit this profile; a plan says more
	}
	b, err := core.Compile(p, g)
	if err != nil {
		return nil
	}
	return b.Gaps
}

func (a *app) showProfile(w *paper, p profile.Profile, strict bool) {
	w.line("%s: %s", p.Name, p.Title)
	w.line("%s", p.Summary)
	w.line("source: %s", p.Source)
	w.line("")
	w.line("on %s the grantee may", a.info.Title)
	for _, row := range p.Asks(a.info.Name, strict) {
		i, _ := core.DescribeAbility(row.Ability)
		w.line("  %s: %s", i.Means, row.Why)
		if row.Lax {
			w.line("    left out by --strict: %s", row.WhyLax)
		}
	}
	weaknesses(w, p)
}

// weaknesses prints what is weak in the profile's source.
func weaknesses(w *paper, p profile.Profile) {
	if len(p.Weak) == 0 {
		return
	}
	w.line("")
	w.line("weak in the source, and what is done about it")
	for _, weak := range p.Weak {
		w.line("  - %s", weak)
	}
}

func (a *app) explainProfile(w *paper, p profile.Profile, strict bool) {
	w.line("%s on %s", p.Name, a.info.Title)
	for _, row := range p.Asks(a.info.Name, strict) {
		i, _ := core.DescribeAbility(row.Ability)
		w.line("")
		w.line("may %s", i.Means)
		w.line("  needed because %s", row.Why)
		if row.Lax {
			w.line("  left out by --strict: %s", row.WhyLax)
		}
		for _, r := range a.info.Reasons {
			if r.Ability == row.Ability {
				w.line("  %s on the %s: %s", r.Action, r.Level, r.Why)
			}
		}
	}
	var none []string
	granted := p.Bind(a.info.Name, strict)
	for _, i := range core.Abilities() {
		if !slices.Contains(granted, i.Ability) && slices.Contains(a.info.Abilities, i.Ability) {
			none = append(none, i.Means)
		}
	}
	w.line("")
	w.line("not granted")
	w.field("", strings.Join(none, "; "))
	for _, gap := range a.gaps(p.Name, strict) {
		w.field("gap", gapText(gap))
	}
	weaknesses(w, p)
}
