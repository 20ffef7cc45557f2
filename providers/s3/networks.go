// Networks: those that S3 can see a request come from.
package s3

import (
	"net/netip"

	"github.com/bucketgrant/bucketgrant/core"
)

// unseenNetworks are those from which S3 never sees a request come: private ones
// stand behind translation or a VPC endpoint, whose requests have no source
// address in a policy, and the others are no source at all.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip
// https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml
func unseenNetworks() []struct{ network, what string } {
	return []struct{ network, what string }{
		{"0.0.0.0/8", "is this network itself"},
		{"10.0.0.0/8", "is private"},
		{"100.64.0.0/10", "is inside of a provider's network"},
		{"127.0.0.0/8", "is the machine itself"},
		{"169.254.0.0/16", "is local to a link"},
		{"172.16.0.0/12", "is private"},
		{"192.168.0.0/16", "is private"},
		{"224.0.0.0/4", "is multicast"},
		{"240.0.0.0/4", "is reserved"},
		{"::/127", "is the machine itself"},
		{"fc00::/7", "is private"},
		{"fe80::/10", "is local to a link"},
		{"ff00::/8", "is multicast"},
	}
}

// sourceFaults are networks from which nobody could ever get in, and those that
// together keep nobody out.
func sourceFaults(from []netip.Prefix) core.Faults {
	const accepts = `networks as the internet sees them, e.g. "203.0.113.0/24"`
	var f core.Faults
	for _, n := range from {
		for _, u := range unseenNetworks() {
			if wide := netip.MustParsePrefix(u.network); n.Bits() >= wide.Bits() && wide.Contains(n.Addr()) {
				f = append(f, core.Fault{Field: "from", Value: n.String(), Rule: u.what + ": S3 never sees a request come from there, so that the grantee would always be refused", Accepts: accepts})
				break
			}
		}
	}
	for _, all := range []string{"0.0.0.0/0", "::/0"} {
		if everything := netip.MustParsePrefix(all); len(from) > 1 && covered(everything, from) {
			f = append(f, core.Fault{Field: "from", Value: all, Rule: "is what the networks amount to together: everywhere", Accepts: accepts + ", or none"})
		}
	}
	return f
}

// covered reports whether every address of n is in one of the networks.
func covered(n netip.Prefix, by []netip.Prefix) bool {
	inside := false
	for _, one := range by {
		if one.Bits() <= n.Bits() && one.Contains(n.Addr()) {
			return true
		}
		inside = inside || n.Contains(one.Addr())
	}
	if !inside {
		return false
	}
	low, high := halves(n)
	return covered(low, by) && covered(high, by)
}

// halves are the two networks that n consists of. It is no single address.
func halves(n netip.Prefix) (low, high netip.Prefix) {
	bytes := n.Addr().AsSlice()
	bytes[n.Bits()/8] |= 0x80 >> (n.Bits() % 8)
	top, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(n.Addr(), n.Bits()+1), netip.PrefixFrom(top, n.Bits()+1)
}
