// Many sites in one bucket: what a policy with ${aws:username} keeps apart.
package fakeaws_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const shared = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::acme-events/${aws:username}/*"},
	{"Effect":"Allow","Action":["s3:ListBucket","s3:ListBucketMultipartUploads"],"Resource":"arn:aws:s3:::acme-events","Condition":{"StringLike":{"s3:prefix":["${aws:username}/","${aws:username}/*"]}}}]}`

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_s3_home-directory-console.html
func TestOneGroupKeepsItsSitesApart(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	newBucket(t, cloud, "acme-events")
	op, group := operator(cloud, "eu-west-1").iam, aws.String("sites")
	must(t)(op.CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: group}))
	must(t)(op.PutGroupPolicy(t.Context(), &iam.PutGroupPolicyInput{GroupName: group, PolicyName: group, PolicyDocument: aws.String(shared)}))
	sites := []string{"a.example", "a.example.org", "A.example.net"}
	keys := map[string]key{}
	for _, site := range sites {
		keys[site] = newKey(t, cloud, site, "")
		must(t)(op.AddUserToGroup(t.Context(), &iam.AddUserToGroupInput{GroupName: group, UserName: &site}))
		if a := call(t, cloud, keys[site], "PUT", "/acme-events/"+site+"/x", site, nil); a.status != 200 {
			t.Errorf("%s puts at home: got %d %s", site, a.status, a.body)
		}
	}
	for _, site := range sites {
		for _, other := range sites {
			want := 403
			if site == other {
				want = 200
			}
			for _, target := range []string{
				"/acme-events/" + other + "/x", "/acme-events?list-type=2&prefix=" + other + "%2F", "/acme-events?list-type=2&prefix=" + other + "%2Fx&delimiter=%2F",
			} {
				if a := call(t, cloud, keys[site], "GET", target, "", nil); a.status != want {
					t.Errorf("%s reads %s: got %d, want %d", site, target, a.status, want)
				}
			}
		}
		for _, target := range []string{
			"/acme-events?list-type=2", "/acme-events?list-type=2&prefix=", "/acme-events?list-type=2&prefix=" + site, "/acme-events/" + site, "/acme-events?versions&prefix=" + site + "%2F",
			"/acme-events?uploads&prefix=" + site + "%2F", // this listing knows no prefix to compare
		} {
			if a := call(t, cloud, keys[site], "GET", target, "", nil); a.status != 403 {
				t.Errorf("%s reads %s: got %d, want 403", site, target, a.status)
			}
		}
	}
	// Names are unique without regard to case, folders are not.
	if a := call(t, cloud, keys["A.example.net"], "PUT", "/acme-events/a.example.net/x", "x", nil); a.status != 403 {
		t.Errorf("another case of the own name: got %d, want 403", a.status)
	}
}

// A session has no user name, so the group's policy opens nothing to it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
func TestASessionHasNoUserName(t *testing.T) {
	p := newPartners(t)
	arn := p.role(t, "a.example", vendorAccount, "")
	must(t)(p.own.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("a.example"), PolicyName: aws.String("p"), PolicyDocument: aws.String(shared)}))
	k, err := assume(t, p.vendor, arn, "")
	if err != nil {
		t.Fatal(err)
	}
	if a := call(t, p.Cloud, k, "PUT", "/acme-events/a.example/x", "x", nil); a.status != 403 {
		t.Errorf("got %d, want 403", a.status)
	}
}
