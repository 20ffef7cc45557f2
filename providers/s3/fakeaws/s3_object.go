// Objects: writing, reading, deleting, and the versions between.
package fakeaws

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// object is one version of a key.
type object struct {
	Key       string
	Version   string // "null" unless versioning was on
	Marker    bool   // a delete marker
	Body      []byte
	ETag      string // with its quotes
	Modified  time.Time
	Headers   map[string]string // content type, user metadata and the like
	Tags      []tag
	Algorithm string // of server-side encryption
	KMSKey    string
	Checksum  map[string]string
	Parts     int
}

func objectOps() []s3Op {
	return []s3Op{
		{name: "GetObjectTagging", method: "GET", on: onObject, query: "tagging", run: getObjectTagging},
		{name: "PutObjectTagging", method: "PUT", on: onObject, query: "tagging", write: true, run: putObjectTagging},
		{name: "DeleteObjectTagging", method: "DELETE", on: onObject, query: "tagging", write: true, run: deleteObjectTagging},
		{name: "GetObjectAcl", method: "GET", on: onObject, query: "acl", run: getObjectACL},
		{name: "PutObjectAcl", method: "PUT", on: onObject, query: "acl", write: true, action: "s3:PutObjectAcl", run: putObjectACL},
		{name: "CopyObject", method: "PUT", on: onObject, header: "X-Amz-Copy-Source", write: true, run: copyObject},
		{name: "PutObject", method: "PUT", on: onObject, write: true, run: putObject},
		{name: "GetObject", method: "GET", on: onObject, run: getObject},
		{name: "HeadObject", method: "HEAD", on: onObject, run: getObject},
		{name: "DeleteObject", method: "DELETE", on: onObject, write: true, run: deleteObject},
		{name: "DeleteObjects", method: "POST", on: onBucket, query: "delete", write: true, run: deleteObjects},
	}
}

// current returns the newest version, or nil.
func (b *bucket) current(key string) *object {
	list := b.Objects[key]
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// alive returns the newest version if it is not a delete marker.
func (b *bucket) alive(key string) *object {
	if o := b.current(key); o != nil && !o.Marker {
		return o
	}
	return nil
}

// add puts a version on top; without versioning it takes the place of the null version.
func (b *bucket) add(o *object) {
	o.Version = "null"
	if b.Versioning == "Enabled" {
		o.Version = opaque(32)
	} else {
		b.drop(o.Key, "null")
	}
	b.Objects[o.Key] = append(b.Objects[o.Key], o)
}

func (b *bucket) drop(key, version string) *object {
	i := slices.IndexFunc(b.Objects[key], func(o *object) bool { return o.Version == version })
	if i < 0 {
		return nil
	}
	gone := b.Objects[key][i]
	b.Objects[key] = slices.Delete(slices.Clone(b.Objects[key]), i, i+1)
	if len(b.Objects[key]) == 0 {
		delete(b.Objects, key)
	}
	return gone
}

func putObject(k *s3Call) error {
	if err := k.mayWrite(); err != nil {
		return err
	}
	o, err := k.newObject()
	if err != nil {
		return err
	}
	name, value, bad := checksum(k.r.Header, k.trailer, k.body)
	if bad != nil {
		return bad
	}
	if name != "" {
		o.Checksum = map[string]string{name: value}
	} else {
		o.Checksum = map[string]string{"X-Amz-Checksum-Crc32": digest("Crc32", k.body)}
	}
	if err := k.precondition(); err != nil {
		return err
	}
	o.Body, o.ETag = k.body, etagOf(k.body)
	k.bucket.add(o)
	k.describe(o, false)
	return nil
}

// mayWrite asks for s3:PutObject and for what the headers need besides.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
func (k *s3Call) mayWrite() error {
	if err := k.may("s3:PutObject"); err != nil {
		return err
	}
	if k.r.Header.Get("X-Amz-Tagging") != "" {
		if err := k.may("s3:PutObjectTagging"); err != nil {
			return err
		}
	}
	return k.mayACL()
}

// mayACL asks for s3:PutObjectAcl if an ACL would have an effect. With ACLs off
// only the ACL that says what is true anyway is accepted, and needs nothing.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-error-responses.html
func (k *s3Call) mayACL() error {
	acl := k.r.Header.Get("X-Amz-Acl")
	granted := ""
	for name := range k.r.Header {
		if strings.HasPrefix(name, "X-Amz-Grant-") {
			granted = name
		}
	}
	switch {
	case acl == "" && granted == "":
		return nil
	case k.bucket.Ownership != ownerEnforced:
		return k.may("s3:PutObjectAcl")
	case granted != "" || acl != "bucket-owner-full-control":
		return &apiError{Code: "AccessControlListNotSupported", Status: 400, Message: "The bucket does not allow ACLs"}
	}
	return nil
}

// newObject reads what the headers of a write say about the object.
func (k *s3Call) newObject() (*object, error) {
	if len(k.key) > 1024 {
		return nil, &apiError{Code: "KeyTooLongError", Status: 400, Message: "Your key is too long"}
	}
	o := &object{Key: k.key, Modified: time.Now().UTC().Truncate(time.Second), Headers: map[string]string{}}
	for name, values := range k.r.Header {
		kept := []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires", "X-Amz-Storage-Class", "X-Amz-Website-Redirect-Location"}
		if strings.HasPrefix(name, "X-Amz-Meta-") || slices.Contains(kept, name) {
			o.Headers[name] = strings.Join(values, ",")
		}
	}
	if enc := strings.TrimPrefix(strings.TrimPrefix(o.Headers["Content-Encoding"], "aws-chunked"), ","); enc != "" {
		o.Headers["Content-Encoding"] = strings.TrimSpace(enc)
	} else {
		delete(o.Headers, "Content-Encoding")
	}
	if o.Headers["Content-Type"] == "" {
		o.Headers["Content-Type"] = "binary/octet-stream"
	}
	if text := k.r.Header.Get("X-Amz-Tagging"); text != "" {
		values, err := url.ParseQuery(text)
		if err != nil {
			return nil, &apiError{Code: "InvalidArgument", Status: 400, Message: "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."}
		}
		for name, v := range values {
			o.Tags = append(o.Tags, tag{name, v[0]})
		}
		slices.SortFunc(o.Tags, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	}
	return o, k.encrypt(o)
}

// precondition checks If-None-Match and If-Match of a write.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (k *s3Call) precondition() error {
	old := k.bucket.alive(k.key)
	if want := k.r.Header.Get("If-None-Match"); want != "" {
		if want != "*" {
			return &apiError{Code: "NotImplemented", Status: 501, Message: "A header you provided implies functionality that is not implemented", Extra: map[string]string{"Header": "If-None-Match"}}
		}
		if old != nil {
			return preconditionFailed("If-None-Match")
		}
	}
	if want := k.r.Header.Get("If-Match"); want != "" {
		if err := k.may("s3:GetObject"); err != nil {
			return err
		}
		switch {
		case old == nil:
			return noSuchKey(k.key)
		case strings.Trim(want, `"`) != strings.Trim(old.ETag, `"`):
			return preconditionFailed("If-Match")
		}
	}
	return nil
}

func preconditionFailed(condition string) error {
	return &apiError{Code: "PreconditionFailed", Status: 412, Message: "At least one of the pre-conditions you specified did not hold", Extra: map[string]string{"Condition": condition}}
}

// describe sets the headers that speak of an object.
func (k *s3Call) describe(o *object, all bool) {
	h := k.w.Header()
	h.Set("ETag", o.ETag)
	if o.Version != "null" || k.bucket.Versioning != "" && all {
		h.Set("X-Amz-Version-Id", o.Version)
	}
	if o.Algorithm != "" {
		h.Set("X-Amz-Server-Side-Encryption", o.Algorithm)
	}
	if o.KMSKey != "" {
		h.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", o.KMSKey)
	}
	if !all || strings.EqualFold(k.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		for name, value := range o.Checksum {
			h.Set(name, value)
			h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
		}
	}
	if !all {
		return
	}
	for name, value := range o.Headers {
		h.Set(name, value)
	}
	h.Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	if len(o.Tags) > 0 {
		h.Set("X-Amz-Tagging-Count", itoa(len(o.Tags)))
	}
	if o.Parts > 0 {
		h.Set("X-Amz-Mp-Parts-Count", itoa(o.Parts))
	}
}
