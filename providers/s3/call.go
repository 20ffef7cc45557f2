// Calls: one request and its whole answer, counted and bounded in time.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

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
	return &caller{network().Do}
}

// Do is one call, as the meter counts them.
func (c *caller) Do(r *http.Request) (*http.Response, error) {
	defer core.Begin(r.Context())()
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	resp, err := c.send(r.WithContext(ctx))
	if err != nil {
		return nil, c.lost(r, err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if closed := resp.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, c.lost(r, err)
	}
	hears(r.Context(), resp, body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// lost is the error of a request without a whole answer. Who gave up waiting
// for it learns nothing of the host.
func (c *caller) lost(r *http.Request, err error) error {
	switch {
	case r.Context().Err() != nil:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %s: %w", answerTime, err)
	}
	return broken(r.Context(), r.URL.Host, err)
}
