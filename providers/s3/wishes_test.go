// Wishes: random grants as the command line accepts them.
package s3_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/bucketgrant/bucketgrant/core"
)

// today is when random grants are used; some have ended by then.
var today = time.Date(2027, 2, 20, 12, 0, 0, 0, time.UTC)

const (
	ownAccount    = "111122223333"
	vendorAccount = "422074288268"
)

// shape is a profile's own words, and the recipe that they are of.
type shape struct {
	profile string
	who     []core.Who
	literal bool
	can     []core.Ability
	native  json.RawMessage
}

// shapes are those of every profile and of every source document's recipe on this cloud.
var shapes = func() (list []shape) {
	for _, name := range []string{"event-dump", "clickhouse", "site-backup", "postgres-backup", "aws-backup"} {
		raw, err := os.ReadFile("../../core/profile/" + name + ".json")
		if err != nil {
			panic(err)
		}
		var p struct {
			Who        map[string][]core.Who
			Native     map[string]json.RawMessage
			Documented []struct {
				Cloud  string
				Can    []core.Ability
				Native json.RawMessage
			}
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			panic(err)
		}
		list = append(list, shape{profile: name, who: p.Who["s3"], native: p.Native["s3"]})
		for _, d := range p.Documented {
			if d.Cloud == "s3" && d.Can != nil {
				list = append(list, shape{name, p.Who["s3"], true, d.Can, d.Native})
			}
		}
	}
	return list
}()

// place is a region with what follows from it.
type place struct{ region, partition, suffix string }

var regions = []place{
	{"eu-west-1", "aws", "amazonaws.com"}, {"us-east-1", "aws", "amazonaws.com"},
	{"cn-north-1", "aws-cn", "amazonaws.com.cn"}, {"us-gov-west-1", "aws-us-gov", "amazonaws.com"},
}

// wish is one grant. A few are none that S3 accepts.
func wish(t *rapid.T) (core.Grant, place) {
	at := rapid.SampledFrom(regions).Draw(t, "region")
	s := rapid.SampledFrom(shapes).Draw(t, "shape")
	g := core.Grant{
		Name:    rapid.StringMatching(`[a-z][a-z0-9-]{1,70}[a-z0-9]`).Draw(t, "name"),
		Profile: s.profile, Literal: s.literal, Can: s.can, Native: s.native,
		Who: rapid.SampledFrom(s.who).Draw(t, "who"), Settings: map[string]string{},
		Target: core.Target{
			Bucket: rapid.StringMatching(`[a-z0-9][a-z0-9-]{1,30}[a-z0-9]`).Draw(t, "bucket"),
			Prefix: prefix(t), Region: at.region, Adopt: rapid.Bool().Draw(t, "adopt"),
		},
		Limits: core.Limits{From: networks(t)},
	}
	g.Target.Shared = !g.Target.Adopt && rapid.Bool().Draw(t, "shared")
	if rapid.Bool().Draw(t, "ends") {
		g.Limits.Expires = today.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "end")) * time.Second)
	}
	if !s.literal && s.profile != "aws-backup" {
		g.Can = abilities(t)
	}
	if g.Literal && rapid.Bool().Draw(t, "as the document has it") || g.Who == core.WhoService {
		g.Target.Prefix, g.Limits.From = "", nil
	}
	set(t, &g, at)
	return g, at
}

// abilities are some of those that can be granted.
func abilities(t *rapid.T) (can []core.Ability) {
	for _, a := range core.Abilities() {
		if a.Grantable && rapid.Bool().Draw(t, string(a.Ability)) {
			can = append(can, a.Ability)
		}
	}
	return can
}

// prefix holds whatever a regular expression, an address or a policy could stumble over.
func prefix(t *rapid.T) string {
	if rapid.IntRange(0, 4).Draw(t, "whole") == 0 {
		return ""
	}
	part := rapid.StringOfN(rapid.SampledFrom([]rune("aAbBzZ09-_.+=@!(),:~#%&;|[]^/éÿ")), 1, 12, -1)
	return strings.TrimLeft(part.Draw(t, "prefix"), "/") + "/"
}

// networks are a few, of both families.
func networks(t *rapid.T) (list []netip.Prefix) {
	if rapid.Bool().Draw(t, "anywhere") {
		return nil
	}
	for range rapid.IntRange(1, 3).Draw(t, "networks") {
		if rapid.Bool().Draw(t, "six") {
			b := [16]byte{0x20, 0x01, 0x0d, 0xb8, rapid.Byte().Draw(t, "byte")}
			list = append(list, netip.PrefixFrom(netip.AddrFrom16(b), rapid.IntRange(33, 128).Draw(t, "bits")).Masked())
			continue
		}
		b := [4]byte{203, 0, 113, rapid.Byte().Draw(t, "byte")}
		list = append(list, netip.PrefixFrom(netip.AddrFrom4(b), rapid.IntRange(8, 32).Draw(t, "bits")).Masked())
	}
	return list
}

// set fills in the settings that the identity takes, and some that it may have.
func set(t *rapid.T, g *core.Grant, at place) {
	some := func(name string, value string) {
		if rapid.Bool().Draw(t, name) {
			g.Settings[name] = value
		}
	}
	some("account", ownAccount)
	some("kms-key", "arn:"+at.partition+":kms:"+at.region+":"+ownAccount+":key/1234abcd")
	some("folder-marker", "true")
	if g.Settings["account"] != "" && !g.Target.Adopt {
		some("namespace", "account-regional")
	}
	switch g.Who {
	case core.WhoKey:
		if g.Profile != "clickhouse" {
			some("shared-group", "sites")
		}
	case core.WhoAccount:
		g.Settings["external-id"] = rapid.StringMatching(`[A-Za-z0-9_+=,.@:/-]{2,20}`).Draw(t, "external ID")
		g.Settings["vendor-account"] = vendorAccount
		some("vendor-role", "arn:"+at.partition+":iam::"+vendorAccount+":role/sync")
	case core.WhoOIDC:
		g.Settings["repository"] = rapid.StringMatching(`[a-z]{1,5}/[a-z.]{1,4}[a-z]`).Draw(t, "repository")
		ref := rapid.SampledFrom([]string{"branch", "tag", "environment"}).Draw(t, "trusted")
		g.Settings[ref] = rapid.SampledFrom([]string{"main", "release/*", "v?", "a.b*", "prod", "a/b"}).Draw(t, "ref")
		if strings.ContainsAny(g.Settings[ref], "*?") {
			g.Settings["allow-wildcard-subject"] = "true"
		}
		some("allow-pull-request", "true")
		if rapid.Bool().Draw(t, "numbers") {
			g.Settings["repository-id"], g.Settings["repository-owner-id"] = "456789", "123456"
			some("subject-form", rapid.SampledFrom([]string{"classic", "immutable", "both"}).Draw(t, "form"))
		}
	case core.WhoService:
		some("restore-role", "true")
	}
}
