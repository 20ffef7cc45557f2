// Buckets: names, owners, defaults, changes.
package fakegcp_test

import (
	"errors"
	"testing"
	"time"

	"cloud.google.com/go/storage"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

func TestBucketNameBelongsToWhoeverHadItFirst(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	mine := storageClient(t, cloud, cloud.Operator())
	theirs := storageClient(t, cloud, cloud.AddProject("other-project", "210987654321"))
	if err := theirs.Bucket("acme-events").Create(t.Context(), "other-project", nil); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, mine.Bucket("acme-events").Create(t.Context(), projectID, nil), 409, "shared by all users")
	_, err := mine.Bucket("acme-events").Attrs(t.Context())
	wantStatus(t, err, 403, "storage.buckets.get access to the Google Cloud Storage bucket.")
	wantStatus(t, theirs.Bucket("acme-events").Create(t.Context(), "other-project", nil), 409, "you already own it")
	if _, err := mine.Bucket("acme-nothing").Attrs(t.Context()); !errors.Is(err, storage.ErrBucketNotExist) {
		t.Errorf("got %v, want that the bucket does not exist", err)
	}
	wantStatus(t, mine.Bucket("acme-more").Create(t.Context(), "other-project", nil), 403, "storage.buckets.create access to the Google Cloud project.")
}

func TestBucketNamesFollowTheRules(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	c := storageClient(t, cloud, cloud.Operator())
	for _, name := range []string{"ab", "Acme", "-acme", "acme-", "goog-acme", "my-google-bucket", "10.0.0.1", "acme..events", "acme events"} {
		wantStatus(t, c.Bucket(name).Create(t.Context(), projectID, nil), 400, "Invalid bucket name")
	}
	wantStatus(t, c.Bucket("events.acme.example").Create(t.Context(), projectID, nil), 403, "domain ownership")
	if err := c.Bucket("acme_events-1").Create(t.Context(), projectID, nil); err != nil {
		t.Error(err)
	}
}

func TestNewBucketHasGooglesDefaults(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	c := storageClient(t, cloud, cloud.Operator())
	if err := c.Bucket("acme-old").Create(t.Context(), projectID, nil); err != nil {
		t.Fatal(err)
	}
	a, err := c.Bucket("acme-old").Attrs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a.Location != "US" || a.LocationType != "multi-region" || a.StorageClass != "STANDARD" || a.UniformBucketLevelAccess.Enabled ||
		a.PublicAccessPrevention != storage.PublicAccessPreventionInherited || a.SoftDeletePolicy.RetentionDuration != 7*24*time.Hour ||
		a.ProjectNumber != 123456789012 || a.MetaGeneration != 1 {
		t.Errorf("got %+v", a)
	}
	p, err := c.Bucket("acme-old").IAM().V3().Policy(t.Context())
	if err != nil || len(p.Bindings) != 2 {
		t.Errorf("got %+v, %v; want the two bindings of the project's basic roles", p, err)
	}
	makeBucket(t, c, "acme-events")
	if p, err = c.Bucket("acme-events").IAM().V3().Policy(t.Context()); err != nil || len(p.Bindings) != 4 {
		t.Errorf("got %+v, %v; want four bindings with uniform access", p, err)
	}
	if a, err = c.Bucket("acme-events").Attrs(t.Context()); err != nil || a.Location != "EU" || a.UniformBucketLevelAccess.LockedTime.IsZero() {
		t.Errorf("got %+v, %v; want the location in capitals and a time of lock", a, err)
	}
}

func TestBucketChangesOnlyWhatIsSentAndOnlyAtTheExpectedMetageneration(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	c := storageClient(t, cloud, cloud.Operator())
	b := c.Bucket("acme-events")
	err := b.Create(t.Context(), projectID, &storage.BucketAttrs{Location: "europe-west1", Labels: map[string]string{"owner": "acme", "old": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	var u storage.BucketAttrsToUpdate
	u.SetLabel("team", "data")
	u.DeleteLabel("old")
	u.Lifecycle = &storage.Lifecycle{Rules: []storage.LifecycleRule{{Action: storage.LifecycleAction{Type: "Delete"}, Condition: storage.LifecycleCondition{AgeInDays: 30}}}}
	a, err := b.If(storage.BucketConditions{MetagenerationMatch: 1}).Update(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Labels) != 2 || a.Labels["owner"] != "acme" || a.Labels["team"] != "data" || len(a.Lifecycle.Rules) != 1 || a.Location != "EUROPE-WEST1" {
		t.Errorf("got %+v", a)
	}
	_, err = b.If(storage.BucketConditions{MetagenerationMatch: 1}).Update(t.Context(), u)
	wantStatus(t, err, 412, "pre-conditions")
	var bad storage.BucketAttrsToUpdate
	bad.SetLabel("Team", "Data")
	_, err = b.Update(t.Context(), bad)
	wantStatus(t, err, 400, "label")
}

func TestChangeOfPublicAccessNeedsTheRightToSetPolicies(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	makeBucket(t, storageClient(t, cloud, cloud.Operator()), "acme-events")
	c := storageClient(t, cloud, cloud.AddOperator(projectID, "narrow", "storage.buckets.get", "storage.buckets.update"))
	var u storage.BucketAttrsToUpdate
	u.SetLabel("team", "data")
	if _, err := c.Bucket("acme-events").Update(t.Context(), u); err != nil {
		t.Error(err)
	}
	_, err := c.Bucket("acme-events").Update(t.Context(), storage.BucketAttrsToUpdate{PublicAccessPrevention: storage.PublicAccessPreventionInherited})
	wantStatus(t, err, 403, "storage.buckets.setIamPolicy")
}

func TestOrganisationPolicyDemandsUniformAccess(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{Constraints: []string{"constraints/storage.uniformBucketLevelAccess"}})
	c := storageClient(t, cloud, cloud.Operator())
	wantStatus(t, c.Bucket("acme-old").Create(t.Context(), projectID, nil), 412, "constraints/storage.uniformBucketLevelAccess")
	makeBucket(t, c, "acme-events")
}
