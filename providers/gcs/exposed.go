// Exposed: what Google does about a key that was seen in public, and what it leaves open.
package gcs

import "github.com/bucketgrant/bucketgrant/core"

// Exposed says one thing a line.
// https://cloud.google.com/iam/docs/best-practices-for-managing-service-account-keys
// https://cloud.google.com/resource-manager/docs/organization-policy/restricting-service-accounts
func (p *Provider) Exposed(b core.Blueprint, keyID string) []string {
	s, _ := readSettings(b.Grant)
	d := designOf(b.Grant, s)
	if b.Grant.Who == core.WhoHMAC {
		return []string{
			"Google does not switch off HMAC keys that are seen in public: gcloud storage hmac update " + keyID + " --deactivate --project " + d.project,
			"a key that was made inactive may work for up to 3 minutes",
			d.log("protoPayload.authenticationInfo.principalEmail=\"" + d.email + "\""),
			dataLogs, d.kept(),
		}
	}
	return []string{
		"Google switches off keys that it finds in public repositories, unless iam.serviceAccountKeyExposureResponse says otherwise; the key's disableReason is then EXPOSED: " + listKeys(d),
		"tokens that were got with the key go on for up to 1 hour, or 12 where iam.allowServiceAccountCredentialLifetimeExtension is set; disabling the account cuts them: gcloud iam service-accounts disable " + d.email + " --project " + d.project,
		d.log("protoPayload.authenticationInfo.serviceAccountKeyName:\"" + keyID + "\""),
		dataLogs, d.kept(),
	}
}

const dataLogs = "reads and writes of objects are logged only where data access logs of Cloud Storage are enabled: https://cloud.google.com/storage/docs/audit-logging"

// log is where to look for what was done.
func (d design) log(filter string) string {
	return "what was done with it: gcloud logging read '" + filter + "' --project " + d.project
}

// kept says what of the data can be brought back.
func (d design) kept() string {
	return "what was deleted or replaced can be restored while soft delete or versions keep it: gcloud storage ls --soft-deleted gs://" + d.bucket + "/" + d.prefix + "**"
}
