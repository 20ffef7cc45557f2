// Downloads: alt=media of the JSON API, and the objects of the XML API.
package fakegcp

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

func downloadRoutes() []route {
	return []route{storageRoute("GET", "/download/storage/v1/b/{bucket}/o/{object}", "objects.get", false, (*request).getMedia)}
}

func (q *request) getMedia() (any, error) {
	b, o, err := q.find("storage.objects.get")
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, q.missing("storage.objects.get", b, q.params["object"])
	}
	c, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	if err := c.check(o, true); err != nil {
		return nil, err
	}
	return q.media(o)
}

// media is an object's content, or the part that a Range header asks for.
func (q *request) media(o *object) (any, error) {
	r := reply{Code: http.StatusOK, Body: o.Data, Header: map[string]string{
		"Content-Type":                   or(o.Meta.ContentType, "application/octet-stream"),
		"ETag":                           o.xmlETag(),
		"Last-Modified":                  o.Updated.Format(http.TimeFormat),
		"X-Goog-Generation":              strconv.FormatInt(o.Generation, 10),
		"X-Goog-Metageneration":          strconv.FormatInt(o.Metageneration, 10),
		"X-Goog-Hash":                    "crc32c=" + crc32c(o.Data) + ",md5=" + md5sum(o.Data),
		"X-Goog-Stored-Content-Length":   strconv.Itoa(len(o.Data)),
		"X-Goog-Stored-Content-Encoding": or(o.Meta.ContentEncoding, "identity"),
	}}
	for k, v := range map[string]string{"Cache-Control": o.Meta.CacheControl, "Content-Disposition": o.Meta.ContentDisposition, "Content-Encoding": o.Meta.ContentEncoding} {
		if v != "" {
			r.Header[k] = v
		}
	}
	for k, v := range o.Meta.Metadata {
		r.Header["X-"+q.vendor()+"-Meta-"+k] = v
	}
	if text := q.Header.Get("Range"); text != "" {
		from, to, ok := byteRange(text, len(o.Data))
		if !ok {
			return nil, failed(416, "Request range not satisfiable")
		}
		r.Code, r.Body = http.StatusPartialContent, o.Data[from:to+1]
		r.Header["Content-Range"] = fmt.Sprintf("bytes %d-%d/%d", from, to, len(o.Data))
	}
	r.Header["Content-Length"] = strconv.Itoa(len(r.Body))
	if q.Method == http.MethodHead || r.Body == nil {
		r.Body = []byte{}
	}
	return r, nil
}

// byteRange reads "bytes=1-9", "bytes=1-" or "bytes=-9": first and last byte.
func byteRange(text string, size int) (int, int, bool) {
	from, to, ok := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	if !ok {
		return 0, 0, false
	}
	last := size - 1
	if n, err := strconv.Atoi(to); err == nil && from != "" {
		last = min(last, n)
	}
	if from == "" {
		n, err := strconv.Atoi(to)
		return max(0, size-n), last, err == nil && n > 0 && size > 0
	}
	first, err := strconv.Atoi(from)
	return first, last, err == nil && first <= last
}
