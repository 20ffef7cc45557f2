// XML: the protocol of Amazon S3, which Cloud Storage speaks as well.
package gcs

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/bucketgrant/bucketgrant/providers/internal/sigv4"
)

// pair signs requests with an HMAC key.
type pair struct {
	http *http.Client
	at   endpoint
	key  sigv4.Key
}

// xmlRequest is one call of the XML API.
type xmlRequest struct {
	method string
	bucket string
	key    string // "": the bucket itself
	query  url.Values
	body   []byte

	// generation is the precondition that the object has it; nil for none. It is a
	// word of Google's, so the request is signed by Google's names then.
	generation *string
}

// anyRegion is where clients of Amazon S3 are told that the bucket is.
// https://cloud.google.com/storage/docs/aws-simple-migration
const anyRegion = "auto"

// send sends q once. An answer that is not a success is a [googleapi.Error].
func (p *pair) send(ctx context.Context, q xmlRequest) (answer, error) {
	address, err := url.Parse(p.at.storage + q.path())
	if err != nil {
		return answer{}, err
	}
	address.RawQuery = q.query.Encode()
	r, err := http.NewRequestWithContext(ctx, q.method, address.String(), bytes.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	scheme, service := sigv4.AWS(), "s3"
	if q.generation != nil {
		scheme, service = sigv4.Google(), "storage"
		r.Header.Set("X-Goog-If-Generation-Match", *q.generation)
	}
	sigv4.Sign(r, q.body, p.key, scheme, sigv4.Scope{Region: anyRegion, Service: service}, time.Now())
	resp, err := p.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	return a, xmlError(googleapi.CheckResponseWithBody(resp, a.body))
}

func (q xmlRequest) path() string {
	if q.key == "" {
		return sigv4.Path(q.bucket)
	}
	return sigv4.Path(q.bucket, q.key)
}

// sendXML sends q once, as who the cloud's token is for.
func (c *cloud) sendXML(ctx context.Context, q xmlRequest) (answer, error) {
	a, err := c.sendTo(ctx, q.method, c.at.storage+q.path()+"?"+q.query.Encode(), q.body)
	return a, xmlError(err)
}

// xmlError fills in what an answer in XML says is wrong.
// https://cloud.google.com/storage/docs/xml-api/reference-status
func xmlError(err error) error {
	g, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		return err
	}
	var said struct {
		Code    string
		Message string
		Details string
	}
	if xml.Unmarshal([]byte(g.Body), &said) != nil || said.Code == "" {
		return err
	}
	g.Message = said.Message
	if said.Details != "" {
		g.Message += " " + said.Details
	}
	g.Errors = []googleapi.ErrorItem{{Reason: said.Code, Message: g.Message}}
	return g
}
