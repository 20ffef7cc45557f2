// verify: is the access what the grant says?
package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

type verifyOptions struct {
	grant      *grantFlags
	Credential string
	Bundle     string
	Identity   string
	Inside     bool
}

func (a *app) verifyCommand() *cobra.Command {
	var o verifyOptions
	c := a.command(page{
		Use: "verify", Short: "Try the access of a grant: what is granted must work, everything else must be refused",
		Long: "With a credential, from a file or from a sealed hand-off, everything is really tried and the probe objects are removed again. " +
			"Without one, the cloud itself is asked what it would do, and every row says \"simulated\", never \"tried\". " +
			"Where no secret is handed over, the grantee is tried if it can be from here: always on a sandbox, and with --inside where the grantee itself runs, such as in its workflow. That needs no credentials of the owner.",
		Examples: []string{
			"$PROGRAM verify --profile event-dump --bucket acme-events $SETTINGS --credential credentials",
			"$PROGRAM verify -f grant.yaml --bundle handoff/acme-events.KEY.age --identity key.txt",
			"$PROGRAM verify -f grant.yaml",
			"$PROGRAM verify -f grant.yaml --inside",
		},
		Ends: []error{core.ErrUnproven, core.ErrNotConverged, core.ErrBlocked, core.ErrOperator, errInterrupted}, Means: triedEnds(),
	})
	o.grant = a.addGrantFlags(c.Flags(), func(f field) bool { return !f.Handoff })
	c.Flags().StringVar(&o.Credential, "credential", "", "try the credential in `FILE`, in any format that apply writes")
	c.Flags().StringVar(&o.Bundle, "bundle", "", "try the credential in the sealed `FILE`")
	c.Flags().StringVar(&o.Identity, "identity", "", "open the bundle with the private key in `FILE`")
	c.Flags().BoolVar(&o.Inside, "inside", false, "this runs where the grantee runs: try with the proof of identity that it has there")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.run(&o, func() error { return verifyRun(c.Context(), a, o) })
	}
	return c
}

// proofJSON is a proof as machines read it.
type proofJSON struct {
	SchemaVersion int    `json:"schema_version"`
	RunID         string `json:"run_id"`
	Sandbox       bool   `json:"sandbox,omitempty"`
	Grant         string `json:"grant"`
	core.Proof
	OK bool `json:"ok"`
}

func verifyRun(ctx context.Context, a *app, o verifyOptions) (err error) {
	s, err := a.connectFrom(o.Inside)
	if err != nil {
		return err
	}
	defer s.closeInto(&err)
	r, faults, err := a.request(s.provider, o.grant)
	if err != nil {
		return err
	}
	c, more, err := a.credential(o.Credential, o.Bundle, o.Identity)
	if err != nil {
		return err
	}
	faults = append(append(faults, more...), a.ofAnother(o.Bundle, c, r.Grant.Name)...)
	if !c.Secret.Empty() && a.keyless(r.Grant.Who) {
		faults = append(faults, core.Fault{Field: "credential", Rule: "is of no use: nothing secret is handed over with who: " + string(r.Grant.Who), Accepts: "the command without it"})
	}
	if o.Inside && c.Secret.Empty() && !a.keyless(r.Grant.Who) {
		faults = append(faults, core.Fault{Field: "inside", Rule: "is given, but the grantee proves who it is with a key", Accepts: "--credential FILE or --bundle FILE as well"})
	}
	defer c.Secret.Clear()
	if err := faults.Err(); err != nil {
		return err
	}
	if end := r.Grant.Limits.Expires; over(end, time.Now()) {
		return &core.Error{What: "grant " + r.Grant.Name, Err: errors.New("ended at " + end.Format(time.RFC3339)), Hint: "give it a later end and run " + a.cloud.Program + " apply, or remove what is left with " + a.cloud.Program + " destroy"}
	}
	progress := a.progress()
	e := s.trying(progress.observe)
	b, err := core.Compile(s.provider, r.Grant)
	if err != nil {
		return err
	}
	found, err := a.verified(ctx, s, e, b, c, o.Inside)
	if err != nil {
		return err
	}
	proof, unproven := found.proof, found.unproven
	progress.done()
	works := "the key still works"
	if a.keyless(r.Grant.Who) {
		works = "nothing was taken back"
		if errors.Is(unproven, core.ErrNotConverged) {
			unproven = &core.Error{Err: unproven, Hint: "the grantee could not come in within 30 seconds: look at " + a.cloud.Program + " status, and whether this runs as the grantee that the grant names"}
		}
	}
	advice := works + ": end the grant with " + a.cloud.Program + " destroy, or repair it with " + a.cloud.Program + " apply"
	if len(found.blocked) > 0 {
		advice = works + ": " + a.cloud.Program + " apply would refuse to repair it; first see to " + strings.Join(found.blocked, ", and to ") + "; or end the grant with " + a.cloud.Program + " destroy"
	}
	return join(advised(unproven, advice), a.printProof(proofJSON{1, e.RunID, s.sandbox != nil, r.Grant.Name, proof, unproven == nil}))
}

// ofAnother is a fault if the manifest beside a bundle says that it belongs to another grant.
func (a *app) ofAnother(bundle string, c core.Credential, grant string) core.Faults {
	if bundle == "" || c.ID == "" {
		return nil
	}
	m, err := handoff.Manifest(a.env.path(handoff.ManifestPath(bundle)))
	if err != nil || m.Key == nil || m.Key.ID != c.ID || m.Grant == grant {
		return nil
	}
	return core.Faults{{Field: "bundle", Value: bundle, Rule: "is of grant " + m.Grant, Accepts: "the bundle of grant " + grant + ", or the flags of that one"}}
}

// verification is what came of a verify.
type verification struct {
	proof    core.Proof
	unproven error    // what is wrong with the access
	blocked  []string // what apply would refuse, and why
}

// verified tries or asks. Its error is why nothing could be found out.
func (a *app) verified(ctx context.Context, s *session, e *core.Engine, b core.Blueprint, c core.Credential, inside bool) (v verification, err error) {
	if inside {
		v.proof, v.unproven = e.Prove(ctx, b, nil, c)
		return v, nil
	}
	steps, err := s.provider.Open(ctx, b)
	if err != nil {
		return v, err
	}
	ask := false
	if c.Secret.Empty() {
		if err := a.mustBeThere(ctx, steps, b.Grant); err != nil {
			return v, err
		}
		ask = !a.keyless(b.Grant.Who)
	}
	if ask {
		v.proof, v.unproven = e.Simulate(ctx, b, steps)
	} else {
		v.proof, v.unproven = e.Prove(ctx, b, steps, c)
	}
	if errors.Is(v.unproven, core.ErrUnproven) {
		v.blocked = blocked(ctx, steps)
	}
	return v, nil
}

// blocked is what an apply would refuse, each with its reason. What cannot be read is left out:
// it only advises.
func blocked(ctx context.Context, steps *core.Steps) []string {
	var list []string
	for _, step := range []core.Step{steps.Bucket, steps.Role} {
		changes, _ := step.Diff(ctx, core.Present)
		for _, c := range changes {
			if c.Action != core.Refuse {
				continue
			}
			text := c.Addr + ", which " + c.Why
			if c.Hint != "" {
				text += " (" + c.Hint + ")"
			}
			list = append(list, text)
		}
	}
	return list
}

// mustBeThere refuses to ask about a grant of which nothing exists.
func (a *app) mustBeThere(ctx context.Context, steps *core.Steps, g core.Grant) error {
	changes, err := steps.Role.Diff(ctx, core.Present)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(changes, func(c core.Change) bool { return c.Action != core.Make }) {
		return nil
	}
	return &core.Error{What: "grant " + g.Name, Err: errors.New("there is no such grant here"), Hint: a.cloud.Program + " apply makes it"}
}

// advised adds what to do when a credential that was issued earlier is not as
// it was granted: nothing has been retired then.
func advised(err error, unproven string) error {
	told, _ := errors.AsType[*core.Error](err)
	switch {
	case errors.Is(err, core.ErrUnproven):
		return &core.Error{Err: err, Hint: unproven}
	case errors.Is(err, core.ErrNotConverged) && (told == nil || told.Hint == ""):
		return &core.Error{Err: err, Hint: "a key that the cloud does not know may have been revoked or deleted: ask the bucket's owner; if the cloud was not reached, check network and proxy"}
	}
	return err
}

// triedEnds is what the gravest exit codes mean where nothing is issued.
func triedEnds() map[error]string {
	return map[error]string{
		core.ErrUnproven:     "access is not what was granted; nothing was retired",
		core.ErrNotConverged: "what was granted did not work within 30 seconds",
	}
}

// printProof prints a proof on standard output.
func (a *app) printProof(p proofJSON) error {
	if a.global.JSON {
		return printJSON(a.env.Stdout, p)
	}
	w := a.paper(a.env.Stdout, a.env.Terminal.Out)
	if p.Sandbox {
		w.loud(sandboxBanner)
	}
	a.proof(w, p.Proof)
	if bad := len(p.Failures()); bad > 0 {
		w.loud("grant %s: %d of %d are not as granted", p.Grant, bad, len(p.Rows))
	} else if p.OK {
		w.line("grant %s: all %d are as granted (%s)", p.Grant, len(p.Rows), handoff.Counts(p.Proof))
	}
	return w.err
}

// credential reads the credential to be tried. It is empty if none was given.
func (a *app) credential(file, bundle, identity string) (core.Credential, core.Faults, error) {
	var none core.Credential
	switch {
	case file != "" && bundle != "":
		return none, core.Faults{{Field: "credential", Rule: "is given together with bundle", Accepts: "one of them"}}, nil
	case bundle == "" && identity != "":
		return none, core.Faults{{Field: "identity", Rule: "is given without bundle", Accepts: "both, or none"}}, nil
	case bundle != "" && identity == "":
		return none, core.Faults{{Field: "identity", Rule: "is missing: the bundle cannot be opened", Accepts: "a file with the private key that belongs to the recipient"}}, nil
	case file == "" && bundle == "":
		return none, nil, nil
	}
	var data []byte
	var err error
	name := file
	if file != "" {
		if data, err = readBounded(a.env.path(file)); err != nil {
			return none, core.Faults{{Field: "credential", Value: file, Rule: "cannot be read: " + cause(err), Accepts: "a file that apply or receive has written"}}, nil
		}
	} else {
		name = bundle
		var faults core.Faults
		if data, _, faults = a.unseal("bundle", bundle, identity); len(faults) > 0 {
			return none, faults, nil
		}
	}
	defer clear(data)
	c, _, err := handoff.Read(data)
	if err != nil {
		return none, core.Faults{{Field: "credential", Value: name, Rule: err.Error(), Accepts: "one of the formats that apply writes"}}, nil
	}
	return c, nil, nil
}

// unseal opens a sealed file with the identities in another one. The caller clears what it gets.
// The sealed bytes are returned as well.
func (a *app) unseal(field, bundle, identity string) (data, sealed []byte, faults core.Faults) {
	ids, err := handoff.Identities(a.env.path(identity))
	if strings.Contains(identity, "SECRET-KEY-") || strings.Contains(identity, "PRIVATE KEY") {
		faults = append(faults, core.Fault{Field: "identity", Rule: "is a private key itself, which every program on this machine can see", Accepts: "the name of a file that holds it"})
	} else if err != nil {
		faults = append(faults, core.Fault{Field: "identity", Value: identity, Rule: short(err), Accepts: "an age identity file, or an ssh private key without a passphrase"})
	}
	sealed, err = readBounded(a.env.path(bundle))
	if err != nil {
		faults = append(faults, core.Fault{Field: field, Value: bundle, Rule: "cannot be read: " + cause(err), Accepts: "a sealed file that apply has written"})
	}
	if len(faults) > 0 {
		return nil, nil, faults
	}
	data, err = handoff.OpenSealed(sealed, ids)
	if err != nil {
		return nil, nil, core.Faults{{Field: field, Value: bundle, Rule: "cannot be opened: " + short(err), Accepts: "a file that was sealed to this identity"}}
	}
	return data, sealed, nil
}

// short is why something failed, without the path if it is about a file.
func short(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return fmt.Sprint(cause(err))
}
