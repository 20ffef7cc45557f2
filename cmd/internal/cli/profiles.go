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
		Long: "A profile says what one kind of grantee needs, with the reasons, on which clouds, and how the grantee can prove who it is there. NAME+FORM is another sound form of it. " +
			"show and explain also say what the source document literally asks for, and what is weak in it.",
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
	Available   bool           `json:"available"`             // on this cloud
	Identities  []choice       `json:"identities,omitempty"`  // how its grantee can prove who it is here
	Granted     []core.Ability `json:"granted"`               // on this cloud
	Permissions []core.Reason  `json:"permissions,omitempty"` // what they compile to
	Gaps        []core.Gap     `json:"gaps,omitempty"`        // where the cloud cannot say exactly that
	Notes       []string       `json:"notes,omitempty"`       // what else a reader must know
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
			b := a.example(p, o.Strict)
			all = append(all, profileJSON{p, a.available(p), a.choices(p, a.usual(p)), p.Bind(a.info.Name, o.Strict), a.reasons(p, o.Strict), b.Gaps, b.Notes})
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
		a.listProfiles(w, list)
	case "show":
		a.showProfile(w, list[0], o.Strict)
	case "explain":
		a.explainProfile(w, list[0], o.Strict)
	}
	return w.err
}

// available reports whether p is for this cloud.
func (a *app) available(p profile.Profile) bool { return len(p.Who[a.info.Name]) > 0 }

// listProfiles prints a line for each profile, and below it the ways and forms that it has here.
func (a *app) listProfiles(w *paper, list []profile.Profile) {
	width := 0
	for _, p := range list {
		width = max(width, len(p.Name))
	}
	for _, p := range list {
		w.beside(p.Name, width, p.Summary)
		if !a.available(p) {
			w.beside("", width, "not on "+a.info.Title+": see profiles show "+p.Name)
			continue
		}
		var ways, forms []string
		for _, c := range a.choices(p, "") {
			way := string(c.Who)
			if c.Keyless {
				way += " (no secret)"
			}
			ways = append(ways, way)
		}
		for _, v := range p.Variants {
			forms = append(forms, p.Name+"+"+v.Name)
		}
		w.beside("", width, "who: "+strings.Join(ways, ", "))
		if len(forms) > 0 {
			w.beside("", width, "forms: "+strings.Join(forms, ", "))
		}
	}
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

// example is what p compiles to for a bucket like that of the examples; zero if
// they do not suit it.
func (a *app) example(p profile.Profile, strict bool) core.Blueprint {
	g := a.exampleGrant(p.Name, a.usual(p))
	provider := a.cloud.Connect(core.Connection{})
	if faults, err := a.bind(provider, &g, wanted{Strict: strict}); err != nil || len(faults) > 0 {
		return core.Blueprint{} // a plan says more
	}
	b, err := core.Compile(provider, g)
	if err != nil {
		return core.Blueprint{}
	}
	return b
}

// head prints what both views of a profile begin with, and reports whether p is for this cloud.
func (a *app) head(w *paper, p profile.Profile) bool {
	w.line("%s: %s", p.Name, p.Title)
	w.line("%s", p.Summary)
	if _, variant, ok := strings.Cut(p.Name, "+"); ok {
		if i := slices.IndexFunc(p.Variants, func(v profile.Variant) bool { return v.Name == variant }); i >= 0 {
			w.line("this form: %s", p.Variants[i].Summary)
		}
	}
	w.line("source: %s", p.Source)
	w.line("")
	if err := a.absent(p); err != nil {
		w.line("%s", err)
		return false
	}
	if !a.available(p) {
		w.line("not available on %s", a.info.Title)
		return false
	}
	return true
}

// showForms prints the other sound forms of p.
func showForms(w *paper, p profile.Profile) {
	base, _, varied := strings.Cut(p.Name, "+")
	if varied || len(p.Variants) == 0 {
		return
	}
	w.line("")
	w.line("other forms of it")
	for _, v := range p.Variants {
		w.field("--profile "+base+"+"+v.Name+":", v.Summary)
		for _, row := range v.Adds {
			i, _ := core.DescribeAbility(row.Ability)
			w.field("", "more: to "+i.Means+", because "+row.Why)
		}
		var less []string
		for _, ability := range v.Drops {
			if !slices.ContainsFunc(v.Adds, func(r profile.Row) bool { return r.Ability == ability }) {
				i, _ := core.DescribeAbility(ability)
				less = append(less, "to "+i.Means)
			}
		}
		if len(less) > 0 {
			w.field("", "less: "+strings.Join(less, "; "))
		}
	}
}

// showRecipe prints what the source document literally asks for here.
func (a *app) showRecipe(w *paper, p profile.Profile) {
	recipe, ok := p.Recipe(a.info.Name)
	w.line("")
	if !ok {
		w.line("the source document says nothing of %s", a.info.Title)
		return
	}
	w.line("what the source document asks for (--%s)", documentedKey)
	w.beside("makes", 10, strings.Join(recipe.Makes, "; "))
	w.beside("permits", 10, strings.Join(recipe.Actions, ", "))
	w.beside("hands over", 10, strings.Join(recipe.HandsOver, ", "))
	if recipe.Risk != "" {
		w.loud("  risk: %s", recipe.Risk)
		w.line("  so it needs --%s as well", riskKey)
	}
}

func (a *app) showProfile(w *paper, p profile.Profile, strict bool) {
	if !a.head(w, p) {
		weaknesses(w, p)
		return
	}
	if rows := p.Asks(a.info.Name, strict); len(rows) > 0 {
		w.line("on %s the grantee may", a.info.Title)
		for _, row := range rows {
			i, _ := core.DescribeAbility(row.Ability)
			w.line("  %s: %s", i.Means, row.Why)
			if row.Lax {
				w.line("    left out by --strict: %s", row.WhyLax)
			}
		}
		w.line("")
	}
	if p.Shared {
		w.line("its grants share one bucket, each below a prefix of its own")
	}
	showChoices(w, a.choices(p, ""))
	showForms(w, p)
	a.showRecipe(w, p)
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
	if !a.head(w, p) {
		weaknesses(w, p)
		return
	}
	b := a.example(p, strict)
	for _, row := range p.Asks(a.info.Name, strict) {
		i, _ := core.DescribeAbility(row.Ability)
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
		w.line("")
	}
	if len(p.Can) == 0 {
		w.line("its permissions are the cloud's own, for a service of the cloud; plan --documents prints them")
	} else {
		var none []string
		granted := p.Bind(a.info.Name, strict)
		for _, i := range core.Abilities() {
			if !slices.Contains(granted, i.Ability) && slices.Contains(a.info.Abilities, i.Ability) {
				none = append(none, i.Means)
			}
		}
		w.line("not granted")
		w.field("", strings.Join(none, "; "))
	}
	for _, gap := range b.Gaps {
		w.field("gap", gapText(gap))
	}
	for _, note := range b.Notes {
		w.field("note", note)
	}
	w.line("")
	showChoices(w, a.choices(p, ""))
	showForms(w, p)
	a.showRecipe(w, p)
	weaknesses(w, p)
}
