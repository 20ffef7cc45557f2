// Find: every grant of an account, by its marks.
package s3

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

func (t *town) found(as core.Provider) []core.Found {
	t.Helper()
	_, list, err := as.(core.Finder).Find(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEveryGrantOfAnAccountIsFound(t *testing.T) {
	inTown(t, func(t *town) {
		dump, role, flow := eventDump(), vendorGrant(), workflowGrant()
		dump.Limits.Expires = time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC)
		role.Name, role.Target.Bucket = "acme-role", "acme-role"
		sites := keyGrants()["site-backup in a group"]
		tables := keyGrants()["clickhouse"] // whose permissions stand in the bucket's policy
		for _, g := range []core.Grant{dump, role, flow, sites, tables} {
			t.again(g)
		}
		as := t.w.ProviderAs(needsFor(mustCompile(t.T, dump), core.ForList))
		list := t.found(as)
		if len(list) != 5 {
			t.Fatalf("got %+v, want five grants", list)
		}
		for _, g := range []core.Grant{flow, dump, role, sites, tables} {
			i := slices.IndexFunc(list, func(f core.Found) bool { return f.Grant == g.Name })
			if i < 0 {
				t.Fatalf("%s: got %+v, want it found", g.Name, list)
			}
			f := list[i]
			if f.Who != g.Who || f.Bucket != g.Target.Bucket || f.Prefix != g.Target.Prefix || f.Profile != g.Profile || f.Principal == "" || f.Created.IsZero() || !f.Expires.Equal(g.Limits.Expires) || len(f.Findings) > 0 {
				t.Errorf("%s: got %+v, want what it was made as", g.Name, f)
			}
			if (len(f.Keys) == 1) != (g.Who == core.WhoKey) {
				t.Errorf("%s: got keys %+v", g.Name, f.Keys)
			}
		}
		needs := needsFor(mustCompile(t.T, dump), core.ForList)
		for i, n := range needs {
			if _, _, err := t.w.ProviderAs(slices.Delete(slices.Clone(needs), i, i+1)).(core.Finder).Find(t.Context(), nil); err == nil {
				t.Errorf("without %s: got every grant, want a refusal", n.Action)
			}
		}
	})
}

func TestWhatIsWrongShowsInTheList(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(eventDump())
		user := aws.String("acme-events")
		t.w.ok(t.w.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: user, PolicyName: aws.String(shutName), PolicyDocument: aws.String(string(mustJSON(shutPolicy())))}))
		t.w.ok(t.w.iam.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: user, PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3")}))
		left := t.found(t.w.Provider())
		for _, want := range []core.FindingKind{core.ShutOut, core.Exposed} {
			if len(left) != 1 || !slices.ContainsFunc(left[0].Findings, func(f core.Finding) bool { return f.Kind == want }) {
				t.Errorf("got %+v, want %s", left, want)
			}
		}
		t.w.ok(t.w.iam.DeleteUserPolicy(t.Context(), &iam.DeleteUserPolicyInput{UserName: user, PolicyName: aws.String(shutName)}))
		t.w.ok(t.w.iam.DetachUserPolicy(t.Context(), &iam.DetachUserPolicyInput{UserName: user, PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3")}))
		t.w.Lose(mustCompile(t.T, eventDump()))
		left = t.found(t.w.Provider())
		if len(left) != 1 || left[0].Grant != "acme-events" || left[0].Principal != "" || len(left[0].Findings) != 2 || left[0].Findings[0].Kind != core.OrphanPrincipal {
			t.Errorf("got %+v, want the group and the policy that are left", left)
		}
	})
}

// IAM hands out at most 1000 things at once.
func TestManyGrantsAreFoundPageByPage(t *testing.T) {
	inTown(t, func(t *town) {
		const many = 1100
		for n := range many {
			name := fmt.Sprintf("site-%04d", n)
			d := design{grant: core.Grant{Name: name, Profile: "site-backup"}}
			t.w.ok(t.w.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name, Path: aws.String(d.path()), Tags: tagList(d.mark())}))
		}
		before := len(t.w.transport.Calls())
		list := t.found(t.w.Provider())
		calls := len(t.w.transport.Calls()) - before
		if len(list) != many || list[0].Grant != "site-0000" || list[many-1].Grant != "site-1099" || calls > many+3 {
			t.Errorf("got %d grants with %d calls, want %d with one call for each user's keys and three more", len(list), calls, many)
		}
	})
}
