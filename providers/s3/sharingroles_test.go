// Promises about buckets that serve grants without a secret.
package s3

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestSharedBucketStaysWhileARoleUsesIt(t *testing.T) {
	drop := core.Want{DropBucket: true}
	for name, second := range map[string]core.Grant{"account": vendorGrant(), "workflow": workflowGrant(), "backup": amounting(backupGrant())} {
		for _, first := range []core.Grant{eventDump(), vendorGrant()} {
			t.Run(name+" beside "+string(first.Who), func(t *testing.T) {
				inTown(t, func(t *town) {
					first, second := first, second
					first.Target.Shared, second.Target.Shared = true, true
					first.Name, first.Target.Prefix = "one", "one/"
					second.Name, second.Target.Bucket = "two", first.Target.Bucket
					if second.Target.Prefix != "" {
						second.Target.Prefix = "two/"
					}
					t.again(first)
					t.again(second)
					if c := t.line(first, drop, mustDraw(t.T, first).bucketAddr()); c.Action != core.Keep || !strings.Contains(c.Why, "two") && !strings.Contains(c.Why, "Two") {
						t.Errorf("got %s: %s; want it kept for two", c.Action, c.Why)
					}
					t.destroy(first, drop)
					if _, err := t.w.s3.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &first.Target.Bucket}); err != nil {
						t.Errorf("after a destroy: got %v, want the bucket there", err)
					}
					t.destroy(second, drop)
					if _, err := t.w.s3.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &first.Target.Bucket}); err == nil {
						t.Error("after the last grant: got the bucket there, want it gone")
					}
				})
			})
		}
	}
}

// A run that was stopped may have made the role of a workflow, and no statement yet.
func TestSharedBucketStaysForAWorkflowsRoleWithoutAStatement(t *testing.T) {
	inTown(t, func(t *town) {
		g := eventDump()
		g.Target.Shared = true
		t.again(g)
		d := mustDraw(t.T, g)
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("half"), AssumeRolePolicyDocument: theirTrust("/")}))
			inside := strings.ReplaceAll(string(mustJSON(policy{Version: policyVersion, Statement: []statement{{Effect: "Allow", Action: texts{"s3:PutObject"}, Resource: texts{d.bucketARN() + "/half/*"}}}})), "/", `\/`)
			t.w.ok(t.w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("half"), PolicyName: aws.String(inlineName), PolicyDocument: &inside}))
		})
		if c := t.line(g, core.Want{DropBucket: true}, d.bucketAddr()); c.Action != core.Keep || !strings.Contains(c.Why, "role half") {
			t.Errorf("got %s: %s; want it kept for the role half", c.Action, c.Why)
		}
	})
}
