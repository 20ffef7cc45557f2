// Identities: how a grantee can prove who it is on Google Cloud.
package gcs

import "github.com/bucketgrant/bucketgrant/core"

// identities are the ways that Google Cloud has, those without a secret first.
func identities() []core.Identity {
	return []core.Identity{
		{Who: core.WhoKey, Title: "a key file of a service account", Form: core.DocumentForm,
			Why: "works everywhere, and for whoever holds it until it is deleted: choose it only where the grantee cannot do without a secret"},
	}
}
