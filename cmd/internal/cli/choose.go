// Choosing: how the grantee proves who it is, and what is recommended.
package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

// absence says that a profile is not available on this cloud. It ends like
// whatever a policy forbids: trying again changes nothing.
type absence struct{ profile, cloud, because string }

// Error says what is not available where, and what exists instead.
func (e absence) Error() string {
	return fmt.Sprintf("profile %s: not available on %s, because: %s", e.profile, e.cloud, e.because)
}

// Is makes an absence a [core.ErrBlocked].
func (absence) Is(target error) bool { return target == core.ErrBlocked }

// absent is the error if prof is not available on this cloud.
func (a *app) absent(prof profile.Profile) error {
	if why := prof.Absent[a.info.Name]; why != "" {
		return absence{prof.Name, a.info.Title, why}
	}
	return nil
}

// choice is one way in which the grantee of a profile can prove who it is here.
type choice struct {
	Who         core.Who `json:"who"`
	Title       string   `json:"title"`
	Why         string   `json:"why"`
	Keyless     bool     `json:"keyless"`     // no secret is handed over
	Recommended bool     `json:"recommended"` // the first without a secret, else the one that the profile names first
	Usual       bool     `json:"usual"`       // taken if nobody chooses
	Chosen      bool     `json:"chosen"`
	Flags       string   `json:"flags"` // what chooses it; words in capitals are to be replaced
}

// choices are the ways that prof allows here, in the cloud's order: those without a secret first.
func (a *app) choices(prof profile.Profile, chosen core.Who) []choice {
	var list []choice
	for _, id := range a.info.Identities {
		if slices.Contains(prof.Who[a.info.Name], id.Who) {
			list = append(list, choice{Who: id.Who, Title: id.Title, Why: id.Why, Keyless: id.Form == "", Usual: id.Who == a.usual(prof), Chosen: id.Who == chosen, Flags: a.flagsFor(id.Who, placeholder)})
		}
	}
	best := slices.IndexFunc(list, func(c choice) bool { return c.Keyless })
	if best < 0 && len(list) > 0 {
		best = max(0, slices.IndexFunc(list, func(c choice) bool { return c.Who == a.usual(prof) }))
	}
	if best >= 0 {
		list[best].Recommended = true
	}
	return list
}

// usual is what is taken if nobody chooses: the first that prof names and the cloud knows.
func (a *app) usual(prof profile.Profile) core.Who {
	named := prof.Who[a.info.Name]
	for _, w := range named {
		if _, ok := a.info.Identity(w); ok {
			return w
		}
	}
	if len(named) > 0 {
		return named[0] // the cloud says that it does not know it
	}
	return core.WhoKey
}

// placeholder stands for the value of a setting that only the user knows. An
// example in its place would be copied, and let a stranger in.
func placeholder(s core.Setting) string { return settingField(s).noun() }

// example is a value that works.
func example(s core.Setting) string { return s.Example }

// flagsFor is what chooses w on a command line, with such values.
func (a *app) flagsFor(w core.Who, value func(core.Setting) string) string {
	parts := []string{"--" + whoKey + " " + string(w)}
	for _, s := range a.info.Settings {
		if s.Required && len(s.Only) > 0 && s.For(w) {
			parts = append(parts, "--"+s.Name+" "+value(s))
		}
	}
	return strings.Join(parts, " ")
}

// choose settles how the grantee of g proves who it is. Settings that belong to
// one way alone choose it; those of the environment choose nothing, and are left
// out where they are of no use.
func (a *app) choose(prof profile.Profile, g *core.Grant, fromEnv map[string]bool) core.Faults {
	if g.Who != "" && prof.Name != "" && !slices.Contains(prof.Who[a.info.Name], g.Who) {
		f := core.Fault{Field: whoKey, Value: string(g.Who), Rule: fmt.Sprintf("is not offered by %s on %s", prof.Name, a.info.Title), Accepts: joinWho(prof.Who[a.info.Name])}
		g.Who = a.usual(prof)
		return core.Faults{f}
	}
	if g.Who == "" {
		g.Who = a.inferred(prof, g.Settings, fromEnv)
	}
	for _, s := range a.info.Settings {
		if fromEnv[s.Name] && !s.For(g.Who) {
			delete(g.Settings, s.Name)
		}
	}
	return nil
}

// inferred is the only way that all the given settings belong to, else the usual one.
func (a *app) inferred(prof profile.Profile, settings map[string]string, fromEnv map[string]bool) core.Who {
	var given []core.Setting
	for _, s := range a.info.Settings {
		if _, ok := settings[s.Name]; ok && len(s.Only) > 0 && !fromEnv[s.Name] {
			given = append(given, s)
		}
	}
	var fit []core.Who
	for _, w := range prof.Who[a.info.Name] {
		if !slices.ContainsFunc(given, func(s core.Setting) bool { return !s.For(w) }) {
			fit = append(fit, w)
		}
	}
	if len(given) > 0 && len(fit) == 1 {
		return fit[0]
	}
	return a.usual(prof)
}

// keyless reports whether no secret is handed over to w.
func (a *app) keyless(w core.Who) bool {
	id, ok := a.info.Identity(w)
	return ok && id.Form == ""
}

func joinWho(list []core.Who) string {
	var words []string
	for _, w := range list {
		words = append(words, string(w))
	}
	return strings.Join(words, " or ")
}
