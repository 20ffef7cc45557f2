// Reading objects, and what a missing one looks like to whom.
package fakeaws

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// object returns the version that a read asks for. Whether a missing key is 404
// or 403 depends on s3:ListBucket, so that nobody learns names by guessing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (k *s3Call) object(action string) (*object, error) {
	version := k.q.Get("versionId")
	if version != "" {
		action = strings.Replace(action, "Object", "ObjectVersion", 1)
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
	err := noSuchKey(k.key)
	if o := k.bucket.current(k.key); o != nil {
		err.Header = map[string]string{"X-Amz-Delete-Marker": "true", "X-Amz-Version-Id": o.Version}
	}
	return nil, err
}

func noSuchKey(key string) *apiError {
	return &apiError{Code: "NoSuchKey", Status: 404, Message: "The specified key does not exist.", Extra: map[string]string{"Key": key}}
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
