// Managed folders: one prefix of a bucket with a policy of its own, listing included.
package fakegcp_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	raw "google.golang.org/api/storage/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

// grantFolder makes a managed folder and binds a role on it.
func grantFolder(t *testing.T, s *raw.Service, bucket, folder, role, who string) {
	t.Helper()
	if _, err := s.ManagedFolders.Insert(bucket, &raw.ManagedFolder{Name: folder}).Do(); err != nil {
		t.Fatal(err)
	}
	p, err := s.ManagedFolders.GetIamPolicy(bucket, folder).OptionsRequestedPolicyVersion(3).Do()
	if err != nil {
		t.Fatal(err)
	}
	p.Bindings = append(p.Bindings, &raw.PolicyBindings{Role: role, Members: []string{who}})
	if _, err := s.ManagedFolders.SetIamPolicy(bucket, folder, p).Do(); err != nil {
		t.Fatal(err)
	}
}

// names lists a bucket below a prefix.
func names(t *testing.T, b *storage.BucketHandle, prefix string) (string, error) {
	t.Helper()
	var out []string
	for it := b.Objects(t.Context(), &storage.Query{Prefix: prefix}); ; {
		o, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return strings.Join(out, " "), nil
		}
		if err != nil {
			return "", err
		}
		out = append(out, o.Name)
	}
}

func TestManagedFolderGrantsItsPrefixAndNothingBesideIt(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	admin, s, iams := storageClient(t, cloud, cloud.Operator()), rawClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, admin, "acme-sites")
	for _, name := range []string{"a.example/1", "a.example.org/1", "root"} {
		if err := write(t.Context(), b, name, "x"); err != nil {
			t.Fatal(err)
		}
	}
	email, key := makeAccount(t, iams, "site-a")
	grantFolder(t, s, "acme-sites", "a.example/", "roles/storage.objectUser", "serviceAccount:"+email)

	site := storageClient(t, cloud, key).Bucket("acme-sites")
	if err := write(t.Context(), site, "a.example/2", "y"); err != nil {
		t.Errorf("create in the folder: %v", err)
	}
	if got, err := read(t.Context(), site, "a.example/1"); err != nil || got != "x" {
		t.Errorf("read in the folder: got %q, %v", got, err)
	}
	for _, prefix := range []string{"a.example/", "a.example/1", "a.example/none"} {
		got, err := names(t, site, prefix)
		if err != nil || strings.Contains(got, "org") {
			t.Errorf("list %s: got %q, %v", prefix, got, err)
		}
	}
	for _, prefix := range []string{"", "a.example", "a.example.org/", "a"} {
		_, err := names(t, site, prefix)
		wantStatus(t, err, 403, "storage.objects.list access to the Google Cloud Storage bucket")
	}
	wantStatus(t, write(t.Context(), site, "a.example.org/2", "z"), 403, "storage.objects.create")
	wantStatus(t, write(t.Context(), site, "a.example", "z"), 403, "storage.objects.create")
	_, err := read(t.Context(), site, "a.example.org/1")
	wantStatus(t, err, 403, "storage.objects.get")
	_, err = site.Object("a.example/none").Attrs(t.Context())
	if !errors.Is(err, storage.ErrObjectNotExist) {
		t.Errorf("an object that is missing in the folder: got %v, want that it does not exist", err)
	}
	_, err = site.Object("elsewhere/none").Attrs(t.Context())
	wantStatus(t, err, 403, "storage.objects.get")
}

func TestManagedFoldersNestAndOnlyAdd(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	admin, s, iams := storageClient(t, cloud, cloud.Operator()), rawClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, admin, "acme-sites")
	if err := write(t.Context(), b, "sites/a/1", "x"); err != nil {
		t.Fatal(err)
	}
	email, key := makeAccount(t, iams, "site-a")
	grantFolder(t, s, "acme-sites", "sites/", "roles/storage.legacyObjectReader", "serviceAccount:"+email)
	grantFolder(t, s, "acme-sites", "sites/a/", "roles/storage.objectCreator", "serviceAccount:"+email)
	site := storageClient(t, cloud, key).Bucket("acme-sites")
	if _, err := read(t.Context(), site, "sites/a/1"); err != nil {
		t.Errorf("read by the outer folder: %v", err)
	}
	if err := write(t.Context(), site, "sites/a/2", "x"); err != nil {
		t.Errorf("create by the inner folder: %v", err)
	}
	wantStatus(t, write(t.Context(), site, "sites/b", "x"), 403, "storage.objects.create")
	got, err := rawClient(t, cloud, key).ManagedFolders.TestIamPermissions("acme-sites", "sites/a/", []string{"storage.objects.get", "storage.objects.create", "storage.objects.delete"}).Do()
	if err != nil || len(got.Permissions) != 2 {
		t.Errorf("got %+v, %v; want both folders' permissions and no other", got, err)
	}
}

func TestManagedFolderIsMadeShownAndRemoved(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	admin, s := storageClient(t, cloud, cloud.Operator()), rawClient(t, cloud, cloud.Operator())
	b := makeBucket(t, admin, "acme-sites")
	if err := admin.Bucket("acme-old").Create(t.Context(), projectID, nil); err != nil {
		t.Fatal(err)
	}
	insert := func(bucket, name string) (*raw.ManagedFolder, error) {
		return s.ManagedFolders.Insert(bucket, &raw.ManagedFolder{Name: name}).Do()
	}
	f, err := insert("acme-sites", "a")
	if err != nil || f.Name != "a/" || f.Metageneration != 1 {
		t.Fatalf("got %+v, %v; want the name with its slash", f, err)
	}
	for _, c := range []struct {
		name, bucket, folder, text string
		code                       int
	}{
		{"the same name again", "acme-sites", "a/", "already exists", 409},
		{"without uniform access", "acme-old", "a/", "uniform bucket-level access", 412},
		{"no name", "acme-sites", "", "name", 400},
		{"too deep", "acme-sites", strings.Repeat("d/", 16), "levels deep", 400},
		{"too long", "acme-sites", strings.Repeat("d", 1024) + "/", "Invalid", 400},
		{"reserved", "acme-sites", ".well-known/acme-challenge/x/", "Invalid", 400},
		{"no such bucket", "acme-none", "a/", "bucket does not exist", 404},
	} {
		_, err := insert(c.bucket, c.folder)
		wantStatus(t, err, c.code, c.text)
	}
	if _, err := s.ManagedFolders.Get("acme-sites", "a").Do(); err != nil {
		t.Errorf("get without the slash: %v", err)
	}
	if _, err := insert("acme-sites", "a/b/"); err != nil {
		t.Fatal(err)
	}
	list, err := s.ManagedFolders.List("acme-sites").Prefix("a/").Do()
	if err != nil || len(list.Items) != 2 {
		t.Errorf("got %+v, %v; want both folders", list, err)
	}
	objects, err := s.Objects.List("acme-sites").Delimiter("/").IncludeFoldersAsPrefixes(true).Do()
	if err != nil || len(objects.Prefixes) != 1 || objects.Prefixes[0] != "a/" {
		t.Errorf("got %+v, %v; want the empty folder as a prefix", objects, err)
	}
	wantStatus(t, b.Delete(t.Context()), 409, "not empty")
	_, err = b.Update(t.Context(), storage.BucketAttrsToUpdate{UniformBucketLevelAccess: &storage.UniformBucketLevelAccess{Enabled: false}})
	wantStatus(t, err, 412, "managed folders")
	wantStatus(t, s.ManagedFolders.Delete("acme-sites", "a/").Do(), 409, "not empty")
	wantStatus(t, s.ManagedFolders.Delete("acme-sites", "a/b/").IfMetagenerationMatch(7).Do(), 412, "pre-conditions")
	for _, name := range []string{"a/b/", "a/"} {
		if err := s.ManagedFolders.Delete("acme-sites", name).Do(); err != nil {
			t.Error(err)
		}
	}
	_, err = s.ManagedFolders.Get("acme-sites", "a/").Do()
	wantStatus(t, err, 404, "managed folder does not exist")
}

func TestRemovingAFolderThatHoldsObjectsMustBeSaidAndPermitted(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	b := makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-sites")
	if err := write(t.Context(), b, "a/1", "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := rawClient(t, cloud, cloud.Operator()).ManagedFolders.Insert("acme-sites", &raw.ManagedFolder{Name: "a/"}).Do(); err != nil {
		t.Fatal(err)
	}
	narrow := rawClient(t, cloud, cloud.AddOperator(projectID, "narrow", "storage.managedFolders.delete"))
	wantStatus(t, narrow.ManagedFolders.Delete("acme-sites", "a/").Do(), 409, "not empty")
	wantStatus(t, narrow.ManagedFolders.Delete("acme-sites", "a/").AllowNonEmpty(true).Do(), 403, "storage.managedFolders.setIamPolicy")
	if err := rawClient(t, cloud, cloud.Operator()).ManagedFolders.Delete("acme-sites", "a/").AllowNonEmpty(true).Do(); err != nil {
		t.Error(err)
	}
	if got, err := read(t.Context(), b, "a/1"); err != nil || got != "x" {
		t.Errorf("the object is %q, %v; want it to stay", got, err)
	}
}

func TestManagedFolderPolicyIsGuardedLikeABuckets(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s, iams := rawClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-sites")
	email, key := makeAccount(t, iams, "site-a")
	grantFolder(t, s, "acme-sites", "a/", "roles/storage.objectViewer", "serviceAccount:"+email)
	_, err := s.ManagedFolders.SetIamPolicy("acme-sites", "a/", &raw.Policy{Etag: "CAE="}).Do()
	wantStatus(t, err, 412, "pre-conditions")
	_, err = s.ManagedFolders.SetIamPolicy("acme-sites", "a/", &raw.Policy{Bindings: []*raw.PolicyBindings{{Role: "roles/storage.objectViewer", Members: []string{"serviceAccount:no@acme-project.iam.gserviceaccount.com"}}}}).Do()
	wantStatus(t, err, 400, "does not exist")
	_, err = s.ManagedFolders.SetIamPolicy("acme-sites", "a/", &raw.Policy{Bindings: []*raw.PolicyBindings{{Role: "roles/storage.objectViewer", Members: []string{"allUsers"}}}}).Do()
	wantStatus(t, err, 412, "public access prevention")
	_, err = rawClient(t, cloud, key).ManagedFolders.GetIamPolicy("acme-sites", "a/").Do()
	wantStatus(t, err, 403, "storage.managedFolders.getIamPolicy access to the Google Cloud Storage managed folder")

	account := "projects/" + projectID + "/serviceAccounts/" + email
	was, err := iams.Projects.ServiceAccounts.Get(account).Do()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iams.Projects.ServiceAccounts.Delete(account).Do(); err != nil {
		t.Fatal(err)
	}
	p, err := s.ManagedFolders.GetIamPolicy("acme-sites", "a/").Do()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Bindings[0].Members[0], "deleted:serviceAccount:"+email+"?uid="+was.UniqueId; got != want {
		t.Errorf("got member %s, want %s", got, want)
	}
	if _, err := s.ManagedFolders.SetIamPolicy("acme-sites", "a/", p).Do(); err != nil {
		t.Errorf("a policy with a deleted member cannot be written back: %v", err)
	}
}

func TestConditionInAFoldersPolicySeesTheObject(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s, iams := rawClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-sites")
	email, key := makeAccount(t, iams, "site-a")
	if _, err := s.ManagedFolders.Insert("acme-sites", &raw.ManagedFolder{Name: "a/"}).Do(); err != nil {
		t.Fatal(err)
	}
	_, err := s.ManagedFolders.SetIamPolicy("acme-sites", "a/", &raw.Policy{Version: 3, Bindings: []*raw.PolicyBindings{{
		Role: "roles/storage.objectCreator", Members: []string{"serviceAccount:" + email}, Condition: &raw.Expr{Title: "json", Expression: `resource.name.endsWith(".json")`},
	}}}).Do()
	if err != nil {
		t.Fatal(err)
	}
	site := storageClient(t, cloud, key).Bucket("acme-sites")
	if err := write(t.Context(), site, "a/1.json", "x"); err != nil {
		t.Error(err)
	}
	wantStatus(t, write(t.Context(), site, "a/1.txt", "x"), 403, "storage.objects.create")
	_, err = s.ManagedFolders.GetIamPolicy("acme-sites", "a/").Do()
	wantStatus(t, err, 400, "cannot be less than the existing policy version")
}

func TestManagedFoldersOutliveASnapshot(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s, iams := rawClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-sites")
	email, key := makeAccount(t, iams, "site-a")
	grantFolder(t, s, "acme-sites", "a/", "roles/storage.objectCreator", "serviceAccount:"+email)
	text, err := cloud.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := fakegcp.Restore(text)
	if err != nil {
		t.Fatal(err)
	}
	site := storageClient(t, again, key).Bucket("acme-sites")
	if err := write(t.Context(), site, "a/1", "x"); err != nil {
		t.Error(err)
	}
	wantStatus(t, write(t.Context(), site, "b/1", "x"), 403, "storage.objects.create")
}

func TestRoleThatIsGoneForGoodLeavesFoldersPoliciesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{})
		s, iams := rawClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
		makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-sites")
		email, _ := makeAccount(t, iams, "site-a")
		role, err := createRole(iams, "site", "storage.objects.create")
		if err != nil {
			t.Fatal(err)
		}
		grantFolder(t, s, "acme-sites", "a/", role.Name, "serviceAccount:"+email)
		if _, err := iams.Projects.Roles.Delete(role.Name).Do(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(8 * 24 * time.Hour)
		p, err := rawClient(t, cloud, cloud.Operator()).ManagedFolders.GetIamPolicy("acme-sites", "a/").Do()
		if err != nil || len(p.Bindings) != 0 {
			t.Errorf("got %+v, %v; want no binding of a role that is gone", p, err)
		}
	})
}

// managedFolderMethods are rows of [methods].
// https://cloud.google.com/storage/docs/access-control/iam-json
var managedFolderMethods = []struct {
	name        string
	permissions string
	do          func(s *raw.Service) error
}{
	{"insert", "storage.managedFolders.create", func(s *raw.Service) error {
		return second(s.ManagedFolders.Insert("acme-sites", &raw.ManagedFolder{Name: "new/"}).Do())
	}},
	{"get", "storage.managedFolders.get", func(s *raw.Service) error { return second(s.ManagedFolders.Get("acme-sites", "a/").Do()) }},
	{"list", "storage.managedFolders.list", func(s *raw.Service) error { return second(s.ManagedFolders.List("acme-sites").Do()) }},
	{"delete", "storage.managedFolders.delete", func(s *raw.Service) error { return s.ManagedFolders.Delete("acme-sites", "a/").Do() }},
	{"getIamPolicy", "storage.managedFolders.getIamPolicy", func(s *raw.Service) error {
		return second(s.ManagedFolders.GetIamPolicy("acme-sites", "a/").Do())
	}},
	{"setIamPolicy", "storage.managedFolders.setIamPolicy", func(s *raw.Service) error {
		return second(s.ManagedFolders.SetIamPolicy("acme-sites", "a/", &raw.Policy{}).Do())
	}},
	{"objects.list with folders", "storage.managedFolders.list storage.objects.list", func(s *raw.Service) error {
		return second(s.Objects.List("acme-sites").Delimiter("/").IncludeFoldersAsPrefixes(true).Do())
	}},
}

func TestEachManagedFolderMethodAsksForTheDocumentedPermissions(t *testing.T) {
	narrow := func(permissions ...string) *raw.Service {
		cloud := fakegcp.New(fakegcp.Options{})
		makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-sites")
		if _, err := rawClient(t, cloud, cloud.Operator()).ManagedFolders.Insert("acme-sites", &raw.ManagedFolder{Name: "a/"}).Do(); err != nil {
			t.Fatal(err)
		}
		return rawClient(t, cloud, cloud.AddOperator(projectID, "narrow", permissions...))
	}
	for _, m := range managedFolderMethods {
		needed := strings.Fields(m.permissions)
		if err := m.do(narrow(needed...)); err != nil {
			t.Errorf("%s with %s: %v", m.name, m.permissions, err)
		}
		for i, p := range needed {
			others := append(append([]string{}, needed[:i]...), needed[i+1:]...)
			if e, ok := errors.AsType[*googleapi.Error](m.do(narrow(others...))); !ok || e.Code != 403 {
				t.Errorf("%s without %s: got %v, want 403", m.name, p, e)
			}
		}
	}
}
