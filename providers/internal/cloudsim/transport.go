// The transport: an http.RoundTripper that ends in a handler instead of a socket, and counts, delays and breaks calls.
package cloudsim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Op names what a request asks for, in the cloud's own words.
type Op struct {
	Name  string // "iam:CreateUser", "storage.buckets.insert"
	Write bool   // whether a success changes anything
}

// Call is one request that crossed a [Transport].
type Call struct {
	N      int // 1 for the first call of the transport
	Op     Op
	Method string
	URL    string // without the query, which may hold a signature
	Start  time.Time
	End    time.Time
	Status int   // 0 if no answer came back
	Err    error // what the client saw instead of an answer
}

// Fault is what happens to one call. The zero Fault lets it pass untouched.
type Fault struct {
	Delay  time.Duration  // waits this long before anything else
	Before error          // the request never arrives; the client sees this error
	Reply  *http.Response // the request never arrives; the client sees this answer
	After  error          // the request takes effect; the client sees this error instead of the answer
	Cut    bool           // the request takes effect; the answer's body ends half-way with io.ErrUnexpectedEOF
	Hang   bool           // the request never arrives; the client waits until its context ends
	Late   bool           // it arrives all the same, and takes effect before Before, Reply or Hang is seen
}

// ErrLost is the usual [Fault.After]: the connection broke before the answer came back.
var ErrLost = errors.New("connection reset by peer")

// Transport is an [http.RoundTripper] that ends in Handler. The zero value of
// every field but Handler is useful. Set fields before the first call.
type Transport struct {
	Handler  http.Handler
	Classify func(*http.Request) Op // names a request; it must not consume the body
	Latency  time.Duration          // added to every call
	Fault    func(c Call, r *http.Request) Fault

	mu    sync.Mutex
	calls []*Call
}

// RoundTrip serves r with the handler, in the calling goroutine.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	call := t.begin(r)
	resp, err := t.serve(call, r)
	t.mu.Lock()
	defer t.mu.Unlock()
	call.End, call.Err = time.Now(), err
	if resp != nil {
		call.Status = resp.StatusCode
	}
	return resp, err
}

// Calls returns a copy of every call so far, in order of arrival.
func (t *Transport) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	calls := make([]Call, len(t.calls))
	for i, c := range t.calls {
		calls[i] = *c
	}
	return calls
}

// Reset forgets the calls so far; the next one is number 1.
func (t *Transport) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = nil
}

func (t *Transport) begin(r *http.Request) *Call {
	op := Op{Name: r.Method + " " + r.URL.Path, Write: r.Method != http.MethodGet && r.Method != http.MethodHead}
	if t.Classify != nil {
		op = t.Classify(r)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	url := *r.URL
	url.RawQuery = ""
	call := &Call{N: len(t.calls) + 1, Op: op, Method: r.Method, URL: url.String(), Start: time.Now()}
	t.calls = append(t.calls, call)
	return call
}

func (t *Transport) serve(call *Call, r *http.Request) (*http.Response, error) {
	var f Fault
	if t.Fault != nil {
		t.mu.Lock()
		c := *call
		t.mu.Unlock()
		f = t.Fault(c, r)
	}
	if err := wait(r.Context(), t.Latency+f.Delay); err != nil {
		return nil, err
	}
	if f.Late {
		Serve(t.Handler, r)
	}
	switch {
	case f.Hang:
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	case f.Before != nil:
		return nil, f.Before
	case f.Reply != nil:
		f.Reply.Request = r
		return f.Reply, nil
	}
	resp := Serve(t.Handler, r)
	switch {
	case f.After != nil:
		return nil, f.After
	case f.Cut:
		body, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), cut{}))
	}
	return resp, nil
}

// Serve hands r to h as a server would see it and returns the answer.
func Serve(h http.Handler, r *http.Request) *http.Response {
	in := r.Clone(r.Context())
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.RequestURI = in.URL.RequestURI()
	in.RemoteAddr = "192.0.2.1:1234" // TEST-NET-1, RFC 5737
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	_ = in.Body.Close()
	resp := w.Result()
	resp.Request = r
	return resp
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
