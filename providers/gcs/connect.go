// Connections: whose credentials, over which transport, counted and bounded.
package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/auth/httptransport"
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
	return m.base.RoundTrip(r)
}

// authorised adds an access token to requests.
type authorised struct {
	credentials *auth.Credentials
	base        http.RoundTripper
	turn        chan struct{} // holds one: who fetches a token, while others wait for it
}

// RoundTrip sends one request, after a token exchange if there is no fresh token.
func (a authorised) RoundTrip(r *http.Request) (*http.Response, error) {
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

func (a authorised) token(ctx context.Context) (*auth.Token, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return a.credentials.Token(ctx)
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
	http    *http.Client // adds the token, counts, and bounds each request
	storage func() (*storage.Client, error)
	iam     func() (*iam.Service, error)
}

func newCloud(c *auth.Credentials, t http.RoundTripper) *cloud {
	client := &http.Client{Transport: authorised{c, base(t), make(chan struct{}, 1)}, Timeout: callFor}
	options := []option.ClientOption{option.WithHTTPClient(client), option.WithLogger(quiet()), option.WithUniverseDomain(universeDomain())}
	return &cloud{
		http: client,
		storage: sync.OnceValues(func() (*storage.Client, error) {
			s, err := storage.NewClient(context.Background(), append(options, option.WithAuthCredentials(c), option.WithEndpoint(storageURL()+"/storage/v1/"))...)
			if err != nil {
				return nil, err
			}
			s.SetRetry(storage.WithBackoff(gax.Backoff{Initial: firstPause, Max: longestPause, Multiplier: 2}), storage.WithMaxAttempts(attempts))
			return s, nil
		}),
		iam: sync.OnceValues(func() (*iam.Service, error) { return iam.NewService(context.Background(), options...) }),
	}
}

// identity is who the operator is.
type identity struct {
	credentials *auth.Credentials
	principal   string
	source      string
}

// detection is how credentials fetch their tokens.
func detection(t http.RoundTripper) *credentials.DetectOptions {
	return &credentials.DetectOptions{
		Scopes:              []string{scope},
		Client:              &http.Client{Transport: base(t), Timeout: callFor},
		Logger:              quiet(),
		DisableAsyncRefresh: true, // a token is fetched in the lane of the call that needs it
	}
}

// operatorIdentity reads the operator's credentials without using them.
func operatorIdentity(ctx context.Context, key []byte, t http.RoundTripper) (identity, error) {
	o := detection(t)
	source := "key file"
	var c *auth.Credentials
	var err error
	if key != nil {
		c, err = credentials.NewCredentialsFromJSON(credentialType(key), key, o)
	} else {
		source = adcSource()
		c, err = credentials.DetectDefault(o)
	}
	if err != nil {
		return identity{}, &core.Error{Kind: core.ErrOperator, What: "application default credentials", Err: errors.New("are missing or unreadable"),
			Hint: "gcloud auth application-default login"}
	}
	return identity{c, principalOf(c.JSON()), source}, nil
}

// credentialType is the type that a key file says it has; only types that hold
// no addresses to fetch something from are used unasked.
func credentialType(key []byte) credentials.CredType {
	var f struct{ Type credentials.CredType }
	_ = json.Unmarshal(key, &f)
	if f.Type == credentials.AuthorizedUser {
		return f.Type
	}
	return credentials.ServiceAccount
}

// adcSource says where application default credentials come from.
// https://cloud.google.com/docs/authentication/application-default-credentials
func adcSource() string {
	if os.Getenv("GOOGLE_APPLICATION_CREDENTIALS") != "" {
		return "GOOGLE_APPLICATION_CREDENTIALS"
	}
	return "application default credentials"
}

// principalOf names the identity in a credentials file, as far as it says so.
func principalOf(file []byte) string {
	var f struct {
		Type  string `json:"type"`
		Email string `json:"client_email"`
	}
	_ = json.Unmarshal(file, &f)
	switch {
	case f.Email != "":
		return f.Email
	case f.Type == "authorized_user":
		return "user credentials"
	case f.Type != "":
		return f.Type + " credentials"
	}
	return "the machine's service account"
}
