// The authentication library of Google's clients, by exchanged and by self-signed tokens.
package fakegcp_test

import (
	"net/http"
	"testing"

	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/auth/httptransport"
	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func TestGooglesAuthLibraryGetsIn(t *testing.T) {
	for name, self := range map[string]bool{"exchanged": false, "self-signed": true} {
		t.Run(name, func(t *testing.T) {
			cloud := fakegcp.New(fakegcp.Options{})
			transport := &cloudsim.Transport{Handler: cloud, Classify: cloud.Classify}
			creds, err := credentials.NewCredentialsFromJSON(credentials.ServiceAccount, cloud.Operator(), &credentials.DetectOptions{
				Scopes:           []string{"https://www.googleapis.com/auth/devstorage.full_control"},
				UseSelfSignedJWT: self, Client: &http.Client{Transport: transport},
			})
			if err != nil {
				t.Fatal(err)
			}
			hc, err := httptransport.NewClient(&httptransport.Options{Credentials: creds, BaseRoundTripper: transport, DisableTelemetry: true})
			if err != nil {
				t.Fatal(err)
			}
			c, err := storage.NewClient(t.Context(), option.WithHTTPClient(hc))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			makeBucket(t, c, "acme-events")
			exchanged := false
			for _, call := range transport.Calls() {
				exchanged = exchanged || call.Op.Name == "oauth2.token"
			}
			if exchanged == self {
				t.Errorf("a token was exchanged: %v, want %v", exchanged, !self)
			}
		})
	}
}
