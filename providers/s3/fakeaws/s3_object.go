// Objects: writing, reading, deleting, and the versions between.
package fakeaws

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

func etagOf(b []byte) string {
	sum := md5.Sum(b)
	return `"` + hex.EncodeToString(sum[:]) + `"`
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

func noSuchKey(key string) error {
	return &apiError{Code: "NoSuchKey", Status: 404, Message: "The specified key does not exist.", Extra: map[string]string{"Key": key}}
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

// find returns the version that a read asks for. Whether a missing key is 404
// or 403 depends on s3:ListBucket, so that nobody learns names by guessing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (k *s3Call) object(action string) (*object, error) {
	version := k.q.Get("versionId")
	if version != "" {
		action = strings.Replace(action, "Object", "ObjectVersion", 1)
		if action == "s3:GetObjectVersion" || strings.HasPrefix(action, "s3:GetObjectVersion") {
			action = strings.Replace(action, "ObjectVersionVersion", "ObjectVersion", 1)
		}
	}
	if err := k.may(action); err != nil {
		return nil, err
	}
	if version != "" {
		i := slices.IndexFunc(k.bucket.Objects[k.key], func(o *object) bool { return o.Version == version })
		if i < 0 {
			return nil, &apiError{Code: "NoSuchVersion", Status: 404, Message: "The specified version does not exist.", Extra: map[string]string{"Key": k.key, "VersionId": version}}
		}
		o := k.bucket.Objects[k.key][i]
		if o.Marker {
			return nil, &apiError{Code: "MethodNotAllowed", Status: 405, Message: "The specified method is not allowed against this resource.", Header: map[string]string{"X-Amz-Delete-Marker": "true"}}
		}
		return o, nil
	}
	if o := k.bucket.alive(k.key); o != nil {
		return o, nil
	}
	if v, _ := k.ask("s3:ListBucket", k.bucket, ""); !v.Allowed {
		return nil, k.denied(v, "s3:ListBucket", "arn:"+k.state.Partition+":s3:::"+k.name, k.bucket)
	}
	err := noSuchKey(k.key).(*apiError)
	if o := k.bucket.current(k.key); o != nil {
		err.Header = map[string]string{"X-Amz-Delete-Marker": "true", "X-Amz-Version-Id": o.Version}
	}
	return nil, err
}

func getObject(k *s3Call) error {
	o, err := k.object("s3:GetObject")
	if err != nil {
		return err
	}
	if err := k.mayDecrypt(o); err != nil {
		return err
	}
	h := k.r.Header
	same := func(want string) bool { return want == "*" || strings.Trim(want, `"`) == strings.Trim(o.ETag, `"`) }
	if want := h.Get("If-Match"); want != "" && !same(want) {
		return preconditionFailed("If-Match")
	}
	if want := h.Get("If-None-Match"); want != "" && same(want) {
		return &apiError{Code: "NotModified", Status: 304}
	}
	k.describe(o, true)
	body, status := o.Body, 200
	if r := h.Get("Range"); r != "" {
		from, to, ok := byteRange(r, len(o.Body))
		if !ok {
			return &apiError{Code: "InvalidRange", Status: 416, Message: "The requested range is not satisfiable"}
		}
		body, status = o.Body[from:to], 206
		k.w.Header().Set("Content-Range", "bytes "+itoa(from)+"-"+itoa(to-1)+"/"+itoa(len(o.Body)))
		k.w.Header().Del("X-Amz-Checksum-Crc32") // it is of the whole
	}
	k.w.Header().Set("Content-Length", itoa(len(body)))
	k.w.WriteHeader(status)
	if k.r.Method != http.MethodHead {
		_, _ = k.w.Write(body)
	}
	return nil
}

// byteRange reads one range; several at once are not S3's business either.
func byteRange(text string, size int) (from, to int, ok bool) {
	first, last, found := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	if !found {
		return 0, 0, false
	}
	if first == "" {
		n, err := strconv.Atoi(last)
		return max(0, size-n), size, err == nil && n > 0 && size > 0
	}
	from, err := strconv.Atoi(first)
	if err != nil || from >= size {
		return 0, 0, false
	}
	to = size
	if n, err := strconv.Atoi(last); err == nil {
		to = min(n+1, size)
	}
	return from, to, from < to
}

func deleteObject(k *s3Call) error {
	version := k.q.Get("versionId")
	out, err := k.remove(k.key, version, k.r.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	if out.marker {
		k.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	if out.version != "" {
		k.w.Header().Set("X-Amz-Version-Id", out.version)
	}
	k.w.WriteHeader(204)
	return nil
}

type removal struct {
	version string
	marker  bool
}

// remove deletes a version for good, or puts a delete marker on top.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
func (k *s3Call) remove(key, version, match string) (removal, error) {
	action := "s3:DeleteObject"
	if version != "" {
		action = "s3:DeleteObjectVersion"
	}
	if err := k.mayOn(action, k.bucket, key); err != nil {
		return removal{}, err
	}
	if match != "" {
		if match != "*" { // comparing an ETag is reading
			if err := k.mayOn("s3:GetObject", k.bucket, key); err != nil {
				return removal{}, err
			}
		}
		switch old := k.bucket.alive(key); {
		case old == nil:
			return removal{}, noSuchKey(key)
		case match != "*" && strings.Trim(match, `"`) != strings.Trim(old.ETag, `"`):
			return removal{}, preconditionFailed("If-Match")
		}
	}
	if version != "" {
		gone := k.bucket.drop(key, version)
		return removal{version, gone != nil && gone.Marker}, nil
	}
	if k.bucket.Versioning == "" {
		k.bucket.drop(key, "null")
		return removal{}, nil
	}
	o := &object{Key: key, Marker: true, Modified: time.Now().UTC().Truncate(time.Second)}
	k.bucket.add(o)
	return removal{o.Version, true}, nil
}

func deleteObjects(k *s3Call) error {
	var in struct {
		XMLName xml.Name
		Quiet   bool
		Object  []struct {
			Key       string
			VersionId string
			ETag      string
		}
	}
	if err := k.parse(&in); err != nil {
		return err
	}
	if len(in.Object) == 0 || len(in.Object) > 1000 {
		return malformedXML()
	}
	if k.r.Header.Get("Content-Md5") == "" {
		if name, _, _ := checksum(k.r.Header, k.trailer, k.body); name == "" {
			return &apiError{Code: "InvalidRequest", Status: 400, Message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"}
		}
	}
	if _, _, bad := checksum(k.r.Header, k.trailer, k.body); bad != nil {
		return bad
	}
	type deleted struct {
		Key                   string
		VersionId             string `xml:",omitempty"`
		DeleteMarker          bool   `xml:",omitempty"`
		DeleteMarkerVersionId string `xml:",omitempty"`
	}
	type failed struct {
		Key       string
		VersionId string `xml:",omitempty"`
		Code      string
		Message   string
	}
	var out struct {
		Deleted []deleted
		Error   []failed
	}
	for _, o := range in.Object {
		got, err := k.remove(o.Key, o.VersionId, o.ETag)
		if err != nil {
			e := asAPIError(err)
			out.Error = append(out.Error, failed{o.Key, o.VersionId, e.Code, e.Message})
			continue
		}
		if in.Quiet {
			continue
		}
		d := deleted{Key: o.Key, VersionId: o.VersionId, DeleteMarker: got.marker}
		if got.marker {
			d.DeleteMarkerVersionId = got.version
		}
		out.Deleted = append(out.Deleted, d)
	}
	return k.reply("DeleteResult", out)
}

func getObjectTagging(k *s3Call) error {
	o, err := k.object("s3:GetObjectTagging")
	if err != nil {
		return err
	}
	return k.replyTags(o.Tags)
}

func putObjectTagging(k *s3Call) error {
	o, err := k.object("s3:PutObjectTagging")
	if err != nil {
		return err
	}
	tags, err := k.parseTags(10)
	if err != nil {
		return err
	}
	o.Tags = tags
	return nil
}

func deleteObjectTagging(k *s3Call) error {
	o, err := k.object("s3:DeleteObjectTagging")
	if err != nil {
		return err
	}
	o.Tags = nil
	k.w.WriteHeader(204)
	return nil
}

func getObjectACL(k *s3Call) error {
	if _, err := k.object("s3:GetObjectAcl"); err != nil {
		return err
	}
	return k.replyACL()
}

func (k *s3Call) replyACL() error {
	type grantee struct {
		Attr string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		ID   string
	}
	type grant struct {
		Grantee    grantee
		Permission string
	}
	owner := canonicalID(k.bucket.Owner)
	return k.reply("AccessControlPolicy", struct {
		Owner             ownerXML
		AccessControlList struct{ Grant []grant }
	}{owner, struct{ Grant []grant }{[]grant{{grantee{"CanonicalUser", owner.ID}, "FULL_CONTROL"}}}})
}

func putObjectACL(k *s3Call) error {
	if k.bucket.Ownership == ownerEnforced {
		return &apiError{Code: "AccessControlListNotSupported", Status: 400, Message: "The bucket does not allow ACLs"}
	}
	return nil
}
