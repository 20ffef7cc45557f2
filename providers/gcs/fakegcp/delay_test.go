// Changes need time: writers see them at once, authorization later.
package fakegcp_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

func TestGrantWorksOnlyAfterTheDelayAndSoDoesItsRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{Delay: 2 * time.Minute})
		s, admin := iamClient(t, cloud, cloud.Operator()), storageClient(t, cloud, cloud.Operator())
		b := makeBucket(t, admin, "acme-events")
		email, file := makeAccount(t, s, "event-dump")

		p, err := b.IAM().V3().Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addMember(p, "roles/storage.objectCreator", "serviceAccount:"+email)
		wantStatus(t, b.IAM().V3().SetPolicy(t.Context(), p), 400, "Service account "+email+" does not exist.")

		time.Sleep(time.Minute) // other services know the account
		grantOn(t, b.IAM().V3(), "roles/storage.objectCreator", "serviceAccount:"+email, "")
		if err := write(t.Context(), storageClient(t, cloud, file).Bucket("acme-events"), "a", "x"); err == nil {
			t.Error("the key works before the token endpoint knows it")
		}
		time.Sleep(time.Minute) // the token endpoint knows the key
		vendor := storageClient(t, cloud, file).Bucket("acme-events")
		wantStatus(t, write(t.Context(), vendor, "a", "x"), 403, "storage.objects.create")
		time.Sleep(time.Minute) // authorization knows the binding
		if err := write(t.Context(), vendor, "a", "x"); err != nil {
			t.Errorf("after the delay: %v", err)
		}

		p, err = b.IAM().V3().Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.Bindings = p.Bindings[:len(p.Bindings)-1]
		if err := b.IAM().V3().SetPolicy(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if err := write(t.Context(), vendor, "b", "x"); err != nil {
			t.Errorf("a revocation takes effect at once: %v", err)
		}
		time.Sleep(2 * time.Minute)
		wantStatus(t, write(t.Context(), vendor, "c", "x"), 403, "storage.objects.create")
	})
}

func TestNewRoleIsNotKnownToCloudStorageAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{Delay: time.Minute})
		s, admin := iamClient(t, cloud, cloud.Operator()), storageClient(t, cloud, cloud.Operator())
		b := makeBucket(t, admin, "acme-events")
		role, err := s.Projects.Roles.Create("projects/"+projectID, &iam.CreateRoleRequest{
			RoleId: "event_dump", Role: &iam.Role{Stage: "GA", IncludedPermissions: []string{"storage.objects.create"}},
		}).Do()
		if err != nil {
			t.Fatal(err)
		}
		p, err := b.IAM().V3().Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addMember(p, role.Name, "user:ada@example.com")
		wantStatus(t, b.IAM().V3().SetPolicy(t.Context(), p), 400, "does not exist in the resource's hierarchy")
		time.Sleep(time.Minute)
		if err := b.IAM().V3().SetPolicy(t.Context(), p); err != nil {
			t.Error(err)
		}
	})
}

func TestAccessTokenExpiresAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{})
		k, private := parseKey(t, cloud.Operator())
		now := time.Now().Unix()
		_, body := exchange(t, cloud, sign(t, private, k.ID, claims{
			"iss": k.Email, "aud": k.URI, "scope": "https://www.googleapis.com/auth/cloud-platform", "iat": now, "exp": now + 3600,
		}))
		text, _ := body["access_token"].(string)
		time.Sleep(59 * time.Minute)
		if got := bucketsWith(t, cloud, text); got != http.StatusOK {
			t.Errorf("after 59 minutes: got %d, want 200", got)
		}
		time.Sleep(time.Minute)
		if got := bucketsWith(t, cloud, text); got != http.StatusUnauthorized {
			t.Errorf("after an hour: got %d, want 401", got)
		}
	})
}
