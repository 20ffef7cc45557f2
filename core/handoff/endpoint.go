// Endpoint: where a pair is of use, if that is not where its protocol comes from.
package handoff

import (
	"fmt"
	"net/netip"
	"net/url"

	"github.com/bucketgrant/bucketgrant/core"
)

// endpoints are the addresses that a file with a secret may name, by cloud: a
// receipt is not sealed, so whoever carries it could name an address of his
// own, to which the holder's programs would then bring everything.
// https://docs.cloud.google.com/storage/docs/interoperability
func endpoints() map[string]string {
	return map[string]string{"gcs": "https://storage.googleapis.com"}
}

// endpointOf is the endpoint that r names, "" if none; an error if it is
// neither the cloud's own nor on this machine.
func endpointOf(r core.Receipt) (string, error) {
	for _, o := range r.Outputs {
		if o.Name != "endpoint" || o.File != "" {
			continue
		}
		if o.Value == endpoints()[r.Cloud] || onThisMachine(o.Value) {
			return o.Value, nil
		}
		return "", fmt.Errorf("the receipt names the endpoint %q, which is not the cloud's own: whoever runs it would get everything that is uploaded", o.Value)
	}
	return "", nil
}

// onThisMachine reports whether an address is a server of whoever uses it, such as a sandbox.
func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback() && ip.Zone() == "" // a zone may hold anything
}

// anyRegion is what programs give as the region where a protocol asks for one
// and the cloud ignores it.
// https://docs.cloud.google.com/storage/docs/authentication/signatures
const anyRegion = "auto"

// placeOf is the region that programs are to be told, and the endpoint, "" if
// the protocol's own is meant.
func placeOf(r core.Receipt) (region, endpoint string, err error) {
	if endpoint, err = endpointOf(r); err != nil || endpoint == "" {
		return r.Region, "", err
	}
	return anyRegion, endpoint, nil
}
