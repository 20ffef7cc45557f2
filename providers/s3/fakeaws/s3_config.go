// The settings of a bucket that are documents of their own.
package fakeaws

import (
	"encoding/xml"
	"slices"
)

// Every setting replaces the whole document and has no version to compare with.
func configOps() []s3Op {
	return []s3Op{
		{name: "GetPublicAccessBlock", method: "GET", on: onBucket, query: "publicAccessBlock", action: "s3:GetBucketPublicAccessBlock", run: getPublicAccess},
		{name: "PutPublicAccessBlock", method: "PUT", on: onBucket, query: "publicAccessBlock", write: true, action: "s3:PutBucketPublicAccessBlock", run: putPublicAccess},
		{name: "DeletePublicAccessBlock", method: "DELETE", on: onBucket, query: "publicAccessBlock", write: true, action: "s3:PutBucketPublicAccessBlock", run: deletePublicAccess},
		{name: "GetBucketOwnershipControls", method: "GET", on: onBucket, query: "ownershipControls", action: "s3:GetBucketOwnershipControls", run: getOwnership},
		{name: "PutBucketOwnershipControls", method: "PUT", on: onBucket, query: "ownershipControls", write: true, action: "s3:PutBucketOwnershipControls", run: putOwnership},
		{name: "DeleteBucketOwnershipControls", method: "DELETE", on: onBucket, query: "ownershipControls", write: true, action: "s3:PutBucketOwnershipControls", run: deleteOwnership},
		{name: "GetBucketEncryption", method: "GET", on: onBucket, query: "encryption", action: "s3:GetEncryptionConfiguration", run: getEncryption},
		{name: "PutBucketEncryption", method: "PUT", on: onBucket, query: "encryption", write: true, action: "s3:PutEncryptionConfiguration", run: putEncryption},
		{name: "DeleteBucketEncryption", method: "DELETE", on: onBucket, query: "encryption", write: true, action: "s3:PutEncryptionConfiguration", run: deleteEncryption},
		{name: "GetBucketVersioning", method: "GET", on: onBucket, query: "versioning", action: "s3:GetBucketVersioning", run: getVersioning},
		{name: "PutBucketVersioning", method: "PUT", on: onBucket, query: "versioning", write: true, action: "s3:PutBucketVersioning", run: putVersioning},
		{name: "GetBucketLifecycleConfiguration", method: "GET", on: onBucket, query: "lifecycle", action: "s3:GetLifecycleConfiguration", run: getLifecycle},
		{name: "PutBucketLifecycleConfiguration", method: "PUT", on: onBucket, query: "lifecycle", write: true, action: "s3:PutLifecycleConfiguration", run: putLifecycle},
		{name: "DeleteBucketLifecycle", method: "DELETE", on: onBucket, query: "lifecycle", write: true, action: "s3:PutLifecycleConfiguration", run: deleteLifecycle},
		{name: "GetBucketTagging", method: "GET", on: onBucket, query: "tagging", action: "s3:GetBucketTagging", run: getBucketTagging},
		{name: "PutBucketTagging", method: "PUT", on: onBucket, query: "tagging", write: true, action: "s3:PutBucketTagging", run: putBucketTagging},
		{name: "DeleteBucketTagging", method: "DELETE", on: onBucket, query: "tagging", write: true, action: "s3:PutBucketTagging", run: deleteBucketTagging},
	}
}

type publicAccess struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

func getPublicAccess(k *s3Call) error {
	if k.bucket.Access == nil {
		return &apiError{Code: "NoSuchPublicAccessBlockConfiguration", Status: 404, Message: "The public access block configuration was not found"}
	}
	return k.reply("PublicAccessBlockConfiguration", *k.bucket.Access)
}

func putPublicAccess(k *s3Call) error {
	var in publicAccess
	if err := k.parse(&in); err != nil {
		return err
	}
	k.bucket.Access = &in
	return nil
}

func deletePublicAccess(k *s3Call) error {
	k.bucket.Access = nil
	k.w.WriteHeader(204)
	return nil
}

// ownerEnforced switches ACLs off.
const ownerEnforced = "BucketOwnerEnforced"

func validOwnership(o string) bool {
	return slices.Contains([]string{ownerEnforced, "BucketOwnerPreferred", "ObjectWriter"}, o)
}

type ownershipControls struct {
	Rule []struct{ ObjectOwnership string }
}

func getOwnership(k *s3Call) error {
	if k.bucket.Ownership == "" {
		return &apiError{Code: "OwnershipControlsNotFoundError", Status: 404, Message: "The bucket ownership controls were not found"}
	}
	return k.reply("OwnershipControls", ownershipControls{[]struct{ ObjectOwnership string }{{k.bucket.Ownership}}})
}

func putOwnership(k *s3Call) error {
	var in ownershipControls
	if err := k.parse(&in); err != nil {
		return err
	}
	if len(in.Rule) != 1 || !validOwnership(in.Rule[0].ObjectOwnership) {
		return malformedXML()
	}
	k.bucket.Ownership = in.Rule[0].ObjectOwnership
	return nil
}

func deleteOwnership(k *s3Call) error {
	k.bucket.Ownership = ""
	k.w.WriteHeader(204)
	return nil
}

type encryptionRule struct {
	Default *struct {
		SSEAlgorithm   string
		KMSMasterKeyID string `xml:",omitempty"`
	} `xml:"ApplyServerSideEncryptionByDefault"`
	BucketKeyEnabled bool
	Blocked          *blockedTypes `xml:"BlockedEncryptionTypes"`
}

type blockedTypes struct {
	EncryptionType []string
}

type encryptionConfiguration struct {
	Rule []encryptionRule
}

func defaultEncryption() []encryptionRule {
	r := encryptionRule{Blocked: &blockedTypes{[]string{"SSE-C"}}}
	r.Default = &struct {
		SSEAlgorithm   string
		KMSMasterKeyID string `xml:",omitempty"`
	}{SSEAlgorithm: "AES256"}
	return []encryptionRule{r}
}

func getEncryption(k *s3Call) error {
	return k.reply("ServerSideEncryptionConfiguration", encryptionConfiguration{k.bucket.Encryption})
}

// putEncryption keeps what is blocked only if the new rule says so.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
func putEncryption(k *s3Call) error {
	var in encryptionConfiguration
	if err := k.parse(&in); err != nil {
		return err
	}
	if len(in.Rule) != 1 {
		return malformedXML()
	}
	r := in.Rule[0]
	if d := r.Default; d != nil {
		switch {
		case !slices.Contains([]string{"AES256", "aws:kms", "aws:kms:dsse"}, d.SSEAlgorithm):
			return malformedXML()
		case d.SSEAlgorithm == "AES256" && d.KMSMasterKeyID != "":
			return &apiError{Code: "InvalidArgument", Status: 400, Message: "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"}
		}
	} else {
		in.Rule[0].Default = defaultEncryption()[0].Default
	}
	if r.Blocked != nil {
		for _, t := range r.Blocked.EncryptionType {
			if t != "SSE-C" && t != "NONE" {
				return malformedXML()
			}
		}
	}
	k.bucket.Encryption = in.Rule
	return nil
}

func deleteEncryption(k *s3Call) error {
	k.bucket.Encryption = defaultEncryption()
	k.w.WriteHeader(204)
	return nil
}

type versioningConfiguration struct {
	Status string `xml:",omitempty"`
}

func getVersioning(k *s3Call) error {
	return k.reply("VersioningConfiguration", versioningConfiguration{k.bucket.Versioning})
}

func putVersioning(k *s3Call) error {
	var in versioningConfiguration
	if err := k.parse(&in); err != nil {
		return err
	}
	if in.Status != "Enabled" && in.Status != "Suspended" {
		return &apiError{Code: "IllegalVersioningConfigurationException", Status: 400, Message: "The Versioning element must be specified"}
	}
	k.bucket.Versioning = in.Status
	return nil
}

type tagging struct {
	XMLName xml.Name
	TagSet  struct{ Tag []tag }
}

func getBucketTagging(k *s3Call) error {
	if len(k.bucket.Tags) == 0 {
		return &apiError{Code: "NoSuchTagSet", Status: 404, Message: "The TagSet does not exist", Extra: map[string]string{"BucketName": k.name}}
	}
	return k.replyTags(k.bucket.Tags)
}

func (k *s3Call) replyTags(tags []tag) error {
	return k.reply("Tagging", struct {
		TagSet struct{ Tag []tag }
	}{struct{ Tag []tag }{tags}})
}

func (k *s3Call) parseTags(most int) ([]tag, error) {
	var in tagging
	if err := k.parse(&in); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, t := range in.TagSet.Tag {
		if seen[t.Key] || checkTags([]tag{t}) != nil {
			return nil, &apiError{Code: "InvalidTag", Status: 400, Message: "The TagKey or TagValue you have provided is invalid or given twice"}
		}
		seen[t.Key] = true
	}
	if len(in.TagSet.Tag) > most {
		return nil, &apiError{Code: "BadRequest", Status: 400, Message: "Object tags cannot be greater than " + itoa(most)}
	}
	return in.TagSet.Tag, nil
}

func putBucketTagging(k *s3Call) error {
	tags, err := k.parseTags(50)
	if err != nil {
		return err
	}
	k.bucket.Tags = tags
	k.w.WriteHeader(204)
	return nil
}

func deleteBucketTagging(k *s3Call) error {
	k.bucket.Tags = nil
	k.w.WriteHeader(204)
	return nil
}
