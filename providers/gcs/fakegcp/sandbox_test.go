// A cloud that is kept in a file, listens on a socket, and answers questions about others.
package fakegcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"
	troubleshooter "google.golang.org/api/policytroubleshooter/v3"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

func TestSnapshotBringsEverythingBack(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{Project: "acme-project"})
	s := iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	email, key := makeAccount(t, s, "event-dump")
	grantOn(t, b.IAM().V3(), "roles/storage.objectCreator", "serviceAccount:"+email, `resource.name.startsWith("projects/_/buckets/acme-events/objects/events/")`)
	if err := write(t.Context(), b, "events/1", "hello"); err != nil {
		t.Fatal(err)
	}
	text, err := cloud.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fakegcp.Restore(text)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Operator(), cloud.Operator()) {
		t.Error("the operator has another key")
	}
	if got, err := read(t.Context(), storageClient(t, again, again.Operator()).Bucket("acme-events"), "events/1"); err != nil || got != "hello" {
		t.Errorf("got %q, %v; want the object", got, err)
	}
	vendor := storageClient(t, again, key).Bucket("acme-events")
	if err := write(t.Context(), vendor, "events/2", "x"); err != nil {
		t.Errorf("the vendor's key: %v", err)
	}
	wantStatus(t, write(t.Context(), vendor, "other/2", "x"), 403, "storage.objects.create")
	if _, err := fakegcp.Restore([]byte("nonsense")); err == nil {
		t.Error("nonsense is restored")
	}
}

func TestOneListenerServesEveryService(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	server := httptest.NewServer(cloud)
	defer server.Close()
	cloud.SetTokenURI(server.URL + "/token")
	config, err := google.JWTConfigFromJSON(cloud.Operator(), "https://www.googleapis.com/auth/cloud-platform")
	if err != nil {
		t.Fatal(err)
	}
	if config.TokenURL != server.URL+"/token" {
		t.Fatalf("got token_uri %q, want the listener's", config.TokenURL)
	}
	hc := config.Client(context.WithValue(t.Context(), oauth2.HTTPClient, server.Client()))
	c, err := storage.NewClient(t.Context(), option.WithHTTPClient(hc), option.WithEndpoint(server.URL+"/storage/v1/"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	b := makeBucket(t, c, "acme-events")
	w := b.Object("big").NewWriter(t.Context())
	w.ChunkSize = 256 << 10
	if _, err := w.Write(bytes.Repeat([]byte("x"), 600<<10)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("a resumable upload on a listener: %v", err)
	}
	if got, err := read(t.Context(), b, "big"); err != nil || len(got) != 600<<10 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestTroubleshooterAnswersForAnotherPrincipal(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	email, key := makeAccount(t, s, "event-dump")
	grantOn(t, b.IAM().V3(), "roles/storage.objectCreator", "serviceAccount:"+email, `resource.name.startsWith("projects/_/buckets/acme-events/objects/events/")`)
	ask := func(key []byte, permission, object string) string {
		t.Helper()
		c, err := troubleshooter.NewService(t.Context(), option.WithHTTPClient(client(t, cloud, key)))
		if err != nil {
			t.Fatal(err)
		}
		tuple := &troubleshooter.GoogleCloudPolicytroubleshooterIamV3AccessTuple{
			Principal: email, Permission: permission, FullResourceName: "//storage.googleapis.com/projects/_/buckets/acme-events",
		}
		if object != "" {
			tuple.ConditionContext = &troubleshooter.GoogleCloudPolicytroubleshooterIamV3ConditionContext{
				Resource: &troubleshooter.GoogleCloudPolicytroubleshooterIamV3ConditionContextResource{
					Name: "projects/_/buckets/acme-events/objects/" + object, Type: "storage.googleapis.com/Object", Service: "storage.googleapis.com",
				},
			}
		}
		got, err := c.Iam.Troubleshoot(&troubleshooter.GoogleCloudPolicytroubleshooterIamV3TroubleshootIamPolicyRequest{AccessTuple: tuple}).Do()
		if err != nil {
			t.Fatal(err)
		}
		return got.OverallAccessState
	}
	for _, c := range []struct {
		name, permission, object, want string
		key                            []byte
	}{
		{"under the prefix", "storage.objects.create", "events/1", "CAN_ACCESS", cloud.Operator()},
		{"beside the prefix", "storage.objects.create", "events-evil/1", "CANNOT_ACCESS", cloud.Operator()},
		{"another permission", "storage.objects.get", "events/1", "CANNOT_ACCESS", cloud.Operator()},
		{"without a name", "storage.objects.create", "", "UNKNOWN_CONDITIONAL", cloud.Operator()},
		{"by who may not read policies", "storage.objects.create", "events/1", "UNKNOWN_INFO", key},
	} {
		if got := ask(c.key, c.permission, c.object); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestHMACKeyIsDisabledBeforeItIsDeleted(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s, c := iamClient(t, cloud, cloud.Operator()), storageClient(t, cloud, cloud.Operator())
	email, _ := makeAccount(t, s, "event-dump")
	k, err := c.CreateHMACKey(t.Context(), projectID, email)
	if err != nil || len(k.AccessID) != 61 || len(k.Secret) != 40 || k.State != storage.Active {
		t.Fatalf("got %+v, %v; want an ID of 61 characters and a secret of 40", k, err)
	}
	h := c.HMACKeyHandle(projectID, k.AccessID)
	wantStatus(t, h.Delete(t.Context()), 400, "ACTIVE")
	if _, err := h.Update(t.Context(), storage.HMACKeyAttrsToUpdate{State: storage.Inactive}); err != nil {
		t.Fatal(err)
	}
	if err := h.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	cloud.SetConstraints("constraints/iam.managed.disableServiceAccountKeyCreation")
	_, err = c.CreateHMACKey(t.Context(), projectID, email)
	wantStatus(t, err, 412, "constraints/iam.managed.disableServiceAccountKeyCreation")
}

func TestProjectShowsItsNumberAndItsPolicy(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	hc := client(t, cloud, cloud.Operator())
	var project struct {
		Name      string `json:"name"`
		ProjectID string `json:"projectId"`
	}
	resp, err := hc.Get("https://cloudresourcemanager.googleapis.com/v3/projects/" + projectID)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&project); err != nil || project.Name != "projects/123456789012" {
		t.Errorf("got %+v, %v; want the project's number", project, err)
	}
	strange, err := hc.Get("https://cloudresourcemanager.googleapis.com/v3/projects/nobodys-project")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = strange.Body.Close() }()
	if strange.StatusCode != http.StatusForbidden {
		t.Errorf("got %d for a project that does not exist, want 403", strange.StatusCode)
	}
	test, err := hc.Post("https://cloudresourcemanager.googleapis.com/v3/projects/"+projectID+":testIamPermissions", "application/json",
		strings.NewReader(`{"permissions": ["storage.buckets.create", "resourcemanager.projects.delete"]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = test.Body.Close() }()
	var got struct {
		Permissions []string `json:"permissions"`
	}
	if err := json.NewDecoder(test.Body).Decode(&got); err != nil || len(got.Permissions) != 1 || got.Permissions[0] != "storage.buckets.create" {
		t.Errorf("got %v, %v; want storage.buckets.create only", got, err)
	}
}
