// The main story with Google's clients: a put-only credential on one prefix.
package fakegcp_test

import (
	"testing"

	iampolicy "cloud.google.com/go/iam"
	iampb "cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/api/iam/v1"
	"google.golang.org/genproto/googleapis/type/expr"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

func TestPutOnlyCredentialCreatesUnderItsPrefixAndNothingElse(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	ctx := t.Context()
	admin, iams := storageClient(t, cloud, cloud.Operator()), iamClient(t, cloud, cloud.Operator())
	b := makeBucket(t, admin, "acme-events")
	role, err := iams.Projects.Roles.Create("projects/"+projectID, &iam.CreateRoleRequest{
		RoleId: "event_dump", Role: &iam.Role{Title: "Event dump", Stage: "GA", IncludedPermissions: []string{"storage.objects.create"}},
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	email, key := makeAccount(t, iams, "event-dump")
	grantOn(t, b.IAM().V3(), role.Name, "serviceAccount:"+email, `resource.name.startsWith("projects/_/buckets/acme-events/objects/events/")`)

	vendor := storageClient(t, cloud, key)
	mine := vendor.Bucket("acme-events")
	if err := write(ctx, mine, "events/1.json", "hello"); err != nil {
		t.Fatalf("create under the prefix: %v", err)
	}
	_, err = read(ctx, mine, "events/1.json")
	wantStatus(t, err, 403, "storage.objects.get")
	wantStatus(t, write(ctx, mine, "events/1.json", "again"), 403, "does not have storage.objects.delete access to the Google Cloud Storage object.")
	wantStatus(t, write(ctx, mine, "events-evil/1.json", "x"), 403, "storage.objects.create")
	wantStatus(t, mine.Object("events/1.json").Delete(ctx), 403, "storage.objects.delete")
	_, err = mine.Objects(ctx, nil).Next()
	wantStatus(t, err, 403, "storage.objects.list access to the Google Cloud Storage bucket")
	_, err = mine.Attrs(ctx)
	wantStatus(t, err, 403, "storage.buckets.get")
	_, err = mine.IAM().V3().Policy(ctx)
	wantStatus(t, err, 403, "storage.buckets.getIamPolicy")
	if got, err := read(ctx, b, "events/1.json"); err != nil || got != "hello" {
		t.Errorf("the operator reads %q, %v; want what the vendor wrote first", got, err)
	}
}

// grantOn adds a conditional binding to a bucket's policy by read-modify-write.
func grantOn(t *testing.T, h *iampolicy.Handle3, role, who, condition string) {
	t.Helper()
	p, err := h.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addMember(p, role, who)
	if condition != "" {
		p.Bindings[len(p.Bindings)-1].Condition = &expr.Expr{Title: "prefix", Expression: condition}
	}
	if err := h.SetPolicy(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// addMember adds a binding at the end of a policy.
func addMember(p *iampolicy.Policy3, role, who string) {
	p.Bindings = append(p.Bindings, &iampb.Binding{Role: role, Members: []string{who}})
}
