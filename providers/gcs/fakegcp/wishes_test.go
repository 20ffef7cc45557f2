// Wishes: random grants as the command line accepts them.
package fakegcp_test

import (
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/gcs"
)

// today is when random grants are used; some have ended by then.
var today = time.Date(2027, 2, 20, 12, 0, 0, 0, time.UTC)

// wish is one grant. Some are none that Cloud Storage accepts.
func wish(t *rapid.T) core.Grant {
	g := core.Grant{
		Name:     rapid.StringMatching(`[a-z][a-z0-9-]{1,40}[a-z0-9]`).Draw(t, "name"),
		Profile:  "event-dump",
		Who:      rapid.SampledFrom(gcs.New(gcs.Config{}).Info().Identities).Draw(t, "who").Who,
		Settings: map[string]string{"project": "acme-project"},
		Target: core.Target{
			Bucket: rapid.StringMatching(`[a-f0-9][a-f0-9-]{1,30}[a-f0-9]`).Draw(t, "bucket"), Prefix: prefix(t), Region: "EU", Adopt: rapid.Bool().Draw(t, "adopt"),
		},
	}
	if rapid.Bool().Draw(t, "ends") {
		g.Limits.Expires = today.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "end")) * time.Second)
	}
	unfit := map[core.Ability]bool{}
	if g.Target.Prefix != "" {
		unfit[core.Uploads] = true
		unfit[rapid.SampledFrom([]core.Ability{core.List, core.Locate}).Draw(t, "one of two")] = true
	}
	for _, a := range core.Abilities() {
		if a.Grantable && !unfit[a.Ability] && rapid.Bool().Draw(t, string(a.Ability)) {
			g.Can = append(g.Can, a.Ability)
		}
	}
	set(t, &g)
	return g
}

// prefix holds whatever an expression, an address or a role could stumble over.
func prefix(t *rapid.T) string {
	if rapid.IntRange(0, 4).Draw(t, "whole") == 0 {
		return ""
	}
	part := rapid.StringOfN(rapid.SampledFrom([]rune("aAbBzZ09-_.+=@!(),:~#%&;|[]^/éÿ")), 1, 12, -1)
	return strings.TrimLeft(part.Draw(t, "prefix"), "/") + "/"
}

// set fills in the settings that the identity takes.
func set(t *rapid.T, g *core.Grant) {
	some := func(name, value string) {
		if rapid.Bool().Draw(t, name) {
			g.Settings[name] = value
		}
	}
	switch g.Who {
	case core.WhoAccount:
		g.Settings["vendor-principal"] = "serviceAccount:uploader@vendor-project.iam.gserviceaccount.com"
	case gcs.WhoAWSRole:
		g.Settings["vendor-aws-account"] = "422074288268"
		g.Settings["vendor-aws-role"] = rapid.StringMatching(`[A-Za-z+=,.@_-]{3,12}`).Draw(t, "role")
		g.Settings["session"] = rapid.StringMatching(`[A-Za-z0-9=,.@_-]{3,12}`).Draw(t, "session")
	case core.WhoOIDC:
		g.Settings["repository"], g.Settings["repository-id"], g.Settings["repository-owner-id"] = "acme/shop", "456789", "123456"
		ref := rapid.SampledFrom([]string{"branch", "tag", "environment"}).Draw(t, "trusted")
		g.Settings[ref] = rapid.SampledFrom([]string{"main", "release/*", "v?", "a.b*", "a.b", "a/b", "x+(y)"}).Draw(t, "ref")
		if strings.ContainsAny(g.Settings[ref], "*?") {
			g.Settings["allow-wildcard-subject"] = "true"
		}
		some("allow-pull-request", "true")
	}
}
