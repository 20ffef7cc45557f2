// Every method that the cloud serves is Google's, and is told from every other.
package fakegcp

import (
	"net/http"
	"strings"
	"testing"
)

func TestRequestsAreNamedByMethodAndPath(t *testing.T) {
	cloud := New(Options{})
	for _, c := range []struct {
		method, url, want string
		write             bool
	}{
		{"POST", "https://oauth2.googleapis.com/token", "oauth2.token", false},
		{"POST", "https://storage.googleapis.com/storage/v1/b?project=p", "storage.buckets.insert", true},
		{"GET", "https://storage.googleapis.com/storage/v1/b/acme/iam", "storage.buckets.getIamPolicy", false},
		{"GET", "https://storage.googleapis.com/storage/v1/b/acme/o/a%2Fb%3Ac", "storage.objects.get", false},
		{"POST", "https://storage.googleapis.com/upload/storage/v1/b/acme/o?uploadType=media&name=a", "storage.objects.insert", true},
		{"POST", "https://storage.googleapis.com/storage/v1/b/acme/o/a%2Fb/rewriteTo/b/acme/o/c%2Fd", "storage.objects.rewrite", true},
		{"GET", "https://storage.googleapis.com/acme/a/b/c", "storage.objects.get", false},
		{"POST", "https://iam.googleapis.com/v1/projects/p/roles/r:undelete", "iam.projects.roles.undelete", true},
		{"GET", "https://iam.googleapis.com/v1/projects/p/roles/r", "iam.projects.roles.get", false},
		{"POST", "https://iam.googleapis.com/v1/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com:disable", "iam.projects.serviceAccounts.disable", true},
		{"POST", "https://iam.googleapis.com/v1/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com/keys", "iam.projects.serviceAccounts.keys.create", true},
		{"POST", "https://iam.googleapis.com/v1/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com/keys:upload", "iam.projects.serviceAccounts.keys.upload", true},
		{"POST", "https://iam.googleapis.com/v1/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com/keys/k:enable", "iam.projects.serviceAccounts.keys.enable", true},
		{"POST", "https://cloudresourcemanager.googleapis.com/v3/projects/p:getIamPolicy", "cloudresourcemanager.projects.getIamPolicy", false},
		{"POST", "https://policytroubleshooter.googleapis.com/v3/iam:troubleshoot", "policytroubleshooter.iam.troubleshoot", false},
		{"PUT", "https://storage.googleapis.com/storage/v1/b/acme/managedFolders/a%2F/iam", "storage.managedFolders.setIamPolicy", true},
		{"DELETE", "https://storage.googleapis.com/storage/v1/b/acme/managedFolders/a%2Fb%2F", "storage.managedFolders.delete", true},
		{"POST", "https://iam.googleapis.com/v1/projects/p/locations/global/workloadIdentityPools?workloadIdentityPoolId=x", "iam.projects.locations.workloadIdentityPools.create", true},
		{"POST", "https://iam.googleapis.com/v1/projects/p/locations/global/workloadIdentityPools/x:undelete", "iam.projects.locations.workloadIdentityPools.undelete", true},
		{"GET", "https://iam.googleapis.com/v1/projects/p/locations/global/workloadIdentityPools/x/operations/o", "iam.projects.locations.workloadIdentityPools.operations.get", false},
		{"PATCH", "https://iam.googleapis.com/v1/projects/p/locations/global/workloadIdentityPools/x/providers/y", "iam.projects.locations.workloadIdentityPools.providers.patch", true},
		{"POST", "https://sts.googleapis.com/v1/token", "sts.token", false},
		{"POST", "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken", "iamcredentials.projects.serviceAccounts.generateAccessToken", false},
		{"PUT", "https://storage.googleapis.com/acme/a/b", "storage.objects.insert", true},
		{"PUT", "https://acme.storage.googleapis.com/a/b?partNumber=1&uploadId=x", "storage.multipartUploads.uploadPart", true},
		{"POST", "https://storage.googleapis.com/acme/a/b?uploads", "storage.multipartUploads.create", true},
		{"GET", "https://storage.googleapis.com/acme?list-type=2&prefix=a", "storage.objects.list", false},
		{"GET", "https://acme.storage.googleapis.com/?prefix=a", "storage.objects.list", false},
		{"POST", "https://storage.googleapis.com/storage/v1/b/acme/nothing", "POST /storage/v1/b/acme/nothing", true},
		{"GET", "https://iam.googleapis.com/v1/nothing", "GET /v1/nothing", false},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := cloud.Classify(r); got.Name != c.want || got.Write != c.write {
			t.Errorf("%s %s: got %+v, want %s, write %v", c.method, c.url, got, c.want, c.write)
		}
	}
}

func TestEveryServedMethodNamesItsService(t *testing.T) {
	for _, r := range New(Options{}).routes {
		service, _, _ := strings.Cut(r.Op, ".")
		if r.Service != service+".googleapis.com" {
			t.Errorf("%s %s: service %s does not serve %s", r.Method, r.Path, r.Service, r.Op)
		}
		if r.Write != (r.Method != "GET" && r.Method != "HEAD") && !strings.Contains(r.Op, "etIamPolicy") && !strings.Contains(r.Op, "est") && !strings.Contains(r.Op, "troubleshoot") && !mints(r.Op) {
			t.Errorf("%s %s: write is %v", r.Method, r.Op, r.Write)
		}
	}
}

// mints says whether a method only makes a token, which changes nothing.
func mints(op string) bool {
	return op == "oauth2.token" || op == "sts.token" || op == "iamcredentials.projects.serviceAccounts.generateAccessToken"
}
