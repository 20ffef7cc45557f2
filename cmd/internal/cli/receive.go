// receive: the other side of a hand-off. It needs no cloud account of its own.
package cli

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

type receiveOptions struct {
	Bundle   string
	Identity string
	Manifest string
	Format   string
	GitHub   string // a file with a repository's public key
	Out      string
	Try      bool
}

func (a *app) receiveCommand() *cobra.Command {
	var o receiveOptions
	c := a.command(page{
		Use: "receive FILE", Short: "Open a sealed credential that was sent to you, show its manifest, write it in a format, try it",
		Long: "For whoever asked for the access. Opens the sealed FILE with your private key, checks it against the manifest beside it, and writes the credential to a file that only you can read, " +
			"or to standard output if that is not a terminal. At the end it prints a code for whoever sent you the file. With --try everything that the manifest promises is tried, and everything that it rules out. " +
			"Where no secret was handed over, FILE is the manifest itself, and what it tells you is shown.",
		Examples: []string{
			"$PROGRAM receive handoff/acme-events.KEY.age --identity key.txt --out credentials",
			"$PROGRAM receive handoff/acme-events.KEY.age --identity key.txt --try",
			"$PROGRAM receive handoff/acme-events.KEY.age --identity key.txt --format json | jq .bucket",
			"$PROGRAM receive handoff/acme-events.RUN.manifest.json",
		},
		Ends: []error{core.ErrUnproven, core.ErrNotConverged, errInterrupted}, Means: triedEnds(),
	})
	table := fields(a.info, a.cloud.Region)
	format := table[slices.IndexFunc(table, func(f field) bool { return f.Key == "format" })]
	c.Flags().StringVar(&o.Identity, "identity", "", "open it with the private key in `FILE` (age or ssh)")
	c.Flags().StringVar(&o.Manifest, "manifest", "", "the manifest in `FILE` (default: the one beside the sealed file)")
	c.Flags().StringVar(&o.Format, "format", "", "write it as `FORMAT`: "+strings.Join(format.Accepts, ", ")+" (default: as it was sent)")
	c.Flags().StringVar(&o.GitHub, "github-key", "", "with --format github: seal it to the repository whose public key, as GitHub answers it, is in `FILE`, instead of writing a script")
	c.Flags().StringVar(&o.Out, "out", "", "write the credential to `FILE`, which must not exist")
	c.Flags().BoolVar(&o.Try, "try", false, "try what the manifest promises and what it rules out")
	c.Args = exactly("FILE")
	c.RunE = func(c *cobra.Command, args []string) error {
		o.Bundle = args[0]
		return a.run(&o, func() error { return receiveRun(c.Context(), a, o) })
	}
	return c
}

func receiveRun(ctx context.Context, a *app, o receiveOptions) (err error) {
	s, err := a.connectFrom(true)
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	if m, ok := a.manifestAlone(o.Bundle); ok {
		return a.receiveSecretless(o, m)
	}
	in, err := a.opened(o)
	if err != nil {
		return err
	}
	defer in.credential.Secret.Clear()
	if a.talks() {
		w := a.paper(a.env.Stderr, a.env.Terminal.Err)
		w.raw(handoff.Claimed(in.receipt))
	}
	doc := receivedJSON{SchemaVersion: 1, Manifest: handoff.WithoutCommands(in.receipt)}
	shows := handoff.Opened
	if o.Try {
		shows = handoff.Tried
		proof, err := a.tryReceived(ctx, s, in)
		if doc.Proof = &proof; err != nil {
			return join(err, a.printReceived(doc))
		}
	}
	if err := a.writeReceived(o, in); err != nil {
		return err
	}
	doc.Written, doc.Acknowledge = o.Out, in.code(shows)
	return join(a.tellCode(doc.Acknowledge, shows), a.printReceived(doc))
}

// code is what shows the sender that the hand-off was opened, or tried; "" if the
// sender does not ask for it.
func (in received) code(shows handoff.Purpose) string {
	if in.receipt.Delivery == nil || in.receipt.Delivery.Acknowledge == nil {
		return ""
	}
	return handoff.Code(shows, in.credential, in.sealed)
}

// tellCode says what to do with a code.
func (a *app) tellCode(code string, shows handoff.Purpose) error {
	if code == "" || !a.talks() {
		return nil
	}
	what := "that you have opened it"
	if shows == handoff.Tried {
		what = "that you have opened and tried it"
	}
	w := a.paper(a.env.Stderr, a.env.Terminal.Err)
	w.line("")
	w.line("acknowledge  %s", code)
	w.line("             send this code to whoever sent you the file; it shows %s and nothing of the secret", what)
	return w.err
}

// manifestAlone reads a manifest that comes without a sealed file, because nothing
// secret is handed over.
func (a *app) manifestAlone(path string) (core.Receipt, bool) {
	m, err := handoff.Manifest(a.env.path(path))
	return m, err == nil && m.Key == nil && m.Delivery == nil && m.Who != ""
}

// receiveSecretless shows what the grantee is told where there is nothing to open.
func (a *app) receiveSecretless(o receiveOptions, m core.Receipt) error {
	var faults core.Faults
	if m.Cloud != a.info.Name {
		return a.otherCloud(o.Bundle, m.Cloud, "receive")
	}
	for _, said := range []struct {
		key   string
		given bool
	}{{"identity", o.Identity != ""}, {"manifest", o.Manifest != ""}, {"format", o.Format != ""}, {"github-key", o.GitHub != ""}, {"out", o.Out != ""}} {
		if said.given {
			faults = append(faults, core.Fault{Field: said.key, Rule: "is of no use: nothing secret is handed over with who: " + string(m.Who), Accepts: "the command without it"})
		}
	}
	if o.Try {
		faults = append(faults, core.Fault{Field: "try", Rule: "needs the grant itself, of which the manifest tells not all", Accepts: a.cloud.Program + " verify -f GRANT --inside, run where the grantee runs"})
	}
	if err := faults.Err(); err != nil {
		return err
	}
	if a.global.JSON {
		return a.printReceived(receivedJSON{SchemaVersion: 1, Manifest: handoff.WithoutCommands(m)})
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	w.raw(handoff.Claimed(m))
	return w.err
}

// cloudName is what the name of a cloud is made of, and so that of its program.
var cloudName = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)

// otherCloud says which program reads the manifest, by a command of that name.
// Nobody has signed a manifest: one that names no cloud names no program.
func (a *app) otherCloud(path, cloud, command string) error {
	if !cloudName.MatchString(cloud) {
		return core.Faults{{Field: "manifest", Value: path, Rule: "says of the cloud what no run of ours writes", Accepts: "the .manifest.json as it was handed over"}}
	}
	other := strings.Replace(a.cloud.Program, a.info.Name, cloud, 1)
	return core.Faults{{Field: "manifest", Value: path, Rule: "is for the cloud " + cloud, Accepts: other + " " + command}}
}

// receivedJSON is what was received, without the secret, as machines read it.
type receivedJSON struct {
	SchemaVersion int          `json:"schema_version"`
	Manifest      core.Receipt `json:"manifest"`              // as its sender claims, without commands
	Proof         *core.Proof  `json:"proof,omitempty"`       // of --try
	Written       string       `json:"written,omitempty"`     // the file with the credential
	Acknowledge   string       `json:"acknowledge,omitempty"` // the code that shows the sender that it was opened, or tried; nothing of the secret
}

// printReceived prints d if JSON is asked for.
func (a *app) printReceived(d receivedJSON) error {
	if !a.global.JSON {
		return nil
	}
	return printJSON(a.env.Stdout, d)
}

// received is a hand-off that was opened.
type received struct {
	credential core.Credential
	receipt    core.Receipt
	format     handoff.Format
	sealed     []byte // the file that it came in
	boxes      []byte // what is written instead, sealed to a repository
}

// opened opens the hand-off and checks everything that does not need the cloud.
func (a *app) opened(o receiveOptions) (received, error) {
	var in received
	var faults core.Faults
	if o.Identity == "" {
		faults = append(faults, core.Fault{Field: "identity", Rule: "is missing", Accepts: "a file with your private key"})
	}
	if o.Out != "" {
		faults = append(faults, a.outFault("out", o.Out)...)
	} else if a.global.JSON && !o.Try {
		faults = append(faults, core.Fault{Field: "json", Rule: "is given, but standard output is for the credential", Accepts: "--out FILE, or --try; --format json is a format of the credential"})
	} else if !o.Try && a.env.Terminal.Out {
		faults = append(faults, core.Fault{Field: "out", Rule: "is missing, and a secret is not printed on a terminal", Accepts: "a file that does not exist yet"})
	}
	if o.Manifest == "" {
		o.Manifest = handoff.ManifestPath(o.Bundle)
	}
	var err error
	if in.receipt, err = handoff.Manifest(a.env.path(o.Manifest)); err != nil {
		faults = append(faults, core.Fault{Field: "manifest", Value: o.Manifest, Rule: short(err), Accepts: "the .manifest.json that came with the sealed file"})
	} else if in.receipt.Cloud != a.info.Name {
		return in, a.otherCloud(o.Manifest, in.receipt.Cloud, "receive")
	}
	var data []byte
	if o.Identity != "" {
		var sealed []byte
		var more core.Faults
		data, sealed, more = a.unseal("file", o.Bundle, o.Identity)
		faults = append(faults, more...)
		in.sealed = sealed
		if len(more) == 0 && in.receipt.Cloud != "" {
			if err := handoff.Bound(in.receipt, o.Bundle, sealed); err != nil {
				faults = append(faults, core.Fault{Field: "manifest", Value: o.Manifest, Rule: short(err), Accepts: "the manifest that came with the sealed file"})
			}
		}
	}
	defer clear(data)
	if len(data) > 0 {
		var name string
		if in.credential, name, err = handoff.Read(data); err != nil {
			faults = append(faults, core.Fault{Field: "file", Value: o.Bundle, Rule: "holds no credential: " + err.Error(), Accepts: "a sealed file that apply has written"})
		} else if in.format, err = handoff.FindFormat(orDefault(o.Format, name), in.credential.Form); err != nil {
			if err := collect(&faults, err); err != nil {
				faults = append(faults, core.Fault{Field: "format", Value: o.Format, Rule: err.Error()})
			}
		}
	}
	if o.Format != "" && len(faults) == 0 {
		again, err := in.format.Encode(in.credential, in.receipt)
		if clear(again); err != nil {
			faults = append(faults, cannotHold(o.Format, err))
		}
		if beside := in.beside(o.Out); beside != "" {
			faults = append(faults, a.outFault("out", beside)...)
		}
	}
	if o.GitHub != "" && len(faults) == 0 {
		in.boxes, faults = a.boxed(o, in)
	}
	if in.receipt.Key != nil && in.credential.ID != "" && in.receipt.Key.ID != in.credential.ID {
		faults = append(faults, core.Fault{Field: "manifest", Value: o.Manifest, Rule: "is about another key: " + in.receipt.Key.ID, Accepts: "the manifest that came with the sealed file"})
	}
	return in, faults.Err()
}

// boxed is the credential sealed to a repository.
func (a *app) boxed(o receiveOptions, in received) ([]byte, core.Faults) {
	if in.format.Name != "github" {
		return nil, core.Faults{{Field: "github-key", Value: o.GitHub, Rule: "is given without format github", Accepts: "--format github"}}
	}
	refused := func(why string) ([]byte, core.Faults) {
		return nil, core.Faults{{Field: "github-key", Value: o.GitHub, Rule: why, Accepts: "the answer of: gh api repos/OWNER/NAME/actions/secrets/public-key"}}
	}
	key, err := handoff.ReadSmall(a.env.path(o.GitHub), maxGitHubKey)
	if err != nil {
		return refused("cannot be read: " + cause(err))
	}
	boxes, err := handoff.SealForGitHub(in.credential, in.receipt, key)
	if err != nil {
		return refused(strings.TrimPrefix(err.Error(), "github key: "))
	}
	return boxes, nil
}

// maxGitHubKey is more than GitHub's answer takes.
const maxGitHubKey = 64 << 10

// tryReceived tries, as the holder, what the manifest says. Nobody cleans up
// after it but the bucket's owner, so the objects that it leaves are named.
func (a *app) tryReceived(ctx context.Context, s *session, in received) (core.Proof, error) {
	if e := in.receipt.Expires; over(e, time.Now()) {
		return core.Proof{How: core.Skipped}, &core.Error{What: "access of key " + in.credential.ID,
			Err: errors.New("ended at " + e.Format(time.RFC3339) + ", as its manifest says"), Hint: "ask the bucket's owner for a new one"}
	}
	progress := a.progress()
	proof, err := s.trying(progress.observe).Prove(ctx, blueprintOf(in.receipt), nil, in.credential)
	progress.done()
	err = advised(err, "do not use the credential, and tell whoever sent it to you")
	if !a.talks() {
		return proof, err
	}
	w := a.paper(a.env.Stderr, a.env.Terminal.Err)
	a.proof(w, proof)
	if err == nil {
		w.line("all %d are as the manifest says (%s)", len(proof.Rows), handoff.Counts(proof))
	}
	return proof, join(err, w.err)
}

// blueprintOf is as much of the blueprint as a manifest tells: enough to try it.
func blueprintOf(r core.Receipt) core.Blueprint {
	return core.Blueprint{Cloud: r.Cloud, Probes: r.Probes, Gaps: r.Gaps, Grant: core.Grant{
		Name: r.Grant, Profile: r.Profile, Who: orKey(r.Who), Can: r.Can, Literal: r.Literal, Limits: core.Limits{From: r.From},
		Target: core.Target{Bucket: r.Bucket, Region: r.Region, Prefix: r.Prefix},
	}}
}

// orKey is w, or a key in manifests that say nothing of it.
func orKey(w core.Who) core.Who { return cmp.Or(w, core.WhoKey) }

// beside is the name of the file without a secret that goes beside out; "" if there is none.
func (in received) beside(out string) string {
	ext, _, err := in.format.Beside(in.receipt)
	if err != nil || ext == "" || out == "" {
		return ""
	}
	return strings.TrimSuffix(out, ".json") + ext
}

// writeReceived writes the credential to its file, or to a standard output that is no terminal.
func (a *app) writeReceived(o receiveOptions, in received) error {
	if o.Out == "" && (o.Try || a.env.Terminal.Out) {
		return nil // trying was all that was asked for
	}
	data, err := in.boxes, error(nil)
	if data == nil {
		data, err = in.format.Encode(in.credential, in.receipt)
	}
	if err != nil {
		return err
	}
	defer clear(data)
	if o.Out == "" {
		if a.talks() && in.boxes == nil {
			a.warn(a.paper(a.env.Stderr, a.env.Terminal.Err), "the credential goes to standard output, not sealed: whatever reads that has it")
		}
		_, err := a.env.Stdout.Write(data)
		return err
	}
	if err := writeNew(a.env.path(o.Out), o.Out, data); err != nil {
		return err
	}
	beside := in.beside(o.Out)
	if beside != "" {
		_, data, err := in.format.Beside(in.receipt)
		if err == nil {
			err = writeNew(a.env.path(beside), beside, data)
		}
		if err != nil {
			return err
		}
	}
	if a.talks() {
		w := a.paper(a.env.Stderr, a.env.Terminal.Err)
		if in.boxes != nil {
			w.line("wrote %s, whose values only GitHub can open", o.Out)
			return w.err
		}
		w.line("wrote %s (%s), readable only by you", o.Out, in.format.Name)
		if beside != "" {
			w.line("wrote %s, which refers to it and holds no secret", beside)
		}
		return w.err
	}
	return nil
}
