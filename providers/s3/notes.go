// Notes: what a reader of the plan must know, and what the simulator is asked on top.
package s3

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// advisor is a layout that has more to say than names and documents.
type advisor interface {
	// notes are what a reader of the plan must know.
	notes(d design) []string

	// checks are what IAM's simulator is asked beyond the abilities.
	checks(p *Provider, d design) []core.Probe
}

// notes are the limits of what is granted, in words.
func (p *Provider) notes(d design) []string {
	var list []string
	if networks := d.grant.Limits.From; len(networks) > 0 {
		var words []string
		for _, n := range networks {
			words = append(words, n.String())
		}
		list = append(list,
			"requests are answered from "+strings.Join(words, ", ")+" only, as S3 sees their source; requests that come through a VPC endpoint have no such address and are refused",
			"the proof asks IAM's simulator with an address inside and one outside, because whoever runs this may be outside; from inside, verify --inside tries the key itself")
	}
	if d.grant.Allows(core.Uploads) {
		list = append(list, "S3 cannot limit the list of unfinished uploads to a prefix: the grantee sees the names of everybody's in this bucket")
	}
	if slices.ContainsFunc(d.native.Statements, func(s nativeStatement) bool {
		return slices.ContainsFunc(s.Actions, func(a string) bool { return strings.HasSuffix(a, "Acl") })
	}) && !d.grant.Target.Adopt {
		list = append(list, "the document's actions on access lists do nothing here: access lists are switched off in the bucket")
	}
	if d.common != "" {
		list = append(list, "one policy serves every user of the group "+d.common+" in the folder that is called like the user: no user of the group may be renamed")
	}
	if a, ok := d.layout.(advisor); ok {
		list = append(list, a.notes(d)...)
	}
	return list
}

// outsideNetwork is where a check comes from that must be refused for its source.
const outsideNetwork core.Where = "another network"

// checks are the probes of the networks, and the layout's.
func (p *Provider) checks(d design) []core.Probe {
	var list []core.Probe
	if _, ok := outsideOf(d.grant.Limits.From); ok {
		for _, s := range p.grantStatements(d) {
			if s.Sid == keySid {
				continue
			}
			for _, action := range s.Action {
				if strings.ContainsAny(action, "*?") {
					action = "s3:GetBucketPolicy"
				}
				list = append(list, core.Probe{Where: outsideNetwork, Bucket: d.bucket(), Action: action, Key: d.oneOf(s.Resource[0]), Want: core.Denied, Why: "comes from another network"})
			}
		}
	}
	if a, ok := d.layout.(advisor); ok {
		list = append(list, a.checks(p, d)...)
	}
	return list
}

// oneOf is a resource that a pattern of the grant's policy is about.
func (d design) oneOf(pattern string) string {
	if pattern == d.objectsARN() {
		return d.bucketARN() + "/" + d.grant.Target.Prefix
	}
	return pattern
}

// insideOf is an address of the networks.
func insideOf(networks []netip.Prefix) netip.Addr {
	a := networks[0].Addr()
	if next := a.Next(); networks[0].Contains(next) {
		return next
	}
	return a
}

// outsideOf is an address of none of the networks; false if every address is in them.
// The addresses are those that documentation is written with.
// https://www.rfc-editor.org/rfc/rfc5737
func outsideOf(networks []netip.Prefix) (netip.Addr, bool) {
	if len(networks) == 0 {
		return netip.Addr{}, false
	}
	for _, text := range []string{"192.0.2.77", "198.51.100.77", "203.0.113.77", "2001:db8::77"} {
		a := netip.MustParseAddr(text)
		if !slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) }) {
			return a, true
		}
	}
	return netip.Addr{}, false
}
