// Grant: from what a user says to a grant, with all faults at once.
package cli

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

// request is a grant and how its credential is handed over, as the user wants it.
type request struct {
	Grant  core.Grant `json:"grant"`
	To     []string   `json:"to,omitempty"`
	Format string     `json:"format,omitempty"`
	Out    string     `json:"out,omitempty"`

	at map[string]string // where a file says it
}

// read merges flags, grant file and environment, in this order of precedence.
func (a *app) read(g *grantFlags) (said, core.Faults) {
	words, faults := newSaid(), core.Faults(nil)
	if g.File != "" {
		words, faults = a.readGrantFile(g.File, g.table)
	}
	for _, f := range g.table {
		if flag := g.own[f.Key]; flag != nil && flag.Changed {
			delete(words.at, f.Key)
			switch f.Kind {
			case textField:
				words.text[f.Key] = g.words.text[f.Key]
			case flagField:
				words.flag[f.Key] = g.words.flag[f.Key]
			case listField:
				words.list[f.Key] = g.words.list[f.Key]
			}
			continue
		}
		for _, name := range f.Env {
			if _, ok := words.text[f.Key]; !ok && a.env.Getenv(name) != "" {
				words.text[f.Key] = a.env.Getenv(name)
			}
		}
	}
	return words, faults
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
	var faults core.Faults
	r := request{
		Grant: core.Grant{
			Name: words.text["name"], Profile: words.text["profile"], Who: core.WhoKey,
			Target: core.Target{
				Bucket: words.text["bucket"], Prefix: words.text["prefix"],
				Region: words.text[a.info.Nouns.Region], Adopt: words.flag["adopt"],
			},
		},
		To: words.list["to"], Format: words.text["format"], Out: words.text["out"], at: words.at,
	}
	expires, fault := parseExpires(words.text[expiresKey], time.Now())
	r.Grant.Limits.Expires = expires
	if fault != nil {
		if at, ok := words.at[expiresKey]; ok {
			fault.Field = at + ": " + expiresKey
		}
		faults = append(faults, *fault)
	}
	for _, f := range table {
		if v, ok := words.text[f.Key]; ok && f.Setting {
			if r.Grant.Settings == nil {
				r.Grant.Settings = map[string]string{}
			}
			r.Grant.Settings[f.Key] = v
		}
	}
	more, err := a.bind(p, &r.Grant, words.flag["strict"])
	for i, f := range more {
		if at, ok := words.at[f.Field]; ok {
			more[i].Field = at + ": " + f.Field
		}
	}
	return r, append(faults, more...), err
}

// bind fills in what the profile and the names decide, and returns what is wrong with g.
func (a *app) bind(p core.Provider, g *core.Grant, strict bool) (core.Faults, error) {
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
	g.Can = prof.Bind(a.info.Name, strict)
	if len(g.Can) == 0 && len(faults) > 0 {
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

func profileNames() []string {
	var names []string
	for _, p := range profile.All() {
		names = append(names, p.Name)
	}
	return names
}
