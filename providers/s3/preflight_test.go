// Preflight: what would stop a plan is named before anything is written.
package s3

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// preflight checks g for these runs as an operator.
func (t *town) preflight(as core.Provider, g core.Grant, verbs ...string) []core.Check {
	t.Helper()
	b := mustCompile(t.T, g)
	steps, err := as.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	before := t.w.Foreign(b)
	list, err := steps.Preflight.Check(t.Context(), needsFor(b, verbs...))
	if err != nil {
		t.Fatal(err)
	}
	if t.w.Foreign(b) != before {
		t.Errorf("a preflight has written something")
	}
	return list
}

// unlike are the checks whose outcome is not want.
func unlike(list []core.Check, want core.Outcome) []core.Check {
	return slices.DeleteFunc(slices.Clone(list), func(c core.Check) bool { return c.Outcome == want })
}

func checkOf(t *testing.T, list []core.Check, kind, what string) core.Check {
	t.Helper()
	i := slices.IndexFunc(list, func(c core.Check) bool { return c.Kind == kind && strings.HasPrefix(c.What, what) })
	if i < 0 {
		t.Fatalf("got %+v, want a check of kind %s about %s", list, kind, what)
	}
	return list[i]
}

var life = []string{core.ForPlan, core.ForApply, core.ForProve, core.ForDestroy}

func TestPreflightFindsEverythingAllowedForWhoIsAllowed(t *testing.T) {
	for name, g := range map[string]core.Grant{"key": eventDump(), "role": vendorGrant(), "workflow": workflowGrant(), "many": site()} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				if name == "many" {
					g = keyGrants()["site-backup in a group"]
				}
				all := slices.Concat(needsFor(mustCompile(t.T, g), life...), needsFor(mustCompile(t.T, g), core.ForPreflight))
				as := t.w.ProviderAs(merged(all))
				for _, when := range []string{"before", "after"} {
					list := t.preflight(as, g, life...)
					if bad := unlike(list, core.Allowed); len(bad) > 0 || len(list) < 15 {
						t.Errorf("%s: got %d checks, of them %+v, want all allowed", when, len(list), bad)
					}
					t.again(g)
				}
			})
		})
	}
}

func TestPreflightNamesEachMissingPermissionAndNoOther(t *testing.T) {
	inTown(t, func(t *town) {
		g := eventDump()
		b := mustCompile(t.T, g)
		needs, look := needsFor(b, life...), needsFor(b, core.ForPreflight)
		for i := 0; i < len(needs); i += 7 {
			missing := needs[i].Action + " on " + needs[i].Resource
			if slices.ContainsFunc(look, func(p core.Permission) bool {
				return p.Action == needs[i].Action && globs(p.Resource, needs[i].Resource)
			}) {
				continue // the preflight itself needs it
			}
			as := t.w.ProviderAs(append(slices.Delete(slices.Clone(needs), i, i+1), look...))
			bad := unlike(t.preflight(as, g, life...), core.Allowed)
			if len(bad) != 1 || bad[0].What != missing || bad[0].Outcome != core.Denied || bad[0].Why == "" || bad[0].Fix == "" {
				t.Errorf("without %s: got %+v, want just that, denied", missing, bad)
			}
		}
	})
}

func TestPreflightSaysThatItDoesNotKnow(t *testing.T) {
	inTown(t, func(t *town) {
		g := eventDump()
		list := t.preflight(t.w.ProviderAs(needsFor(mustCompile(t.T, g), life...)), g, life...)
		for _, c := range list {
			if c.Kind == checkPermission && (c.Outcome != core.Unclear || !strings.Contains(c.Why, "unknown") || !strings.Contains(c.Why, "iam:SimulatePrincipalPolicy")) {
				t.Errorf("%s: got %s (%s), want it unknown, and why", c.What, c.Outcome, c.Why)
			}
		}
		if c := checkOf(t.T, list, checkQuota, "users"); c.Outcome != core.Unclear || c.Why == "" {
			t.Errorf("quotas that cannot be read: got %+v, want them unknown", c)
		}
	})
}

func TestPreflightTellsTheOrganisationFromTheOperator(t *testing.T) {
	inTown(t, func(t *town) {
		t.w.cloud.SetServiceControlPolicy(ownerAccount, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:CreateUser","Resource":"*"}]}`)
		bad := unlike(t.preflight(t.w.Provider(), eventDump(), life...), core.Allowed)
		if len(bad) != 1 || bad[0].Kind != checkOrganisation || bad[0].Outcome != core.Denied || !strings.HasPrefix(bad[0].What, "iam:CreateUser ") || !strings.Contains(bad[0].Fix, "organisation") {
			t.Errorf("got %+v, want iam:CreateUser denied by the organisation", bad)
		}
	})
}

func TestPreflightTellsABoundaryFromAPolicy(t *testing.T) {
	inTown(t, func(t *town) {
		ctx := t.Context()
		out, err := t.w.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("bound"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"iam:CreateGroup","Resource":"*"}]}`)})
		t.w.ok(out, err)
		t.w.ok(t.w.iam.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("operator"), PermissionsBoundary: out.Policy.Arn}))
		bad := unlike(t.preflight(t.w.Provider(), eventDump(), life...), core.Allowed)
		if len(bad) != 1 || !strings.HasPrefix(bad[0].What, "iam:CreateGroup ") || !strings.Contains(bad[0].Why, "boundary") {
			t.Errorf("got %+v, want iam:CreateGroup denied by the boundary", bad)
		}
	})
}

func TestPreflightSaysWhatTheAnswerDependsOn(t *testing.T) {
	inTown(t, func(t *town) {
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:CreateUser","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`
		t.w.ok(t.w.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("operator"), PolicyName: aws.String("mfa"), PolicyDocument: &policy}))
		bad := unlike(t.preflight(t.w.Provider(), eventDump(), life...), core.Allowed)
		if len(bad) != 1 || bad[0].Outcome != core.Unclear || !strings.Contains(bad[0].Why, "aws:MultiFactorAuthPresent") {
			t.Errorf("got %+v, want iam:CreateUser unknown because of MFA", bad)
		}
	})
}

func TestPreflightCountsWhatTheAccountHasRoomFor(t *testing.T) {
	for quota, c := range map[string]struct {
		what  string
		grant core.Grant
	}{
		"UsersQuota":               {"users", eventDump()},
		"GroupsQuota":              {"groups", eventDump()},
		"PoliciesQuota":            {"policies", eventDump()},
		"PolicyVersionsInUseQuota": {"versions of policies", eventDump()},
		"RolesQuota":               {"roles", vendorGrant()},
	} {
		t.Run(quota, func(t *testing.T) {
			inTown(t, func(t *town) {
				get := func() core.Check { return checkOf(t.T, t.preflight(t.w.Provider(), c.grant), checkQuota, c.what) }
				full := func() {
					out, err := t.w.iam.GetAccountSummary(t.Context(), &iam.GetAccountSummaryInput{})
					t.w.ok(out, err)
					t.w.cloud.SetQuota(quota, max(int(out.SummaryMap[strings.TrimSuffix(quota, "Quota")]), 1))
				}
				if got := get(); got.Outcome != core.Allowed {
					t.Errorf("with room: got %+v, want allowed", got)
				}
				t.again(c.grant)
				t.destroy(c.grant, core.Want{})
				for range 2 { // something else is there, so that the quota is not 0
					name := aws.String("other-" + quota)
					_, _ = t.w.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name})
					_, _ = t.w.iam.CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: name})
					_, _ = t.w.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: name, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)})
					_, _ = t.w.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
				}
				full()
				if got := get(); got.Outcome != core.Denied || got.Why == "" || got.Fix == "" {
					t.Errorf("without room: got %+v, want denied, why, and what to do", got)
				}
				t.w.cloud.SetQuota(quota, 5000)
				t.again(c.grant)
				full()
				if got := get(); got.Outcome != core.Allowed {
					t.Errorf("full with our own: got %+v, want allowed", got)
				}
			})
		})
	}
}

func TestPreflightKnowsWhoseTheBucketIs(t *testing.T) {
	create := func(region string, c func(t *town) *s3.Client) func(t *town) {
		return func(t *town) {
			in := &s3.CreateBucketInput{Bucket: aws.String("acme-events")}
			if region != "us-east-1" {
				in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}
			}
			t.w.ok(c(t).CreateBucket(t.Context(), in, func(o *s3.Options) { o.Region = region }))
		}
	}
	own := func(t *town) *s3.Client { return t.w.s3 }
	adopted := eventDump()
	adopted.Target.Adopt = true
	for name, c := range map[string]struct {
		before func(t *town)
		grant  core.Grant
		want   core.Outcome
		why    string
	}{
		"free":           {func(*town) {}, eventDump(), core.Allowed, "free"},
		"ours":           {func(t *town) { t.again(eventDump()) }, eventDump(), core.Allowed, "ours"},
		"not ours":       {create(worldRegion, own), eventDump(), core.Denied, "not ours"},
		"adopted":        {create(worldRegion, own), adopted, core.Allowed, "as it is"},
		"adopted, none":  {func(*town) {}, adopted, core.Denied, "no such bucket"},
		"somebody's":     {create(worldRegion, func(t *town) *s3.Client { return t.w.stranger }), eventDump(), core.Denied, "somebody else"},
		"another region": {create("us-west-2", own), eventDump(), core.Denied, `"us-west-2"`},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				c.before(t)
				got := checkOf(t.T, t.preflight(t.w.Provider(), c.grant), checkName, "bucket acme-events")
				if got.Outcome != c.want || !strings.Contains(got.Why, c.why) || c.want == core.Denied && got.Fix == "" {
					t.Errorf("got %+v, want %s because it is %s", got, c.want, c.why)
				}
			})
		})
	}
}

func TestPreflightCountsTheKeysOfTheUser(t *testing.T) {
	inTown(t, func(t *town) {
		if got := checkOf(t.T, t.preflight(t.w.Provider(), eventDump()), checkQuota, "access keys"); got.What != "access keys of acme-events: 0 of 2" || got.Outcome != core.Allowed {
			t.Errorf("before: got %+v", got)
		}
		t.again(eventDump())
		t.w.ok(t.w.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("acme-events")}))
		if got := checkOf(t.T, t.preflight(t.w.Provider(), eventDump()), checkQuota, "access keys"); got.What != "access keys of acme-events: 2 of 2" || got.Why == "" {
			t.Errorf("with two: got %+v, want it said that one must go first", got)
		}
	})
}

// A session of a role shows neither the path of its role nor its policies.
func TestPreflightOfASessionAsksAboutItsRole(t *testing.T) {
	inTown(t, func(t *town) {
		ctx, name := t.Context(), aws.String("admin")
		out, err := t.w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, Path: aws.String("/people/"), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + ownerAccount + `:root"},"Action":"sts:AssumeRole"}]}`)})
		t.w.ok(out, err)
		all := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"iam:CreateUser","Resource":"*"}]}`
		t.w.ok(t.w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: &all}))
		id, secret := t.w.cloud.Operator()
		desk := sts.New(sts.Options{Region: worldRegion, HTTPClient: newCaller(&cloudsim.Transport{Handler: t.w.cloud}, nil), Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")})
		got, err := desk.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: out.Role.Arn, RoleSessionName: name})
		t.w.ok(got, err)
		c := got.Credentials
		as := New(Config{Transport: t.w.transport, Isolated: true, Credentials: credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)})
		bad := unlike(t.preflight(as, eventDump(), life...), core.Allowed)
		if len(bad) != 1 || bad[0].Outcome != core.Denied || !strings.HasPrefix(bad[0].What, "iam:CreateUser ") {
			t.Errorf("got %+v, want iam:CreateUser denied and nothing else", bad)
		}
	})
}

func TestPreflightRefusesTheRootUser(t *testing.T) {
	inTown(t, func(t *town) {
		steps, err := t.w.as(t.w.cloud.Root()).Open(t.Context(), mustCompile(t.T, eventDump()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := steps.Preflight.Check(t.Context(), nil); !errors.Is(err, core.ErrOperator) {
			t.Errorf("got %v, want %v", err, core.ErrOperator)
		}
	})
}
