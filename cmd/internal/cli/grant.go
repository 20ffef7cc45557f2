// Grant: from what a user says to a grant, with all faults at once.
package cli

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

// request is a grant and how its credential is handed over, as the user wants it.
type request struct {
	Grant      core.Grant `json:"grant"`
	AcceptRisk bool       `json:"accept_risk,omitempty"`
	To         []string   `json:"to,omitempty"`
	Recovery   string     `json:"recovery,omitempty"`
	Format     string     `json:"format,omitempty"`
	Out        string     `json:"out,omitempty"`

	at map[string]string // where a file says it
}

// read merges flags, grant file and environment, in this order of precedence.
func (a *app) read(g *grantFlags) (said, core.Faults) {
	words, faults := newSaid(), core.Faults(nil)
	if g.File != "" {
		words, faults = a.readGrantFile(g.File, g.table)
	}
	return a.flagsOver(g, words), faults
}

// flagsOver is what the flags say, over what a file says, over the environment.
func (a *app) flagsOver(g *grantFlags, file said) said {
	flags, env := newSaid(), newSaid()
	for _, f := range g.table {
		if flag := g.own[f.Key]; flag != nil && flag.Changed {
			switch f.Kind {
			case textField:
				flags.text[f.Key] = g.words.text[f.Key]
			case flagField:
				flags.flag[f.Key] = g.words.flag[f.Key]
			case listField:
				flags.list[f.Key] = g.words.list[f.Key]
			}
		}
		for _, name := range f.Env {
			if _, ok := env.text[f.Key]; !ok && a.env.Getenv(name) != "" {
				env.text[f.Key], env.env[f.Key] = a.env.Getenv(name), true
			}
		}
	}
	all := flags.over(file.over(env))
	if all.dir = a.env.Dir; g.File != "" && g.File != "-" {
		all.dir = filepath.Dir(a.env.path(g.File))
	}
	return all
}

// request builds what g says and checks everything that can be checked without
// a call: the faults are returned next to the request.
func (a *app) request(p core.Provider, g *grantFlags) (request, core.Faults, error) {
	words, faults := a.read(g)
	if len(faults) > 0 && len(words.at) == 0 && g.File != "" {
		return request{}, nil, faults // what is missing would only repeat that the file could not be read
	}
	r, more, err := a.build(p, g.table, words)
	return r, append(faults, more...), err
}

// build is the request of one grant, and what is wrong with it.
func (a *app) build(p core.Provider, table []field, words said) (request, core.Faults, error) {
	r := request{
		Grant: core.Grant{
			Name: words.text["name"], Profile: words.text["profile"], Who: core.Who(words.text[whoKey]),
			Target: core.Target{
				Bucket: words.text["bucket"], Prefix: words.text["prefix"],
				Region: words.text[a.info.Nouns.Region], Adopt: words.flag["adopt"],
			},
		},
		AcceptRisk: words.flag[riskKey],
		To:         words.list["to"], Recovery: words.text["recovery"], Format: words.text["format"], Out: words.text["out"], at: words.at,
	}
	var faults core.Faults
	if text, ok := words.text[expiresKey]; ok {
		expires, fault := parseExpires(text, time.Now())
		if r.Grant.Limits.Expires = expires; fault != nil {
			faults = append(faults, *fault)
		}
	}
	from, more := parseNetworks(words.list[fromKey])
	r.Grant.Limits.From, faults = from, append(faults, more...)
	files, more := a.settings(&r.Grant, table, words)
	faults = append(faults, more...)
	w := wanted{Strict: words.flag["strict"], AsDocumented: words.flag[documentedKey], FromEnv: words.env}
	if shared, ok := words.flag[sharedKey]; ok {
		w.Shared = &shared
	}
	more, err := a.bind(p, &r.Grant, w)
	for _, f := range more {
		if name, ok := files[f.Field]; ok {
			f.Value = name // and not the whole file
		}
		faults = append(faults, f)
	}
	for i, f := range faults {
		if at, ok := words.at[f.Field]; ok {
			faults[i].Field = at + ": " + f.Field
		}
	}
	return r, faults, err
}

// settings puts what words say of this cloud's own settings into g. files are the
// names of those whose content was read.
func (a *app) settings(g *core.Grant, table []field, words said) (files map[string]string, faults core.Faults) {
	files, g.Settings = map[string]string{}, map[string]string{}
	for _, f := range table {
		if !f.Setting {
			continue
		}
		if v, ok := words.flag[f.Key]; ok {
			g.Settings[f.Key] = strconv.FormatBool(v)
		}
		v, ok := words.text[f.Key]
		if !ok {
			continue
		}
		if f.File {
			var fault *core.Fault
			if v, files[f.Key], fault = a.content(f.Key, v, words); fault != nil {
				faults = append(faults, *fault)
				continue
			}
		}
		g.Settings[f.Key] = v
	}
	if len(g.Settings) == 0 {
		g.Settings = nil
	}
	return files, faults
}

// mostContent is more than a certificate and its chain take.
const mostContent = 64 << 10

// content is what a field means by the name of a file, or by a text in a grant
// file that has more than one line. shown is how to speak of it.
func (a *app) content(key, value string, words said) (text, shown string, fault *core.Fault) {
	_, inFile := words.at[key]
	path := a.env.path(value)
	if strings.Contains(value, "\n") || !nameable(value) {
		if inFile && strings.Contains(value, "\n") {
			return value, "the text in the file", nil
		}
		return "", "", &core.Fault{Field: key, Rule: "is no name of a file", Accepts: "the name of a file that you may read"}
	}
	if inFile && !filepath.IsAbs(value) {
		path = filepath.Join(words.dir, value)
	}
	data, err := handoff.ReadSmall(path, mostContent)
	if value == "-" || err != nil {
		why := "is no name of a file"
		if value != "-" {
			why = "cannot be read: " + cause(err)
		}
		return "", "", &core.Fault{Field: key, Value: value, Rule: why, Accepts: "the name of a file of at most 64 KiB that you may read"}
	}
	return string(data), value, nil
}

// nameable reports whether a value can be the name of a file. What is the
// content of one by mistake may be a secret, so no message repeats it.
func nameable(value string) bool {
	const longest = 512
	return len(value) <= longest && !strings.Contains(value, "-----")
}

// wanted is what a user says of a profile, beside its name.
type wanted struct {
	Strict       bool
	AsDocumented bool
	Shared       *bool           // nil: as the profile has it
	FromEnv      map[string]bool // settings that only the environment says
}

// bind fills in what the profile and the names decide, and returns what is wrong with g.
func (a *app) bind(p core.Provider, g *core.Grant, w wanted) (core.Faults, error) {
	var faults core.Faults
	prof, err := profile.Find(g.Profile)
	if g.Profile == "" {
		faults = append(faults, core.Fault{Field: "profile", Rule: "is missing", Accepts: "one of " + strings.Join(profileNames(), ", ")})
	} else if err := collect(&faults, err); err != nil {
		return nil, err
	}
	for i, f := range faults {
		if f.Field == "profile" && f.Value != "" {
			faults[i].Accepts += " (what the grantee needs; your own sign-in is chosen by the cloud's own environment variables)"
		}
	}
	if err := a.absent(prof); err != nil {
		return nil, err
	}
	faults = append(faults, a.choose(prof, g, w.FromEnv)...)
	faults = append(faults, a.shape(prof, g, w)...)
	if len(g.Can)+len(g.Native) == 0 && len(faults) > 0 {
		g.Can = []core.Ability{core.Create} // so that the other faults can be found as well
	}
	named := g.Name != ""
	if !named {
		g.Name = core.DefaultName(g.Profile, g.Target.Bucket, g.Target.Prefix)
	}
	_, err = core.Compile(p, *g)
	found, ok := errors.AsType[core.Faults](err)
	if err != nil && !ok {
		return nil, err
	}
	if !named && len(faults)+len(found) > 1 {
		// A name made of something faulty is faulty for that reason only.
		found = slices.DeleteFunc(found, func(f core.Fault) bool { return f.Field == "name" })
	}
	return append(faults, found...), nil
}

// shape fills in what prof grants, in the form that is wanted.
func (a *app) shape(prof profile.Profile, g *core.Grant, w wanted) core.Faults {
	g.Can, g.Native = prof.Bind(a.info.Name, w.Strict), prof.Native[a.info.Name]
	g.Target.Shared = prof.Shared && !g.Target.Adopt
	if w.Shared != nil {
		g.Target.Shared = *w.Shared
	}
	if !w.AsDocumented || prof.Name == "" {
		return nil
	}
	g.Literal = true
	var faults core.Faults
	fault := func(rule, accepts string) {
		faults = append(faults, core.Fault{Field: documentedKey, Value: "true", Rule: rule, Accepts: accepts})
	}
	if w.Strict {
		fault("is given together with strict, which leaves out what the document asks for", "one of them")
	}
	if base, _, varied := strings.Cut(prof.Name, "+"); varied {
		fault("is given for a variant, of which the document knows nothing", "profile "+base)
	}
	if usual := a.usual(prof); g.Who != usual {
		fault("is given together with who: "+string(g.Who)+", of which the document knows nothing", "who: "+string(usual))
	}
	recipe, ok := prof.Recipe(a.info.Name)
	if !ok {
		fault(fmtDocuments(prof, a.info.Title), "the command without it: the sound form")
		return faults
	}
	if len(recipe.Can) > 0 {
		g.Can = recipe.Can
	}
	if len(recipe.Native) > 0 {
		g.Native = recipe.Native
	}
	return faults
}

// fmtDocuments says for which clouds the source of prof has a recipe.
func fmtDocuments(prof profile.Profile, here string) string {
	var clouds []string
	for _, r := range prof.Documented {
		clouds = append(clouds, r.Cloud)
	}
	return "is given, but the source document of " + prof.Name + " says nothing of " + here + ": it is about " + strings.Join(clouds, " and ")
}

// mustAccept adds a fault if a grant as documented needs a consent that nobody has given.
func (a *app) mustAccept(r request, faults *core.Faults) {
	if risk := a.risk(r.Grant); risk != "" && !r.AcceptRisk {
		*faults = append(*faults, core.Fault{Field: riskKey, Rule: "is missing: " + risk, Accepts: "--" + riskKey + " as a consent, or the sound form: the command without --" + documentedKey})
	}
}

// risk is what the holder of a grant as documented could do to the owner, "" if
// nothing that needs consent.
func (a *app) risk(g core.Grant) string {
	if !g.Literal {
		return ""
	}
	prof, err := profile.Find(g.Profile)
	if err != nil {
		return ""
	}
	recipe, _ := prof.Recipe(a.info.Name)
	return recipe.Risk
}

func profileNames() []string {
	var names []string
	for _, p := range profile.All() {
		names = append(names, p.Name)
	}
	return names
}
