// Which permissions each method asks for: all of them, and no other.
package fakegcp_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/option"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

// actor is what a row of the table works with.
type actor struct {
	http    *http.Client
	storage *storage.Client
	bucket  *storage.BucketHandle
	iam     *iam.Service
	account string // "projects/…/serviceAccounts/…" of an account that exists
	key     string // of a key of that account
	role    string // of a role that exists
	pool    string // of a pool that exists, with a provider "github"
}

// The rows are Google's tables.
// https://cloud.google.com/storage/docs/access-control/iam-json
// https://cloud.google.com/iam/docs/permissions-reference
var methods = []struct {
	name        string
	permissions string
	do          func(t *testing.T, a actor) error
}{
	{"buckets.insert", "storage.buckets.create", func(t *testing.T, a actor) error {
		return a.storage.Bucket("acme-more").Create(t.Context(), projectID, &storage.BucketAttrs{
			UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true}, PublicAccessPrevention: storage.PublicAccessPreventionEnforced,
			Labels: map[string]string{"owner": "acme"},
		})
	}},
	{"buckets.get", "storage.buckets.get", func(t *testing.T, a actor) error { return second(a.bucket.Attrs(t.Context())) }},
	{"buckets.list", "storage.buckets.list", func(t *testing.T, a actor) error {
		return second(a.storage.Buckets(t.Context(), projectID).Next())
	}},
	{"buckets.patch", "storage.buckets.update", func(t *testing.T, a actor) error {
		return second(a.bucket.Update(t.Context(), storage.BucketAttrsToUpdate{VersioningEnabled: true}))
	}},
	{"buckets.patch of public access", "storage.buckets.update storage.buckets.setIamPolicy", func(t *testing.T, a actor) error {
		return second(a.bucket.Update(t.Context(), storage.BucketAttrsToUpdate{PublicAccessPrevention: storage.PublicAccessPreventionInherited}))
	}},
	{"buckets.delete", "storage.buckets.delete", func(t *testing.T, a actor) error { return a.storage.Bucket("acme-empty").Delete(t.Context()) }},
	{"buckets.setIamPolicy", "storage.buckets.getIamPolicy storage.buckets.setIamPolicy", func(t *testing.T, a actor) error {
		p, err := a.bucket.IAM().V3().Policy(t.Context())
		if err != nil {
			return err
		}
		return a.bucket.IAM().V3().SetPolicy(t.Context(), p)
	}},
	{"objects.insert", "storage.objects.create", func(t *testing.T, a actor) error { return write(t.Context(), a.bucket, "new", "x") }},
	{"objects.insert over another", "storage.objects.create storage.objects.delete", func(t *testing.T, a actor) error {
		return write(t.Context(), a.bucket, "there", "x")
	}},
	{"objects.get", "storage.objects.get", func(t *testing.T, a actor) error { return second(read(t.Context(), a.bucket, "there")) }},
	{"objects.list", "storage.objects.list", func(t *testing.T, a actor) error { return second(a.bucket.Objects(t.Context(), nil).Next()) }},
	{"objects.delete", "storage.objects.delete", func(t *testing.T, a actor) error { return a.bucket.Object("there").Delete(t.Context()) }},
	{"objects.patch", "storage.objects.update", func(t *testing.T, a actor) error {
		return second(a.bucket.Object("there").Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "text/plain"}))
	}},
	{"objects.compose", "storage.objects.create storage.objects.get", func(t *testing.T, a actor) error {
		return second(a.bucket.Object("new").ComposerFrom(a.bucket.Object("there")).Run(t.Context()))
	}},
	{"objects.rewrite", "storage.objects.create storage.objects.get", func(t *testing.T, a actor) error {
		return second(a.bucket.Object("new").CopierFrom(a.bucket.Object("there")).Run(t.Context()))
	}},
	{"billing a project", "serviceusage.services.use storage.objects.list", func(t *testing.T, a actor) error {
		return second(a.storage.Bucket("acme-events").UserProject(projectID).Objects(t.Context(), nil).Next())
	}},
	{"projects.hmacKeys.create", "storage.hmacKeys.create", func(t *testing.T, a actor) error {
		return second(a.storage.CreateHMACKey(t.Context(), projectID, a.account[strings.LastIndex(a.account, "/")+1:]))
	}},
	{"roles.create", "iam.roles.create", func(_ *testing.T, a actor) error { return second(createRole(a.iam, "new_role", "storage.objects.get")) }},
	{"roles.get", "iam.roles.get", func(_ *testing.T, a actor) error { return second(a.iam.Projects.Roles.Get(a.role).Do()) }},
	{"roles.list", "iam.roles.list", func(_ *testing.T, a actor) error { return second(a.iam.Projects.Roles.List(inProject).Do()) }},
	{"roles.patch", "iam.roles.update", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.Roles.Patch(a.role, &iam.Role{Title: "N"}).UpdateMask("title").Do())
	}},
	{"roles.delete and undelete", "iam.roles.delete iam.roles.undelete", func(_ *testing.T, a actor) error {
		if _, err := a.iam.Projects.Roles.Delete(a.role).Do(); err != nil {
			return err
		}
		return second(a.iam.Projects.Roles.Undelete(a.role, &iam.UndeleteRoleRequest{}).Do())
	}},
	{"serviceAccounts.create", "iam.serviceAccounts.create", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.ServiceAccounts.Create(inProject, &iam.CreateServiceAccountRequest{AccountId: "another"}).Do())
	}},
	{"serviceAccounts.get", "iam.serviceAccounts.get", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.ServiceAccounts.Get(a.account).Do())
	}},
	{"serviceAccounts.disable", "iam.serviceAccounts.disable", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.ServiceAccounts.Disable(a.account, &iam.DisableServiceAccountRequest{}).Do())
	}},
	{"serviceAccounts.delete", "iam.serviceAccounts.delete", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.ServiceAccounts.Delete(a.account).Do())
	}},
	{"keys.create", "iam.serviceAccountKeys.create", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.ServiceAccounts.Keys.Create(a.account, &iam.CreateServiceAccountKeyRequest{}).Do())
	}},
	{"keys.list", "iam.serviceAccountKeys.list", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.ServiceAccounts.Keys.List(a.account).Do())
	}},
	{"keys.get", "iam.serviceAccountKeys.get", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.ServiceAccounts.Keys.Get(a.key).Do())
	}},
	{"keys.disable", "iam.serviceAccountKeys.disable", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.ServiceAccounts.Keys.Disable(a.key, &iam.DisableServiceAccountKeyRequest{}).Do())
	}},
	{"keys.delete", "iam.serviceAccountKeys.delete", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.ServiceAccounts.Keys.Delete(a.key).Do())
	}},
	{"workloadIdentityPools.create", "iam.workloadIdentityPools.create", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.Create(inGlobal, &iam.WorkloadIdentityPool{}).WorkloadIdentityPoolId("new-pool").Do())
	}},
	{"workloadIdentityPools.get", "iam.workloadIdentityPools.get", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.Get(a.pool).Do())
	}},
	{"workloadIdentityPools.list", "iam.workloadIdentityPools.list", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.List(inGlobal).Do())
	}},
	{"workloadIdentityPools.patch", "iam.workloadIdentityPools.update", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.Patch(a.pool, &iam.WorkloadIdentityPool{Disabled: true}).UpdateMask("disabled").Do())
	}},
	{"workloadIdentityPools.delete and undelete", "iam.workloadIdentityPools.delete iam.workloadIdentityPools.undelete", func(_ *testing.T, a actor) error {
		if _, err := a.iam.Projects.Locations.WorkloadIdentityPools.Delete(a.pool).Do(); err != nil {
			return err
		}
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.Undelete(a.pool, &iam.UndeleteWorkloadIdentityPoolRequest{}).Do())
	}},
	{"providers.create", "iam.workloadIdentityPoolProviders.create", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.Providers.Create(a.pool, githubProvider()).WorkloadIdentityPoolProviderId("another").Do())
	}},
	{"providers.get", "iam.workloadIdentityPoolProviders.get", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.Providers.Get(a.pool + "/providers/github").Do())
	}},
	{"providers.list", "iam.workloadIdentityPoolProviders.list", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.Providers.List(a.pool).Do())
	}},
	{"providers.patch", "iam.workloadIdentityPoolProviders.update", func(_ *testing.T, a actor) error {
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.Providers.Patch(a.pool+"/providers/github", &iam.WorkloadIdentityPoolProvider{Disabled: true}).UpdateMask("disabled").Do())
	}},
	{"providers.delete and undelete", "iam.workloadIdentityPoolProviders.delete iam.workloadIdentityPoolProviders.undelete", func(_ *testing.T, a actor) error {
		if _, err := a.iam.Projects.Locations.WorkloadIdentityPools.Providers.Delete(a.pool + "/providers/github").Do(); err != nil {
			return err
		}
		return second(a.iam.Projects.Locations.WorkloadIdentityPools.Providers.Undelete(a.pool+"/providers/github", &iam.UndeleteWorkloadIdentityPoolProviderRequest{}).Do())
	}},
	{"keys.upload", "iam.serviceAccountKeys.create", func(t *testing.T, a actor) error {
		data := certificate(t, rsaKey(t, 2048), time.Now().Add(-time.Minute), time.Now().Add(time.Hour))
		return second(a.iam.Projects.ServiceAccounts.Keys.Upload(a.account, &iam.UploadServiceAccountKeyRequest{PublicKeyData: base64.StdEncoding.EncodeToString(data)}).Do())
	}},
	{"generateAccessToken", "iam.serviceAccounts.getAccessToken", func(_ *testing.T, a actor) error {
		resp, err := a.http.Post("https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"+a.account[strings.LastIndex(a.account, "/")+1:]+":generateAccessToken", "application/json", strings.NewReader(`{"scope": ["x"]}`))
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		return googleapi.CheckResponse(resp)
	}},
	{"projects.get", "resourcemanager.projects.get", func(_ *testing.T, a actor) error {
		resp, err := a.http.Get("https://cloudresourcemanager.googleapis.com/v3/" + inProject)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		return googleapi.CheckResponse(resp)
	}},
}

// second is the error of a call whose value does not matter.
func second[T any](_ T, err error) error { return err }

// newActor makes a cloud with one of everything, and an operator that holds
// exactly these permissions on the project.
func newActor(t *testing.T, permissions []string) actor {
	t.Helper()
	cloud := fakegcp.New(fakegcp.Options{})
	admin, s := storageClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, admin, "acme-events")
	makeBucket(t, admin, "acme-empty")
	if err := write(t.Context(), b, "there", "x"); err != nil {
		t.Fatal(err)
	}
	role, err := createRole(s, "event_dump", "storage.objects.create")
	if err != nil {
		t.Fatal(err)
	}
	makePool(t, s, "ci-pool", "github", githubProvider())
	email, file := makeAccount(t, s, "event-dump")
	k, _ := parseKey(t, file)
	name := inProject + "/serviceAccounts/" + email
	hc := client(t, cloud, cloud.AddOperator(projectID, "narrow", permissions...))
	narrow, err := storage.NewClient(t.Context(), option.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = narrow.Close() })
	narrowIAM, err := iam.NewService(t.Context(), option.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	return actor{hc, narrow, narrow.Bucket("acme-events"), narrowIAM, name, name + "/keys/" + k.ID, role.Name, poolNumbered + "ci-pool"}
}

func TestEachMethodAsksForTheDocumentedPermissionsAndNoOther(t *testing.T) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			needed := strings.Fields(m.permissions)
			if err := m.do(t, newActor(t, needed)); err != nil {
				t.Errorf("with %s: %v", m.permissions, err)
			}
			for _, p := range needed {
				without := slices.DeleteFunc(slices.Clone(needed), func(x string) bool { return x == p })
				err := m.do(t, newActor(t, without))
				if e, ok := errors.AsType[*googleapi.Error](err); !ok || e.Code != http.StatusForbidden {
					t.Errorf("without %s: got %v, want 403", p, err)
				}
			}
		})
	}
}
