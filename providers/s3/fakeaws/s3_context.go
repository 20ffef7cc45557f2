// The condition keys of S3.
package fakeaws

import "strings"

// context collects S3's condition keys of the call, for an action on an object or, without a key, on a bucket.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func (k *s3Call) context(action string, b *bucket, key string) map[string][]string {
	keys := map[string][]string{}
	if o := b.current(key); o != nil && readsTags(action) {
		addTags(keys, "s3:ExistingObjectTag/", o.Tags)
	}
	set := func(key, value string) {
		if value != "" {
			keys[key] = []string{value}
		}
	}
	if action == "s3:ListBucket" || action == "s3:ListBucketVersions" { // a listing of uploads has none of these keys
		for _, p := range []string{"prefix", "delimiter", "max-keys"} {
			if k.q.Has(p) { // given but empty is a value as well
				keys["s3:"+p] = []string{k.q.Get(p)}
			}
		}
	}
	for _, h := range []string{
		"x-amz-acl", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-content-sha256",
		"x-amz-storage-class", "x-amz-copy-source", "x-amz-metadata-directive", "x-amz-object-ownership", "x-amz-bucket-namespace",
		"x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-write", "x-amz-server-side-encryption-customer-algorithm",
		"if-none-match", "if-match",
	} {
		set("s3:"+h, k.r.Header.Get(h))
	}
	set("s3:VersionId", k.q.Get("versionId"))
	if s, _ := parseSignature(k.r); s != nil {
		set("s3:signatureversion", algorithm)
		auth := "REST-HEADER"
		if s.presigned {
			auth = "REST-QUERY-STRING"
		}
		set("s3:authType", auth)
	}
	if k.secure(k.r) {
		set("s3:TlsVersion", "1.3")
	}
	if action == "s3:PutObject" && !k.q.Has("uploadId") && !k.q.Has("uploads") {
		set("s3:ObjectCreationOperation", "true")
	}
	if action == "s3:PutObject" && k.r.Method == "POST" && k.q.Has("uploadId") {
		set("s3:ObjectCreationOperation", "true") // completing creates the object
	}
	if action == "s3:PutObject" && keys["s3:ObjectCreationOperation"] == nil {
		set("s3:ObjectCreationOperation", "false")
	}
	for _, pair := range strings.Split(k.r.Header.Get("x-amz-tagging"), "&") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			keys["s3:RequestObjectTag/"+name] = []string{value}
			keys["s3:RequestObjectTagKeys"] = append(keys["s3:RequestObjectTagKeys"], name)
		}
	}
	return keys
}

// readsTags says whether policies on an action can look at the tags that the
// object has already. Writing the object anew is not among them.
func readsTags(action string) bool {
	for _, p := range []string{"s3:GetObject", "s3:DeleteObject", "s3:PutObjectTagging", "s3:PutObjectAcl"} {
		if strings.HasPrefix(action, p) {
			return true
		}
	}
	return false
}
