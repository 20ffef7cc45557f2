// Advice: what people ask once a key was seen by somebody else.
package s3

import (
	"cmp"
	"fmt"

	"github.com/bucketgrant/bucketgrant/core"
)

var _ core.Advisor = (*Provider)(nil)

// Exposed says what AWS does about a key that was found in public, what it
// leaves open, and where to look for what was done with it.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCompromisedKeyQuarantineV3.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/securing_access-keys.html
func (p *Provider) Exposed(b core.Blueprint, keyID string) []string {
	d, _ := draw(b.Grant)
	user, key := d.userName(), cmp.Or(keyID, "ACCESS-KEY-ID")
	if b.Grant.Who != core.WhoKey {
		return []string{
			"no key was handed over, so there is none to be found: what can leak is a session of the role, which ends by itself within 12 hours at most",
			"revoke refuses every session that was begun before it, at once",
			fmt.Sprintf("what was done as the role, without what was done to objects: aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=%s --region %s", d.roleName(), d.region),
		}
	}
	prefix := ""
	if d.grant.Target.Prefix != "" {
		prefix = " --prefix " + d.grant.Target.Prefix
	}
	lines := []string{
		"AWS looks for keys in public places by itself: it then opens a support case and puts the policy AWSCompromisedKeyQuarantineV2 or V3 on the user, which denies making users, keys and roles, and s3:GetObject, s3:ListBucket and s3:DeleteObject among others",
		"that policy does not deny s3:PutObject: whoever has the key goes on writing into " + d.objectsARN() + " until the key itself is of no use",
		fmt.Sprintf("delete the key, do not only switch it off: whoever may update keys can switch it on again: aws iam delete-access-key --user-name %s --access-key-id %s", user, key),
		"sessions that were made with the key by sts:GetSessionToken go on for up to 36 hours after the key was deleted, but not after the user is shut out: revoke does that",
		fmt.Sprintf("what the key has done, without what it has done to objects: aws cloudtrail lookup-events --lookup-attributes AttributeKey=AccessKeyId,AttributeValue=%s --region %s, and again with --region %s for IAM", key, d.region, d.partition.home()),
		fmt.Sprintf("when and for what it was last used: aws iam get-access-key-last-used --access-key-id %s", key),
		"what it has put, replaced or read is in CloudTrail only if data events of the bucket are logged, else in the bucket's server access logs, if they are on: AWS keeps neither without being asked to before",
	}
	if d.grant.Target.Adopt {
		lines = append(lines, fmt.Sprintf("where the bucket keeps versions, what was replaced is still there: aws s3api list-object-versions --bucket %s%s", d.bucket(), prefix))
	} else {
		lines = append(lines, fmt.Sprintf("what was replaced is kept as a version for %d days: aws s3api list-object-versions --bucket %s%s", expireDays, d.bucket(), prefix))
	}
	return append(lines, "other credentials that somebody may have made with it are in a status of the grant; the support case is answered in AWS's Support Center")
}

// home is the region in which a partition keeps IAM, and CloudTrail its events.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
func (p partition) home() string {
	switch p.name {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	case "aws-eusc":
		return "eusc-de-east-1"
	}
	return "us-east-1"
}
