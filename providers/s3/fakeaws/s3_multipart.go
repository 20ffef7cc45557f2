// Multipart uploads.
package fakeaws

import (
	"encoding/xml"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// upload is one multipart upload under way.
type upload struct {
	ID        string
	Key       string
	Initiator string // ARN
	Begun     time.Time
	Object    *object // what it will become
	Parts     map[int]*part
}

type part struct {
	Body     []byte
	ETag     string
	Modified time.Time
}

// multipartOps asks for what AWS's table of multipart permissions requires. The
// same table lets the initiator abort and list parts "by default"; this cloud
// does not, because a policy that counts on it breaks behind a VPC endpoint, and
// a proof that counts on it proves nothing about the policy.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
func multipartOps() []s3Op {
	return []s3Op{
		{name: "CreateMultipartUpload", method: "POST", on: onObject, query: "uploads", write: true, run: createUpload},
		{name: "UploadPartCopy", method: "PUT", on: onObject, query: "partNumber uploadId", header: "X-Amz-Copy-Source", write: true, run: uploadPartCopy},
		{name: "UploadPart", method: "PUT", on: onObject, query: "partNumber uploadId", write: true, action: "s3:PutObject", run: uploadPart},
		{name: "CompleteMultipartUpload", method: "POST", on: onObject, query: "uploadId", write: true, action: "s3:PutObject", run: completeUpload},
		{name: "AbortMultipartUpload", method: "DELETE", on: onObject, query: "uploadId", write: true, action: "s3:AbortMultipartUpload", run: abortUpload},
		{name: "ListParts", method: "GET", on: onObject, query: "uploadId", action: "s3:ListMultipartUploadParts", run: listParts},
	}
}

func createUpload(k *s3Call) error {
	if k.who.account == nil {
		return accessDenied("Anonymous users cannot initiate multipart uploads.  Please authenticate.")
	}
	if err := k.mayWrite(); err != nil {
		return err
	}
	o, err := k.newObject()
	if err != nil {
		return err
	}
	u := &upload{ID: opaque(64), Key: k.key, Initiator: k.who.ARN, Begun: time.Now().UTC().Truncate(time.Second), Object: o, Parts: map[int]*part{}}
	k.bucket.Uploads[u.ID] = u
	for _, name := range []string{"X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type"} {
		if v := k.r.Header.Get(name); v != "" {
			k.w.Header().Set(name, v)
		}
	}
	if o.Algorithm != "" {
		k.w.Header().Set("X-Amz-Server-Side-Encryption", o.Algorithm)
	}
	return k.reply("InitiateMultipartUploadResult", struct {
		Bucket, Key string
		UploadID    string `xml:"UploadId"`
	}{k.name, k.key, u.ID})
}

func (k *s3Call) upload() (*upload, error) {
	u := k.bucket.Uploads[k.q.Get("uploadId")]
	if u == nil || u.Key != k.key {
		return nil, &apiError{Code: "NoSuchUpload", Status: 404, Message: "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", Extra: map[string]string{"UploadId": k.q.Get("uploadId")}}
	}
	return u, nil
}

func (k *s3Call) partNumber() (int, error) {
	n, err := strconv.Atoi(k.q.Get("partNumber"))
	if err != nil || n < 1 || n > 10000 {
		return 0, &apiError{Code: "InvalidArgument", Status: 400, Message: "Part number must be an integer between 1 and 10000, inclusive"}
	}
	return n, nil
}

func uploadPart(k *s3Call) error {
	u, err := k.upload()
	if err != nil {
		return err
	}
	n, err := k.partNumber()
	if err != nil {
		return err
	}
	if err := k.mayDecrypt(u.Object); err != nil { // parts are read again when they are put together
		return err
	}
	name, value, bad := checksum(k.r.Header, k.trailer, k.body)
	if bad != nil {
		return bad
	}
	if name != "" {
		k.w.Header().Set(name, value)
	}
	p := &part{k.body, etagOf(k.body), time.Now().UTC().Truncate(time.Second)}
	u.Parts[n] = p
	k.w.Header().Set("ETag", p.ETag)
	return nil
}

// minPart is the least size of every part but the last.
const minPart = 5 << 20

func completeUpload(k *s3Call) error {
	u, err := k.upload()
	if err != nil {
		return err
	}
	var in struct {
		XMLName xml.Name
		Part    []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := k.parse(&in); err != nil {
		return err
	}
	if len(in.Part) == 0 {
		return malformedXML()
	}
	for i := 1; i < len(in.Part); i++ {
		if in.Part[i].PartNumber <= in.Part[i-1].PartNumber {
			return &apiError{Code: "InvalidPartOrder", Status: 400, Message: "The list of parts was not in ascending order. Parts must be ordered by part number."}
		}
	}
	if err := k.mayDecrypt(u.Object); err != nil {
		return err
	}
	o := u.Object
	var body, sums []byte
	for i, want := range in.Part {
		p := u.Parts[want.PartNumber]
		switch {
		case p == nil || strings.Trim(p.ETag, `"`) != strings.Trim(want.ETag, `"`):
			return &apiError{Code: "InvalidPart", Status: 400, Message: "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."}
		case i < len(in.Part)-1 && len(p.Body) < minPart:
			return &apiError{Code: "EntityTooSmall", Status: 400, Message: "Your proposed upload is smaller than the minimum allowed size"}
		}
		body = append(body, p.Body...)
		sums = append(sums, md5Of(p.Body)...)
	}
	if err := k.precondition(); err != nil {
		return err
	}
	o.Body, o.Parts, o.Modified = body, len(in.Part), time.Now().UTC().Truncate(time.Second)
	o.ETag = strings.TrimSuffix(etagOf(sums), `"`) + "-" + itoa(len(in.Part)) + `"`
	k.bucket.add(o)
	delete(k.bucket.Uploads, u.ID)
	if o.Version != "null" {
		k.w.Header().Set("X-Amz-Version-Id", o.Version)
	}
	return k.reply("CompleteMultipartUploadResult", struct{ Location, Bucket, Key, ETag string }{
		"https://" + k.name + ".s3." + k.bucket.Region + "." + k.suffix() + "/" + k.key, k.name, k.key, o.ETag,
	})
}

func abortUpload(k *s3Call) error {
	u, err := k.upload()
	if err != nil {
		return err
	}
	delete(k.bucket.Uploads, u.ID)
	k.w.WriteHeader(204)
	return nil
}

func listParts(k *s3Call) error {
	u, err := k.upload()
	if err != nil {
		return err
	}
	type entry struct {
		PartNumber   int
		LastModified string
		ETag         string
		Size         int
	}
	out := struct {
		Bucket, Key          string
		UploadID             string `xml:"UploadId"`
		StorageClass         string
		PartNumberMarker     int
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		Part                 []entry
	}{Bucket: k.name, Key: k.key, UploadID: u.ID, StorageClass: "STANDARD", MaxParts: 1000}
	after, _ := strconv.Atoi(k.q.Get("part-number-marker"))
	if n, err := strconv.Atoi(k.q.Get("max-parts")); err == nil && n > 0 {
		out.MaxParts = min(n, 1000)
	}
	out.PartNumberMarker = after
	for _, n := range slices.Sorted(maps.Keys(u.Parts)) {
		if n <= after {
			continue
		}
		if len(out.Part) == out.MaxParts {
			out.IsTruncated = true
			break
		}
		p := u.Parts[n]
		out.Part = append(out.Part, entry{n, stampMilli(p.Modified), p.ETag, len(p.Body)})
		out.NextPartNumberMarker = n
	}
	return k.reply("ListPartsResult", out)
}

func listUploads(k *s3Call) error {
	l, err := k.listing()
	if err != nil {
		return err
	}
	type entry struct {
		Key                     string
		UploadID                string `xml:"UploadId"`
		Initiated, StorageClass string
		Initiator, Owner        ownerXML
	}
	out := struct {
		Bucket         string
		KeyMarker      string
		UploadIDMarker string `xml:"UploadIdMarker"`
		Prefix         string
		MaxUploads     int
		IsTruncated    bool
		Upload         []entry
	}{Bucket: k.name, Prefix: l.escape(l.prefix), MaxUploads: 1000}
	list := slices.SortedFunc(maps.Values(k.bucket.Uploads), func(a, b *upload) int {
		if c := strings.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	for _, u := range list {
		if strings.HasPrefix(u.Key, l.prefix) {
			out.Upload = append(out.Upload, entry{l.escape(u.Key), u.ID, stampMilli(u.Begun), "STANDARD", ownerXML{u.Initiator}, canonicalID(k.bucket.Owner)})
		}
	}
	return k.reply("ListMultipartUploadsResult", out)
}
