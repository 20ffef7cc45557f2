// A token that cannot be fetched holds nobody up for long, and is said to be what it is.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/auth"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func TestNoNetworkIsNoFaultOfTheCredentials(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		asked := 0
		w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			asked++
			return cloudsim.Fault{Before: &net.DNSError{Err: "no such host", Name: "oauth2.googleapis.com", IsNotFound: true}}
		}
		start := time.Now()
		_, err := w.engine().Plan(t.Context(), eventDump(), core.Present)
		took := time.Since(start)
		if err == nil || errors.Is(err, core.ErrOperator) || errors.Is(err, core.ErrUnknown) || !strings.Contains(err.Error(), "no connection to oauth2.googleapis.com: ") || hintOf(err) != "" {
			t.Errorf("got %v [%s], want the connection named, and no kind", err, hintOf(err))
		}
		if took > 5*time.Second || asked != exchanges {
			t.Errorf("got %d requests in %s, want %d within five seconds", asked, took, exchanges)
		}
	})
}

// silent gives what a machine's credentials give while their host is silent.
type silent struct{}

func (silent) Token(ctx context.Context) (*auth.Token, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("credentials: cannot fetch token: %w", ctx.Err())
}

func TestSilentMetadataServerIsGivenUpInTimeForAll(t *testing.T) {
	t.Setenv("GCE_METADATA_HOST", "192.0.2.1:80")
	synctest.Test(t, func(t *testing.T) {
		r := ourRun(eventDump())
		r.cloud = newCloud(auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: silent{}}), newWorld(t).transport, google())
		start := time.Now()
		err := core.Together(t.Context(),
			func(ctx context.Context) error { _, err := (&bucket{r}).Diff(ctx, core.Present); return err },
			func(ctx context.Context) error { _, err := (&role{r}).Diff(ctx, core.Present); return err },
			func(ctx context.Context) error { _, err := (&issuer{run: r}).List(ctx); return err },
		)
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("got an answer after %s, want it within six seconds", took)
		}
		if err == nil || errors.Is(err, core.ErrOperator) || !strings.Contains(err.Error(), "no answer from 192.0.2.1:80") || hintOf(err) != "unset GCE_METADATA_HOST" {
			t.Errorf("got %v [%s], want the host and the variable named", err, hintOf(err))
		}
	})
}

func TestLostExchangeIsRepeated(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		asked := 0
		w.transport.Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if c.Op.Name == "oauth2.token" {
				if asked++; asked == 1 {
					return cloudsim.Fault{After: cloudsim.ErrLost}
				}
			}
			return cloudsim.Fault{}
		}
		if _, err := w.engine().Plan(t.Context(), eventDump(), core.Present); err != nil || asked != 2 {
			t.Errorf("got %v after %d exchanges, want a token from the second", err, asked)
		}
	})
}
