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

// send sends q once and returns the answer, whose body has been read. An
// answer that is not a success is a [googleapi.Error].
func (c *cloud) send(ctx context.Context, q request) (*http.Response, []byte, error) {
	address := c.at.storage + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	return c.sendTo(ctx, address, q)
}

func (c *cloud) sendTo(ctx context.Context, address string, q request) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, address, bytes.NewReader(q.body))
	if err != nil {
		return nil, nil, err
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp, nil, err
	}
	return resp, raw, googleapi.CheckResponseWithBody(resp, raw)
}

// exchange sends in as JSON, and again after transient failures, and reads the
// answer into out; either may be nil.
func (c *cloud) exchange(ctx context.Context, q request, in, out any) error {
	if in != nil {
		q.body = body(in)
		q.header = http.Header{"Content-Type": {"application/json"}}
	}
	raw, err := repeat(ctx, func() ([]byte, error) {
		_, raw, err := c.send(ctx, q)
		return raw, err
	})
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

func bucketPath(bucket string) string { return "/storage/v1/b/" + url.PathEscape(bucket) }

func objectPath(bucket, key string) string { return bucketPath(bucket) + "/o/" + url.PathEscape(key) }
