// Bucket policies: what may be written, and by whom it is read back.
package fakegcp_test

import (
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/option"
	raw "google.golang.org/api/storage/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

func rawClient(t *testing.T, cloud *fakegcp.Cloud, key []byte) *raw.Service {
	t.Helper()
	s, err := raw.NewService(t.Context(), option.WithHTTPClient(client(t, cloud, key)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPolicyIsRefusedAsCloudStorageRefusesIt(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	admin, s := storageClient(t, cloud, cloud.Operator()), rawClient(t, cloud, cloud.Operator())
	makeBucket(t, admin, "acme-events")
	if err := admin.Bucket("acme-old").Create(t.Context(), projectID, nil); err != nil {
		t.Fatal(err)
	}
	prefix := &raw.Expr{Title: "prefix", Expression: `resource.name.startsWith("projects/_/buckets/acme-events/objects/events/")`}
	with := func(e string) *raw.Expr { return &raw.Expr{Title: "prefix", Expression: e} }
	many := make([]string, 1501)
	for i := range many {
		many[i] = "user:u" + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + "@example.com"
	}
	bind := func(role, who string, c *raw.Expr) []*raw.PolicyBindings {
		return []*raw.PolicyBindings{{Role: role, Members: []string{who}, Condition: c}}
	}
	for _, c := range []struct {
		name   string
		bucket string
		policy *raw.Policy
		code   int
		text   string
	}{
		{"unknown service account", "acme-events", &raw.Policy{Bindings: bind("roles/storage.objectViewer", "serviceAccount:no@acme-project.iam.gserviceaccount.com", nil)}, 400, "Service account no@acme-project.iam.gserviceaccount.com does not exist."},
		{"member without a type", "acme-events", &raw.Policy{Bindings: bind("roles/storage.objectViewer", "ada@example.com", nil)}, 400, "unknown type"},
		{"unknown role", "acme-events", &raw.Policy{Bindings: bind("roles/storage.nothing", "user:ada@example.com", nil)}, 400, "does not exist in the resource's hierarchy"},
		{"role of another project", "acme-events", &raw.Policy{Bindings: bind("projects/other/roles/mine", "user:ada@example.com", nil)}, 400, "does not exist in the resource's hierarchy"},
		{"condition at version 1", "acme-events", &raw.Policy{Version: 1, Bindings: bind("roles/storage.objectViewer", "user:ada@example.com", prefix)}, 400, "at least 3"},
		{"condition without uniform access", "acme-old", &raw.Policy{Version: 3, Bindings: bind("roles/storage.objectViewer", "user:ada@example.com", prefix)}, 412, "uniform bucket-level access"},
		{"condition on a legacy role", "acme-events", &raw.Policy{Version: 3, Bindings: bind("roles/storage.legacyObjectReader", "user:ada@example.com", prefix)}, 400, "legacyObjectReader"},
		{"condition on everybody", "acme-events", &raw.Policy{Version: 3, Bindings: bind("roles/storage.objectViewer", "allUsers", prefix)}, 400, "allUsers"},
		{"condition that cannot be read", "acme-events", &raw.Policy{Version: 3, Bindings: bind("roles/storage.objectViewer", "user:ada@example.com", with(`resource.name.startsWith(`))}, 400, "not valid"},
		{"condition with an unknown name", "acme-events", &raw.Policy{Version: 3, Bindings: bind("roles/storage.objectViewer", "user:ada@example.com", with(`resource.nome == "a" || true`))}, 400, "resource.nome"},
		{"condition that is no boolean", "acme-events", &raw.Policy{Version: 3, Bindings: bind("roles/storage.objectViewer", "user:ada@example.com", with(`resource.name`))}, 400, "boolean"},
		{"condition with too many operators", "acme-events", &raw.Policy{Version: 3, Bindings: bind("roles/storage.objectViewer", "user:ada@example.com", with("true"+strings.Repeat(" && true", 13)))}, 400, "logical operators"},
		{"condition without a title", "acme-events", &raw.Policy{Version: 3, Bindings: bind("roles/storage.objectViewer", "user:ada@example.com", &raw.Expr{Expression: "true"})}, 400, "title"},
		{"public member where that is prevented", "acme-events", &raw.Policy{Bindings: bind("roles/storage.objectViewer", "allUsers", nil)}, 412, "public access prevention is enforced"},
		{"too many members", "acme-events", &raw.Policy{Bindings: []*raw.PolicyBindings{{Role: "roles/storage.objectViewer", Members: many}}}, 400, "larger than the maximum"},
		{"version 2", "acme-events", &raw.Policy{Version: 2}, 400, "version"},
		{"stale etag", "acme-events", &raw.Policy{Etag: "CAA="}, 412, "pre-conditions"},
		{"bucket that does not exist", "acme-nothing", &raw.Policy{}, 404, "The specified bucket does not exist."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Buckets.SetIamPolicy(c.bucket, c.policy).Do()
			wantStatus(t, err, c.code, c.text)
		})
	}
}

func TestPolicyWithConditionsIsReadAndWrittenOnlyByWhoKnowsConditions(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	admin, s := storageClient(t, cloud, cloud.Operator()), rawClient(t, cloud, cloud.Operator())
	b := makeBucket(t, admin, "acme-events")
	grantOn(t, b.IAM().V3(), "roles/storage.objectViewer", "user:ada@example.com", `resource.name.endsWith(".json")`)

	_, err := b.IAM().Policy(t.Context())
	wantStatus(t, err, 400, "Requested policy version (1) cannot be less than the existing policy version (3)")
	p, err := s.Buckets.GetIamPolicy("acme-events").OptionsRequestedPolicyVersion(3).Do()
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != 3 || p.Bindings[len(p.Bindings)-1].Condition == nil {
		t.Errorf("got version %d, %+v; want 3 and the condition", p.Version, p.Bindings)
	}
	_, err = s.Buckets.SetIamPolicy("acme-events", &raw.Policy{Etag: p.Etag, Version: 1, Bindings: p.Bindings[:1]}).Do()
	wantStatus(t, err, 400, "at least 3")
	if _, err = s.Buckets.SetIamPolicy("acme-events", &raw.Policy{Version: 1, Bindings: p.Bindings[:1]}).Do(); err != nil {
		t.Errorf("without an etag: %v, want the conditions lost silently, as Google warns", err)
	}
}

func TestConcurrentPolicyWritesLoseNothing(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	mine, err := b.IAM().V3().Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	grantOn(t, b.IAM().V3(), "roles/storage.objectViewer", "user:ada@example.com", "")
	addMember(mine, "roles/storage.objectViewer", "user:bob@example.com")
	wantStatus(t, b.IAM().V3().SetPolicy(t.Context(), mine), 412, "pre-conditions")
}

func TestDeletedAccountStaysInThePolicyByItsUniqueIDAndInheritsNothing(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	admin, s := storageClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, admin, "acme-events")
	email, _ := makeAccount(t, s, "event-dump")
	grantOn(t, b.IAM().V3(), "roles/storage.objectCreator", "serviceAccount:"+email, "")
	name := "projects/" + projectID + "/serviceAccounts/" + email
	old, err := s.Projects.ServiceAccounts.Get(name).Do()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Projects.ServiceAccounts.Delete(name).Do(); err != nil {
		t.Fatal(err)
	}
	last := func() string {
		p, err := b.IAM().V3().Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p.Bindings[len(p.Bindings)-1].Members[0]
	}
	if want := "deleted:serviceAccount:" + email + "?uid=" + old.UniqueId; last() != want {
		t.Errorf("got %s, want %s", last(), want)
	}
	_, key := makeAccount(t, s, "event-dump")
	wantStatus(t, write(t.Context(), storageClient(t, cloud, key).Bucket("acme-events"), "a", "x"), 403, "storage.objects.create")
	if _, err := s.Projects.ServiceAccounts.Delete(name).Do(); err != nil {
		t.Fatal(err)
	}
	restored := "projects/" + projectID + "/serviceAccounts/" + old.UniqueId
	if _, err := s.Projects.ServiceAccounts.Undelete(restored, &iam.UndeleteServiceAccountRequest{}).Do(); err != nil {
		t.Fatal(err)
	}
	if want := "serviceAccount:" + email; last() != want {
		t.Errorf("after the account is restored: got %s, want %s", last(), want)
	}
}

func TestDomainRestrictionNamesItsConstraint(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{Constraints: []string{"constraints/iam.allowedPolicyMemberDomains"}})
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	p, err := b.IAM().V3().Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addMember(p, "roles/storage.objectViewer", "user:stranger@elsewhere.example")
	err = b.IAM().V3().SetPolicy(t.Context(), p)
	wantStatus(t, err, 412, "do not belong to a permitted customer")
	wantStatus(t, err, 412, "constraints/iam.allowedPolicyMemberDomains")
}

func TestUploaderOwnsItsObjectsWhereACLsAreOn(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	admin, s := storageClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	if err := admin.Bucket("acme-old").Create(t.Context(), projectID, &storage.BucketAttrs{Location: "EU"}); err != nil {
		t.Fatal(err)
	}
	email, key := makeAccount(t, s, "event-dump")
	grantOn(t, admin.Bucket("acme-old").IAM().V3(), "roles/storage.objectCreator", "serviceAccount:"+email, "")
	vendor := storageClient(t, cloud, key).Bucket("acme-old")
	if err := write(t.Context(), vendor, "a", "hello"); err != nil {
		t.Fatal(err)
	}
	if got, err := read(t.Context(), vendor, "a"); err != nil || got != "hello" {
		t.Errorf("got %q, %v; want the uploader to read what it owns", got, err)
	}
	if err := write(t.Context(), admin.Bucket("acme-old"), "b", "x"); err != nil {
		t.Fatal(err)
	}
	_, err := read(t.Context(), vendor, "b")
	wantStatus(t, err, 403, "storage.objects.get")
}

func TestCallerIsToldItsOwnPermissions(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	admin, s := storageClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, admin, "acme-events")
	email, key := makeAccount(t, s, "event-dump")
	grantOn(t, b.IAM().V3(), "roles/storage.objectCreator", "serviceAccount:"+email, "")
	got, err := storageClient(t, cloud, key).Bucket("acme-events").IAM().TestPermissions(t.Context(), []string{"storage.objects.create", "storage.objects.get"})
	if err != nil || len(got) != 1 || got[0] != "storage.objects.create" {
		t.Errorf("got %v, %v; want storage.objects.create only", got, err)
	}
}

func TestEveryDecisionIsInTheLedger(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	all := cloud.Ledger().All()
	last := all[len(all)-1]
	if last.Action != "storage.buckets.create" || !last.Allowed || last.Resource != "projects/acme-project" || !strings.Contains(last.Because, "roles/") {
		t.Errorf("got %+v", last)
	}
	if got := cloud.Classify(mustRequest(t, http.MethodPost, "https://storage.googleapis.com/storage/v1/b")); got.Name != "storage.buckets.insert" || !got.Write {
		t.Errorf("got %+v, want storage.buckets.insert, a write", got)
	}
}

func mustRequest(t *testing.T, method, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
