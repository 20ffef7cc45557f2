// The discovery documents as judge: every method that is served, once.
package fakegcp_test

import (
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/option"
	raw "google.golang.org/api/storage/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/providertest/contract"
)

func TestAnswersHaveOnlyTheFieldsThatGoogleDeclares(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	google, err := contract.OfGoogle()
	if err != nil {
		t.Fatal(err)
	}
	w := contract.Beside(cloud, google)
	hc := client(t, w, cloud.Operator())
	c, err := storage.NewClient(t.Context(), option.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	s, err := iam.NewService(t.Context(), option.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	b := makeBucket(t, c, "acme-events")
	email, _ := makeAccount(t, s, "event-dump")
	account := inProject + "/serviceAccounts/" + email
	role, err := createRole(s, "event_dump", "storage.objects.create")
	if err != nil {
		t.Fatal(err)
	}
	grantOn(t, b.IAM().V3(), role.Name, "serviceAccount:"+email, `resource.name.startsWith("projects/_/buckets/acme-events/objects/events/")`)
	must := func(v any, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	must(nil, write(t.Context(), b, "a", "x"))
	must(b.Object("a").Attrs(t.Context()))
	must(b.Object("a").Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "text/plain"}))
	must(b.Object("b").CopierFrom(b.Object("a")).Run(t.Context()))
	must(b.Object("c").ComposerFrom(b.Object("a"), b.Object("b")).Run(t.Context()))
	list(t, b, nil)
	must(b.Attrs(t.Context()))
	must(b.Update(t.Context(), storage.BucketAttrsToUpdate{VersioningEnabled: true}))
	must(b.IAM().TestPermissions(t.Context(), []string{"storage.objects.get"}))
	must(c.Buckets(t.Context(), projectID).Next())
	must(c.CreateHMACKey(t.Context(), projectID, email))
	must(c.ListHMACKeys(t.Context(), projectID).Next())
	rs, err := raw.NewService(t.Context(), option.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	must(rs.ManagedFolders.Insert("acme-events", &raw.ManagedFolder{Name: "m/"}).Do())
	must(rs.ManagedFolders.Get("acme-events", "m/").Do())
	must(rs.ManagedFolders.List("acme-events").Do())
	must(rs.ManagedFolders.SetIamPolicy("acme-events", "m/", &raw.Policy{Bindings: []*raw.PolicyBindings{{Role: "roles/storage.objectViewer", Members: []string{"user:ada@example.com"}}}}).Do())
	must(rs.ManagedFolders.GetIamPolicy("acme-events", "m/").Do())
	pools, pool := s.Projects.Locations.WorkloadIdentityPools, inGlobal+"/workloadIdentityPools/ci-pool"
	op, err := pools.Create(inGlobal, &iam.WorkloadIdentityPool{}).WorkloadIdentityPoolId("ci-pool").Do()
	must(op, err)
	must(pools.Operations.Get(op.Name).Do())
	must(pools.Providers.Create(pool, githubProvider()).WorkloadIdentityPoolProviderId("github").Do())
	must(pools.Providers.Create(pool, &iam.WorkloadIdentityPoolProvider{Aws: &iam.Aws{AccountId: "123456789012"}}).WorkloadIdentityPoolProviderId("vendor").Do())
	must(pools.Providers.Create(pool, &iam.WorkloadIdentityPoolProvider{
		AttributeMapping: map[string]string{"google.subject": "assertion.sub"}, Oidc: &iam.Oidc{IssuerUri: "https://issuer.example", AllowedAudiences: []string{"mine"}, JwksJson: string(cloud.JWKS("https://issuer.example"))},
	}).WorkloadIdentityPoolProviderId("jwks").Do())
	must(pools.Providers.Patch(pool+"/providers/github", &iam.WorkloadIdentityPoolProvider{Disabled: true}).UpdateMask("disabled").Do())
	must(pools.Providers.List(pool).Do())
	must(pools.Providers.Get(pool + "/providers/github").Do())
	must(pools.Providers.Delete(pool + "/providers/github").Do())
	must(hc.Post("https://sts.googleapis.com/v1/token", "application/json", strings.NewReader(`{"grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
		"requestedTokenType": "urn:ietf:params:oauth:token-type:access_token", "audience": "//iam.googleapis.com/`+poolNumbered+`ci-pool/providers/jwks", "scope": "x",
		"subjectTokenType": "urn:ietf:params:oauth:token-type:jwt", "subjectToken": "`+cloud.IssueToken("https://issuer.example", map[string]any{"sub": "me", "aud": "mine"})+`"}`)))
	cloud.Grant(projectID, operatorOf(t, cloud), "iam.serviceAccounts.getAccessToken")
	must(hc.Post("https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"+email+":generateAccessToken", "application/json", strings.NewReader(`{"scope": ["x"]}`)))
	must(pools.Delete(pool).Do())
	must(pools.Get(pool).Do())
	must(pools.List(inGlobal).ShowDeleted(true).Do())
	must(s.Projects.Roles.Get(role.Name).Do())
	must(s.Projects.Roles.List(inProject).View("FULL").Do())
	must(s.Projects.Roles.Patch(role.Name, &iam.Role{Title: "N"}).UpdateMask("title").Do())
	must(s.Projects.Roles.Delete(role.Name).Do())
	must(s.Projects.Roles.Undelete(role.Name, &iam.UndeleteRoleRequest{}).Do())
	must(s.Permissions.QueryTestablePermissions(&iam.QueryTestablePermissionsRequest{FullResourceName: "//cloudresourcemanager.googleapis.com/" + inProject}).Do())
	must(s.Projects.ServiceAccounts.Get(account).Do())
	must(s.Projects.ServiceAccounts.List(inProject).Do())
	must(s.Projects.ServiceAccounts.Keys.List(account).Do())
	must(s.Projects.ServiceAccounts.SetIamPolicy(account, &iam.SetIamPolicyRequest{Policy: &iam.Policy{Bindings: []*iam.Binding{{Role: "roles/iam.serviceAccountUser", Members: []string{"user:ada@example.com"}}}}}).Do())
	must(s.Projects.ServiceAccounts.GetIamPolicy(account).Do())
	must(s.Projects.ServiceAccounts.Patch(account, &iam.PatchServiceAccountRequest{ServiceAccount: &iam.ServiceAccount{Description: "d"}, UpdateMask: "description"}).Do())
	must(hc.Get("https://cloudresourcemanager.googleapis.com/v3/" + inProject))
	must(hc.Post("https://cloudresourcemanager.googleapis.com/v3/"+inProject+":getIamPolicy", "application/json", strings.NewReader(`{"options": {"requestedPolicyVersion": 3}}`)))
	for _, look := range []string{"serviceusage.googleapis.com/v1/" + inProject + "/services/iam.googleapis.com", "serviceusage.googleapis.com/v1/" + inProject + "/services:batchGet?names=" + inProject + "/services/sts.googleapis.com",
		"orgpolicy.googleapis.com/v2/" + inProject + "/policies/iam.allowedPolicyMemberDomains:getEffectivePolicy", "orgpolicy.googleapis.com/v2/" + inProject + "/policies/iam.disableServiceAccountKeyCreation:getEffectivePolicy"} {
		must(hc.Get("https://" + look))
	}
	must(hc.Post("https://policytroubleshooter.googleapis.com/v3/iam:troubleshoot", "application/json", strings.NewReader(
		`{"accessTuple": {"principal": "`+email+`", "permission": "storage.objects.get", "fullResourceName": "//storage.googleapis.com/projects/_/buckets/acme-events"}}`)))
	for _, f := range w.Faults() {
		t.Error(f)
	}
	seen := w.Judged()
	for _, op := range []string{"sts.token", "iamcredentials.projects.serviceAccounts.generateAccessToken", "serviceusage.services.get", "serviceusage.services.batchGet",
		"orgpolicy.projects.policies.getEffectivePolicy"} {
		if seen[op] == 0 {
			t.Errorf("%s was not tried", op)
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d methods were seen: %v", len(seen), seen)
	}
}

// operatorOf names the operator as a policy does.
func operatorOf(t *testing.T, cloud *fakegcp.Cloud) string {
	t.Helper()
	k, _ := parseKey(t, cloud.Operator())
	return "serviceAccount:" + k.Email
}
