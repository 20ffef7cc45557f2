// Fields: what a grant is made of, as one table for flags, grant file and schema.
package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
	"github.com/bucketgrant/bucketgrant/core/nearest"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

// The keys of the fields that are not taken as they are said.
const (
	whoKey        = "who"
	documentedKey = "as-documented"
	riskKey       = "accept-risk"
	sharedKey     = "shared"
	fromKey       = "from"
)

// onlyKey is the annotation of a flag that is of use with some ways of proving who one is.
const onlyKey = "only-with-who"

// kind is what the value of a field looks like.
type kind int

// The kinds of fields.
const (
	textField kind = iota
	flagField
	listField
)

// field is one thing that a user can say about a grant.
type field struct {
	Key      string // of the grant file, and the name of the flag
	Kind     kind
	Usage    string
	Example  string
	Accepts  []string   // the only values; none: any
	Required bool       // must be said somewhere
	Env      []string   // environment variables that are read when nothing else says it
	Noun     string     // what stands for its value in help texts; "": made of the key
	Handoff  bool       // about the delivery, not about the access
	Setting  bool       // belongs to this cloud alone
	File     bool       // what is said is the name of a file, and its content is meant
	Only     []core.Who // the ways of proving who one is that it belongs to; none: all
}

// always reports whether f must be said whatever else is.
func (f field) always() bool { return f.Required && len(f.Only) == 0 }

// fields is the table for one cloud.
func fields(info core.Info, regionExample string) []field {
	var profiles, forms, formats, ways []string
	for _, p := range profile.All() {
		profiles = append(profiles, p.Name)
		forms = append(forms, p.Name)
		for _, v := range p.Variants {
			forms = append(forms, p.Name+"+"+v.Name)
		}
	}
	for _, id := range info.Identities {
		ways = append(ways, string(id.Who))
	}
	for _, f := range handoff.Formats() {
		if slices.ContainsFunc(info.Identities, func(id core.Identity) bool { return slices.Contains(f.Forms, id.Form) }) {
			formats = append(formats, f.Name)
		}
	}
	list := []field{
		{Key: "profile", Usage: "what the grantee needs: " + strings.Join(profiles, ", ") + "; NAME+FORM is another form of it, see: profiles", Example: "event-dump", Accepts: forms, Required: true},
		{Key: whoKey, Usage: "how the grantee proves who it is: " + strings.Join(ways, ", ") + "; plan says which are possible and which is recommended", Example: ways[0], Accepts: ways, Noun: "KIND"},
		{Key: "strict", Kind: flagField, Usage: "leave out what the profile's source asks for but the grantee can do without"},
		{Key: documentedKey, Kind: flagField, Usage: "grant what the profile's source document literally asks for, with all that is weak in it"},
		{Key: riskKey, Kind: flagField, Usage: "consent to what the holder of a grant as documented could do to you"},
		{Key: "bucket", Usage: "the bucket's name", Example: "acme-events", Required: true},
		{Key: "prefix", Usage: `grant only the keys that begin with this path, which ends in "/"`, Example: "events/"},
		{Key: info.Nouns.Region, Usage: fmt.Sprintf("the %s where the bucket is or will be", info.Nouns.Region), Example: regionExample, Required: true},
		{Key: "name", Usage: "the grant's name, from which all other names are made (default: from profile, bucket and prefix)", Example: "acme-events"},
		{Key: expiresKey, Usage: "end the access by itself: at a date, at a moment, or some days from today (90d); a date in a grant file stays the same when it is applied again", Example: "2030-12-31"},
		{Key: "adopt", Kind: flagField, Usage: "the bucket exists and is somebody else's: never create, alter or drop it"},
		{Key: sharedKey, Kind: flagField, Usage: "the bucket is yours and serves many grants: whichever comes first makes it (some profiles say so themselves)"},
		{Key: fromKey, Kind: listField, Noun: "CIDR", Usage: "refuse requests from anywhere but this network or address; may be repeated", Example: "203.0.113.0/24"},
	}
	for _, s := range info.Settings {
		list = append(list, settingField(s))
	}
	return append(list,
		field{Key: "to", Kind: listField, Usage: "seal the credential to this public key (age1…, ssh-ed25519 …, ssh-rsa …, or @FILE with such lines); may be repeated; a fingerprint in front, \"SHA256:… @FILE\", refuses any other key", Example: "age1…", Handoff: true},
		field{Key: "recovery", Noun: "KEY", Usage: "seal it to this public key of your own as well, so that you can recover the credential", Example: "age1…", Handoff: true},
		field{Key: "format", Usage: "how the credential is written: " + strings.Join(formats, ", "), Example: formats[0], Accepts: formats, Handoff: true},
		field{Key: "out", Usage: "the directory for credential and manifest (default: " + defaultOut + ")", Example: "handoff/", Handoff: true},
	)
}

// meant is the known word that somebody probably meant who said word: what this
// cloud calls the same thing, or one that is spelled alike. "" if there is none.
func meant(word string, known []string) string {
	for _, same := range [][]string{{"region", "location"}, {"account", "project"}} {
		for _, other := range same {
			if slices.Contains(same, word) && slices.Contains(known, other) {
				return other
			}
		}
	}
	return nearest.Word(word, known)
}

// settingField is the field of what one cloud alone asks for.
func settingField(s core.Setting) field {
	f := field{Key: s.Name, Usage: s.Usage, Example: s.Example, Required: s.Required, Env: s.Env, Setting: true, File: s.File, Only: s.Only}
	if s.Flag {
		f.Kind = flagField
	}
	if s.File {
		f.Noun = "FILE"
	}
	return f
}

// noun is what stands for the value of f in help texts.
func (f field) noun() string {
	switch {
	case f.Noun != "":
		return f.Noun
	case f.Key == "out":
		return "DIR"
	case f.Key == "to":
		return "KEY"
	}
	return strings.ToUpper(f.Key[strings.LastIndex(f.Key, "-")+1:])
}

// said is what a user has said, by the key of the field.
type said struct {
	text map[string]string
	flag map[string]bool
	list map[string][]string
	at   map[string]string // where a file says it: "grant.yaml:3:9"
	env  map[string]bool   // only the environment says it
	dir  string            // relative names of files in a file begin here
}

func newSaid() said {
	return said{text: map[string]string{}, flag: map[string]bool{}, list: map[string][]string{}, at: map[string]string{}, env: map[string]bool{}}
}

// over is what w says, and what base says of everything else.
func (w said) over(base said) said {
	all := newSaid()
	for _, from := range []said{base, w} {
		for _, key := range from.keys() {
			delete(all.at, key)
			delete(all.env, key)
		}
		maps.Copy(all.text, from.text)
		maps.Copy(all.flag, from.flag)
		maps.Copy(all.list, from.list)
		maps.Copy(all.at, from.at)
		maps.Copy(all.env, from.env)
	}
	return all
}

// keys are the fields that something is said of.
func (w said) keys() []string {
	return slices.Concat(slices.Collect(maps.Keys(w.text)), slices.Collect(maps.Keys(w.flag)), slices.Collect(maps.Keys(w.list)))
}

// grantFlags are the flags that say a grant.
type grantFlags struct {
	File  string
	table []field
	words said
	own   map[string]*pflag.Flag // the flags that say a field, by its key
}

// addGrantFlags gives a command the flags of the fields that want chooses.
func (a *app) addGrantFlags(flags *pflag.FlagSet, want func(field) bool) *grantFlags {
	g := &grantFlags{table: fields(a.info, a.cloud.Region), words: newSaid(), own: map[string]*pflag.Flag{}}
	flags.StringVarP(&g.File, "file", "f", "", `read the grant from a YAML or JSON `+"`FILE`"+`; "-" is standard input; flags win over it`)
	g.add(flags, want)
	return g
}

// addSettings gives a command the flags of the settings that every grant needs,
// for what is about a whole account and no grant.
func (a *app) addSettings(flags *pflag.FlagSet) *grantFlags {
	g := &grantFlags{table: fields(a.info, a.cloud.Region), words: newSaid(), own: map[string]*pflag.Flag{}}
	g.add(flags, func(f field) bool { return f.Setting && f.always() })
	return g
}

// add adds the flags of the fields that want chooses.
func (g *grantFlags) add(flags *pflag.FlagSet, want func(field) bool) {
	for _, f := range g.table {
		if !want(f) {
			continue
		}
		switch f.Kind {
		case textField:
			flags.Var(textValue{g.words.text, f.Key, f.noun()}, f.Key, f.Usage)
		case flagField:
			v := flags.VarPF(boolValue{g.words.flag, f.Key}, f.Key, "", f.Usage)
			v.NoOptDefVal = "true"
		case listField:
			flags.Var(listValue{g.words.list, f.Key, f.noun()}, f.Key, f.Usage)
		}
		g.own[f.Key] = flags.Lookup(f.Key)
		if len(f.Only) > 0 {
			g.own[f.Key].Annotations = map[string][]string{onlyKey: {joinWho(f.Only)}}
		}
	}
}

// textValue is a flag with one value.
type textValue struct {
	to   map[string]string
	key  string
	noun string
}

func (v textValue) String() string     { return v.to[v.key] }
func (v textValue) Set(s string) error { v.to[v.key] = s; return nil }
func (v textValue) Type() string       { return v.noun }

// listValue is a flag that may be repeated. A comma is part of a value.
type listValue struct {
	to   map[string][]string
	key  string
	noun string
}

func (v listValue) String() string     { return strings.Join(v.to[v.key], " ") }
func (v listValue) Set(s string) error { v.to[v.key] = append(v.to[v.key], s); return nil }
func (v listValue) Type() string       { return v.noun }

// boolValue is a flag without a value, or with "=false" against a grant file.
type boolValue struct {
	to  map[string]bool
	key string
}

func (v boolValue) String() string {
	if v.to[v.key] {
		return "true"
	}
	return ""
}

func (v boolValue) Type() string { return "bool" }

func (v boolValue) Set(s string) error {
	switch s {
	case "true", "false":
		v.to[v.key] = s == "true"
		return nil
	}
	return fmt.Errorf(`must be "true" or "false"`)
}
