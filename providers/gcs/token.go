// Tokens: one exchange for all calls that wait for it, and what is said when it fails.
package gcs

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/httptransport"

	"github.com/bucketgrant/bucketgrant/core"
)

// authorised adds an access token to requests.
type authorised struct {
	credentials *auth.Credentials
	base        http.RoundTripper
	host        string        // that hands out a machine's own credentials; "" if they are others
	patience    time.Duration // for one exchange, its repetitions included
	turn        chan struct{} // holds one: who fetches a token, while others wait for it
	lost        error         // what the last exchange failed with, if it may succeed a little later
	at          time.Time     // when that was
}

const (
	exchanges = 4               // attempts at one token
	machine   = 5 * time.Second // for a machine's own credentials: they are next door
	lostFor   = 5 * time.Second // calls that follow a failed exchange so soon share its failure
)

func authorise(c *auth.Credentials, base http.RoundTripper) *authorised {
	a := &authorised{credentials: c, base: base, patience: callFor, turn: make(chan struct{}, 1)}
	if len(c.JSON()) == 0 {
		a.patience, a.host = machine, cmp.Or(os.Getenv(metadataEnv), "169.254.169.254")
	}
	return a
}

// RoundTrip sends one request, after a token exchange if there is no fresh
// token. A token never leaves this machine in the clear. A panic is an error: the
// client sends some requests in goroutines of its own, where nobody else can stop
// one, and the runtime would print its value.
func (a *authorised) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	err = core.Guarded(func() (err error) {
		answer, err = a.send(r) //nolint:bodyclose // the caller closes it
		return err
	})
	return answer, err
}

func (a *authorised) send(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !loopback(r.URL.Hostname()) {
		return a.base.RoundTrip(r)
	}
	token, err := a.token(r.Context())
	if err != nil {
		return nil, &tokenError{err}
	}
	out := r.Clone(r.Context())
	httptransport.SetAuthHeader(token, out)
	if quota, err := a.credentials.QuotaProjectID(r.Context()); err == nil && quota != "" {
		out.Header.Set("X-Goog-User-Project", quota)
	}
	return a.base.RoundTrip(out)
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// token returns a fresh token. Whoever waits while an exchange comes to nothing,
// or asks right after it, does not try again.
func (a *authorised) token(ctx context.Context) (*auth.Token, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if a.lost != nil && time.Since(a.at) < lostFor {
		return nil, a.lost
	}
	t, err := a.exchange(ctx)
	a.lost, a.at = nil, time.Now()
	if err != nil && ctx.Err() == nil && tokenLost(err) {
		a.lost = err
	}
	return t, err
}

func (a *authorised) exchange(ctx context.Context) (*auth.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	for pause, n := firstPause, 1; ; pause, n = 2*pause, n+1 {
		t, err := a.credentials.Token(ctx)
		if _, named := errors.AsType[*url.Error](err); errors.Is(err, context.DeadlineExceeded) && !named && a.host != "" {
			err = &url.Error{Op: "Get", URL: "http://" + a.host, Err: context.DeadlineExceeded} // the library repeats by itself and does not say what for
		}
		if err == nil || n == exchanges || listened(ctx) || !tokenLost(err) || sleep(ctx, pause) != nil {
			return t, err
		}
	}
}

// tokenLost reports whether the same exchange may succeed a little later.
func tokenLost(err error) bool {
	if a, ok := errors.AsType[*auth.Error](err); ok && a.Response != nil {
		return a.Temporary()
	}
	return connection(err) != "" || errors.Is(err, io.ErrUnexpectedEOF)
}

// tokenError is a token exchange that failed: nobody was authenticated.
type tokenError struct{ err error }

// Error is the code and description of the answer, never its body.
func (t *tokenError) Error() string {
	const failed = "no access token: "
	if a, ok := errors.AsType[*auth.Error](t.err); ok && a.Response != nil {
		if m := invalidGrant.FindSubmatch(a.Body); m != nil {
			return failed + printable(string(m[1]))
		}
		return failed + a.Response.Status
	}
	if lost := connection(t.err); lost != "" {
		return failed + lost
	}
	return failed + t.err.Error()
}

// Unwrap gives the cause.
func (t *tokenError) Unwrap() error { return t.err }

var invalidGrant = regexp.MustCompile(`"error_description"\s*:\s*"([^"]{1,200})"`)

const metadataEnv = "GCE_METADATA_HOST"

// explained is t in core's words: credentials that are not good enough, unless
// nobody was there to say so.
func (t *tokenError) explained(what string) error {
	if connection(t.err) == "" {
		return &core.Error{Kind: core.ErrOperator, What: what, Err: t, Hint: loginHint}
	}
	e := &core.Error{What: what, Err: t}
	if host := os.Getenv(metadataEnv); host != "" && host == unreached(t.err) {
		e.Hint = "unset " + metadataEnv
	}
	return e
}

// connection says that a host could not be reached, or did not answer, and why;
// "" if err is something else.
func connection(err error) string {
	u, ok := errors.AsType[*url.Error](err)
	switch {
	case !ok || errors.Is(err, context.Canceled):
		return ""
	case u.Timeout():
		return "no answer from " + unreached(err) + ": " + u.Err.Error()
	}
	return "no connection to " + unreached(err) + ": " + u.Err.Error()
}

// unreached is the host that err is about.
func unreached(err error) string {
	u, ok := errors.AsType[*url.Error](err)
	if !ok {
		return ""
	}
	address, err := url.Parse(u.URL)
	if err != nil {
		return "a host"
	}
	return address.Host
}
