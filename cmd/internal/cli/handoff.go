// Hand-off: to whom the credential goes, in which format, and where.
package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/handoff"
)

const defaultOut = "handoff"

// handoffOptions are the choices of a delivery that belong to no grant.
type handoffOptions struct {
	Plain bool `json:"plain,omitempty"`
	Armor bool `json:"armor,omitempty"`
}

func (o *handoffOptions) add(flags *pflag.FlagSet) {
	flags.BoolVar(&o.Plain, "plain", false, "do not seal: write the secret to a file that only you can read; moving it safely is up to you")
	flags.BoolVar(&o.Armor, "armor", false, "write the sealed file as text, for mail and chat")
}

// handoff checks everything about the delivery that can be checked before a
// call, and adds what is wrong to faults. Where files go is not touched.
func (a *app) handoff(r request, o handoffOptions, faults *core.Faults) (handoff.Handoff, error) {
	h := handoff.Handoff{Dir: a.env.path(orDefault(r.Out, defaultOut)), Name: r.Grant.Name, Plain: o.Plain, Armor: o.Armor}
	h.About = core.Receipt{Cloud: a.info.Name, Bucket: r.Grant.Target.Bucket, Region: r.Grant.Target.Region, Prefix: r.Grant.Target.Prefix}
	form := a.info.Form(r.Grant.Who)
	if form == "" {
		if a.keyless(r.Grant.Who) {
			*faults = append(*faults, r.placed(nothingSecret(r, o))...)
		}
		return h, nil
	}
	h.Format = handoff.DefaultFormat(form)
	var found core.Faults
	if r.Format != "" {
		format, err := handoff.FindFormat(r.Format, form)
		if err := collect(&found, err); err != nil {
			found = append(found, core.Fault{Field: "format", Value: r.Format, Rule: err.Error(), Accepts: "see --help"})
		}
		h.Format = format
	}
	if o.Plain && r.Recovery != "" {
		found = append(found, core.Fault{Field: "recovery", Rule: "is given together with plain", Accepts: "one of them: sealed to somebody and to you, or not sealed"})
		r.Recovery = ""
	}
	recipients, err := handoff.ParseRecovery(r.To, r.Recovery)
	if err := collect(&found, err); err != nil {
		return h, err
	}
	h.Recipients = recipients
	switch {
	case o.Plain && len(r.To) > 0:
		found = append(found, core.Fault{Field: "plain", Rule: "is given together with to", Accepts: "one of them: sealed to somebody, or not sealed"})
	case o.Plain && o.Armor:
		found = append(found, core.Fault{Field: "armor", Rule: "is given together with plain", Accepts: "armor with a sealed file"})
	}
	if len(*faults)+len(found) == 0 && r.Format != "" {
		if err := h.Holds(); err != nil {
			found = append(found, cannotHold(r.Format, err))
		}
	}
	*faults = append(*faults, r.placed(found)...)
	return h, nil
}

// cannotHold is the fault of a format that cannot hold what it was chosen for.
func cannotHold(format string, err error) core.Fault {
	return core.Fault{Field: "format", Value: format, Rule: "cannot be used here: " + strings.TrimPrefix(err.Error(), "format "+format+": "), Accepts: "another format, or none for what the cloud itself hands out"}
}

// placed says of faults where in a file they are.
func (r request) placed(faults core.Faults) core.Faults {
	for i, f := range faults {
		if at, ok := r.at[f.Field]; ok {
			faults[i].Field = at + ": " + f.Field
		}
	}
	return faults
}

// nothingSecret are the faults of a delivery where there is nothing to deliver.
func nothingSecret(r request, o handoffOptions) core.Faults {
	var faults core.Faults
	for _, said := range []struct {
		key   string
		given bool
	}{{"to", len(r.To) > 0}, {"recovery", r.Recovery != ""}, {"format", r.Format != ""}, {"plain", o.Plain}, {"armor", o.Armor}} {
		if said.given {
			faults = append(faults, core.Fault{Field: said.key, Rule: "is of no use: nothing secret is handed over with who: " + string(r.Grant.Who), Accepts: "the command without it"})
		}
	}
	return faults
}

// mustReach adds a fault if a credential would go to nobody.
func (a *app) mustReach(r request, o handoffOptions, faults *core.Faults) {
	if a.info.Form(r.Grant.Who) != "" && !o.Plain && len(r.To) == 0 {
		*faults = append(*faults, core.Fault{Field: "to", Rule: "is missing: nobody could open the credential", Accepts: `the public key of whoever needs it, e.g. --to age1…; or --plain for a file that only you can read`})
	}
}

// recipientLines tells to whom a delivery will be sealed, for comparison over another channel.
func recipientLines(h handoff.Handoff) [][]string {
	if h.Plain {
		return [][]string{{"deliver", fmt.Sprintf("NOT SEALED, as %s, to %s", h.Format.Name, h.Dir)}}
	}
	var rows [][]string
	for _, r := range h.Recipients {
		if r.Recovery {
			rows = append(rows, []string{"recover", r.Kind + " " + r.Fingerprint + ", your own key"})
			continue
		}
		rows = append(rows, []string{"seal to", r.Kind + " " + r.Fingerprint})
	}
	if len(rows) > 0 {
		rows = append(rows, []string{"deliver", fmt.Sprintf("as %s, to %s", h.Format.Name, h.Dir)})
	}
	return rows
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// unusable is a fault if the user's own files cannot be made in a directory.
func (a *app) unusable(field, dir string) core.Faults {
	if err := handoff.CheckDir(a.env.path(dir)); err != nil {
		return core.Faults{{Field: field, Value: dir, Rule: "cannot be used: " + cause(err), Accepts: "a directory that only you can write to, or the name of a new one"}}
	}
	return nil
}

// outFault is a fault if a file of that name exists: nothing is ever overwritten.
func (a *app) outFault(field, path string) core.Faults {
	if _, err := os.Lstat(a.env.path(path)); err == nil {
		return core.Faults{{Field: field, Value: path, Rule: "exists; nothing is ever overwritten", Accepts: "a file that does not exist yet"}}
	}
	return a.inDirectory(field, path)
}

// inDirectory is a fault if no file can be in the directory of path.
func (a *app) inDirectory(field, path string) core.Faults {
	if _, err := os.Stat(filepath.Dir(a.env.path(path))); err != nil {
		return core.Faults{{Field: field, Value: path, Rule: "is in a directory that cannot be used: " + cause(err), Accepts: "a file in a directory that exists"}}
	}
	return nil
}
