// Encryption of objects, as far as it decides who may write and read them.
package fakeaws

import (
	"slices"
	"strings"
)

// encrypt decides how an object is encrypted and whether the caller may use the key.
func (k *s3Call) encrypt(o *object) error {
	h := k.r.Header
	if h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "" {
		if k.ssecBlocked() {
			return accessDenied("Server-side encryption with customer provided keys (SSE-C) is blocked for this bucket")
		}
		return nil // accepted; the key is not kept
	}
	o.Algorithm, o.KMSKey = h.Get("X-Amz-Server-Side-Encryption"), h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	switch {
	case o.Algorithm == "" && len(k.bucket.Encryption) > 0:
		o.Algorithm, o.KMSKey = k.bucket.Encryption[0].Default.SSEAlgorithm, k.bucket.Encryption[0].Default.KMSMasterKeyID
	case o.Algorithm == "":
		o.Algorithm = "AES256"
	case !slices.Contains([]string{"AES256", "aws:kms", "aws:kms:dsse"}, o.Algorithm):
		return &apiError{Code: "InvalidArgument", Status: 400, Message: "The encryption method specified is not supported"}
	}
	if o.KMSKey == "" || !strings.HasPrefix(o.Algorithm, "aws:kms") {
		return nil // S3's own key, and the account's aws/s3 key, are for everyone in the account
	}
	o.KMSKey = k.keyARN(o.KMSKey)
	return k.mayKey("kms:GenerateDataKey", o)
}

func (k *s3Call) ssecBlocked() bool {
	return len(k.bucket.Encryption) > 0 && k.bucket.Encryption[0].Blocked != nil &&
		slices.Contains(k.bucket.Encryption[0].Blocked.EncryptionType, "SSE-C")
}

// keyARN completes a key's bare ID with the bucket's account and region.
func (k *s3Call) keyARN(id string) string {
	if strings.HasPrefix(id, "arn:") {
		return id
	}
	if !strings.HasPrefix(id, "alias/") {
		id = "key/" + id
	}
	return "arn:" + k.state.Partition + ":kms:" + k.bucket.Region + ":" + k.bucket.Owner + ":" + id
}

func (k *s3Call) mayDecrypt(o *object) error {
	if o.KMSKey == "" {
		return nil
	}
	return k.mayKey("kms:Decrypt", o)
}

// mayKey asks the caller's own policies for the use of a key. Every key here
// has the default key policy, which leaves the decision to its account.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func (k *s3Call) mayKey(action string, o *object) error {
	arn := "arn:" + k.state.Partition + ":s3:::" + k.name
	if !k.bucket.Encryption[0].BucketKeyEnabled {
		arn += "/" + o.Key
	}
	q := Request{Action: action, Resource: o.KMSKey, Context: map[string][]string{
		"kms:ViaService":                   {"s3." + k.bucket.Region + "." + k.suffix()},
		"kms:CallerAccount":                {accountOf(k.who.ARN)},
		"kms:EncryptionContext:aws:s3:arn": {arn},
		"kms:EncryptionContextKeys":        {"aws:s3:arn"},
	}}
	if k.who.account == nil || accountOf(o.KMSKey) != k.who.account.ID {
		return accessDenied("Access Denied") // a foreign key's policy would have to name the caller
	}
	v := k.authorize(k.who, k.r, q)
	if v.Allowed {
		return nil
	}
	return accessDenied(deniedMessage(k.who, v, action, o.KMSKey, false))
}
