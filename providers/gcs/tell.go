// Tell: what Google answers to a try, in its own words.
package gcs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
)

// hearing keeps one answer of those to the requests of a try: the first refusal, else the last.
type hearing struct {
	mu   sync.Mutex
	told core.Answer
}

type hearingKey struct{}

// listened reports whether somebody hears the answers to the requests of ctx: then none is sent twice.
func listened(ctx context.Context) bool { return ctx.Value(hearingKey{}) != nil }

// mostHeard bounds what is read of an answer, and mostSaid what is told of it.
const (
	mostHeard = 64 << 10
	mostSaid  = 600
)

// hears notes an answer for whoever listens to the requests of ctx. The answer
// stays readable as a whole.
func hears(ctx context.Context, r *http.Response) {
	l, ok := ctx.Value(hearingKey{}).(*hearing)
	if !ok || r == nil {
		return
	}
	a := core.Answer{Status: r.StatusCode}
	a.Date, _ = http.ParseTime(r.Header.Get("Date"))
	if r.StatusCode >= http.StatusBadRequest {
		head, err := io.ReadAll(io.LimitReader(r.Body, mostHeard))
		r.Body = again{io.MultiReader(bytes.NewReader(head), after{r.Body, err}), r.Body}
		a.Code, a.Message = saidIn(head)
		a.Code = cmp.Or(a.Code, http.StatusText(r.StatusCode))
		a.Message = printable(a.Message[:min(len(a.Message), mostSaid)])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told.Status < http.StatusBadRequest {
		l.told = a
	}
}

// again is a body that is read from its beginning.
type again struct {
	io.Reader
	io.Closer
}

// after is the rest of a body whose beginning could be read without err.
type after struct {
	rest io.Reader
	err  error
}

func (a after) Read(b []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	return a.rest.Read(b)
}

// saidIn are the code and the message of an error, as the JSON interfaces, the
// token endpoints and the XML interface write them; a text that is neither is a message.
// https://cloud.google.com/storage/docs/json_api/v1/status-codes
// https://cloud.google.com/storage/docs/xml-api/reference-status
// https://datatracker.ietf.org/doc/html/rfc6749#section-5.2
func saidIn(body []byte) (code, message string) {
	var api struct {
		Error struct {
			Message string `json:"message"`
			Status  string `json:"status"`
			Errors  []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &api) == nil && api.Error.Message != "" {
		for _, d := range api.Error.Details {
			code = cmp.Or(code, d.Reason)
		}
		for _, e := range api.Error.Errors {
			code = cmp.Or(code, e.Reason)
		}
		return cmp.Or(code, api.Error.Status), api.Error.Message
	}
	var token struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &token) == nil && token.Error != "" {
		return token.Error, token.Description
	}
	var said struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
		Details string `xml:"Details"`
	}
	if xml.Unmarshal(body, &said) == nil && said.Code != "" {
		return said.Code, strings.TrimSpace(said.Message + " " + said.Details)
	}
	return "", strings.TrimSpace(string(body))
}

var (
	_ core.Teller = (*actor)(nil)
	_ core.Teller = (*pairActor)(nil)
	_ core.Teller = (*visitor)(nil)
)

// Tell is Try, with Google's own answer.
func (a *actor) Tell(ctx context.Context, p core.Probe) (core.Outcome, core.Answer, error) {
	return told(ctx, p, a.Try)
}

// Tell is Try, with Google's own answer.
func (a *pairActor) Tell(ctx context.Context, p core.Probe) (core.Outcome, core.Answer, error) {
	return told(ctx, p, a.Try)
}

// Tell is Try, with Google's own answer.
func (v *visitor) Tell(ctx context.Context, p core.Probe) (core.Outcome, core.Answer, error) {
	return told(ctx, p, v.Try)
}

func told(ctx context.Context, p core.Probe, try func(context.Context, core.Probe) (core.Outcome, error)) (core.Outcome, core.Answer, error) {
	l := &hearing{}
	got, err := try(context.WithValue(ctx, hearingKey{}, l), p)
	l.mu.Lock()
	defer l.mu.Unlock()
	if t, refused := errors.AsType[*tokenError](err); refused && l.told.Status < http.StatusBadRequest {
		l.told.Message = printable(t.Error()) // a token that could not be fetched for this request
	}
	return got, l.told, err
}
