// Resumable uploads: a session, its chunks, its end.
package fakegcp

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// startUpload opens a resumable session. Permissions are looked at here, and
// what the object replaces again when it is complete.
// https://cloud.google.com/storage/docs/resumable-uploads
func (q *request) startUpload() (any, error) {
	var in uploadBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	b, err := q.mayCreate(in)
	if err != nil {
		return nil, err
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	name := q.name(in)
	was := b.live(name)
	if err := cond.check(was, false); err != nil {
		return nil, err
	}
	if was != nil && !q.mayOnObject("storage.objects.delete", b, name) {
		return nil, q.denied("storage.objects.delete", "Storage object")
	}
	in.ContentType = or(in.ContentType, q.Header.Get("X-Upload-Content-Type"))
	id := "ABgVH" + rand.Text() + rand.Text()
	q.state.Uploads[id] = &upload{Account: q.caller.UID, Federated: q.caller.Pool, Bucket: b.Name, Name: name, Meta: in.objectMeta, Cond: cond, Started: time.Now()}
	location := url.URL{Scheme: q.scheme(), Host: q.Host, Path: q.URL.Path, RawQuery: url.Values{"uploadType": {"resumable"}, "name": {name}, "upload_id": {id}}.Encode()}
	return reply{Header: map[string]string{"Location": location.String(), "X-GUploader-UploadID": id, "Content-Length": "0"}}, nil
}

func (q *request) scheme() string {
	if q.URL.Scheme == "http" || (q.URL.Scheme == "" && q.TLS == nil) {
		return "http"
	}
	return "https"
}

// sessionLife is how long a resumable session lives.
const sessionLife = 7 * 24 * time.Hour

// resume takes a chunk, answers how much has come, or cancels.
func (q *request) resume(id string) (any, error) {
	u := q.state.Uploads[id]
	if u == nil || u.Bucket != q.params["bucket"] {
		return nil, failed(404, "Not Found")
	}
	if time.Since(u.Started) > sessionLife {
		delete(q.state.Uploads, id)
		return nil, failed(410, "Gone")
	}
	if q.Method == "DELETE" {
		delete(q.state.Uploads, id)
		return reply{Code: 499, Header: map[string]string{"Content-Length": "0"}}, nil
	}
	if u.Done != nil {
		return q.objectResource(u.Done), nil
	}
	first, total, err := q.contentRange()
	if err != nil {
		return nil, err
	}
	if first >= 0 {
		if have := int64(len(u.Data)); first > have {
			return nil, failed(503, "Invalid request. There were %d byte(s) before the first byte of the request.", have)
		} else if skip := have - first; skip < int64(len(q.body)) { // bytes that came before are not taken twice
			u.Data = append(u.Data, q.body[skip:]...)
		}
	}
	if total < 0 || int64(len(u.Data)) < total {
		return q.incomplete(u), nil
	}
	return q.finish(id, u, total)
}

// contentRange reads "bytes 0-9/10", "bytes 0-9/*", "bytes */10" or "bytes
// */*": the first byte and the total, -1 for "*". Without the header the body
// is the whole object.
func (q *request) contentRange() (first, total int64, err error) {
	text := q.Header.Get("Content-Range")
	if text == "" {
		return 0, int64(len(q.body)), nil
	}
	bad := failed(400, "Failed to parse Content-Range header.")
	span, size, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	if !ok {
		return 0, 0, bad
	}
	first, total = -1, -1
	if size != "*" {
		if total, err = strconv.ParseInt(size, 10, 64); err != nil {
			return 0, 0, bad
		}
	}
	if span == "*" {
		return first, total, nil
	}
	from, to, ok := strings.Cut(span, "-")
	last, err := strconv.ParseInt(to, 10, 64)
	if !ok || err != nil {
		return 0, 0, bad
	}
	if first, err = strconv.ParseInt(from, 10, 64); err != nil || last-first+1 != int64(len(q.body)) {
		return 0, 0, bad
	}
	// Every chunk but the last is a multiple of 256 KiB.
	if total < 0 && len(q.body)%(256<<10) != 0 {
		return 0, 0, failed(400, "Invalid request. The number of bytes uploaded is required to be equal or greater than 262144, except for the final request.")
	}
	return first, total, nil
}

// incomplete is the answer while bytes are missing. 308 means something else
// in HTTP, so a client may ask for it in a header.
func (q *request) incomplete(u *upload) reply {
	r := reply{Code: 308, Header: map[string]string{"Content-Length": "0"}}
	if q.Header.Get("X-GUploader-No-308") == "yes" {
		r.Code = 200
		r.Header["X-Http-Status-Code-Override"] = "308"
	}
	if len(u.Data) > 0 {
		r.Header["Range"] = fmt.Sprintf("bytes=0-%d", len(u.Data)-1)
	}
	return r
}

func (q *request) finish(id string, u *upload, total int64) (any, error) {
	if int64(len(u.Data)) != total {
		return nil, failed(400, "Invalid request. The size of the upload does not match the Content-Range header.")
	}
	b := q.state.Buckets[u.Bucket]
	if b == nil {
		return nil, failed(404, "The specified bucket does not exist.")
	}
	who := principal{UID: u.Account, Pool: u.Federated}
	if a := q.state.Accounts[u.Account]; a != nil {
		who.Email = a.Email
	}
	o, err := q.put(b, u.Name, u.Meta, u.Data, u.Cond, who)
	if err != nil {
		delete(q.state.Uploads, id)
		return nil, err
	}
	u.Done = o
	u.Data = nil
	return q.objectResource(o), nil
}
