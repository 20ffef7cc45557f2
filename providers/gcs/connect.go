// Connections: whose credentials, over which transport, counted and bounded.
package gcs

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/option"

	"github.com/bucketgrant/bucketgrant/core"
)

const (
	scope    = "https://www.googleapis.com/auth/cloud-platform"
	callFor  = time.Minute // one request with its answer
	tokenURL = "https://oauth2." + universe + "/token"
)

// quiet swallows what the libraries would log. With GOOGLE_SDK_GO_LOGGING_LEVEL
// set they print whole answers, private keys included, unless given a logger.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// metered counts requests in the lanes of core's meter.
type metered struct{ base http.RoundTripper }

// RoundTrip sends one request.
func (m metered) RoundTrip(r *http.Request) (*http.Response, error) {
	done := core.Begin(r.Context())
	defer done()
	answer, err := m.base.RoundTrip(r)
	if err == nil {
		hears(r.Context(), answer)
	}
	return answer, err
}

// base is the transport below everything.
func base(t http.RoundTripper) http.RoundTripper {
	if t == nil {
		t = http.DefaultTransport
	}
	return metered{t}
}

// cloud holds the clients of one identity; each is made when it is first needed.
type cloud struct {
	at      endpoint
	http    *http.Client // adds the token, counts, and bounds each request
	storage func() (*storage.Client, error)
	iam     func() (*iam.Service, error)
}

// stay refuses to follow an answer to another host: the token would go with the request.
func stay(to *http.Request, via []*http.Request) error {
	if to.URL.Host != via[0].URL.Host || to.URL.Scheme != via[0].URL.Scheme {
		return fmt.Errorf("%s redirects to another host, %s", via[0].URL.Host, to.URL.Host)
	}
	return nil
}

func newCloud(c *auth.Credentials, t http.RoundTripper, at endpoint) *cloud {
	// The storage client gives its logger to some of its parts only; what is
	// left asks the environment.
	_ = os.Unsetenv("GOOGLE_SDK_GO_LOGGING_LEVEL")
	client := &http.Client{Transport: authorise(c, base(t)), Timeout: callFor, CheckRedirect: stay}
	options := []option.ClientOption{option.WithHTTPClient(client), option.WithLogger(quiet()), option.WithUniverseDomain(at.universe)}
	return &cloud{
		at:   at,
		http: client,
		storage: sync.OnceValues(func() (*storage.Client, error) {
			s, err := storage.NewClient(context.Background(), append(options, option.WithAuthCredentials(c), option.WithEndpoint(at.storage+"/storage/v1/"), storage.WithJSONReads())...)
			if err != nil {
				return nil, err
			}
			// Left alone, the client repeats until the context ends.
			s.SetRetry(storage.WithBackoff(gax.Backoff{Initial: firstPause, Max: longestPause, Multiplier: 2}), storage.WithMaxAttempts(attempts),
				storage.WithMaxRetryDuration(repeatFor), storage.WithErrorFunc(transient))
			return s, nil
		}),
		iam: sync.OnceValues(func() (*iam.Service, error) { return iam.NewService(context.Background(), options...) }),
	}
}
