// Grants: what the profiles ask for on this cloud, as their files say it.
package s3

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// profileFile is as much of a profile's file as a grant is made of.
type profileFile struct {
	Can []struct {
		Ability core.Ability
		On      []string
	}
	Variants []struct {
		Name  string
		Adds  []struct{ Ability core.Ability }
		Drops []core.Ability
	}
	Native     map[string]json.RawMessage
	Documented []struct {
		Cloud   string
		Can     []core.Ability
		Actions []string
		Native  json.RawMessage
	}
	Shared bool
}

// readProfile reads the file itself: a provider does not know the profiles.
func readProfile(name string) profileFile {
	raw, err := os.ReadFile("../../core/profile/" + name + ".json")
	if err != nil {
		panic(err)
	}
	var p profileFile
	if err := json.Unmarshal(raw, &p); err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	return p
}

// profiled fills g with what a profile asks for on this cloud; "" is no variant.
func profiled(g core.Grant, name, variant string) core.Grant {
	p := readProfile(name)
	g.Profile, g.Native, g.Target.Shared = name, p.Native[cloudName], p.Shared
	g.Can = nil
	for _, row := range p.Can {
		if len(row.On) == 0 || slices.Contains(row.On, cloudName) {
			g.Can = append(g.Can, row.Ability)
		}
	}
	for _, v := range p.Variants {
		if v.Name != variant {
			continue
		}
		g.Profile += "+" + variant
		g.Can = slices.DeleteFunc(g.Can, func(a core.Ability) bool { return slices.Contains(v.Drops, a) })
		for _, row := range v.Adds {
			g.Can = append(g.Can, row.Ability)
		}
		return g
	}
	if variant != "" {
		panic(name + " has no variant " + variant)
	}
	return g
}

// literally fills g with what the source document of a profile asks for.
func literally(g core.Grant, name string) core.Grant {
	g = profiled(g, name, "")
	g.Literal = true
	for _, r := range readProfile(name).Documented {
		if r.Cloud == cloudName {
			if r.Can != nil {
				g.Can = r.Can
			}
			if r.Native != nil {
				g.Native = r.Native
			}
		}
	}
	return g
}

// clickhouse is a grant without its abilities.
func clickhouse() core.Grant {
	return core.Grant{Name: "acme-clickhouse", Who: core.WhoKey, Target: core.Target{Bucket: "acme-clickhouse", Prefix: "clickhouse/", Region: "eu-west-1"}}
}

// site is a grant without its abilities.
func site() core.Grant {
	return core.Grant{Name: "www-example-com", Who: core.WhoKey, Target: core.Target{Bucket: "acme-sites", Prefix: "www.example.com/", Region: "eu-west-1"}}
}

// with adds a setting.
func with(g core.Grant, name, value string) core.Grant {
	settings := map[string]string{name: value}
	for k, v := range g.Settings {
		settings[k] = v
	}
	g.Settings = settings
	return g
}

// wholeClickhouse is what the document of ClickHouse asks for.
func wholeClickhouse() core.Grant {
	g := with(literally(clickhouse(), "clickhouse"), setFolder, "clickhouse/")
	g.Target.Prefix = ""
	return g
}

// keyGrants are the grants that hand over a key.
func keyGrants() map[string]core.Grant {
	adopted := with(profiled(clickhouse(), "clickhouse", "backup"), setMarker, yes)
	adopted.Target.Adopt = true
	limited := profiled(clickhouse(), "clickhouse", "")
	limited.Limits.From = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}
	return map[string]core.Grant{
		"event-dump+replay":      profiled(eventDump(), "event-dump", "replay"),
		"clickhouse":             with(profiled(clickhouse(), "clickhouse", ""), setMarker, yes),
		"clickhouse+read-only":   profiled(clickhouse(), "clickhouse", "read-only"),
		"clickhouse+backup":      adopted,
		"clickhouse from":        limited,
		"clickhouse literal":     wholeClickhouse(),
		"site-backup":            profiled(site(), "site-backup", ""),
		"site-backup+put-only":   profiled(site(), "site-backup", "put-only"),
		"site-backup+uploads":    profiled(site(), "site-backup", "uploads"),
		"site-backup literal":    literally(site(), "site-backup"),
		"site-backup in a group": with(profiled(site(), "site-backup", ""), setGroup, "sites"),
	}
}
