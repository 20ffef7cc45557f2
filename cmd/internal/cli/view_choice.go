// The ways of proving who one is, as people see them.
package cli

import (
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/profile"
)

// choicesOf are the ways that the profile of g allows here.
func (a *app) choicesOf(g core.Grant) []choice {
	prof, err := profile.Find(g.Profile)
	if err != nil {
		return nil
	}
	return a.choices(prof, g.Who)
}

// showChoices prints which ways there are, which is recommended and which is taken.
func showChoices(w *paper, list []choice) {
	const title = "how the grantee can prove who it is here"
	if len(list) == 0 {
		return
	}
	w.line(title)
	width := 0
	for _, c := range list {
		width = max(width, len(c.Who))
	}
	for _, c := range list {
		text := c.Title
		if c.Keyless {
			text += ", no secret"
		}
		var marks []string
		for _, m := range []struct {
			is   bool
			text string
		}{{c.Chosen, "chosen"}, {c.Recommended, "recommended"}, {c.Usual && !c.Chosen, "taken if nobody chooses"}} {
			if m.is && len(list) > 1 {
				marks = append(marks, m.text)
			}
		}
		if len(marks) > 0 {
			text += " (" + strings.Join(marks, ", ") + ")"
		}
		w.beside(string(c.Who), width, text+": "+c.Why)
		if !c.Chosen && len(list) > 1 {
			w.beside("", width, "choose it with "+c.Flags)
		}
	}
}

// warnKey says what a long-lived key means, and how to do without.
func (a *app) warnKey(w *paper, g core.Grant) {
	w.loud("a long-lived key will be issued: whoever holds it has this access until it is revoked%s", orEnds(g.Limits.Expires))
	list := a.choicesOf(g)
	for _, c := range list {
		if c.Keyless {
			w.loud("without a secret: %s, %s: add %s", c.Who, c.Title, c.Flags)
		}
	}
	if len(list) > 0 && !slices.ContainsFunc(list, func(c choice) bool { return c.Keyless }) {
		w.line("this profile knows no way without a secret here")
	}
}
