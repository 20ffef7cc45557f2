// Uploads: in one request, as multipart, or resumable in chunks.
package fakegcp

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"regexp"
	"strings"
)

func uploadRoutes() []route {
	var out []route
	for _, path := range []string{"/upload/storage/v1/b/{bucket}/o", "/resumable/upload/storage/v1/b/{bucket}/o"} {
		// The session URI of a resumable upload is a credential by itself, so
		// authentication is decided in the handler.
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			r := storageRoute(method, path, "objects.insert", true, (*request).upload)
			r.Open = true
			out = append(out, r)
		}
	}
	return out
}

// uploadBody is the metadata part of an upload.
type uploadBody struct {
	Name   string `json:"name"`
	CRC32C string `json:"crc32c"`
	MD5    string `json:"md5Hash"`
	objectMeta
}

func (q *request) upload() (any, error) {
	if id := q.query.Get("upload_id"); id != "" {
		return q.resume(id)
	}
	if err := q.authenticate(); err != nil {
		return nil, err
	}
	if err := q.checkEnabled(); err != nil {
		return nil, err
	}
	if q.Method != "POST" {
		return nil, failed(404, "Not Found")
	}
	switch kind := q.query.Get("uploadType"); kind {
	case "media":
		return q.insert(uploadBody{objectMeta: objectMeta{ContentType: q.Header.Get("Content-Type")}}, q.body)
	case "multipart":
		in, data, err := q.multipart()
		if err != nil {
			return nil, err
		}
		return q.insert(in, data)
	case "resumable":
		return q.startUpload()
	default:
		return nil, failed(400, "Invalid value for parameter uploadType: %q", kind)
	}
}

// singleQuoted is how Google's own clients in Python write a boundary: a quoted
// string by no standard, yet Google takes it for one.
// https://github.com/google/apitools/blob/master/apitools/base/py/transfer.py
var singleQuoted = regexp.MustCompile(`boundary='([^'"\\]*)'`)

// multipart reads metadata and content from a multipart/related body.
func (q *request) multipart() (uploadBody, []byte, error) {
	var in uploadBody
	bad := failed(400, "Malformed multipart body.")
	kind, params, err := mime.ParseMediaType(singleQuoted.ReplaceAllString(q.Header.Get("Content-Type"), `boundary="$1"`))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return in, nil, bad
	}
	r := multipart.NewReader(bytes.NewReader(q.body), params["boundary"])
	meta, err := r.NextPart()
	if err != nil {
		return in, nil, bad
	}
	if err := json.NewDecoder(meta).Decode(&in); err != nil {
		return in, nil, bad
	}
	part, err := r.NextRawPart()
	if err != nil {
		return in, nil, bad
	}
	data, err := io.ReadAll(part)
	if err != nil {
		return in, nil, bad
	}
	if in.ContentType == "" {
		in.ContentType = part.Header.Get("Content-Type")
	}
	return in, data, nil
}

// name is the object's name: the parameter, or the body's field.
func (q *request) name(in uploadBody) string { return or(q.query.Get("name"), in.Name) }

// mayCreate returns the bucket if the caller may create the object.
func (q *request) mayCreate(in uploadBody) (*bucket, error) {
	name := q.name(in)
	if f := checkObjectName(name); f != nil {
		return nil, f
	}
	b, err := q.needObjectAccess("storage.objects.create", q.params["bucket"], name)
	if err != nil {
		return nil, err
	}
	if in.Retention != nil && !q.mayOnObject("storage.objects.setRetention", b, name) {
		return nil, q.denied("storage.objects.setRetention", "Storage object")
	}
	if in.Contexts != nil && !q.mayOnObject("storage.objects.createContext", b, name) {
		return nil, q.denied("storage.objects.createContext", "Storage object")
	}
	if acl := q.query.Get("predefinedAcl"); acl != "" && b.uniform() {
		return nil, failed(400, "Cannot insert legacy ACL for an object when uniform bucket-level access is enabled. "+
			"Read more at https://cloud.google.com/storage/docs/uniform-bucket-level-access")
	}
	return b, nil
}

func (q *request) insert(in uploadBody, data []byte) (any, error) {
	b, err := q.mayCreate(in)
	if err != nil {
		return nil, err
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	if f := checkHashes(in, data); f != nil {
		return nil, f
	}
	o, err := q.put(b, q.name(in), in.objectMeta, data, cond, q.caller)
	if err != nil {
		return nil, err
	}
	return q.objectResource(o), nil
}

func checkHashes(in uploadBody, data []byte) *fault {
	if in.CRC32C != "" && in.CRC32C != crc32c(data) {
		return failed(400, "Provided CRC32C %q doesn't match calculated CRC32C %q.", in.CRC32C, crc32c(data))
	}
	if in.MD5 != "" && in.MD5 != md5sum(data) {
		return failed(400, "Provided MD5 hash %q doesn't match calculated MD5 hash %q.", in.MD5, md5sum(data))
	}
	return nil
}
