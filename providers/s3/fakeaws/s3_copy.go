// Copies: reading one object and writing another in one call.
package fakeaws

import (
	"net/url"
	"strings"
	"time"
)

// source returns what x-amz-copy-source names, if the caller may read it.
func (k *s3Call) source() (*object, error) {
	from, err := k.sourceCall()
	if err != nil {
		return nil, err
	}
	o, err := from.object("s3:GetObject")
	if err != nil {
		return nil, err
	}
	return o, from.mayDecrypt(o)
}

// mayCopyTags asks for what it takes to copy an object's tags along.
func (k *s3Call) mayCopyTags() error {
	from, err := k.sourceCall()
	if err != nil {
		return err
	}
	if _, err := from.object("s3:GetObjectTagging"); err != nil {
		return err
	}
	return k.may("s3:PutObjectTagging")
}

// sourceCall is the same call with the source in place of the destination.
func (k *s3Call) sourceCall() (*s3Call, error) {
	text := k.r.Header.Get("X-Amz-Copy-Source")
	text, version, _ := strings.Cut(text, "?versionId=")
	path, err := url.PathUnescape(strings.TrimPrefix(text, "/"))
	if err != nil {
		return nil, &apiError{Code: "InvalidArgument", Status: 400, Message: "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"}
	}
	name, key, _ := strings.Cut(path, "/")
	b := k.state.Buckets[name]
	if b == nil {
		return nil, &apiError{Code: "NoSuchBucket", Status: 404, Message: "The specified bucket does not exist", Extra: map[string]string{"BucketName": name}}
	}
	if want := k.r.Header.Get("X-Amz-Source-Expected-Bucket-Owner"); want != "" && want != b.Owner {
		return nil, accessDenied("Access Denied")
	}
	from := *k
	from.bucket, from.name, from.key, from.q = b, name, key, url.Values{}
	if version != "" {
		from.q.Set("versionId", version)
	}
	return &from, nil
}

func copyObject(k *s3Call) error {
	if err := k.mayWrite(); err != nil {
		return err
	}
	src, err := k.source()
	if err != nil {
		return err
	}
	o, err := k.newObject()
	if err != nil {
		return err
	}
	replace := k.r.Header.Get("X-Amz-Metadata-Directive") == "REPLACE"
	if src.Key == k.key && k.bucket.alive(k.key) == src && !replace && k.r.Header.Get("X-Amz-Server-Side-Encryption") == "" {
		return &apiError{Code: "InvalidRequest", Status: 400, Message: "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."}
	}
	if err := k.precondition(); err != nil {
		return err
	}
	if !replace {
		o.Headers = src.Headers
	}
	if k.r.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" && len(src.Tags) > 0 {
		if err := k.mayCopyTags(); err != nil {
			return err
		}
		o.Tags = src.Tags
	}
	o.Body, o.ETag, o.Checksum = src.Body, etagOf(src.Body), map[string]string{"X-Amz-Checksum-Crc32": digest("Crc32", src.Body)}
	k.bucket.add(o)
	if o.Version != "null" {
		k.w.Header().Set("X-Amz-Version-Id", o.Version)
	}
	return k.reply("CopyObjectResult", struct{ ETag, LastModified string }{o.ETag, stampMilli(o.Modified)})
}

func uploadPartCopy(k *s3Call) error {
	if err := k.may("s3:PutObject"); err != nil {
		return err
	}
	u, err := k.upload()
	if err != nil {
		return err
	}
	n, err := k.partNumber()
	if err != nil {
		return err
	}
	src, err := k.source()
	if err != nil {
		return err
	}
	body := src.Body
	if r := k.r.Header.Get("X-Amz-Copy-Source-Range"); r != "" {
		from, to, ok := byteRange(r, len(body))
		if !ok {
			return &apiError{Code: "InvalidRange", Status: 416, Message: "The requested range is not satisfiable"}
		}
		body = body[from:to]
	}
	p := &part{body, etagOf(body), time.Now().UTC().Truncate(time.Second)}
	u.Parts[n] = p
	return k.reply("CopyPartResult", struct{ ETag, LastModified string }{p.ETag, stampMilli(p.Modified)})
}
