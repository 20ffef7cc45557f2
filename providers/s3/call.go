// Calls: one request and its whole answer, counted and bounded in time.
package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/bucketgrant/bucketgrant/core"
)

const (
	answerTime = 30 * time.Second // for one request, until its answer is read
	mostAnswer = 64 << 20         // bytes of one answer
)

// caller sends the requests of all clients. It reads the answer to its end, so
// that a broken one is an error of the call, not of whoever decodes it.
type caller struct {
	send func(*http.Request) (*http.Response, error)
}

// newCaller sends through t, else through what the configuration brought, else over the network.
func newCaller(t http.RoundTripper, configured aws.HTTPClient) *caller {
	switch {
	case t != nil:
		return &caller{t.RoundTrip}
	case configured != nil:
		return &caller{configured.Do}
	}
	return &caller{awshttp.NewBuildableClient().Do}
}

// Do is one call, as the meter counts them.
func (c *caller) Do(r *http.Request) (*http.Response, error) {
	defer core.Begin(r.Context())()
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	resp, err := c.send(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if closed := resp.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
