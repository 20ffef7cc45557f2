// Package fakegcp is a Google Cloud in one [http.Handler]: the JSON and the XML
// API of Cloud Storage, IAM v1 with workload identity pools, the OAuth token
// endpoint, the Security Token Service, Service Account Credentials, and the
// small parts of Resource Manager and Policy Troubleshooter that a storage
// grant touches.
//
// It authenticates every request by its bearer token or its HMAC signature and
// enforces IAM: the policies of projects, buckets, managed folders and service
// accounts, custom roles, conditions, public access prevention and organisation
// policies, with the delay that changes need to become visible. Google's own
// clients run on top unchanged.
//
// The world outside of Google is part of it, as far as credentials come from
// there: [Cloud.IssueToken] is any OIDC issuer, [Cloud.ForgeToken] its imitator,
// [Cloud.AddAWSRole] a role on AWS, [Cloud.AddProject] somebody else's project.
//
// It is written from Google's documentation and discovery documents, imports
// no Google library, and knows nothing of the programs that it judges.
package fakegcp
