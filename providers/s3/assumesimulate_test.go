// Promises about proofs by asking, where others have written into the bucket's policy.
package s3

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
)

// theirs puts a statement of others into the bucket's policy.
func (t *town) theirs(bucket string, s statement) {
	t.Helper()
	s.Sid = "Some words of theirs"
	t.w.now(func(ctx context.Context) {
		out, err := t.w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket})
		if !is(err, "NoSuchBucketPolicy") {
			t.w.ok(out, err)
		}
		text := ""
		if out != nil {
			text = aws.ToString(out.Policy)
		}
		there, err := openShelf(text)
		t.w.ok(there, err)
		there.put([]statement{s}, func(sid string) bool { return sid == s.Sid })
		t.w.ok(t.w.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String(there.text())}))
	})
}

// fromAfar asks, as on a real cloud, where nobody can be the grantee.
func (t *town) fromAfar(g core.Grant) (core.Proof, error) {
	t.Helper()
	real := New(Config{Transport: t.w.transport, Credentials: t.engine.Provider.(*Provider).config.Credentials, Isolated: true})
	b := mustCompile(t.T, g)
	steps, err := real.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return (&core.Engine{Provider: real, Journal: t.engine.Journal, RunID: "afar"}).Simulate(t.Context(), b, steps)
}

// asked are grants in every layout.
func asked() map[string]core.Grant {
	return map[string]core.Grant{
		"account": vendorGrant(), "workflow": workflowGrant(), "documented workflow": documentedWorkflow(),
		"group": eventDump(), "user": profiled(clickhouse(), "clickhouse", ""),
		"backup": amounting(backupGrant()), "backup with restores": amounting(restoringGrant()),
	}
}

func TestProofByAskingConvictsWhatTheBucketsPolicyGives(t *testing.T) {
	for name, g := range asked() {
		d := mustDraw(t, g)
		role := d.layout.grantee(d, ownerAccount)
		all := texts{d.bucketARN(), d.bucketARN() + "/*"}
		const erase = "s3:DeleteObjectVersion"
		for what, s := range map[string]statement{
			"by name":       {Effect: "Allow", Principal: awsPrincipal{role}, Action: texts{erase}, Resource: all},
			"to everybody":  {Effect: "Allow", Principal: everybody, Action: texts{"s3:DeleteObject*"}, Resource: all, Condition: map[string]map[string]texts{"StringEquals": {"aws:PrincipalAccount": {ownerAccount}}}},
			"by condition":  {Effect: "Allow", Principal: everybody, Action: texts{erase}, Resource: all, Condition: map[string]map[string]texts{"ArnEquals": {"aws:PrincipalArn": {role}}}},
			"on conditions": {Effect: "Allow", Principal: awsPrincipal{role}, Action: texts{erase}, Resource: all, Condition: map[string]map[string]texts{"StringEquals": {"aws:SourceVpce": {"vpce-1"}}}},
		} {
			t.Run(inWords(name, what), func(t *testing.T) {
				inTown(t, func(t *town) {
					if r, err := t.apply(g, core.ApplyOptions{NoProof: true}); err != nil {
						t.Fatal(r, err)
					}
					if p, err := t.fromAfar(g); err != nil {
						t.Fatalf("before: got %v, failures %+v; want a proof", err, p.Failures())
					}
					t.theirs(d.bucket(), s)
					want := core.Allowed
					if what == "on conditions" {
						want = core.Unclear // nobody knows where the grantee is
					}
					p, err := t.fromAfar(g)
					if !errors.Is(err, core.ErrUnproven) {
						t.Errorf("got %v, want %v", err, core.ErrUnproven)
					}
					for _, r := range p.Rows {
						if r.Ability == core.Erase && r.Bucket == d.bucket() && r.Got != want {
							t.Errorf("%s %s: got %s, want %s", r.Ability, r.Key, r.Got, want)
						}
					}
				})
			})
		}
	}
}

func inWords(parts ...string) string { return strings.ReplaceAll(strings.Join(parts, "/"), " ", "_") }

func TestProofByAskingIsNotConfusedByWhatOthersForbid(t *testing.T) {
	for name, g := range asked() {
		if name == "user" { // the bucket's policy is where its permissions stand: all of it is heard
			continue
		}
		t.Run(inWords(name), func(t *testing.T) {
			inTown(t, func(t *town) {
				if r, err := t.apply(g, core.ApplyOptions{NoProof: true}); err != nil {
					t.Fatal(r, err)
				}
				d := mustDraw(t.T, g)
				t.theirs(d.bucket(), statement{Effect: "Deny", Principal: everybody, Action: texts{"s3:PutBucketPolicy", "s3:DeleteObjectVersion"}, Resource: texts{d.bucketARN(), d.bucketARN() + "/*"},
					Condition: map[string]map[string]texts{"StringNotEquals": {"aws:SourceVpce": {"vpce-1"}, "aws:PrincipalAccount": {ownerAccount}}}})
				if p, err := t.fromAfar(g); err != nil {
					t.Errorf("got %v, failures %+v; want a proof: what forbids gives nothing", err, p.Failures())
				}
			})
		})
	}
}

func TestProofByAskingIsUnclearWhereTheBucketsPolicyCannotBeRead(t *testing.T) {
	for _, g := range []core.Grant{vendorGrant(), eventDump(), amounting(backupGrant())} {
		inTown(t, func(t *town) {
			if r, err := t.apply(g, core.ApplyOptions{NoProof: true}); err != nil {
				t.Fatal(r, err)
			}
			blind := statement{Effect: "Deny", Principal: everybody, Action: texts{"s3:GetBucketPolicy"}, Resource: texts{mustDraw(t.T, g).bucketARN()}}
			t.theirs(g.Target.Bucket, blind)
			p, err := t.fromAfar(g)
			if !errors.Is(err, core.ErrUnproven) {
				t.Errorf("%s: got %v, want %v", g.Who, err, core.ErrUnproven)
			}
			for _, r := range p.Rows {
				if r.Ability == core.Erase && r.Bucket == g.Target.Bucket && r.Got != core.Unclear {
					t.Errorf("%s: %s: got %s, want it unclear", g.Who, r.Ability, r.Got)
				}
			}
		})
	}
}
