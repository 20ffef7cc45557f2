// The table from abilities to actions, and what follows from abilities that share one.
package s3

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

//go:embed abilities.json
var abilitiesJSON []byte

// The levels of resources in abilities.json.
const (
	objectLevel = "object"
	bucketLevel = "bucket"
	keyLevel    = "key" // only with the setting kms-key
)

// readAbilities decodes the table. It panics if the table is broken: it is part of the program.
func readAbilities() []core.Reason {
	d := json.NewDecoder(bytes.NewReader(abilitiesJSON))
	d.DisallowUnknownFields()
	var rows []core.Reason
	if err := d.Decode(&rows); err != nil {
		panic(fmt.Sprintf("s3: abilities.json: %v", err))
	}
	for _, r := range rows {
		_, known := core.DescribeAbility(r.Ability)
		if !known || !slices.Contains([]string{objectLevel, bucketLevel, keyLevel}, r.Level) || r.Action == "" || r.Why == "" {
			panic(fmt.Sprintf("s3: abilities.json: row %+v", r))
		}
	}
	return rows
}

// actions are the actions that can needs on one level, each once, in the order of the table.
func (p *Provider) actions(can []core.Ability, level string) []string {
	var list []string
	for _, r := range p.reasons {
		if r.Level == level && slices.Contains(can, r.Ability) && !slices.Contains(list, r.Action) {
			list = append(list, r.Action)
		}
	}
	return list
}

// gives reports whether the grant's policy allows an action, somewhere.
func (p *Provider) gives(d design, action string) bool {
	return slices.ContainsFunc(p.grantStatements(d), func(s statement) bool {
		return slices.ContainsFunc(s.Action, func(a string) bool { return matches(strings.TrimPrefix(a, "s3:"), strings.TrimPrefix(action, "s3:")) })
	})
}

// gaps are the abilities that the grant does not name and its actions give all the same.
func (p *Provider) gaps(d design) []core.Gap {
	can := d.grant.Can
	gaps := d.native.wide(d.grant.Target.Prefix)
	for _, a := range core.Abilities() {
		if !a.Grantable || slices.Contains(can, a.Ability) {
			continue
		}
		one := []core.Ability{a.Ability}
		needs := slices.Concat(p.actions(one, objectLevel), p.actions(one, bucketLevel))
		if slices.ContainsFunc(needs, func(n string) bool { return !p.gives(d, n) }) {
			continue
		}
		why := fmt.Sprintf("S3 has no permission for it apart from %s", needs[0])
		switch {
		case a.Ability != core.Overwrite:
		case d.grant.Target.Adopt:
			why += "; whether what was replaced is kept is up to the bucket's owner"
		default:
			why += "; versioning keeps what was replaced for 30 days"
		}
		gaps = append(gaps, core.Gap{Ability: a.Ability, Outcome: core.Allowed, Why: why})
	}
	return gaps
}
