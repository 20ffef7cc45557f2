// Fields: what a grant is made of, as one table for flags, grant file and schema.
package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

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
	Accepts  []string // the only values; none: any
	Required bool     // must be said somewhere
	Env      []string // environment variables that are read when nothing else says it
	Handoff  bool     // about the delivery, not about the access
	Setting  bool     // belongs to this cloud alone
}

// fields is the table for one cloud.
func fields(info core.Info, regionExample string) []field {
	var profiles, formats []string
	for _, p := range profile.All() {
		profiles = append(profiles, p.Name)
	}
	for _, f := range handoff.Formats() {
		if slices.ContainsFunc(info.Identities, func(id core.Identity) bool { return slices.Contains(f.Forms, id.Form) }) {
			formats = append(formats, f.Name)
		}
	}
	list := []field{
		{Key: "profile", Usage: "what the grantee needs: " + strings.Join(profiles, ", "), Example: "event-dump", Accepts: profiles, Required: true},
		{Key: "strict", Kind: flagField, Usage: "leave out what the profile's source asks for but the grantee can do without"},
		{Key: "bucket", Usage: "the bucket's name", Example: "acme-events", Required: true},
		{Key: "prefix", Usage: `grant only the keys that begin with this path, which ends in "/"`, Example: "events/"},
		{Key: info.Nouns.Region, Usage: fmt.Sprintf("the %s where the bucket is or will be", info.Nouns.Region), Example: regionExample, Required: true},
		{Key: "name", Usage: "the grant's name, from which all other names are made (default: from profile, bucket and prefix)", Example: "acme-events"},
		{Key: expiresKey, Usage: "end the access by itself: at a date, at a moment, or some days from today (90d); a date in a grant file stays the same when it is applied again", Example: "2030-12-31"},
		{Key: "adopt", Kind: flagField, Usage: "the bucket exists and is somebody else's: never create, alter or drop it"},
	}
	for _, s := range info.Settings {
		list = append(list, field{Key: s.Name, Usage: s.Usage, Example: s.Example, Required: s.Required, Env: s.Env, Setting: true})
	}
	return append(list,
		field{Key: "to", Kind: listField, Usage: "seal the credential to this public key (age1…, ssh-ed25519 …, ssh-rsa …); may be repeated", Example: "age1…", Handoff: true},
		field{Key: "format", Usage: "how the credential is written: " + strings.Join(formats, ", "), Example: formats[0], Accepts: formats, Handoff: true},
		field{Key: "out", Usage: "the directory for credential and manifest (default: " + defaultOut + ")", Example: "handoff/", Handoff: true},
	)
}

// noun is what stands for the value of f in help texts.
func (f field) noun() string {
	if f.Key == "out" {
		return "DIR"
	}
	return strings.ToUpper(f.Key[strings.LastIndex(f.Key, "-")+1:])
}

// said is what a user has said, by the key of the field.
type said struct {
	text map[string]string
	flag map[string]bool
	list map[string][]string
	at   map[string]string // where a file says it: "grant.yaml:3:9"
}

func newSaid() said {
	return said{text: map[string]string{}, flag: map[string]bool{}, list: map[string][]string{}, at: map[string]string{}}
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
			flags.Var(listValue{g.words.list, f.Key}, f.Key, f.Usage)
		}
		g.own[f.Key] = flags.Lookup(f.Key)
	}
	return g
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
	to  map[string][]string
	key string
}

func (v listValue) String() string     { return strings.Join(v.to[v.key], " ") }
func (v listValue) Set(s string) error { v.to[v.key] = append(v.to[v.key], s); return nil }
func (v listValue) Type() string       { return "KEY" }

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
