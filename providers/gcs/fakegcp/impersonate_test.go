// Acting as a service account: by federation, by a vendor's account, by a chain, and the bounds of the tokens.
package fakegcp_test

import (
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/auth/credentials"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func TestFederatedIdentityActsAsAServiceAccountThatLetsIt(t *testing.T) {
	cloud := vendorCloud(t, fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	email, _ := makeAccount(t, s, "event-dump")
	grantOn(t, storageClient(t, cloud, cloud.Operator()).Bucket("acme-events").IAM().V3(), "roles/storage.objectUser", "serviceAccount:"+email, "")
	vendor := session(cloud, vendorAccount, "pipeline", "workspace-1")
	_, err := vendorClient(t, cloud, vendor, email)
	if err == nil || !strings.Contains(err.Error(), "iam.serviceAccounts.getAccessToken") {
		t.Fatalf("before the grant: got %v, want a refusal that names the permission", err)
	}
	_, err = s.Projects.ServiceAccounts.SetIamPolicy(inProject+"/serviceAccounts/"+email, &iam.SetIamPolicyRequest{
		Policy: &iam.Policy{Bindings: []*iam.Binding{{Role: "roles/iam.workloadIdentityUser", Members: []string{vendorSubject}}}},
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	c, err := vendorClient(t, cloud, vendor, email)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), c.Bucket("acme-events"), "1", "x"); err != nil {
		t.Error(err)
	}
	if got, err := read(t.Context(), c.Bucket("acme-events"), "1"); err != nil || got != "x" {
		t.Errorf("got %q, %v; want the account's rights", got, err)
	}
	if last := cloud.Ledger().All(); last[len(last)-1].Principal != email {
		t.Errorf("the ledger says %q, want the account", last[len(last)-1].Principal)
	}
}

func TestVendorsServiceAccountActsAsOursAndOnItsOwn(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	vendorKey := cloud.AddProject("vendor-project", "210987654321")
	vendors, err := iamClient(t, cloud, vendorKey).Projects.ServiceAccounts.Create("projects/vendor-project", &iam.CreateServiceAccountRequest{AccountId: "pipeline"}).Do()
	if err != nil {
		t.Fatal(err)
	}
	k, err := iamClient(t, cloud, vendorKey).Projects.ServiceAccounts.Keys.Create(vendors.Name, &iam.CreateServiceAccountKeyRequest{}).Do()
	if err != nil {
		t.Fatal(err)
	}
	key := decoded(t, k.PrivateKeyData)
	s := iamClient(t, cloud, cloud.Operator())
	ours, _ := makeAccount(t, s, "event-dump")
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	wantStatus(t, write(t.Context(), storageClient(t, cloud, key).Bucket("acme-events"), "1", "x"), 403, "storage.objects.create")
	grantOn(t, b.IAM().V3(), "roles/storage.objectCreator", "serviceAccount:"+vendors.Email, "")
	if err := write(t.Context(), storageClient(t, cloud, key).Bucket("acme-events"), "1", "x"); err != nil {
		t.Errorf("bound on the bucket: %v", err)
	}
	grantOn(t, b.IAM().V3(), "roles/storage.objectViewer", "serviceAccount:"+ours, "")
	_, err = s.Projects.ServiceAccounts.SetIamPolicy(inProject+"/serviceAccounts/"+ours, &iam.SetIamPolicyRequest{
		Policy: &iam.Policy{Bindings: []*iam.Binding{{Role: "roles/iam.serviceAccountTokenCreator", Members: []string{"serviceAccount:" + vendors.Email}}}},
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	file := strings.NewReplacer("KEY", strings.TrimSpace(string(key)), "EMAIL", ours).Replace(`{"type": "impersonated_service_account", "source_credentials": KEY,
		"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/EMAIL:generateAccessToken"}`)
	transport := &cloudsim.Transport{Handler: cloud, Classify: cloud.Classify}
	creds, err := credentials.NewCredentialsFromJSON(credentials.ImpersonatedServiceAccount, []byte(file), &credentials.DetectOptions{
		Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}, Client: &http.Client{Transport: transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := creds.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(t.Context(), bearer(t, cloud, token.Value).Bucket("acme-events"), "1"); err != nil || got != "x" {
		t.Errorf("as our account: got %q, %v", got, err)
	}
}

func TestDomainRestrictionKeepsOutTheVendorUnlessItIsAllowed(t *testing.T) {
	cloud := vendorCloud(t, fakegcp.Options{})
	vendorKey := cloud.AddProject("vendor-project", "210987654321")
	vendors, err := iamClient(t, cloud, vendorKey).Projects.ServiceAccounts.Create("projects/vendor-project", &iam.CreateServiceAccountRequest{AccountId: "pipeline"}).Do()
	if err != nil {
		t.Fatal(err)
	}
	b := storageClient(t, cloud, cloud.Operator()).Bucket("acme-events")
	try := func() error {
		p, err := b.IAM().V3().Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addMember(p, "roles/storage.objectCreator", "serviceAccount:"+vendors.Email)
		return b.IAM().V3().SetPolicy(t.Context(), p)
	}
	for _, constraint := range []string{"constraints/iam.allowedPolicyMemberDomains", "constraints/iam.managed.allowedPolicyMembers"} {
		cloud.SetConstraints(constraint)
		wantStatus(t, try(), 412, "One or more users named in the policy do not belong to a permitted customer")
		wantStatus(t, try(), 412, constraint)
	}
	ours, _ := makeAccount(t, iamClient(t, cloud, cloud.Operator()), "event-dump")
	_, err = iamClient(t, cloud, cloud.Operator()).Projects.ServiceAccounts.SetIamPolicy(inProject+"/serviceAccounts/"+ours, &iam.SetIamPolicyRequest{
		Policy: &iam.Policy{Bindings: []*iam.Binding{{Role: "roles/iam.serviceAccountTokenCreator", Members: []string{"serviceAccount:" + vendors.Email}}}},
	}).Do()
	wantStatus(t, err, 400, "do not belong to a permitted customer")
	grantOn(t, b.IAM().V3(), "roles/storage.objectViewer", "principalSet://iam.googleapis.com/"+poolNumbered+"vendor-pool/*", "")
	cloud.SetConstraints("constraints/iam.managed.allowedPolicyMembers=serviceAccount:" + vendors.Email)
	if err := try(); err != nil {
		t.Errorf("allowed by name: %v", err)
	}
}

func TestChainOfDelegatesHoldsOnlyIfEveryLinkDoes(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	first, key := makeAccount(t, s, "first-link")
	middle, _ := makeAccount(t, s, "middle-link")
	last, _ := makeAccount(t, s, "last-link")
	let := func(account, who, role string) {
		t.Helper()
		p := &iam.Policy{}
		if who != "" {
			p.Bindings = []*iam.Binding{{Role: role, Members: []string{"serviceAccount:" + who}}}
		}
		if _, err := s.Projects.ServiceAccounts.SetIamPolicy(inProject+"/serviceAccounts/"+account, &iam.SetIamPolicyRequest{Policy: p}).Do(); err != nil {
			t.Fatal(err)
		}
	}
	try := func() int {
		resp, err := client(t, cloud, key).Post("https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"+last+":generateAccessToken", "application/json",
			strings.NewReader(`{"scope": ["https://www.googleapis.com/auth/cloud-platform"], "delegates": ["projects/-/serviceAccounts/`+middle+`"]}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	const creator = "roles/iam.serviceAccountTokenCreator"
	let(last, middle, creator)
	if got := try(); got != 403 {
		t.Errorf("the first link is missing: got %d, want 403", got)
	}
	let(middle, first, creator)
	if got := try(); got != 200 {
		t.Errorf("both links: got %d, want 200", got)
	}
	let(last, "", "")
	if got := try(); got != 403 {
		t.Errorf("the second link is missing: got %d, want 403", got)
	}
}

func TestTokensForAServiceAccountAreBounded(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	email, _ := makeAccount(t, iamClient(t, cloud, cloud.Operator()), "event-dump")
	hc := client(t, cloud, cloud.AddOperator(projectID, "creator", "iam.serviceAccounts.getAccessToken"))
	try := func(name, body string) int {
		resp, err := hc.Post("https://iamcredentials.googleapis.com/v1/projects/"+name+":generateAccessToken", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	const scope = `"scope": ["https://www.googleapis.com/auth/cloud-platform"]`
	for _, c := range []struct {
		name, account, body string
		want                int
	}{
		{"an hour", "-/serviceAccounts/" + email, `{` + scope + `, "lifetime": "3600s"}`, 200},
		{"more than an hour", "-/serviceAccounts/" + email, `{` + scope + `, "lifetime": "3601s"}`, 400},
		{"no scope", "-/serviceAccounts/" + email, `{}`, 400},
		{"with the project", projectID + "/serviceAccounts/" + email, `{` + scope + `}`, 400},
		{"an account that does not exist", "-/serviceAccounts/no@acme-project.iam.gserviceaccount.com", `{` + scope + `}`, 403},
		{"by a delegate that does not let it", "-/serviceAccounts/" + email, `{` + scope + `, "delegates": ["projects/-/serviceAccounts/` + email + `"]}`, 403},
	} {
		if got := try(c.account, c.body); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
	cloud.DisableAPI(projectID, "iamcredentials.googleapis.com")
	if got := try("-/serviceAccounts/"+email, `{`+scope+`}`); got != 200 {
		t.Errorf("the API is off in another project than the caller's: got %d, want 200", got)
	}
}
