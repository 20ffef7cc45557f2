// Package fakegcp is a Google Cloud in one [http.Handler]: the Cloud Storage
// JSON API, IAM v1, the OAuth token endpoint, and the small parts of Resource
// Manager and Policy Troubleshooter that a storage grant touches.
//
// It authenticates every request by its bearer token and enforces IAM:
// project, bucket and service-account policies, custom roles, conditions,
// public access prevention and organisation policies, with the delay that
// changes need to become visible. Google's own clients run on top unchanged.
//
// It is written from Google's documentation and discovery documents, imports
// no Google library, and knows nothing of the programs that it judges.
package fakegcp
