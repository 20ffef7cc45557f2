// Identities: how a grantee can prove who it is on AWS.
package s3

import "github.com/bucketgrant/bucketgrant/core"

// identities are the ways that AWS has, those without a secret first.
func identities() []core.Identity {
	return []core.Identity{
		{Who: core.WhoKey, Title: "an access key of a user", Form: core.PairForm,
			Why: "works everywhere, and for whoever holds it until it is retired: choose it only where the grantee cannot do without a secret"},
	}
}
