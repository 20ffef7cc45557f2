//go:build conformance

// A judge that is not ours and enforces: every profile that hands a key over, on versitygw.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/bucketgrant/bucketgrant/providers/providertest/contract"
	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

const versitygw = "versitygw"

// versityAccount is the only account that versitygw has.
const versityAccount = "000000000000"

// versityDeviations are what versitygw has not, or does in another way than AWS.
func versityDeviations() *contract.Deviations {
	rows := []contract.Deviation{
		{Judge: versitygw, Case: "who account", Reason: "there is no AssumeRole, so that nobody can be the vendor"},
		{Judge: versitygw, Case: "who oidc", Reason: "an issuer on loopback is refused"},
		{Judge: versitygw, Case: "who service", Reason: "there are no services that could assume a role"},
	}
	for _, lack := range []struct {
		reason     string
		operations []string
	}{
		{"has no groups", []string{"iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:CreateGroup", "iam:DeleteGroup", "iam:DetachGroupPolicy", "iam:GetGroup",
			"iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies", "iam:ListGroups", "iam:ListGroupsForUser", "iam:RemoveUserFromGroup"}},
		{"has no managed policies", []string{"iam:CreatePolicy", "iam:DeletePolicy", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListAttachedUserPolicies", "iam:ListEntitiesForPolicy",
			"iam:ListPolicies", "iam:ListPolicyVersions"}},
		{"has no consoles, and no quotas", []string{"iam:GetLoginProfile", "iam:GetAccountSummary"}},
		{"has no such configuration of a bucket", []string{"s3:GET encryption", "s3:GET lifecycle", "s3:GET publicAccessBlock", "s3:PUT lifecycle"}},
	} {
		for _, o := range lack.operations {
			rows = append(rows, contract.Deviation{Judge: versitygw, Case: "lacks " + o, Reason: lack.reason + ": fakeaws answers, and is not judged here"})
		}
	}
	return contract.Deviating(rows...)
}

// profilesOf are the profiles of the program, with their forms and identities.
func profilesOf(j *judge, s3grant string) map[string][]string {
	var all struct {
		Profiles []struct {
			Name     string
			Who      map[string][]string
			Variants []struct{ Name string }
		}
	}
	j.decode(j.must(nil, s3grant, "profiles", "--json"), &all)
	who := map[string][]string{}
	for _, p := range all.Profiles {
		who[p.Name] = p.Who["s3"]
		for _, v := range p.Variants {
			who[p.Name+"+"+v.Name] = p.Who["s3"]
		}
	}
	return who
}

func TestConformanceVersitygwAndEveryProfile(t *testing.T) {
	deviations, s3grant := versityDeviations(), program(t)
	// Whose a bucket is, versitygw knows by the key of its root user; AWS, by the account.
	root := aws.Credentials{AccessKeyID: versityAccount, SecretAccessKey: rand.Text()}
	s3, iam := startVersity(t, root)
	p := newShadowed(t, s3, iam, root, fakeaws.New(fakeaws.Options{Account: versityAccount}))
	j := &judge{t: t, url: p.url, home: t.TempDir(), operator: []string{"AWS_ACCESS_KEY_ID=" + p.operator.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + p.operator.SecretAccessKey, "AWS_DEFAULT_REGION=us-east-1"}}
	tried := 0
	for profile, identities := range profilesOf(j, s3grant) {
		for _, who := range identities {
			if deviations.Excuse(versitygw, "who "+who) {
				continue
			}
			tried++
			t.Run(profile+" "+who, func(t *testing.T) {
				j := &judge{t: t, url: j.url, home: t.TempDir(), operator: j.operator}
				j.lives(s3grant, profile, who, fmt.Sprintf("acme-judged-%d", tried))
			})
		}
	}
	for _, lack := range p.lacks() {
		if !deviations.Excuse(versitygw, "lacks "+lack) {
			t.Errorf("versitygw does not have %s", lack)
		}
	}
	if tried < 5 {
		t.Errorf("got %d profiles that hand a key over: are all still found?", tried)
	}
	deviations.Print(t)
}

// lives takes one profile through its life: what is proven must be as on AWS, the
// real aws CLI can put with what was handed over, and nothing is left.
func (j *judge) lives(s3grant, profile, who, bucket string) {
	j.t.Helper()
	grant := []string{"--profile", profile, "--who", who, "--bucket", bucket, "--prefix", "data/", "--region", "us-east-1", "--allow-endpoint", "--yes"}
	apply := slices.Concat([]string{"apply"}, grant, []string{"--plain", "--format", "aws-credentials", "--out", filepath.Join(j.home, "handoff"), "--json"})
	var first, second receipt
	j.decode(j.must(j.operator, s3grant, apply...), &first)
	if first.Key == nil || first.Delivery == nil || first.Proof != "tried" || len(first.Rows) < 8 {
		text, _ := json.Marshal(first)
		j.t.Fatalf("no proven credential was delivered: %.1000s", text)
	}
	for _, row := range first.Rows {
		if row.Got != row.Want {
			j.t.Errorf("%s %s: got %s, want %s: %s", row.Ability, row.Where, row.Got, row.Want, row.Err)
		}
	}
	if len(first.Left) > 0 {
		j.t.Errorf("the proof has left %q", first.Left)
	}
	j.decode(j.must(j.operator, s3grant, apply...), &second)
	if second.Key != nil {
		j.t.Errorf("a second apply issued key %s", second.Key.ID)
	}
	j.t.Logf("%d calls, depth %d, %d rows proven", first.Calls, first.Depth, len(first.Rows))
	body := filepath.Join(j.home, "one.json")
	if err := os.WriteFile(body, []byte(`{"event":"one"}`), 0o600); err != nil {
		j.t.Fatal(err)
	}
	holder := func(r receipt) []string {
		return []string{"AWS_SHARED_CREDENTIALS_FILE=" + r.Delivery.Files[0].Path, "AWS_PROFILE=" + r.Grant, "AWS_DEFAULT_REGION=us-east-1"}
	}
	put := func(as []string, key string) (said string, ok bool) {
		_, said, ok = j.run(as, "aws", "s3api", "put-object", "--bucket", bucket, "--key", key, "--body", body)
		return said, ok
	}
	may := slices.ContainsFunc(first.Rows, func(r struct{ Ability, Where, Want, Got, Err string }) bool {
		return r.Ability == "create" && r.Where == "inside" && r.Want == "allowed"
	})
	works := func(as []string, when string) {
		if said, ok := put(as, "data/one.json"); ok != may {
			j.t.Errorf("%s the aws CLI puts an object: got %v, want %v: %s", when, ok, may, said)
		}
	}
	ended := func(as []string, when string) {
		if said, ok := put(as, "data/one.json"); ok || !strings.Contains(said, "(InvalidAccessKeyId)") {
			j.t.Errorf("%s the key is refused: got success %v: %s", when, ok, said)
		}
	}
	run := func(verb string, more ...string) {
		j.t.Helper()
		j.must(j.operator, s3grant, slices.Concat(strings.Fields(verb), grant, more)...)
	}
	works(holder(first), "after apply")
	j.refused(holder(first), "s3api", "put-object", "--bucket", bucket, "--key", "elsewhere/one.json", "--body", body)
	var rotated receipt
	j.decode(j.must(j.operator, s3grant, slices.Concat([]string{"rotate", "start"}, grant, []string{"--plain", "--format", "aws-credentials", "--out", filepath.Join(j.home, "second"), "--json"})...), &rotated)
	works(holder(first), "while both are there")
	works(holder(rotated), "after rotate start")
	run("rotate finish", "--force")
	ended(holder(first), "after rotate finish")
	works(holder(rotated), "after rotate finish")
	run("revoke")
	ended(holder(rotated), "after revoke")
	run("restore")
	works(holder(rotated), "after restore")
	run("destroy")
	ended(holder(rotated), "after destroy")
	for _, list := range [][]string{{"list-users"}, {"list-groups"}, {"list-policies", "--scope", "Local"}} {
		if left := j.must(j.operator, "aws", append([]string{"iam"}, list...)...); strings.Contains(left, bucket) {
			j.t.Errorf("%s shows what destroy has left:\n%s", list[0], left)
		}
	}
}
