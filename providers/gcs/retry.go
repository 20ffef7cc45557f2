// Retries: what is harmless to repeat is repeated a few times, never for ever.
package gcs

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/api/googleapi"
)

const (
	attempts     = 5
	firstPause   = 500 * time.Millisecond
	longestPause = 8 * time.Second
	repeatFor    = 2 * time.Minute // no further attempt begins later
	visibleFor   = 2 * time.Minute // until a new role or service account is known everywhere that names it
)

// repeat calls f again after a transient failure.
func repeat[T any](ctx context.Context, f func() (T, error)) (T, error) {
	deadline := time.Now().Add(repeatFor)
	for pause, n := firstPause, 1; ; pause, n = min(2*pause, longestPause), n+1 {
		v, err := f()
		if err == nil || n == attempts || !transient(err) || time.Now().After(deadline) {
			return v, err
		}
		if sleep(ctx, pause) != nil {
			return v, err
		}
	}
}

// transient reports whether the same request may succeed a little later. What
// came of it is unknown if it writes.
func transient(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if _, ok := errors.AsType[*tokenError](err); ok {
		return false // a token is asked for again where all calls wait for it
	}
	if g, ok := errors.AsType[*googleapi.Error](err); ok {
		if fullUp(g.Message) {
			return false
		}
		return g.Code == http.StatusRequestTimeout || g.Code == http.StatusTooManyRequests || g.Code >= 500 || throttled(g)
	}
	_, network := errors.AsType[*url.Error](err)
	return network || errors.Is(err, io.ErrUnexpectedEOF)
}

// until repeats f while again says that its error will pass, for [visibleFor] at most.
func until(ctx context.Context, again func(error) bool, f func() error) error {
	deadline := time.Now().Add(visibleFor)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := f()
		if err == nil || !again(err) || time.Now().Add(pause).After(deadline) {
			return err
		}
		if stopped := sleep(ctx, pause); stopped != nil {
			return stopped
		}
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
