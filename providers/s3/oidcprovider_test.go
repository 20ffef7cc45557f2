// Promises about the account's entry for GitHub, when a grant ends.
package s3

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// gitHubs is the entry's ARN.
const gitHubs = "arn:aws:iam::" + ownerAccount + ":oidc-provider/" + issuerHost

// trusting somebody else's workflow, written in the two ways of JSON.
func theirTrust(slash string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"` + strings.ReplaceAll(gitHubs, "/", slash) + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"` + issuerHost + `:aud":"sts.amazonaws.com","` + issuerHost + `:sub":"repo:other/x:ref:refs/heads/main"}}}}`)
}

// loseRole deletes the grant's role behind our back.
func (t *town) loseRole(ctx context.Context, name string) {
	t.Helper()
	t.w.ok(t.w.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: aws.String(inlineName)}))
	t.w.ok(t.w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name}))
}

func TestProviderStaysWhileARoleThatStaysTrustsIt(t *testing.T) {
	name := aws.String("acme-dumps")
	for why, others := range map[string]func(context.Context, *town){
		"somebody's role by the name of ours": func(ctx context.Context, t *town) {
			t.loseRole(ctx, *name)
			t.w.ok(t.w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: theirTrust("/")}))
		},
		"our role, which others have tied something to": func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")}))
		},
		"a trust with escaped slashes": func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("theirs"), AssumeRolePolicyDocument: theirTrust(`\/`)}))
		},
	} {
		t.Run(why, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(workflowGrant())
				t.w.now(func(ctx context.Context) { others(ctx, t) })
				for _, c := range t.destroy(workflowGrant(), core.Absent) {
					if c.Addr == "iam:oidc-provider/"+issuerHost && c.Action != core.Keep {
						t.Errorf("got %s %s: %s; want it kept", c.Action, c.Addr, c.Why)
					}
				}
				if _, err := t.w.iam.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(gitHubs)}); err != nil {
					t.Errorf("after a destroy: got %v, want the provider there", err)
				}
			})
		})
	}
}

func TestProviderIsNotDroppedForARoleThatCameAfterThePlan(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(workflowGrant())
		t.w.now(func(ctx context.Context) { t.loseRole(ctx, "acme-dumps") })
		b := mustCompile(t.T, workflowGrant())
		steps, err := t.engine.Provider.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		found, err := steps.Role.Diff(t.Context(), core.Absent)
		i := slices.IndexFunc(found, func(c core.Change) bool { return c.Addr == "iam:oidc-provider/"+issuerHost })
		if err != nil || i < 0 || found[i].Action != core.Drop {
			t.Fatalf("got %v, %v; want the provider dropped", found, err)
		}
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("acme-dumps"), AssumeRolePolicyDocument: theirTrust("/")}))
		})
		begun := time.Now()
		if err := steps.Role.Do(t.Context(), found[i]); err == nil || !strings.Contains(err.Error(), "acme-dumps") {
			t.Errorf("got %v, want a word about the role that trusts it", err)
		}
		if waited := time.Since(begun); waited > 10*time.Second {
			t.Errorf("got an answer after %s, want no wait for somebody else's role", waited)
		}
	})
}

// A role that was deleted is shown for a while by parts of IAM.
func TestProviderGoesWithItsLastRoleThoughIAMShowsTheRoleForAWhile(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(workflowGrant())
		t.w.SetDelay(3 * time.Second)
		if !slices.ContainsFunc(t.destroy(workflowGrant(), core.Absent), func(c core.Change) bool { return c.Addr == "iam:oidc-provider/"+issuerHost && c.Action == core.Drop }) {
			t.Error("got the provider left, want it gone")
		}
	})
}
