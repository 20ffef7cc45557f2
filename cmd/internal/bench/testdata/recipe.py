"""The same as recipe.sh in one process: what somebody would write with boto3."""

import json
import os
import sys

import boto3

verb, bucket, place = sys.argv[1:]
name = bucket + "-events"
s3, iam = boto3.client("s3"), boto3.client("iam")
policy = f"arn:aws:iam::{boto3.client('sts').get_caller_identity()['Account']}:policy/{name}"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


if verb == "apply":
    s3.create_bucket(Bucket=bucket)
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "old",
                    "Status": "Enabled",
                    "Filter": {},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                }
            ]
        },
    )
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=document(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ),
    )
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "managed-by", "Value": "hand"}]})
    iam.create_policy(
        PolicyName=name,
        PolicyDocument=document({"Effect": "Allow", "Action": ["s3:PutObject", "s3:AbortMultipartUpload"], "Resource": f"arn:aws:s3:::{bucket}/events/*"}),
    )
    iam.create_group(GroupName=name)
    iam.attach_group_policy(GroupName=name, PolicyArn=policy)
    iam.create_user(UserName=name)
    iam.add_user_to_group(GroupName=name, UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    with open(os.open(os.path.join(place, "key.json"), os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        json.dump(key, f, default=str)
else:
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.remove_user_from_group(GroupName=name, UserName=name)
    iam.delete_user(UserName=name)
    iam.detach_group_policy(GroupName=name, PolicyArn=policy)
    iam.delete_group(GroupName=name)
    iam.delete_policy(PolicyArn=policy)
    s3.delete_bucket(Bucket=bucket)
