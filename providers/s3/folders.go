// Folders: the settings about folders and about what many sites share, and what is wrong with them.
package s3

import (
	"fmt"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// readFolders reads the settings about folders into d.
func (d *design) readFolders() core.Faults {
	var f core.Faults
	fault := func(field, value, rule, accepts string) {
		f = append(f, core.Fault{Field: field, Value: value, Rule: rule, Accepts: accepts})
	}
	target, settings := d.grant.Target, d.grant.Settings
	d.marker = settings[setMarker] == yes
	if d.marker && target.Prefix == "" {
		fault(setMarker, yes, "marks the folder that the prefix names, and there is none", `a prefix, or folder: NAME`)
		d.marker = false
	}
	if v := settings[setFolder]; v != "" {
		as := core.Grant{Name: "acme-events", Can: []core.Ability{core.Read}, Target: core.Target{Prefix: v}}
		switch wrong := as.Faults(); {
		case target.Prefix != "":
			fault(setFolder, v, "is of no use with a prefix, which is the folder already", setMarker+", to make it visible")
		case len(wrong) > 0:
			fault(setFolder, v, wrong[0].Rule, wrong[0].Accepts)
		default:
			d.named, d.marker = v, true
		}
	}
	if v := settings[setGroup]; v != "" {
		switch {
		case !groupWord.MatchString(v):
			fault(setGroup, v, "is not the name of a group", `1 to 128 of letters, digits and "+=,.@_-"`)
		case target.Prefix == "":
			fault(setGroup, v, "needs a folder: the user is called like it", `a prefix such as "www.example.com/"`)
		default:
			d.common = v
			if !siteName.MatchString(d.siteFolder()) {
				fault("prefix", target.Prefix, "cannot be the name of a user, and with "+setGroup+" its last part is", `up to 64 of letters, digits and "+=,.@_-", then "/"`)
			}
		}
	}
	return f
}

// literalFaults are what is wrong with a recipe's own statements.
func (d design) literalFaults() core.Faults {
	var f core.Faults
	whole := false
	for _, s := range d.native.Statements {
		for _, action := range s.Actions {
			if w := lookup(action); !w.Known {
				accepts := w.Meant
				if accepts == "" {
					accepts = "an action of " + vocabularySource
				}
				f = append(f, core.Fault{Field: "native", Value: action, Rule: "is not an action: " + w.Because, Accepts: accepts})
			}
			whole = whole || action == "s3:*" && slices.Contains(s.On, onObjects)
		}
	}
	if whole && d.grant.Target.Prefix != "" {
		f = append(f, core.Fault{Field: "prefix", Value: d.grant.Target.Prefix, Rule: "contradicts the source document, which grants the whole bucket whatever folder it makes in it", Accepts: fmt.Sprintf("no prefix, and %s: %s, which makes the folder and limits nothing; or the sound form, which ends at the folder", setFolder, d.grant.Target.Prefix)})
	}
	return f
}
