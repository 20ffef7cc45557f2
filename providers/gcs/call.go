// Calls to the Cloud Storage JSON API with documents of ours, byte for byte as the plan shows them.
package gcs

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"google.golang.org/api/googleapi"
)

// request is one call of the JSON API.
type request struct {
	method string
	path   string // below the host, escaped: "/storage/v1/b"
	query  url.Values
	header http.Header
	body   []byte
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send sends q once. An answer that is not a success is a [googleapi.Error] as
// well; without any answer the status is 0.
func (c *cloud) send(ctx context.Context, q request) (answer, error) {
	address := c.at.storage + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	return c.sendTo(ctx, address, q)
}

func (c *cloud) sendTo(ctx context.Context, address string, q request) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, address, bytes.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	return a, googleapi.CheckResponseWithBody(resp, a.body)
}

// exchange sends in as JSON, and again after transient failures, and reads the
// answer into out; either may be nil.
func (c *cloud) exchange(ctx context.Context, q request, in, out any) error {
	if in != nil {
		q.body = body(in)
		q.header = http.Header{"Content-Type": {"application/json"}}
	}
	a, err := repeat(ctx, func() (answer, error) { return c.send(ctx, q) })
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(a.body, out)
}

func bucketPath(bucket string) string { return "/storage/v1/b/" + url.PathEscape(bucket) }

func objectPath(bucket, key string) string { return bucketPath(bucket) + "/o/" + url.PathEscape(key) }
