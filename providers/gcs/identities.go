// Identities: how a grantee can prove who it is on Google Cloud.
package gcs

import "github.com/bucketgrant/bucketgrant/core"

// identities are the ways that Google Cloud has, those without a secret first.
func identities() []core.Identity {
	var list []core.Identity
	for _, k := range grantees() {
		list = append(list, k.identity())
	}
	return list
}

// federated are the kinds of grantees that are identities of somebody else.
func federated() []grantee {
	return []grantee{workflowGrantee{}, awsRoleGrantee{}, vendorGrantee{}}
}
