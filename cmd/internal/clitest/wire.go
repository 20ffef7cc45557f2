// Wire: the way of a process to a cloud in another one, call by call.
package clitest

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
)

// wire leads every call to one server, which sees the address that was called.
type wire struct {
	base  http.RoundTripper
	plain bool // the base sends without TLS
	peril *peril
}

func newWire(address string, secure bool, p *peril) *wire {
	if !secure {
		through := func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "http", Host: address}, nil }
		return &wire{&http.Transport{Proxy: through, DisableCompression: true, MaxIdleConnsPerHost: 16}, true, p}
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}
	return &wire{&http.Transport{
		DialContext: dial, ForceAttemptHTTP2: true, DisableCompression: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // the test's own server, under foreign names
	}, false, p}
}

// RoundTrip sends one call, unless the process comes to grief.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	n := w.peril.call()
	if err := w.peril.come(r.Context(), beforeCall, n); err != nil {
		return nil, err
	}
	if err := r.Context().Err(); err != nil {
		return nil, context.Cause(r.Context())
	}
	out := r
	if w.plain {
		out = r.Clone(r.Context())
		out.URL.Scheme = "http"
		if out.Host == "" {
			out.Host = r.URL.Host
		}
	}
	answer, err := w.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	answer.Request = r
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	if err := w.peril.come(r.Context(), afterCall, n); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	if w.peril.come(r.Context(), cutCall, n) != nil {
		answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
	}
	return answer, nil
}

// broken is a connection that ends too early.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
