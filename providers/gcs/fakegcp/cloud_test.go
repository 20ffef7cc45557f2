// What every test here needs: Google's real clients on top of the fake, without a socket.
package fakegcp_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/option"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// client is an HTTP client that authenticates with a key file by the token endpoint.
func client(t *testing.T, cloud http.Handler, key []byte) *http.Client {
	t.Helper()
	plain := &http.Client{Transport: &cloudsim.Transport{Handler: cloud}}
	config, err := google.JWTConfigFromJSON(key, "https://www.googleapis.com/auth/cloud-platform")
	if err != nil {
		t.Fatal(err)
	}
	return config.Client(context.WithValue(t.Context(), oauth2.HTTPClient, plain))
}

func storageClient(t *testing.T, cloud *fakegcp.Cloud, key []byte) *storage.Client {
	t.Helper()
	c, err := storage.NewClient(t.Context(), option.WithHTTPClient(client(t, cloud, key)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.SetRetry(storage.WithPolicy(storage.RetryNever))
	return c
}

func iamClient(t *testing.T, cloud *fakegcp.Cloud, key []byte) *iam.Service {
	t.Helper()
	s, err := iam.NewService(t.Context(), option.WithHTTPClient(client(t, cloud, key)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const projectID = "acme-project"

// makeBucket makes a bucket with uniform access.
func makeBucket(t *testing.T, c *storage.Client, name string) *storage.BucketHandle {
	t.Helper()
	b := c.Bucket(name)
	err := b.Create(t.Context(), projectID, &storage.BucketAttrs{
		Location: "eu", UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true}, PublicAccessPrevention: storage.PublicAccessPreventionEnforced,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// makeAccount makes a service account and a key, and returns its email and key file.
func makeAccount(t *testing.T, s *iam.Service, id string) (string, []byte) {
	t.Helper()
	a, err := s.Projects.ServiceAccounts.Create("projects/"+projectID, &iam.CreateServiceAccountRequest{AccountId: id}).Do()
	if err != nil {
		t.Fatal(err)
	}
	return a.Email, makeKey(t, s, a.Email)
}

func makeKey(t *testing.T, s *iam.Service, email string) []byte {
	t.Helper()
	k, err := s.Projects.ServiceAccounts.Keys.Create("projects/"+projectID+"/serviceAccounts/"+email, &iam.CreateServiceAccountKeyRequest{}).Do()
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, k.PrivateKeyData)
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(ctx context.Context, b *storage.BucketHandle, name, text string) error {
	w := b.Object(name).NewWriter(ctx)
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return w.Close()
}

func read(ctx context.Context, b *storage.BucketHandle, name string) (string, error) {
	r, err := b.Object(name).NewReader(ctx)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	_ = r.Close()
	return string(text), err
}

// wantStatus fails the test unless err is an API error with the code, and with
// the text in its message.
func wantStatus(t *testing.T, err error, code int, text string) {
	t.Helper()
	e, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		t.Errorf("got %v, want an API error %d", err, code)
		return
	}
	if e.Code != code || !strings.Contains(e.Message+e.Body, text) {
		t.Errorf("got %d %q, want %d with %q", e.Code, or(e.Message, e.Body), code, text)
	}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
