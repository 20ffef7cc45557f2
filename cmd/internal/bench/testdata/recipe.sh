# The job as people do it by hand today: a hardened bucket, a group, its policy, a user, a key.
set -eu
verb=$1 bucket=$2 dir=$3
name=$bucket-events
account=$(aws sts get-caller-identity --query Account --output text)
policy=arn:aws:iam::$account:policy/$name
case $verb in
apply)
	aws s3api create-bucket --bucket "$bucket" >/dev/null
	aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
	aws s3api put-bucket-ownership-controls --bucket "$bucket" --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
	aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
	aws s3api put-bucket-lifecycle-configuration --bucket "$bucket" --lifecycle-configuration '{"Rules":[{"ID":"old","Status":"Enabled","Filter":{},"NoncurrentVersionExpiration":{"NoncurrentDays":30},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}]}' >/dev/null
	aws s3api put-bucket-policy --bucket "$bucket" --policy "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":[\"arn:aws:s3:::$bucket\",\"arn:aws:s3:::$bucket/*\"],\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}}]}"
	aws s3api put-bucket-tagging --bucket "$bucket" --tagging 'TagSet=[{Key=managed-by,Value=hand}]'
	aws iam create-policy --policy-name "$name" --policy-document "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:PutObject\",\"s3:AbortMultipartUpload\"],\"Resource\":\"arn:aws:s3:::$bucket/events/*\"}]}" >/dev/null
	aws iam create-group --group-name "$name" >/dev/null
	aws iam attach-group-policy --group-name "$name" --policy-arn "$policy"
	aws iam create-user --user-name "$name" >/dev/null
	aws iam add-user-to-group --group-name "$name" --user-name "$name"
	(umask 077 && aws iam create-access-key --user-name "$name" >"$dir/key.json")
	;;
destroy)
	for key in $(aws iam list-access-keys --user-name "$name" --query 'AccessKeyMetadata[].AccessKeyId' --output text); do
		aws iam delete-access-key --user-name "$name" --access-key-id "$key"
	done
	aws iam remove-user-from-group --group-name "$name" --user-name "$name"
	aws iam delete-user --user-name "$name"
	aws iam detach-group-policy --group-name "$name" --policy-arn "$policy"
	aws iam delete-group --group-name "$name"
	aws iam delete-policy --policy-arn "$policy"
	aws s3api delete-bucket --bucket "$bucket"
	;;
esac
