// Publish: what the grantee must be told, none of it secret.
package cli

import (
	"errors"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

// aside gives those files of r other names that would be in the way of older ones, and says so.
func (a *app) aside(r core.Receipt, out string) core.Receipt {
	r, taken := handoff.Aside(a.env.path(orDefault(out, defaultOut)), r)
	for _, path := range taken {
		a.warn(a.paper(a.env.Stderr, a.env.Terminal.Err), path+" exists with other content and stays as it is: it is out of date if it is of this grant; what is new is written beside it")
	}
	return r
}

// publish writes the files that r has for the grantee into the directory of the hand-off.
func (a *app) publish(r core.Receipt, out string) ([]core.File, error) {
	r, _ = handoff.Aside(a.env.path(orDefault(out, defaultOut)), r)
	files, err := handoff.Public(a.env.path(orDefault(out, defaultOut)), r, a.keyless(r.Who))
	if err != nil {
		return nil, &core.Error{Err: err, Hint: "everything else is done: move what is in the way, or choose another --out, then run the same command again"}
	}
	return files, nil
}

// unsecret adds what to do when an access without a secret is not as it was granted.
func (a *app) unsecret(err error, r core.Receipt) error {
	switch {
	case !a.keyless(r.Who) || !errors.Is(err, core.ErrUnproven):
		return err
	case len(r.Withdrawn) > 0:
		return &core.Error{Err: err, Hint: "what this run had opened was taken back; run " + a.cloud.Program + " plan to look for what widens the access"}
	}
	return &core.Error{Err: err, Hint: "the access stays as it is: end it with " + a.cloud.Program + " destroy, or try it again with " + a.cloud.Program + " verify"}
}

// told prints what the grantee must be told, where the receipt itself does not.
func (a *app) told(w *paper, r core.Receipt) {
	if len(r.Outputs) == 0 {
		return
	}
	w.line("for the grantee")
	for _, o := range r.Outputs {
		value := o.Value
		if name := handoff.PublicName(r.Grant, o); name != "" {
			value = "in the file " + name
		}
		w.line("  %s: %s", o.Name, value)
		if o.Why != "" {
			w.line("    %s", o.Why)
		}
	}
}

// written prints the files that are there for the grantee.
func written(w *paper, files []core.File) {
	for _, f := range files {
		w.line("%-12s %s", "written", f.Path)
	}
}

// warnRisk says what the holder of a grant as documented can do.
func (a *app) warnRisk(w *paper, g core.Grant) {
	if !g.Literal {
		return
	}
	w.loud("warning: --%s: this is what the source document asks for, not the sound form; %s profiles explain %s says what is weak in it", documentedKey, a.cloud.Program, g.Profile)
	if risk := a.risk(g); risk != "" {
		w.loud("warning: %s", risk)
	}
}
