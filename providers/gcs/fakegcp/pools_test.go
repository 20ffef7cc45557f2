// Workload identity pools and providers: names, life, and what Google refuses.
package fakegcp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/providers/gcs/fakegcp"
)

const (
	inGlobal     = inProject + "/locations/global"
	poolNumbered = "projects/123456789012/locations/global/workloadIdentityPools/"
	githubIssuer = "https://token.actions.githubusercontent.com"
)

// githubProvider accepts one repository of one owner.
func githubProvider() *iam.WorkloadIdentityPoolProvider {
	return &iam.WorkloadIdentityPoolProvider{
		AttributeMapping: map[string]string{
			"google.subject":          "assertion.repository_id + ':' + assertion.ref",
			"attribute.repository_id": "assertion.repository_id",
			"attribute.ref":           "assertion.ref",
		},
		AttributeCondition: `assertion.repository_owner_id == "9919" && assertion.repository_id == "456"`,
		Oidc:               &iam.Oidc{IssuerUri: githubIssuer},
	}
}

// makePool makes a pool, waits for it, and makes a provider in it.
func makePool(t *testing.T, s *iam.Service, id, provider string, p *iam.WorkloadIdentityPoolProvider) {
	t.Helper()
	op, err := s.Projects.Locations.WorkloadIdentityPools.Create(inGlobal, &iam.WorkloadIdentityPool{}).WorkloadIdentityPoolId(id).Do()
	if err != nil {
		t.Fatal(err)
	}
	if op, err = s.Projects.Locations.WorkloadIdentityPools.Operations.Get(op.Name).Do(); err != nil || !op.Done {
		t.Fatalf("got %+v, %v; want the operation done", op, err)
	}
	if _, err = s.Projects.Locations.WorkloadIdentityPools.Providers.Create(inGlobal+"/workloadIdentityPools/"+id, p).WorkloadIdentityPoolProviderId(provider).Do(); err != nil {
		t.Fatal(err)
	}
}

func TestPoolIsDoneWhenItsOperationIsLookedAt(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	pools := s.Projects.Locations.WorkloadIdentityPools
	op, err := pools.Create(inGlobal, &iam.WorkloadIdentityPool{DisplayName: "CI"}).WorkloadIdentityPoolId("ci-pool").Do()
	if err != nil || op.Done || !strings.HasPrefix(op.Name, poolNumbered+"ci-pool/operations/") {
		t.Fatalf("got %+v, %v; want an operation of the pool, not done", op, err)
	}
	op, err = pools.Operations.Get(op.Name).Do()
	if err != nil || !op.Done {
		t.Fatalf("got %+v, %v; want it done", op, err)
	}
	var made iam.WorkloadIdentityPool
	if err := json.Unmarshal(op.Response, &made); err != nil || made.Name != poolNumbered+"ci-pool" || made.State != "ACTIVE" || made.DisplayName != "CI" {
		t.Errorf("got %+v, %v; want the pool, named by the project's number", made, err)
	}
	instant := fakegcp.New(fakegcp.Options{InstantOperations: true})
	op, err = iamClient(t, instant, instant.Operator()).Projects.Locations.WorkloadIdentityPools.Create(inGlobal, &iam.WorkloadIdentityPool{}).WorkloadIdentityPoolId("ci-pool").Do()
	if err != nil || !op.Done {
		t.Errorf("got %+v, %v; want it done at once", op, err)
	}
}

func TestDeletedPoolBlocksItsNameForThirtyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := fakegcp.New(fakegcp.Options{})
		s := iamClient(t, cloud, cloud.Operator())
		pools := s.Projects.Locations.WorkloadIdentityPools
		makePool(t, s, "ci-pool", "github", githubProvider())
		name, provider := poolNumbered+"ci-pool", poolNumbered+"ci-pool/providers/github"
		create := func() error {
			return second(pools.Create(inGlobal, &iam.WorkloadIdentityPool{}).WorkloadIdentityPoolId("ci-pool").Do())
		}
		if _, err := pools.Delete(name).Do(); err != nil {
			t.Fatal(err)
		}
		p, err := pools.Get(name).Do()
		if err != nil || p.State != "DELETED" || p.ExpireTime == "" {
			t.Errorf("got %+v, %v; want it shown as deleted, with its end", p, err)
		}
		wantStatus(t, create(), 409, "Requested entity already exists")
		_, err = pools.Patch(name, &iam.WorkloadIdentityPool{Disabled: true}).UpdateMask("disabled").Do()
		wantStatus(t, err, 400, "Precondition")
		list, err := pools.List(inGlobal).Do()
		if err != nil || len(list.WorkloadIdentityPools) != 0 {
			t.Errorf("got %+v, %v; want no deleted pool listed", list, err)
		}
		if list, err = pools.List(inGlobal).ShowDeleted(true).Do(); err != nil || len(list.WorkloadIdentityPools) != 1 {
			t.Errorf("got %+v, %v; want it listed when asked for", list, err)
		}
		if _, err := pools.Undelete(name, &iam.UndeleteWorkloadIdentityPoolRequest{}).Do(); err != nil {
			t.Fatal(err)
		}
		if _, err := pools.Providers.Delete(provider).Do(); err != nil {
			t.Fatal(err)
		}
		_, err = pools.Providers.Create(name, githubProvider()).WorkloadIdentityPoolProviderId("github").Do()
		wantStatus(t, err, 409, "Requested entity already exists")
		if _, err := pools.Providers.Undelete(provider, &iam.UndeleteWorkloadIdentityPoolProviderRequest{}).Do(); err != nil {
			t.Fatal(err)
		}
		if _, err := pools.Providers.Delete(provider).Do(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * 24 * time.Hour)
		s = iamClient(t, cloud, cloud.Operator())
		pools = s.Projects.Locations.WorkloadIdentityPools
		if _, err = pools.Providers.Create(name, githubProvider()).WorkloadIdentityPoolProviderId("github").Do(); err != nil {
			t.Errorf("a provider after thirty days: %v", err)
		}
		if _, err := pools.Delete(name).Do(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * 24 * time.Hour)
		s = iamClient(t, cloud, cloud.Operator())
		pools = s.Projects.Locations.WorkloadIdentityPools
		_, err = pools.Undelete(name, &iam.UndeleteWorkloadIdentityPoolRequest{}).Do()
		wantStatus(t, err, 404, "not found")
		if err := create(); err != nil {
			t.Errorf("after thirty days: %v", err)
		}
	})
}

func TestPoolIDsAreRefusedAsGoogleDocumentsThem(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	for _, id := range []string{"", "abc", "gcp-mine", "Upper", "under_score", strings.Repeat("a", 33)} {
		_, err := s.Projects.Locations.WorkloadIdentityPools.Create(inGlobal, &iam.WorkloadIdentityPool{}).WorkloadIdentityPoolId(id).Do()
		wantStatus(t, err, 400, "workload_identity_pool_id")
	}
	_, err := s.Projects.Locations.WorkloadIdentityPools.Create(inGlobal, &iam.WorkloadIdentityPool{DisplayName: strings.Repeat("d", 33)}).WorkloadIdentityPoolId("ci-pool").Do()
	wantStatus(t, err, 400, "display name must be less than or equal to 32 characters")
}

func TestProviderIsRefusedAsGoogleRefusesIt(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	makePool(t, s, "ci-pool", "github", githubProvider())
	many := map[string]string{"google.subject": "assertion.sub"}
	for i := range 51 {
		many[fmt.Sprintf("attribute.a%d", i)] = "assertion.sub"
	}
	mapped := func(key, value string) map[string]string {
		return map[string]string{"google.subject": "assertion.sub", key: value}
	}
	for _, c := range []struct {
		name, text string
		change     func(p *iam.WorkloadIdentityPoolProvider)
	}{
		{"GitHub without a condition", "The attribute condition must reference one of the provider's claims", func(p *iam.WorkloadIdentityPoolProvider) { p.AttributeCondition = "" }},
		{"GitHub with a condition on nothing", "The attribute condition must reference", func(p *iam.WorkloadIdentityPoolProvider) { p.AttributeCondition = "true" }},
		{"GitHub with a condition on what all share", "The attribute condition must reference", func(p *iam.WorkloadIdentityPoolProvider) {
			p.AttributeCondition = `assertion.iss == "` + githubIssuer + `"`
		}},
		{"no subject", "google.subject", func(p *iam.WorkloadIdentityPoolProvider) {
			p.AttributeMapping = map[string]string{"attribute.ref": "assertion.ref"}
		}},
		{"a key that is no attribute", "Invalid mapped attribute key: assertion.aud", func(p *iam.WorkloadIdentityPoolProvider) {
			p.AttributeMapping = mapped("assertion.aud", "assertion.aud")
		}},
		{"a key in capitals", "Invalid mapped attribute key", func(p *iam.WorkloadIdentityPoolProvider) {
			p.AttributeMapping = mapped("attribute.Ref", "assertion.ref")
		}},
		{"too many attributes", "At most 50", func(p *iam.WorkloadIdentityPoolProvider) { p.AttributeMapping = many }},
		{"a mapping that cannot be read", "Invalid attribute mapping expression", func(p *iam.WorkloadIdentityPoolProvider) { p.AttributeMapping = mapped("attribute.ref", "assertion.") }},
		{"a mapping of something else", "undeclared reference to 'token'", func(p *iam.WorkloadIdentityPoolProvider) { p.AttributeMapping = mapped("attribute.ref", "token.ref") }},
		{"a condition with an unknown function", "undeclared reference to 'begins'", func(p *iam.WorkloadIdentityPoolProvider) { p.AttributeCondition = `assertion.ref.begins("refs")` }},
		{"a condition that is too long", "longer than 4096", func(p *iam.WorkloadIdentityPoolProvider) {
			p.AttributeCondition = `assertion.ref == "` + strings.Repeat("x", 4096) + `"`
		}},
		{"an issuer without TLS", "Invalid issuer URI", func(p *iam.WorkloadIdentityPoolProvider) {
			p.Oidc.IssuerUri = "http://token.actions.githubusercontent.com"
		}},
		{"too many audiences", "At most 10", func(p *iam.WorkloadIdentityPoolProvider) { p.Oidc.AllowedAudiences = make([]string, 11) }},
		{"keys that are none", "Invalid JWKs", func(p *iam.WorkloadIdentityPoolProvider) { p.Oidc.JwksJson = `{"keys": []}` }},
		{"no kind", "Exactly one provider configuration", func(p *iam.WorkloadIdentityPoolProvider) { p.Oidc = nil }},
		{"an AWS account that is none", "Invalid AWS account ID", func(p *iam.WorkloadIdentityPoolProvider) {
			p.Oidc, p.Aws = nil, &iam.Aws{AccountId: "1234"}
		}},
	} {
		p := githubProvider()
		c.change(p)
		_, err := s.Projects.Locations.WorkloadIdentityPools.Providers.Create(inGlobal+"/workloadIdentityPools/ci-pool", p).WorkloadIdentityPoolProviderId("other").Do()
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		wantStatus(t, err, 400, c.text)
	}
	mappedCondition := githubProvider()
	mappedCondition.AttributeCondition = `attribute.repository_id == "456"`
	if _, err := s.Projects.Locations.WorkloadIdentityPools.Providers.Create(inGlobal+"/workloadIdentityPools/ci-pool", mappedCondition).WorkloadIdentityPoolProviderId("mapped").Do(); err != nil {
		t.Errorf("a condition on a mapped claim: %v", err)
	}
}

func TestProviderChangesOnlyWhatTheMaskNames(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	makePool(t, s, "ci-pool", "github", githubProvider())
	providers, name := s.Projects.Locations.WorkloadIdentityPools.Providers, poolNumbered+"ci-pool/providers/github"
	patch := func(p *iam.WorkloadIdentityPoolProvider, mask string) error {
		return second(providers.Patch(name, p).UpdateMask(mask).Do())
	}
	if err := patch(&iam.WorkloadIdentityPoolProvider{Disabled: true, Description: "not this", Oidc: &iam.Oidc{AllowedAudiences: []string{"mine"}}}, "disabled,oidc.allowedAudiences"); err != nil {
		t.Fatal(err)
	}
	p, err := providers.Get(name).Do()
	if err != nil || !p.Disabled || p.Description != "" || p.Oidc.IssuerUri != githubIssuer || len(p.Oidc.AllowedAudiences) != 1 || p.AttributeCondition == "" {
		t.Errorf("got %+v, %v", p, err)
	}
	wantStatus(t, patch(&iam.WorkloadIdentityPoolProvider{}, ""), 400, "update_mask")
	wantStatus(t, patch(&iam.WorkloadIdentityPoolProvider{Aws: &iam.Aws{AccountId: "123456789012"}}, "aws"), 400, "update mask")
	wantStatus(t, patch(&iam.WorkloadIdentityPoolProvider{}, "attributeCondition"), 400, "attribute condition must reference")
}

func TestOrganisationPolicySaysWhoseIdentitiesMayComeIn(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{Constraints: []string{
		"constraints/iam.workloadIdentityPoolProviders=https://gitlab.com,https://sts.amazonaws.com", "constraints/iam.workloadIdentityPoolAwsAccounts=123456789012",
	}})
	s := iamClient(t, cloud, cloud.Operator())
	if _, err := s.Projects.Locations.WorkloadIdentityPools.Create(inGlobal, &iam.WorkloadIdentityPool{}).WorkloadIdentityPoolId("ci-pool").Do(); err != nil {
		t.Fatal(err)
	}
	create := func(id string, p *iam.WorkloadIdentityPoolProvider) error {
		return second(s.Projects.Locations.WorkloadIdentityPools.Providers.Create(inGlobal+"/workloadIdentityPools/ci-pool", p).WorkloadIdentityPoolProviderId(id).Do())
	}
	err := create("github", githubProvider())
	wantStatus(t, err, 400, "Org Policy violated for value: '"+githubIssuer+"'")
	wantStatus(t, err, 400, "constraints/iam.workloadIdentityPoolProviders")
	wantStatus(t, create("aws-other", &iam.WorkloadIdentityPoolProvider{Aws: &iam.Aws{AccountId: "210987654321"}}), 400, "constraints/iam.workloadIdentityPoolAwsAccounts")
	if err := create("aws-own", &iam.WorkloadIdentityPoolProvider{Aws: &iam.Aws{AccountId: "123456789012"}}); err != nil {
		t.Errorf("what the policy allows: %v", err)
	}
}

func TestPoolsAreClosedToWhoLacksThePermission(t *testing.T) {
	cloud := fakegcp.New(fakegcp.Options{})
	s := iamClient(t, cloud, cloud.Operator())
	makePool(t, s, "ci-pool", "github", githubProvider())
	narrow := iamClient(t, cloud, cloud.AddOperator(projectID, "narrow", "iam.workloadIdentityPools.get")).Projects.Locations.WorkloadIdentityPools
	if _, err := narrow.Get(poolNumbered + "ci-pool").Do(); err != nil {
		t.Error(err)
	}
	_, err := narrow.Create(inGlobal, &iam.WorkloadIdentityPool{}).WorkloadIdentityPoolId("other").Do()
	wantStatus(t, err, 403, "Permission 'iam.workloadIdentityPools.create' denied on resource '//iam.googleapis.com/"+inGlobal+"' (or it may not exist).")
	_, err = narrow.Providers.Create(inGlobal+"/workloadIdentityPools/ci-pool", githubProvider()).WorkloadIdentityPoolProviderId("other").Do()
	wantStatus(t, err, 403, "iam.workloadIdentityPoolProviders.create")
}
