// Roles, service accounts, keys: their lives, limits and refusals.
package fakegcp_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

const inProject = "projects/" + projectID

func createRole(s *iam.Service, id string, permissions ...string) (*iam.Role, error) {
	return s.Projects.Roles.Create(inProject, &iam.CreateRoleRequest{RoleId: id, Role: &iam.Role{Title: "T", Stage: "GA", IncludedPermissions: permissions}}).Do()
}

func TestRoleIsRefusedWithGooglesWords(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	if _, err := createRole(s, "taken_id", "storage.objects.create"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, id, permission string
		code                 int
		text                 string
	}{
		{"hyphen", "event-dump", "storage.objects.create", 400, "role_id"},
		{"too short", "ab", "storage.objects.create", 400, "role_id"},
		{"too long", strings.Repeat("a", 65), "storage.objects.create", 400, "role_id"},
		{"unknown permission", "event_dump", "Storage.objects.create", 400, "Permission Storage.objects.create is not valid."},
		{"permission of organisations", "event_dump", "resourcemanager.projects.list", 400, "Permission resourcemanager.projects.list is not valid."},
		{"taken", "taken_id", "storage.objects.create", 409, "already exists"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := createRole(s, c.id, c.permission)
			wantStatus(t, err, c.code, c.text)
		})
	}
}

func TestDeletedRoleGivesNothingAndComesBackForSevenDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{})
		s, admin := iamClient(t, cloud, cloud.Operator()), storageClient(t, cloud, cloud.Operator())
		b := makeBucket(t, admin, "acme-events")
		email, key := makeAccount(t, s, "event-dump")
		role, err := createRole(s, "event_dump", "storage.objects.create")
		if err != nil {
			t.Fatal(err)
		}
		grantOn(t, b.IAM().V3(), role.Name, "serviceAccount:"+email, "")
		vendor := storageClient(t, cloud, key).Bucket("acme-events")
		if err := write(t.Context(), vendor, "a", "x"); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Projects.Roles.Delete(role.Name).Do(); err != nil || !r.Deleted {
			t.Fatalf("got %+v, %v; want the role marked as deleted", r, err)
		}
		wantStatus(t, write(t.Context(), vendor, "b", "x"), 403, "storage.objects.create")
		if r, err := s.Projects.Roles.Get(role.Name).Do(); err != nil || !r.Deleted {
			t.Errorf("got %+v, %v; want the deleted role", r, err)
		}
		if l, err := s.Projects.Roles.List(inProject).Do(); err != nil || len(l.Roles) != 0 {
			t.Errorf("got %+v, %v; want no deleted role in the list", l, err)
		}
		p, err := b.IAM().V3().Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.IAM().V3().SetPolicy(t.Context(), p); err != nil {
			t.Errorf("a policy that has the deleted role already: %v, want it kept", err)
		}
		other := makeBucket(t, admin, "acme-other")
		q, err := other.IAM().V3().Policy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addMember(q, role.Name, "serviceAccount:"+email)
		wantStatus(t, other.IAM().V3().SetPolicy(t.Context(), q), 400, "does not exist in the resource's hierarchy")
		_, err = createRole(s, "event_dump", "storage.objects.create")
		wantStatus(t, err, 400, "deleted state")
		_, err = s.Projects.Roles.Patch(role.Name, &iam.Role{Title: "N"}).UpdateMask("title").Do()
		wantStatus(t, err, 400, "deleted state")
		if _, err := s.Projects.Roles.Undelete(role.Name, &iam.UndeleteRoleRequest{}).Do(); err != nil {
			t.Fatal(err)
		}
		if err := write(t.Context(), vendor, "c", "x"); err != nil {
			t.Errorf("after the role is restored: %v", err)
		}
		if _, err := s.Projects.Roles.Delete(role.Name).Do(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * 24 * time.Hour)
		_, err = s.Projects.Roles.Undelete(role.Name, &iam.UndeleteRoleRequest{}).Do()
		wantStatus(t, err, 404, "was not found")
		_, err = createRole(s, "event_dump", "storage.objects.create")
		wantStatus(t, err, 400, "marked for deletion")
		time.Sleep(30 * 24 * time.Hour)
		if _, err = createRole(s, "event_dump", "storage.objects.create"); err != nil {
			t.Errorf("after 37 days: %v", err)
		}
		if err := write(t.Context(), storageClient(t, cloud, key).Bucket("acme-events"), "d", "x"); err == nil {
			t.Error("a role made again under an old name brings its old bindings back")
		}
	})
}

func TestRoleChangesByMaskAndEtag(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	role, err := createRole(s, "event_dump", "storage.objects.create", "storage.objects.get")
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.Projects.Roles.Patch(role.Name, &iam.Role{Etag: role.Etag, Title: "ignored", IncludedPermissions: []string{"storage.objects.create"}}).UpdateMask("includedPermissions").Do()
	if err != nil || next.Title != "T" || len(next.IncludedPermissions) != 1 {
		t.Errorf("got %+v, %v; want only the permissions changed", next, err)
	}
	_, err = s.Projects.Roles.Patch(role.Name, &iam.Role{Etag: role.Etag, Title: "N"}).UpdateMask("title").Do()
	wantStatus(t, err, 409, "concurrent policy changes")
	alpha, err := s.Projects.Roles.Create(inProject, &iam.CreateRoleRequest{RoleId: "no_stage", Role: &iam.Role{}}).Do()
	if err != nil || alpha.Stage != "" {
		t.Errorf("got %+v, %v; want the stage ALPHA not shown", alpha, err)
	}
}

func TestMissingAccountIsNotFoundInItsProjectAndForbiddenByTheWildcard(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	_, err := s.Projects.ServiceAccounts.Get(inProject + "/serviceAccounts/no@acme-project.iam.gserviceaccount.com").Do()
	wantStatus(t, err, 404, "Unknown service account")
	_, err = s.Projects.ServiceAccounts.Get("projects/-/serviceAccounts/no@acme-project.iam.gserviceaccount.com").Do()
	wantStatus(t, err, 403, "IAM_PERMISSION_DENIED")
	_, err = s.Projects.ServiceAccounts.Create(inProject, &iam.CreateServiceAccountRequest{AccountId: "short"}).Do()
	wantStatus(t, err, 400, "between 6 and 30")
	email, _ := makeAccount(t, s, "event-dump")
	if a, err := s.Projects.ServiceAccounts.Get("projects/-/serviceAccounts/" + email).Do(); err != nil || a.Email != email {
		t.Errorf("the wildcard for an account that exists: got %+v, %v", a, err)
	}
	_, err = s.Projects.ServiceAccounts.Create(inProject, &iam.CreateServiceAccountRequest{AccountId: "event-dump"}).Do()
	wantStatus(t, err, 409, "already exists within project")
}

func TestAccountHasTenKeysOfItsOwnerAndOneOfGoogle(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	email, _ := makeAccount(t, s, "event-dump")
	for range 9 {
		makeKey(t, s, email)
	}
	name := inProject + "/serviceAccounts/" + email
	_, err := s.Projects.ServiceAccounts.Keys.Create(name, &iam.CreateServiceAccountKeyRequest{}).Do()
	wantStatus(t, err, 400, "FAILED_PRECONDITION")
	l, err := s.Projects.ServiceAccounts.Keys.List(name).Do()
	if err != nil || len(l.Keys) != 11 {
		t.Errorf("got %d keys, %v; want ten and Google's own", len(l.Keys), err)
	}
	l, err = s.Projects.ServiceAccounts.Keys.List(name).KeyTypes("USER_MANAGED").Do()
	if err != nil || len(l.Keys) != 10 || l.Keys[0].PrivateKeyData != "" {
		t.Errorf("got %d keys, %v; want ten, without their private halves", len(l.Keys), err)
	}
}

func TestDisabledKeyGetsNoToken(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	email, file := makeAccount(t, s, "event-dump")
	k, _ := parseKey(t, file)
	name := inProject + "/serviceAccounts/" + email + "/keys/" + k.ID
	if _, err := s.Projects.ServiceAccounts.Keys.Disable(name, &iam.DisableServiceAccountKeyRequest{}).Do(); err != nil {
		t.Fatal(err)
	}
	_, err := storageClient(t, cloud, file).Bucket("acme-events").Attrs(t.Context())
	if err == nil || !strings.Contains(err.Error(), "Invalid JWT Signature.") {
		t.Errorf("got %v, want an invalid signature", err)
	}
	if got, err := s.Projects.ServiceAccounts.Keys.Get(name).Do(); err != nil || !got.Disabled || got.DisableReason == "" {
		t.Errorf("got %+v, %v; want a disabled key with its reason", got, err)
	}
}

func TestKeyFoundInPublicSaysSoForEver(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	email, file := makeAccount(t, s, "event-dump")
	k, _ := parseKey(t, file)
	name := inProject + "/serviceAccounts/" + email + "/keys/" + k.ID
	keys := s.Projects.ServiceAccounts.Keys
	enable := func() (*iam.Empty, error) { return keys.Enable(name, &iam.EnableServiceAccountKeyRequest{}).Do() }
	disable := func() (*iam.Empty, error) {
		return keys.Disable(name, &iam.DisableServiceAccountKeyRequest{}).Do()
	}
	cloud.Expose(k.ID)
	const by = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_"
	for _, c := range []struct {
		act      func() (*iam.Empty, error)
		disabled bool
		reason   string
	}{{nil, true, by + "EXPOSED"}, {enable, false, ""}, {disable, true, by + "USER_INITIATED"}} {
		if c.act != nil {
			if _, err := c.act(); err != nil {
				t.Fatal(err)
			}
		}
		got, err := keys.Get(name).Do()
		if err != nil || got.Disabled != c.disabled || got.DisableReason != c.reason || len(got.ExtendedStatus) != 1 || got.ExtendedStatus[0].Key != "SERVICE_ACCOUNT_KEY_EXTENDED_STATUS_KEY_EXPOSED" {
			t.Errorf("got %+v, %v; want disabled %v with the reason %q, and what was found", got, err, c.disabled, c.reason)
		}
	}
}

func TestOrganisationPolicyOnKeysNamesItsConstraint(t *testing.T) {
	for _, constraint := range []string{"constraints/iam.disableServiceAccountKeyCreation", "constraints/iam.managed.disableServiceAccountKeyCreation"} {
		t.Run(constraint, func(t *testing.T) {
			cloud := fakegcp.New(fakegcp.Options{Constraints: []string{constraint}})
			s := iamClient(t, cloud, cloud.Operator())
			a, err := s.Projects.ServiceAccounts.Create(inProject, &iam.CreateServiceAccountRequest{AccountId: "event-dump"}).Do()
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Projects.ServiceAccounts.Keys.Create(a.Name, &iam.CreateServiceAccountKeyRequest{}).Do()
			wantStatus(t, err, 400, "Key creation is not allowed on this service account.")
			e, ok := errors.AsType[*apierror.APIError](err)
			if !ok || e.Details().PreconditionFailure == nil || e.Details().PreconditionFailure.Violations[0].Type != constraint {
				t.Errorf("got %v, want a violation of type %s", err, constraint)
			}
		})
	}
}

func TestOperatorWithExactPermissionsMayDoExactlyThat(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	key := cloud.AddOperator(projectID, "narrow", "iam.serviceAccounts.create", "iam.serviceAccounts.get")
	s := iamClient(t, cloud, key)
	a, err := s.Projects.ServiceAccounts.Create(inProject, &iam.CreateServiceAccountRequest{AccountId: "event-dump"}).Do()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Projects.ServiceAccounts.Get(a.Name).Do(); err != nil {
		t.Error(err)
	}
	_, err = s.Projects.ServiceAccounts.Keys.Create(a.Name, &iam.CreateServiceAccountKeyRequest{}).Do()
	wantStatus(t, err, 403, "iam.serviceAccountKeys.create")
	_, err = createRole(s, "event_dump", "storage.objects.create")
	wantStatus(t, err, 403, "permission to create the role")
}

func TestDisabledServiceSaysWhereToEnableIt(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	cloud.DisableAPI(projectID, "iam.googleapis.com")
	s := iamClient(t, cloud, cloud.Operator())
	_, err := createRole(s, "event_dump", "storage.objects.create")
	e, ok := errors.AsType[*apierror.APIError](err)
	if !ok || e.Reason() != "SERVICE_DISABLED" || !strings.Contains(e.Metadata()["activationUrl"], "iam.googleapis.com") {
		t.Errorf("got %v, want SERVICE_DISABLED and a URL", err)
	}
	if err := storageClient(t, cloud, cloud.Operator()).Bucket("acme-events").Create(t.Context(), projectID, nil); err != nil {
		t.Errorf("another service is off as well: %v", err)
	}
}
