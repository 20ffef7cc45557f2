// Tell: what AWS answers to a try, in its own words.
package s3

import (
	"context"
	"html"
	"net/http"
	"regexp"
	"sync"

	"github.com/bucketgrant/bucketgrant/core"
)

// listener keeps one answer of those to the requests of a try: the first refusal, else the last.
type listener struct {
	mu   sync.Mutex
	told core.Answer
}

type listenerKey struct{}

// hears notes an answer for whoever listens to the requests of ctx.
func hears(ctx context.Context, r *http.Response, body []byte) {
	l, ok := ctx.Value(listenerKey{}).(*listener)
	if !ok {
		return
	}
	a := core.Answer{Status: r.StatusCode}
	a.Date, _ = http.ParseTime(r.Header.Get("Date"))
	if r.StatusCode >= http.StatusMultipleChoices {
		a.Code, a.Message = inside(answerCode, body), inside(answerMessage, body)
		if a.Code == "" {
			a.Code = http.StatusText(r.StatusCode) // an answer to HEAD has no body
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told.Status < http.StatusMultipleChoices {
		l.told = a
	}
}

// The code and the message of an error, as S3, IAM and STS write them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var (
	answerCode    = regexp.MustCompile(`<Code>([^<]*)</Code>`)
	answerMessage = regexp.MustCompile(`<Message>([^<]*)</Message>`)
)

func inside(what *regexp.Regexp, body []byte) string {
	if m := what.FindSubmatch(body); m != nil {
		return html.UnescapeString(string(m[1]))
	}
	return ""
}

var (
	_ core.Teller = (*actor)(nil)
	_ core.Teller = (*entrant)(nil)
)

// Tell is Try, with AWS's own answer.
func (a *actor) Tell(ctx context.Context, p core.Probe) (core.Outcome, core.Answer, error) {
	return told(ctx, p, a.Try)
}

// Tell is Try, with AWS's own answer.
func (e *entrant) Tell(ctx context.Context, p core.Probe) (core.Outcome, core.Answer, error) {
	return told(ctx, p, e.Try)
}

func told(ctx context.Context, p core.Probe, try func(context.Context, core.Probe) (core.Outcome, error)) (core.Outcome, core.Answer, error) {
	l := &listener{}
	got, err := try(context.WithValue(ctx, listenerKey{}, l), p)
	l.mu.Lock()
	defer l.mu.Unlock()
	return got, l.told, err
}
