// The XML API: uploads in parts, as clients of S3 send everything that is large.
package fakegcp

import (
	"crypto/rand"
	"encoding/xml"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// multipartUpload is an upload whose parts may come in any order.
type multipartUpload struct {
	Bucket  string        `json:"bucket"`
	Name    string        `json:"name"`
	Meta    objectMeta    `json:"meta"`
	Parts   map[int]*part `json:"parts"`
	Started time.Time     `json:"started"`
}

type part struct {
	Data  []byte    `json:"data"`
	Taken time.Time `json:"taken"`
}

// limits of an upload, https://cloud.google.com/storage/quotas#requests
const (
	maxParts    = 10_000
	minPartSize = 5 << 20 // of every part but the last
)

// The permissions are those of
// https://cloud.google.com/storage/docs/access-control/iam-xml
const (
	mayUploadParts = "storage.multipartUploads.create"
	mayCreate      = "storage.objects.create"
)

type initiateResult struct {
	XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
	Bucket   string   `xml:"Bucket"`
	Key      string   `xml:"Key"`
	UploadID string   `xml:"UploadId"`
}

func (q *request) initiateMultipart() (any, error) {
	b, err := q.mayPut(mayUploadParts, mayCreate)
	if err != nil {
		return nil, err
	}
	if f := checkObjectName(q.params["object"]); f != nil {
		return nil, f
	}
	id := "ABPnzm" + rand.Text() + rand.Text()
	q.state.Multiparts[id] = &multipartUpload{Bucket: b.Name, Name: q.params["object"], Meta: q.xmlMeta(), Parts: map[int]*part{}, Started: time.Now().UTC()}
	return xmlReply(initiateResult{Bucket: b.Name, Key: q.params["object"], UploadID: id})
}

// needMultipart returns the upload that the request names.
func (q *request) needMultipart(permissions ...string) (*bucket, *multipartUpload, error) {
	var b *bucket
	for _, p := range permissions {
		var err error
		if b, err = q.needObjectAccess(p, q.params["bucket"], q.params["object"]); err != nil {
			return nil, nil, err
		}
	}
	u := q.state.Multiparts[q.query.Get("uploadId")]
	if u == nil || u.Bucket != b.Name || u.Name != q.params["object"] {
		return nil, nil, xmlFault(404, "NoSuchUpload", "")
	}
	return b, u, nil
}

func (q *request) uploadPart() (any, error) {
	_, u, err := q.needMultipart(mayUploadParts, mayCreate)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(q.query.Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return nil, xmlFault(400, "InvalidArgument", "Part number must be an integer between 1 and %d, inclusive.", maxParts)
	}
	if want := q.Header.Get("Content-MD5"); want != "" && want != md5sum(q.body) {
		return nil, xmlFault(400, "BadDigest", "The Content-MD5 is not that of the body.")
	}
	if q.Header.Get("X-"+q.vendor()+"-Copy-Source") != "" {
		return nil, xmlFault(501, "NotImplemented", "")
	}
	u.Parts[n] = &part{Data: q.body, Taken: time.Now().UTC()}
	return reply{Header: map[string]string{"ETag": partETag(q.body), "Content-Length": "0"}}, nil
}

type completeBody struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []struct {
		Number int    `xml:"PartNumber"`
		ETag   string `xml:"ETag"`
	} `xml:"Part"`
}

type completeResult struct {
	XMLName  xml.Name `xml:"CompleteMultipartUploadResult"`
	Location string   `xml:"Location"`
	Bucket   string   `xml:"Bucket"`
	Key      string   `xml:"Key"`
	ETag     string   `xml:"ETag"`
}

// completeMultipart joins the named parts. To replace an object takes
// storage.objects.delete as well, which is looked at here and not before.
func (q *request) completeMultipart() (any, error) {
	b, u, err := q.needMultipart(mayUploadParts, mayCreate)
	if err != nil {
		return nil, err
	}
	var in completeBody
	if err := xml.Unmarshal(q.body, &in); err != nil || len(in.Parts) == 0 {
		return nil, xmlFault(400, "MalformedXML", "")
	}
	data, f := u.join(in)
	if f != nil {
		return nil, f
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	o, err := q.put(b, u.Name, u.Meta, data, cond, q.caller)
	if err != nil {
		return nil, err
	}
	o.Multipart = true
	delete(q.state.Multiparts, q.query.Get("uploadId"))
	return xmlReply(completeResult{Location: "http://" + storageService + "/" + b.Name + "/" + u.Name, Bucket: b.Name, Key: u.Name, ETag: o.xmlETag()})
}

// join is the content of the named parts, which must be there and in order.
func (u *multipartUpload) join(in completeBody) ([]byte, *fault) {
	last := 0
	for _, p := range in.Parts {
		if p.Number <= last {
			return nil, xmlFault(400, "InvalidPartOrder", "")
		}
		last = p.Number
	}
	var data []byte
	for i, p := range in.Parts {
		have := u.Parts[p.Number]
		switch {
		case have == nil || strings.Trim(p.ETag, `"`) != strings.Trim(partETag(have.Data), `"`):
			return nil, xmlFault(400, "InvalidPart", "Part %d", p.Number)
		case i < len(in.Parts)-1 && len(have.Data) < minPartSize:
			return nil, xmlFault(400, "EntityTooSmall", "Part %d has %d bytes", p.Number, len(have.Data))
		}
		data = append(data, have.Data...)
	}
	return data, nil
}

func (q *request) abortMultipart() (any, error) {
	if _, _, err := q.needMultipart("storage.multipartUploads.abort"); err != nil {
		return nil, err
	}
	delete(q.state.Multiparts, q.query.Get("uploadId"))
	return noContent, nil
}

type partsResult struct {
	XMLName   xml.Name  `xml:"ListPartsResult"`
	Bucket    string    `xml:"Bucket"`
	Key       string    `xml:"Key"`
	UploadID  string    `xml:"UploadId"`
	Class     string    `xml:"StorageClass"`
	Truncated bool      `xml:"IsTruncated"`
	Parts     []xmlPart `xml:"Part"`
}

type xmlPart struct {
	Number   int       `xml:"PartNumber"`
	Modified time.Time `xml:"LastModified"`
	ETag     string    `xml:"ETag"`
	Size     int       `xml:"Size"`
}

func (q *request) listParts() (any, error) {
	b, u, err := q.needMultipart("storage.multipartUploads.listParts")
	if err != nil {
		return nil, err
	}
	out := partsResult{Bucket: b.Name, Key: u.Name, UploadID: q.query.Get("uploadId"), Class: or(u.Meta.StorageClass, b.Config.StorageClass)}
	for _, n := range slices.Sorted(maps.Keys(u.Parts)) {
		p := u.Parts[n]
		out.Parts = append(out.Parts, xmlPart{n, p.Taken, partETag(p.Data), len(p.Data)})
	}
	return xmlReply(out)
}

type uploadsResult struct {
	XMLName   xml.Name    `xml:"ListMultipartUploadsResult"`
	Bucket    string      `xml:"Bucket"`
	Prefix    string      `xml:"Prefix"`
	Truncated bool        `xml:"IsTruncated"`
	Uploads   []xmlUpload `xml:"Upload"`
}

type xmlUpload struct {
	Key       string    `xml:"Key"`
	UploadID  string    `xml:"UploadId"`
	Class     string    `xml:"StorageClass"`
	Initiated time.Time `xml:"Initiated"`
}

// listMultipart lists the uploads in progress: of the whole bucket, or of the
// managed folder that the prefix begins with.
func (q *request) listMultipart() (any, error) {
	b, err := q.needBucket("")
	if err != nil {
		return nil, err
	}
	out := uploadsResult{Bucket: b.Name, Prefix: q.query.Get("prefix")}
	if !q.mayList("storage.multipartUploads.list", b, out.Prefix) {
		return nil, q.denied("storage.multipartUploads.list", "Storage bucket")
	}
	for id, u := range q.state.Multiparts {
		if u.Bucket == b.Name && strings.HasPrefix(u.Name, out.Prefix) {
			out.Uploads = append(out.Uploads, xmlUpload{u.Name, id, or(u.Meta.StorageClass, b.Config.StorageClass), u.Started})
		}
	}
	slices.SortFunc(out.Uploads, func(a, b xmlUpload) int { return strings.Compare(a.Key+"\x00"+a.UploadID, b.Key+"\x00"+b.UploadID) })
	return xmlReply(out)
}
