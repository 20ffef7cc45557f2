// explain: what an action is for, who may do it, and what a refusal means.
package cli

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

type explainOptions struct {
	Words   []string
	Profile string
}

func (a *app) explainCommand() *cobra.Command {
	var o explainOptions
	example := "put"
	if len(a.info.Reasons) > 0 {
		example = a.info.Reasons[0].Action
	}
	c := a.command(page{
		Use: "explain WORD...", Short: "Explain an action, or the error message of a program that was refused",
		Long: "Says what an action is for, which ability includes it, and which profiles and variants ask for it. A word that is no action is answered with the right one. " +
			"A whole message may be given: the action in it is found. With --profile it says what that profile lacks, and which form of it has it.",
		Examples: []string{
			"$PROGRAM explain " + example,
			"$PROGRAM explain --profile site-backup User x is not authorized to perform: " + example + " on y",
		},
	})
	c.Flags().StringVar(&o.Profile, "profile", "", "say what the profile `NAME` has to do with it")
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return argsError(c, args, 1, 1, []string{"WORD"})
		}
		return nil
	}
	c.RunE = func(_ *cobra.Command, args []string) error {
		o.Words = args
		return a.run(&o, func() error { return explainRun(a, o) })
	}
	return c
}

// explanation is what is known of a word, as machines read it.
type explanation struct {
	SchemaVersion int    `json:"schema_version"`
	Cloud         string `json:"cloud"`
	Said          string `json:"said"` // the word that was found in what was given
	core.Word
	Action     string        `json:"action,omitempty"` // the word itself, or what was meant
	Abilities  []core.Reason `json:"abilities"`        // those that include the action
	Profiles   []asking      `json:"profiles"`         // that ask for it, forms of one profile apart
	Documented []string      `json:"documented"`       // profiles whose source document asks for it
	Source     string        `json:"source,omitempty"`
	Date       string        `json:"date,omitempty"`
}

// asking is a profile, or a variant of one, that asks for an action.
type asking struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

func explainRun(a *app, o explainOptions) error {
	var about profile.Profile
	if o.Profile != "" {
		p, err := profile.Find(o.Profile)
		if err != nil {
			return err
		}
		about = p
	}
	e, fault := a.explanation(strings.Join(o.Words, " "))
	if fault != nil {
		return core.Faults{*fault}
	}
	if a.global.JSON {
		return printJSON(a.env.Stdout, e)
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	a.showExplanation(w, e)
	if about.Name != "" {
		a.showLack(w, e, about)
	}
	return w.err
}

// mostWords is more than any error message.
const mostWords = 16 << 10

// explanation finds the action in text and what is known of it.
func (a *app) explanation(text string) (explanation, *core.Fault) {
	v := a.info.Vocabulary
	e := explanation{SchemaVersion: 1, Cloud: a.info.Name, Abilities: []core.Reason{}, Profiles: []asking{}, Documented: []string{}, Source: v.Source, Date: v.Date}
	if len(text) > mostWords {
		return e, &core.Fault{Field: "word", Rule: "is longer than any message", Accepts: "an action, or one error message"}
	}
	e.Said, e.Word = a.actionIn(text)
	if e.Action = e.Meant; e.Known {
		e.Action = e.Said
	}
	if e.Action == "" {
		noun := cmp.Or(v.Noun, "action")
		return e, &core.Fault{Field: "word", Value: strings.TrimSpace(text), Rule: strings.TrimSuffix("names no "+noun+" of "+a.info.Title+": "+e.Because, ": "), Accepts: "such as " + a.someAction()}
	}
	for _, r := range a.info.Reasons {
		if strings.EqualFold(r.Action, e.Action) {
			e.Abilities = append(e.Abilities, r)
		}
	}
	for _, p := range forms() {
		if !a.available(p) {
			continue
		}
		if why := a.whyAsked(p, e); why != "" {
			e.Profiles = append(e.Profiles, asking{p.Name, why})
		}
		if recipe, ok := p.Recipe(a.info.Name); ok && !strings.Contains(p.Name, "+") && (covers(recipe.Actions, e.Action) || a.compiled(p, wanted{AsDocumented: true}, e.Action, false) != "") {
			e.Documented = append(e.Documented, p.Name)
		}
	}
	return e, nil
}

// whyAsked is why p asks for the action of e, "" if it does not: an ability that
// it needs, or its own shape, with what is made only when it is asked for.
func (a *app) whyAsked(p profile.Profile, e explanation) string {
	for _, row := range p.Asks(a.info.Name, false) {
		if slices.ContainsFunc(e.Abilities, func(r core.Reason) bool { return r.Ability == row.Ability }) {
			return row.Why
		}
	}
	if why := a.compiled(p, wanted{}, e.Action, false); why != "" {
		return why
	}
	if why := a.compiled(p, wanted{}, e.Action, true); why != "" {
		var flags []string
		for _, s := range a.optional(p) {
			flags = append(flags, "--"+s.Name)
		}
		return "with " + strings.Join(flags, " ") + ": " + why
	}
	return ""
}

// compiled is what the document is for that grants the action, in the form of p
// that is wanted, for a bucket like that of the examples; "" if none does. all
// says that what is optional is asked for.
func (a *app) compiled(p profile.Profile, w wanted, action string, all bool) string {
	g := a.exampleGrant(p.Name, a.usual(p))
	for _, s := range a.optional(p) {
		if all {
			g.Settings[s.Name] = "true"
		}
	}
	provider := a.cloud.Connect(core.Connection{})
	b, err := a.boundTo(provider, g, w)
	if err != nil {
		return ""
	}
	for _, d := range b.Documents {
		var body any
		if json.Unmarshal(d.Body, &body) == nil && grants(body, action) {
			return d.Why
		}
	}
	return ""
}

// boundTo compiles g in the form that is wanted; without a prefix if the shape knows none.
func (a *app) boundTo(provider core.Provider, g core.Grant, w wanted) (core.Blueprint, error) {
	var failed error
	for _, prefix := range []string{g.Target.Prefix, ""} {
		try := g
		try.Target.Prefix = prefix
		faults, err := a.bind(provider, &try, w)
		if failed = join(err, faults.Err()); failed != nil {
			continue
		}
		return core.Compile(provider, try)
	}
	return core.Blueprint{}, failed
}

// optional are the settings that make more of p, and of nothing else.
func (a *app) optional(p profile.Profile) []core.Setting {
	who := a.usual(p)
	return slices.DeleteFunc(slices.Clone(a.info.Settings), func(s core.Setting) bool {
		return !s.Flag || len(s.Only) == 0 || !s.For(who) || len(p.Native[a.info.Name]) == 0
	})
}

// grants reports whether a document names the action, or a pattern of actions
// that it matches. Parts that refuse something do not count.
func grants(body any, action string) bool {
	switch v := body.(type) {
	case string:
		return strings.ContainsAny(v, ":.") && covers([]string{v}, action)
	case []any:
		return slices.ContainsFunc(v, func(one any) bool { return grants(one, action) })
	case map[string]any:
		if v["Effect"] == "Deny" {
			return false
		}
		for _, one := range v {
			if grants(one, action) {
				return true
			}
		}
	}
	return false
}

// actionIn finds the word of a text that is an action, or else one that stands
// for an action: a text of one word is that word.
func (a *app) actionIn(text string) (string, core.Word) {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"'`(){}[]<>,;=", r) })
	for i, word := range words {
		words[i] = strings.Trim(word, ".:!?")
	}
	for _, word := range words {
		if found := a.lookup(word); found.Known && word != "*" {
			return word, found
		}
	}
	if len(words) == 1 {
		return words[0], a.lookup(words[0])
	}
	for _, word := range words {
		if found := a.lookup(word); found.Meant != "" && named(word) {
			return word, found
		}
	}
	return "", core.Word{}
}

// named reports whether a word of a message looks like the name of a call or an action.
func named(word string) bool {
	return strings.ContainsAny(word, ":.") || len(word) > 1 && strings.IndexFunc(word[1:], unicode.IsUpper) >= 0 && strings.IndexFunc(word, unicode.IsLower) >= 0
}

// lookup is what the cloud's vocabulary or the table of abilities knows of word.
func (a *app) lookup(word string) core.Word {
	if slices.ContainsFunc(a.info.Reasons, func(r core.Reason) bool { return r.Action == word }) {
		return core.Word{Known: true}
	}
	if a.info.Vocabulary.Lookup == nil {
		return core.Word{}
	}
	return a.info.Vocabulary.Lookup(word)
}

// someAction is an action that exists.
func (a *app) someAction() string {
	if len(a.info.Reasons) == 0 {
		return "the name of one"
	}
	return a.info.Reasons[0].Action
}

// forms are all profiles, each with its variants behind it.
func forms() []profile.Profile {
	var all []profile.Profile
	for _, p := range profile.All() {
		all = append(all, p)
		for _, v := range p.Variants {
			if varied, err := profile.Find(p.Name + "+" + v.Name); err == nil {
				all = append(all, varied)
			}
		}
	}
	return all
}

// covers reports whether one of the actions of a recipe is, or matches, action.
func covers(actions []string, action string) bool {
	return slices.ContainsFunc(actions, func(one string) bool {
		match, err := path.Match(strings.ToLower(one), strings.ToLower(action))
		return err == nil && match
	})
}

func (a *app) showExplanation(w *paper, e explanation) {
	v := a.info.Vocabulary
	noun := cmp.Or(v.Noun, "action")
	if !e.Known {
		w.line("%s is no %s of %s: %s", e.Said, noun, a.info.Title, e.Because)
		w.line("%s is what was probably meant", e.Action)
		if v.Source != "" {
			w.line("  by the list of %s, %s", v.Date, v.Source)
		}
	} else if e.Because != "" {
		w.line("%s: %s", e.Action, e.Because)
	}
	for _, r := range e.Abilities {
		i, _ := core.DescribeAbility(r.Ability)
		w.line("%s on the %s lets somebody %s: %s", e.Action, r.Level, i.Means, r.Why)
	}
	switch {
	case len(e.Abilities) == 0 && len(e.Profiles) > 0:
		w.line("%s belongs to no ability here: it is part of a profile's own shape", e.Action)
	case len(e.Abilities) == 0:
		w.line("%s belongs to no ability here: no sound form of a profile grants it", e.Action)
	}
	if len(e.Profiles) > 0 {
		w.line("asked for by")
		for _, p := range e.Profiles {
			w.beside(p.Name, 22, p.Why)
		}
	}
	if len(e.Documented) > 0 {
		w.line("asked for by the source document of %s: granted with --%s only, with all that is weak in it", strings.Join(e.Documented, ", "), documentedKey)
	}
}

// showLack says what p has to do with the action, and which form of it has it.
func (a *app) showLack(w *paper, e explanation, p profile.Profile) {
	has := func(name string) bool {
		return slices.ContainsFunc(e.Profiles, func(one asking) bool { return one.Name == name })
	}
	if has(p.Name) {
		w.line("%s has it: if it is refused all the same, it was tried outside the prefix, or the grant has changed since; %s verify finds out", p.Name, a.cloud.Program)
		return
	}
	var means []string
	for _, r := range e.Abilities {
		i, _ := core.DescribeAbility(r.Ability)
		means = append(means, "to "+i.Means)
	}
	w.line("%s lacks it: %s is not granted", p.Name, cmp.Or(strings.Join(means, ", or "), e.Action))
	base, _, _ := strings.Cut(p.Name, "+")
	for _, one := range e.Profiles {
		if family, _, _ := strings.Cut(one.Name, "+"); family == base {
			w.line("  --profile %s has it: %s", one.Name, one.Why)
		}
	}
}
