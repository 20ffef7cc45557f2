// Plain requests: what the client library for Cloud Storage has no call for.
package gcs

import (
	"bytes"
	"context"
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
	body   []byte // JSON
}

// answer is what came back.
type answer struct {
	header http.Header
	body   []byte
}

// send sends q once. An answer that is not a success is a [googleapi.Error].
func (c *cloud) send(ctx context.Context, q request) (answer, error) {
	address := c.at.storage + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	return c.sendTo(ctx, q.method, address, q.body)
}

func (c *cloud) sendTo(ctx context.Context, method, address string, content []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(content))
	if err != nil {
		return answer{}, err
	}
	if len(content) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	return a, googleapi.CheckResponseWithBody(resp, a.body)
}

func bucketPath(bucket string) string { return "/storage/v1/b/" + url.PathEscape(bucket) }
