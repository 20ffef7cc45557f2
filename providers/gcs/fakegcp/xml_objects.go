// The XML API: objects put, read, copied and deleted by clients of S3 and by Google's own.
package fakegcp

import (
	"crypto/md5" //nolint:gosec // the API's ETag is the MD5
	"encoding/hex"
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

func xmlRoutes() []route {
	const o, b = "/{bucket}/{object...}", "/{bucket}"
	var out []route
	add := func(method, path, query, op string, write bool, h func(*request) (any, error)) {
		r := storageRoute(method, path, op, write, h)
		r.Style, r.Query = styleXML, query
		out = append(out, r)
	}
	for _, sub := range []string{"acl", "tagging", "retention", "legal-hold", "policy", "cors", "lifecycle", "versioning", "website", "encryption"} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			add(method, o, sub, "objects."+sub, method != "GET", (*request).notServed)
			add(method, b, sub, "buckets."+sub, method != "GET", (*request).notServed)
		}
	}
	for _, method := range []string{"PUT", "DELETE"} {
		add(method, b, "", "buckets.insert", true, (*request).notServed)
	}
	add("POST", o, "uploads", "multipartUploads.create", true, (*request).initiateMultipart)
	add("PUT", o, "uploadId", "multipartUploads.uploadPart", true, (*request).uploadPart)
	add("POST", o, "uploadId", "multipartUploads.complete", true, (*request).completeMultipart)
	add("DELETE", o, "uploadId", "multipartUploads.abort", true, (*request).abortMultipart)
	add("GET", o, "uploadId", "multipartUploads.listParts", false, (*request).listParts)
	add("GET", o, "", "objects.get", false, (*request).getMedia)
	add("HEAD", o, "", "objects.get", false, (*request).getMedia)
	add("PUT", o, "", "objects.insert", true, (*request).putXML)
	add("DELETE", o, "", "objects.delete", true, (*request).deleteObject)
	for _, path := range []string{b, b + "/"} {
		add("GET", path, "uploads", "multipartUploads.list", false, (*request).listMultipart)
		add("GET", path, "location", "buckets.get", false, (*request).locationXML)
		add("POST", path, "delete", "objects.bulkDelete", true, (*request).deleteMany)
		add("GET", path, "", "objects.list", false, (*request).listXML)
		add("HEAD", path, "", "buckets.get", false, (*request).headBucket)
	}
	return out
}

// notServed refuses a part of the XML API that the cloud does not have.
func (q *request) notServed() (any, error) {
	return nil, xmlFault(501, "NotImplemented", "")
}

// xmlReply is an answer of the XML API.
func xmlReply(v any) (any, error) {
	body, err := xml.Marshal(v)
	if err != nil {
		return nil, err
	}
	return reply{Header: map[string]string{"Content-Type": "application/xml; charset=UTF-8"}, Body: append([]byte(xml.Header), body...)}, nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// xmlETag is an object's ETag in the XML API: its MD5, if it was not made of parts.
// https://cloud.google.com/storage/docs/hashes-etags#etags
func (o *object) xmlETag() string {
	if o.Multipart || o.Components > 0 {
		return `"-` + etag(o.Generation) + `"`
	}
	return partETag(o.Data)
}

func partETag(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // as above
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// xmlMeta is the metadata that an upload's headers say.
func (q *request) xmlMeta() objectMeta {
	m := objectMeta{
		ContentType: q.Header.Get("Content-Type"), CacheControl: q.Header.Get("Cache-Control"), ContentDisposition: q.Header.Get("Content-Disposition"),
		ContentLanguage: q.Header.Get("Content-Language"), ContentEncoding: q.Header.Get("Content-Encoding"), StorageClass: q.Header.Get("X-" + q.vendor() + "-Storage-Class"),
	}
	prefix := "X-" + q.vendor() + "-Meta-"
	for k := range q.Header {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			if m.Metadata == nil {
				m.Metadata = map[string]string{}
			}
			m.Metadata[strings.ToLower(name)] = q.Header.Get(k)
		}
	}
	return m
}

// mayPut returns the bucket if the caller may create the object in the path. A
// header that sets object ACLs is refused where they are off.
func (q *request) mayPut(permissions ...string) (*bucket, error) {
	var b *bucket
	for _, p := range permissions {
		var err error
		if b, err = q.needObjectAccess(p, q.params["bucket"], q.params["object"]); err != nil {
			return nil, err
		}
	}
	if q.Header.Get("X-"+q.vendor()+"-Acl") != "" && b.uniform() {
		return nil, xmlFault(400, "InvalidArgument", "Cannot insert legacy ACL for an object when uniform bucket-level access is enabled. "+
			"Read more at https://cloud.google.com/storage/docs/uniform-bucket-level-access")
	}
	return b, nil
}

// putXML stores the body, or a copy of another object.
func (q *request) putXML() (any, error) {
	if from := q.Header.Get("X-" + q.vendor() + "-Copy-Source"); from != "" {
		return q.copyXML(from)
	}
	b, err := q.mayPut("storage.objects.create")
	if err != nil {
		return nil, err
	}
	if want := q.Header.Get("Content-MD5"); want != "" && want != md5sum(q.body) {
		return nil, xmlFault(400, "BadDigest", "The Content-MD5 is not that of the body.")
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	o, err := q.put(b, q.params["object"], q.xmlMeta(), q.body, cond, q.caller)
	if err != nil {
		return nil, err
	}
	return reply{Header: map[string]string{
		"ETag": o.xmlETag(), "X-Goog-Generation": itoa(o.Generation), "X-Goog-Metageneration": itoa(o.Metageneration),
		"X-Goog-Hash": "crc32c=" + crc32c(o.Data) + ",md5=" + md5sum(o.Data), "Content-Length": "0",
	}}, nil
}

type copyResult struct {
	XMLName  xml.Name  `xml:"CopyObjectResult"`
	Modified time.Time `xml:"LastModified"`
	ETag     string    `xml:"ETag"`
}

func (q *request) copyXML(from string) (any, error) {
	bucketName, name, ok := strings.Cut(strings.TrimPrefix(unescape(from), "/"), "/")
	if !ok {
		return nil, xmlFault(400, "InvalidArgument", "Invalid copy source: %q", from)
	}
	src, err := q.needObjectAccess("storage.objects.get", bucketName, name)
	if err != nil {
		return nil, err
	}
	b, err := q.mayPut("storage.objects.create")
	if err != nil {
		return nil, err
	}
	was := src.live(name)
	if was == nil {
		return nil, q.missing("storage.objects.get", src, name)
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	o, err := q.put(b, q.params["object"], was.Meta, was.Data, cond, q.caller)
	if err != nil {
		return nil, err
	}
	return xmlReply(copyResult{Modified: o.Updated, ETag: o.xmlETag()})
}

type deleteBody struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool     `xml:"Quiet"`
	Objects []struct {
		Key string `xml:"Key"`
	} `xml:"Object"`
}

type deleteResult struct {
	XMLName xml.Name        `xml:"DeleteResult"`
	Deleted []deletedObject `xml:"Deleted"`
	Errors  []deleteError   `xml:"Error"`
}

type deletedObject struct {
	Key string `xml:"Key"`
}

type deleteError struct {
	Key     string `xml:"Key"`
	Code    string `xml:"Code"`
	Message string `xml:"Message"`
}

// deleteMany deletes up to a thousand objects, each by itself.
// https://cloud.google.com/storage/docs/xml-api/post-bucket
func (q *request) deleteMany() (any, error) {
	b, err := q.needBucket("")
	if err != nil {
		return nil, err
	}
	var in deleteBody
	if err := xml.Unmarshal(q.body, &in); err != nil || len(in.Objects) == 0 || len(in.Objects) > 1000 {
		return nil, xmlFault(400, "MalformedXML", "")
	}
	var out deleteResult
	for _, x := range in.Objects {
		o := b.live(x.Key)
		switch {
		case !q.mayOnObject("storage.objects.delete", b, x.Key):
			out.Errors = append(out.Errors, deleteError{x.Key, "AccessDenied", q.denied("storage.objects.delete", "Storage object").Message})
			continue
		case o == nil: // what is not there is deleted
		case b.checkHeld(o) != nil && !b.versioned():
			out.Errors = append(out.Errors, deleteError{x.Key, "AccessDenied", b.checkHeld(o).Message})
			continue
		default:
			b.retire(o)
		}
		if !in.Quiet {
			out.Deleted = append(out.Deleted, deletedObject{x.Key})
		}
	}
	return xmlReply(out)
}
