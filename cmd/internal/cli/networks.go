// Networks: where requests may come from.
package cli

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// parseNetworks reads networks and single addresses, orders them and drops what is said twice.
func parseNetworks(list []string) ([]netip.Prefix, core.Faults) {
	var all []netip.Prefix
	var faults core.Faults
	for _, text := range list {
		p, rule := parseNetwork(text)
		if rule != "" {
			faults = append(faults, core.Fault{Field: fromKey, Value: text, Rule: rule, Accepts: "a network, e.g. 203.0.113.0/24 or 2001:db8::/32, or one address"})
			continue
		}
		all = append(all, p)
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	return slices.Compact(all), faults
}

// parseNetwork returns the network that text names, or the rule that it breaks.
func parseNetwork(text string) (netip.Prefix, string) {
	if !strings.Contains(text, "/") {
		at, err := netip.ParseAddr(text)
		if at = at.Unmap(); err != nil || at.Zone() != "" {
			return netip.Prefix{}, "is neither a network nor an address"
		}
		return netip.PrefixFrom(at, at.BitLen()), ""
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4In6():
		return p, "is not a network"
	case p.Bits() == 0:
		return p, "is everywhere, which limits nothing"
	case p != p.Masked():
		return p, "is an address inside a network: the network is " + p.Masked().String()
	}
	return p, ""
}
