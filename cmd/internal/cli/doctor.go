// doctor: why an access fails, from the public manifest, on either side of a hand-off.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

type doctorOptions struct {
	Manifest   string
	Error      string
	Credential string
	Bundle     string
	Identity   string
	Report     string
	grant      *grantFlags
}

func (a *app) doctorCommand() *cobra.Command {
	var o doctorOptions
	c := a.command(page{
		Use: "doctor MANIFEST", Short: "Find out why an access fails, from its manifest, on either side",
		Long: "Ranks what can be wrong by what speaks for it, with one command that confirms it, one that mends it, and who must do that. It looks at everything it is given: the message of the program that failed (--error), " +
			"the credential (--bundle with --identity, or --credential), which is tried as the proof does, and, on the owner's side, the grant itself (-f or its flags), at which only the owner may look. " +
			"Whoever was given the access needs no account of the owner's. With --report everything is written to a file for whoever helps, after a search for secrets in it.",
		Examples: []string{
			"$PROGRAM doctor handoff/acme-events.KEY.manifest.json --error -",
			"$PROGRAM doctor acme-events.KEY.manifest.json --bundle acme-events.KEY.age --identity key.txt --report report.json",
			"$PROGRAM doctor handoff/acme-events.KEY.manifest.json -f grant.yaml",
		},
		Ends: []error{errInterrupted},
	})
	c.Flags().StringVar(&o.Error, "error", "", "what the program that failed has printed, as `TEXT`; \"-\" reads it from standard input")
	c.Flags().StringVar(&o.Credential, "credential", "", "try the credential in `FILE`, in any format that apply or receive writes")
	c.Flags().StringVar(&o.Bundle, "bundle", "", "try the credential in the sealed `FILE`")
	c.Flags().StringVar(&o.Identity, "identity", "", "open the bundle with the private key in `FILE`")
	c.Flags().StringVar(&o.Report, "report", "", "write a report without secrets to `FILE`, which must not exist")
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Args = exactly("MANIFEST")
	c.RunE = func(c *cobra.Command, args []string) error {
		o.Manifest = args[0]
		return a.run(&o, func() error { return doctorRun(c.Context(), a, o) })
	}
	return c
}

// given reports whether the user has said anything of the grant itself.
func (g *grantFlags) given() bool {
	for _, f := range g.own {
		if f.Changed {
			return true
		}
	}
	return g.File != ""
}

func doctorRun(ctx context.Context, a *app, o doctorOptions) (err error) {
	s, err := a.connectFrom(!o.grant.given())
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	m, complaint, err := a.complaint(s, o)
	defer complaint.Credential.Secret.Clear()
	if err != nil {
		return err
	}
	if shape := handoff.Leak([]byte(complaint.Error), complaint.Credential); shape != "" {
		return core.Faults{{Field: "error", Rule: "holds the secret of the credential itself (" + shape + ")", Accepts: "the message without it; a secret that was pasted anywhere else is known there: replace it"}}
	}
	var name string
	if complaint.Grant != nil {
		name = complaint.Grant.Name
	}
	e := s.trying(nil)
	if name != "" {
		if e, err = s.engine(name, "", reading, nil); err != nil {
			return err
		}
	}
	a.env.Doing.Set("looking for what is wrong; what a try has written is removed by the next proof")
	ended := a.unlessQuick("looking …")
	d, err := e.Diagnose(ctx, complaint)
	ended()
	if err != nil {
		return err
	}
	d = a.runnable(withheld(d, m))
	d.Unseen = append(d.Unseen, a.unlooked(o)...)
	doc := doctorJSON{SchemaVersion: 1, Sandbox: s.sandbox != nil, Side: o.side(), Manifest: handoff.WithoutCommands(m), Diagnosis: listed(d)}
	if o.Report != "" {
		if err := a.writeReport(o.Report, doc, complaint.Credential); err != nil {
			return err
		}
		doc.Report = o.Report
	}
	return a.printDoctor(doc)
}

// side says from where it is looked: "owner", or "holder".
func (o doctorOptions) side() string {
	if o.grant.given() {
		return "owner"
	}
	return "holder"
}

// manifestWord is what names, places and IDs in a manifest of ours are made of.
var manifestWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$`)

// unsound are the faults of a manifest that none of our runs can have written.
// Nobody has signed it, and what it says becomes part of commands that people
// copy: of names that are made of its words as well.
func unsound(path string, m core.Receipt) core.Faults {
	var faults core.Faults
	fault := func(field string) {
		faults = append(faults, core.Fault{Field: "manifest", Value: path, Rule: "says of the " + field + " what no run of ours writes", Accepts: "the .manifest.json as it was handed over"})
	}
	g := core.Grant{Name: m.Grant, Profile: m.Profile, Can: []core.Ability{core.Create}, Target: core.Target{Prefix: m.Prefix}}
	for _, f := range g.Faults() {
		fault(f.Field)
	}
	words := [][2]string{{"account", m.Account}, {"bucket", m.Bucket}, {"region", m.Region}}
	if m.Key != nil {
		words = append(words, [2]string{"key", m.Key.ID})
	}
	for _, w := range words {
		if !manifestWord.MatchString(w[1]) || w[0] == "region" && strings.ContainsAny(w[1], ".:_") {
			fault(w[0])
		}
	}
	return faults
}

// complaint reads everything that the user has given. The caller clears the credential.
func (a *app) complaint(s *session, o doctorOptions) (core.Receipt, core.Complaint, error) {
	var c core.Complaint
	var faults core.Faults
	m, err := handoff.Manifest(a.env.path(o.Manifest))
	if err != nil {
		faults = append(faults, core.Fault{Field: "manifest", Value: o.Manifest, Rule: short(err), Accepts: "the .manifest.json that was handed over with the access"})
	} else if m.Cloud != a.info.Name {
		return m, c, a.otherCloud(o.Manifest, m.Cloud, "doctor")
	}
	if err == nil {
		faults = append(faults, unsound(o.Manifest, m)...)
	}
	c.Manifest = a.claimed(m)
	if m.Key != nil {
		c.Key = m.Key.ID
	}
	text, fault := a.pasted(o.Error)
	if c.Error = text; fault != nil {
		faults = append(faults, *fault)
	}
	if o.Report != "" {
		faults = append(faults, a.outFault("report", o.Report)...)
	}
	if o.grant.given() {
		r, more, err := a.request(s.provider, o.grant)
		if err != nil {
			return m, c, err
		}
		if faults = append(faults, more...); len(more) == 0 && m.Grant != "" && r.Grant.Name != m.Grant {
			faults = append(faults, core.Fault{Field: "manifest", Value: o.Manifest, Rule: "is of grant " + m.Grant + ", and the flags are of grant " + r.Grant.Name, Accepts: "the flags of that grant, --name " + m.Grant + " among them if it was given one"})
		}
		c.Grant = &r.Grant
	}
	held, more, err := a.credential(o.Credential, o.Bundle, o.Identity)
	c.Credential = held
	if err != nil {
		return m, c, err
	}
	faults = append(faults, more...)
	switch {
	case held.Secret.Empty() || m.Cloud == "":
	case m.Key == nil:
		faults = append(faults, core.Fault{Field: "credential", Rule: "is of no use: the manifest is of an access without a secret", Accepts: "the command without it"})
	case held.ID != "" && m.Key.ID != held.ID:
		faults = append(faults, core.Fault{Field: "credential", Value: held.ID, Rule: "is another key than that of the manifest, " + m.Key.ID + ": if the program that fails uses this one, it may have been replaced since", Accepts: "the credential and the manifest that came together"})
	}
	return m, c, faults.Err()
}

// claimed is the blueprint that a manifest tells, with the end and the account that it names.
func (a *app) claimed(m core.Receipt) core.Blueprint {
	b := blueprintOf(m)
	b.Grant.Limits.Expires = m.Expires
	for _, s := range a.info.Settings {
		if s.Name == a.info.Nouns.Account && m.Account != "" {
			b.Grant.Settings = map[string]string{s.Name: m.Account}
		}
	}
	return b
}

// mostPasted is more than any program prints of one failure.
const mostPasted = 64 << 10

// pasted is the message of a program. One with a secret in it is refused: it
// would be shown again, and sent on.
func (a *app) pasted(text string) (string, *core.Fault) {
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(a.env.Stdin, mostPasted+1))
		if err != nil {
			return "", &core.Fault{Field: "error", Rule: "cannot be read from standard input: " + cause(err), Accepts: "the message of the program that failed"}
		}
		text = string(data)
	} else if i, err := os.Stat(a.env.path(text)); err == nil && !i.IsDir() {
		return "", &core.Fault{Field: "error", Value: text, Rule: "is the name of a file, and the message itself is wanted", Accepts: "--error - < FILE"}
	}
	if len(text) > mostPasted {
		return "", &core.Fault{Field: "error", Rule: "is longer than 64 KiB", Accepts: "the lines about the failure"}
	}
	if err := handoff.Scan([]byte(text)); err != nil {
		return "", &core.Fault{Field: "error", Rule: "must hold no secret: " + err.Error(), Accepts: "the message without it; a secret that was pasted anywhere else is known there: replace it"}
	}
	return text, nil
}

// unlooked is what nobody has looked at because it was not given.
func (a *app) unlooked(o doctorOptions) []string {
	var list []string
	if o.Error == "" {
		list = append(list, "what the program that failed has printed: --error TEXT, or --error - < FILE")
	}
	if o.Credential == "" && o.Bundle == "" {
		list = append(list, "the access itself, as its holder: --bundle FILE --identity key.txt, or --credential FILE")
	}
	if !o.grant.given() {
		list = append(list, "the grant itself, as the bucket's owner: -f grant.yaml, or the flags of the grant")
	}
	return list
}

// withheld leaves out the commands that hold the manifest's prefix if a shell
// would take it for more than a word: a prefix may hold what no other name of a grant may.
func withheld(d core.Diagnosis, m core.Receipt) core.Diagnosis {
	if plainWord(m.Prefix) {
		return d
	}
	for i := range d.Hypotheses {
		for _, command := range []*string{&d.Hypotheses[i].Confirm, &d.Hypotheses[i].Fix} {
			if strings.Contains(*command, m.Prefix) {
				*command = fmt.Sprintf("(not shown: the prefix is %q, which a shell would not take for a name)", m.Prefix)
			}
		}
	}
	return d
}

// runnable puts this program's name before what is a command of it.
func (a *app) runnable(d core.Diagnosis) core.Diagnosis {
	known := newApp(a.cloud, a.env).root() // of its own: making the tree puts flags back to what they are by default
	for i := range d.Hypotheses {
		for _, command := range []*string{&d.Hypotheses[i].Confirm, &d.Hypotheses[i].Fix} {
			first, _, _ := strings.Cut(*command, " ")
			if found, _, err := known.Find([]string{strings.TrimSuffix(first, ",")}); err == nil && found.HasParent() {
				*command = a.cloud.Program + " " + *command
			}
		}
	}
	return d
}

// plainWord reports whether no shell finds anything but letters in s.
func plainWord(s string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@=+,"
	return strings.Trim(s, plain) == "" && !strings.HasPrefix(s, "-")
}
