// Causes: why an access fails on Google Cloud, as a table of signs with the commands that confirm and mend.
package gcs

import (
	"regexp"

	"github.com/bucketgrant/bucketgrant/core"
)

var _ core.Advisor = (*Provider)(nil)

// cause is one row: a pattern that says it in so many words, and one that only fits.
type cause struct {
	name, layer, means, confirm, fix string
	owner                            bool
	says, fits                       string
}

// Causes are the reasons for which an access fails, with commands that name the things of b.
func (p *Provider) Causes(b core.Blueprint) []core.Cause {
	s, _ := readSettings(b.Grant)
	var list []core.Cause
	for _, c := range causes(designOf(b.Grant, s)) {
		out := core.Cause{Name: c.name, Layer: c.layer, Means: c.means, Confirm: c.confirm, Fix: c.fix, Owner: c.owner,
			Signs: []core.Sign{{Match: regexp.MustCompile("(?i)" + c.says), Weight: 10}}}
		if c.fits != "" {
			out.Signs = append(out.Signs, core.Sign{Match: regexp.MustCompile("(?i)" + c.fits), Weight: 2})
		}
		list = append(list, out)
	}
	return list
}

// causes are ordered by who refuses: the token, the project, the organisation, the policies, the bucket.
// https://cloud.google.com/storage/docs/troubleshooting
// https://cloud.google.com/iam/docs/troubleshooting-workload-identity-federation
func causes(d design) []cause {
	in := " --project " + d.project
	role, at := "gcloud iam roles describe "+d.roleID+in, "gs://"+d.bucket
	policy := "gcloud storage buckets get-iam-policy " + at
	account := "gcloud iam service-accounts describe " + d.email + in
	keys := listKeys(d)
	bucket := "gcloud storage buckets describe " + at
	const again = "the owner applies the grant again"
	return []cause{
		{"key-gone", "key", "the key was deleted, is disabled, or is not known everywhere yet", keys, "ask the owner for the state of the key, or for another one", true, `invalid jwt signature|^(GOOG[0-9A-Z]+|[0-9a-f]{16,}) (missing|inactive):`, `invalid_grant`},
		{"clock", "token", "the clock of the machine is wrong, so that what it signs is over or not yet valid", "date -u", "set the clock of the machine by NTP", false, `reasonable timeframe|token must be a short-lived|RequestTimeTooSkewed|off by ([1-9][0-9]*h|[5-9]m|[1-9][0-9]+m)`, ""},
		{"account-gone", "key", "the service account was deleted, or there is none that works under its name", account, again, true, `account not found|not a valid email or user id|no such service account|gaia id not found`, `invalid_grant`},
		{"account-disabled", "key", "the service account is disabled: no key and no token of it works", account, "gcloud iam service-accounts enable " + d.email + in, true, `ACCOUNT_STATE_INVALID|account (has been |is )?disabled|robot is disabled`, `\b401\b`},
		{"api-off", "project", "an API of the project is switched off", "gcloud services list --enabled" + in, "gcloud services enable storage.googleapis.com" + in, true, `SERVICE_DISABLED|accessNotConfigured|has not been used in project`, ""},
		{"billing-off", "project", "the project's billing account is missing or closed", "gcloud billing projects describe " + d.project, "link an open billing account: https://console.cloud.google.com/billing", true, `BILLING_DISABLED|accountDisabled|billing account .*(disabled|absent|closed)|absent billing account|has not configured billing`, ""},
		{"requester-pays", "project", "the bucket's requesters pay, and the request names no project for that", bucket + " --format 'value(requester_pays)'", "gcloud storage buckets update " + at + " --no-requester-pays", true, `requester pays|UserProjectMissing|USER_PROJECT_DENIED|permission to use project`, `userProject`},
		{"key-policy", "organisation", "an organisation policy forbids keys of service accounts", "gcloud resource-manager org-policies describe iam.disableServiceAccountKeyCreation --effective" + in, keyless, true, `constraints/iam\.(managed\.)?disableServiceAccountKey|key creation is not allowed`, ""},
		{"domain-policy", "organisation", "an organisation policy forbids members of other organisations", "gcloud resource-manager org-policies describe iam.allowedPolicyMemberDomains --effective" + in, "have the vendor's organisation allowed by the administrator of yours", true, `allowedPolicyMemberDomains|permitted customer`, ""},
		{"perimeter", "organisation", "a perimeter of VPC Service Controls keeps the request out", "gcloud access-context-manager perimeters list", "have an ingress rule made for the grantee by the administrator of the perimeter", true, `SECURITY_POLICY_VIOLATED|vpcServiceControls|prohibited by organization's policy`, ""},
		{"deny-policy", "organisation", "a deny policy takes away what the grant gives", "gcloud iam policies list --kind denypolicies --attachment-point cloudresourcemanager.googleapis.com/projects/" + d.project, "have the grantee excepted by whoever set the deny policy", true, `denied by.*deny polic|deny polic(y|ies) (at|on|denies)`, ""},
		{"overwrite", "policy", "an object of that name exists, and to replace it takes the permission to delete", "gcloud storage ls -L " + at + "/" + d.prefix, "upload under another name, with ifGenerationMatch=0 for retries", false, `storage\.objects\.delete`, `\b403\b`},
		{"client-asks-more", "policy", "the program reads the bucket or lists it first, which the grant does not give", role, "switch off the program's checks, such as no_check_bucket of rclone", false, `storage\.(buckets\.get|objects\.list)\b`, `\b403\b`},
		{"multipart", "policy", "the program uploads in parts, which the role does not give", role, again + " for who: hmac", true, `storage\.multipartUploads\.`, `\b403\b`},
		{"no-create", "policy", "the binding does not cover this: it is gone, over, or for another prefix", policy, again + ", or the program writes below " + at + "/" + d.prefix, true, `storage\.objects\.create`, `\b403\b`},
		{"impersonation", "policy", "the grantee may not act as the service account", "gcloud iam service-accounts get-iam-policy " + d.email + in, again, true, `iam\.serviceAccounts\.getAccessToken`, ""},
		{"pool-gone", "federation", "the pool or its provider is disabled, deleted, or named wrongly", "gcloud iam workload-identity-pools describe " + poolID(d.names.grant) + " --location global" + in, again + ", or restores it; or use the audience that the hand-off names", true, `invalid_target`, ""},
		{"condition-rejected", "federation", "the attribute condition of the pool's provider rejects the identity", "gcloud iam workload-identity-pools providers list --workload-identity-pool " + poolID(d.names.grant) + " --location global" + in, "use the identity that the grant names, or have the owner grant this one", true, `rejected by the attribute condition`, `invalid_grant|unauthorized_client`},
		{"audience", "federation", "the token is for another audience", "gcloud iam workload-identity-pools providers list --workload-identity-pool " + poolID(d.names.grant) + " --location global" + in, "ask for a token with the audience that the hand-off names", false, `audience.{0,80}(does not match|mismatch)`, `invalid_grant`},
		{"issuer", "federation", "the token is of another issuer than the provider takes", "gcloud iam workload-identity-pools providers list --workload-identity-pool " + poolID(d.names.grant) + " --location global" + in, "use a token of the issuer that the grant names", false, `issuer.{0,80}(does not match|mismatch)`, `invalid_grant`},
		{"subject-long", "federation", "the subject of the token is longer than 127 bytes", "count the bytes of the claim that google.subject is mapped from", "use shorter names of repository and branch", false, `google\.subject.{0,80}127|127 (bytes|characters)`, `invalid_(grant|request)`},
		{"not-uniform", "bucket", "the bucket has access control lists, so that identities of a pool and conditions do not work", bucket, "gcloud storage buckets update " + at + " --uniform-bucket-level-access", true, `uniform bucket-level access (to be|is not|must)|access control lists are in force`, ""},
		{"hmac-signature", "key", "the HMAC secret is wrong, or the request is signed for another host or region", keys, "use the secret of the hand-off, https://storage.googleapis.com and the region auto", false, `SignatureDoesNotMatch`, ""},
		{"hmac-key", "key", "the HMAC key is inactive, deleted, or unknown at this endpoint", keys, "gcloud storage hmac update ACCESS_ID --activate" + in, true, `InvalidAccessKeyId|InvalidSecurity`, ""},
		{"kms", "encryption", "the bucket's Cloud KMS key is disabled, or the service agent of Cloud Storage may not use it", "gcloud storage service-agent" + in, "gcloud storage service-agent" + in + " --authorize-cmek KEY", true, `cloudkms\.|cloud kms|kms key|cryptoKey`, ""},
		{"retention", "bucket", "a retention policy or a hold keeps the object as it is", bucket, "upload under another name, or wait until the retention is over", false, `retention policy|under active .*hold|retentionPolicyNotMet|objectUnderActiveHold`, ""},
		{"no-bucket", "bucket", "there is no such bucket: it was deleted, or its name is wrong", bucket, again + "; one that was deleted lately: gcloud storage restore " + at, true, `bucket does not exist|NoSuchBucket`, `\b404\b`},
		{"too-fast", "speed", "too many requests in too short a time", "look at the rate of requests to one prefix", "repeat with growing pauses, and spread names", false, `rateLimitExceeded|RATE_LIMIT_EXCEEDED|quota exceeded|SlowDown`, `\b429\b`},
		{"orphan", "policy", "the principal of the binding was deleted and made again, so that the binding names nobody", policy, again, true, `deleted:serviceAccount:|orphan-principal`, ""},
		{"role-gone", "policy", "the role is deleted, so that its binding gives nothing", role, again, true, `iam:role/\S+: was deleted|role .*(is|was) (deleted|marked for deletion)`, ""},
		{"revoked", "owner", "the owner has revoked the access", role, "the owner restores the access", true, `shut-out |was shut: `, ""},
		{"expired", "owner", "the grant is over", policy, again + " with a later end", true, `expires is over|access is over|ended .*is over`, ""},
	}
}
