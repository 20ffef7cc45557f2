// Inspections: what others have done to a grant is found, named, and can be mended with the command that is printed.
package s3

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aws/smithy-go/middleware"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/providertest"
)

// inspected plans and then inspects g as its operator; calls are those of the inspection alone.
func (t *town) inspected(as core.Provider, g core.Grant) (found []core.Finding, calls int) {
	t.Helper()
	b := mustCompile(t.T, g)
	steps, err := as.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []core.Step{steps.Bucket, steps.Role} {
		if _, err := step.Diff(t.Context(), core.Present); err != nil {
			t.Fatal(err)
		}
	}
	before := len(t.w.transport.Calls())
	found, err = steps.Inspector.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if strings.Contains(f.Text, "\n") || f.Text == "" || f.Addr == "" || f.Fix == "" {
			t.Errorf("got %+v, want an address, one line, and what to do", f)
		}
	}
	return found, len(t.w.transport.Calls()) - before
}

const ours = "acme-events"

// statements adds to the policy of the bucket.
func (t *town) statements(add ...string) {
	t.Helper()
	out, err := t.w.s3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String(ours)})
	text := ""
	if err == nil {
		text = *out.Policy
	}
	shelf, err := openShelf(text)
	t.w.ok(nil, err)
	for _, s := range add {
		shelf.statements = append(shelf.statements, json.RawMessage(s))
	}
	t.w.ok(t.w.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(ours), Policy: aws.String(shelf.text())}))
}

// unguard takes the bucket's guards away.
func (t *town) unguard() {
	t.Helper()
	t.w.ok(t.w.s3.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String(ours)}))
}

func (t *town) managed(name, document string) *string {
	t.Helper()
	out, err := t.w.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document})
	t.w.ok(out, err)
	return out.Policy.Arn
}

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`

func TestInspectionFindsWhatOthersHaveDone(t *testing.T) {
	user := aws.String(ours)
	bounded := eventDump()
	boundary := "arn:aws:iam::" + ownerAccount + ":policy/bound"
	bounded.Settings = map[string]string{setBoundary: boundary}
	for name, c := range map[string]struct {
		grant core.Grant
		drift func(ctx context.Context, t *town)
		kind  core.FindingKind
		text  string // what the finding must name
		grave bool
	}{
		"console password": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: user, Password: aws.String("not-a-real-One1")}))
		}, core.ConsoleLogin, "password", true},
		"MFA device": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{UserName: user, SerialNumber: aws.String("arn:aws:iam::111122223333:mfa/phone"), AuthenticationCode1: aws.String("123456"), AuthenticationCode2: aws.String("654321")}))
		}, core.ConsoleLogin, "mfa/phone", false},
		"SSH key": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.UploadSSHPublicKey(ctx, &iam.UploadSSHPublicKeyInput{UserName: user, SSHPublicKeyBody: aws.String("ssh-rsa AAAA")}))
		}, core.ConsoleLogin, "APKA", true},
		"password for a service": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: user, ServiceName: aws.String("codecommit.amazonaws.com")}))
		}, core.ConsoleLogin, "ACCA", true},
		"certificate": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.UploadSigningCertificate(ctx, &iam.UploadSigningCertificateInput{UserName: user, CertificateBody: aws.String("x")}))
		}, core.ConsoleLogin, "ASCA", true},
		"policy on the user": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: user, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")}))
		}, core.DirectPolicy, "AmazonS3FullAccess", true},
		"policy in the user": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: user, PolicyName: aws.String("more"), PolicyDocument: aws.String(everything)}))
		}, core.DirectPolicy, "more", true},
		"quarantine": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: user, PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3")}))
		}, core.Exposed, "AWSCompromisedKeyQuarantineV3", true},
		"another group": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("admins")}))
			t.w.ok(t.w.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("admins"), UserName: user}))
		}, core.ExtraPermission, "admins", true},
		"policy on the group": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: user, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")}))
		}, core.ExtraPermission, "AmazonS3FullAccess", true},
		"policy in the group": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: user, PolicyName: aws.String("more"), PolicyDocument: aws.String(everything)}))
		}, core.ExtraPermission, "more", true},
		"member of the group": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("mallory")}))
			t.w.ok(t.w.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: user, UserName: aws.String("mallory")}))
		}, core.WideTrust, "mallory", true},
		"action more": {eventDump(), func(_ context.Context, t *town) { t.w.Tamper(mustCompile(t.T, eventDump()), "", "read") }, core.ExtraPermission, "s3:GetObject on arn:aws:s3:::acme-events/events/*", true},
		"action less": {eventDump(), func(_ context.Context, t *town) { t.w.Tamper(mustCompile(t.T, eventDump()), "s3:PutObject", "") }, core.MissingPermission, "s3:PutObject on arn:aws:s3:::acme-events/events/*", false},
		"no boundary": {bounded, func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: user}))
		}, core.ExtraPermission, boundary, true},
		"orphan in policy": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("gone")}))
			t.statements(`{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + ownerAccount + `:user/gone"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-events/*"}`)
			t.w.ok(t.w.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("gone")}))
		}, core.OrphanPrincipal, "AIDA", false},
		"statement for the grantee": {eventDump(), func(_ context.Context, t *town) {
			t.statements(`{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + ownerAccount + `:user/bucketgrant/acme-events/acme-events"},"Action":["s3:GetObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::acme-events/*"}`)
		}, core.ExtraPermission, "s3:DeleteObject on arn:aws:s3:::acme-events/*", true},
		"statement against the grantee": {eventDump(), func(_ context.Context, t *town) {
			t.statements(`{"Sid":"Theirs","Effect":"Deny","Principal":{"AWS":"arn:aws:iam::` + ownerAccount + `:user/bucketgrant/acme-events/acme-events"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-events/*"}`)
		}, core.MissingPermission, "denies the grantee s3:PutObject", false},
		"statement for everybody": {eventDump(), func(_ context.Context, t *town) {
			t.unguard()
			t.statements(`{"Sid":"Theirs","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-events/*"}`)
		}, core.PublicAccess, "allows everybody s3:GetObject", true},
		"public, as S3 says": {eventDump(), func(_ context.Context, t *town) {
			t.unguard()
			t.statements(`{"Sid":"Theirs","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-events/*"}`)
		}, core.PublicAccess, "S3 says", true},
		"no block of public access": {eventDump(), func(_ context.Context, t *town) { t.unguard() }, core.PublicAccess, "BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets", false},
		"half a block": {eventDump(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: aws.String(ours), PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true)}}))
		}, core.PublicAccess, "off: BlockPublicPolicy, RestrictPublicBuckets", false},
		"policy on the role": {vendorGrant(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: user, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")}))
		}, core.DirectPolicy, "AmazonS3FullAccess", true},
		"policy in the role": {vendorGrant(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: user, PolicyName: aws.String("more"), PolicyDocument: aws.String(everything)}))
		}, core.DirectPolicy, "more", true},
		"action more of a role": {vendorGrant(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: user, PolicyName: aws.String(inlineName), PolicyDocument: aws.String(everything)}))
		}, core.ExtraPermission, "s3:* on *", true},
		"trust without the external ID": {vendorGrant(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: user, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + vendorAccount + `:root"},"Action":"sts:AssumeRole"}]}`)}))
		}, core.WideTrust, vendorAccount + ":root, without any condition", true},
		"trust in others": {vendorGrant(), func(ctx context.Context, t *town) {
			t.w.ok(t.w.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: user, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + otherAccount + `:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"2dPf0KxMrAqbVfYyCmKJwVCMLyd"}}}]}`)}))
		}, core.WideTrust, otherAccount, true},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.managed("bound", everything)
				t.again(c.grant)
				if found, _ := t.inspected(t.w.Provider(), c.grant); len(found) > 0 {
					t.Fatalf("before: got %+v, want nothing", found)
				}
				c.drift(t.Context(), t)
				found, _ := t.inspected(t.w.Provider(), c.grant)
				i := slices.IndexFunc(found, func(f core.Finding) bool { return f.Kind == c.kind && strings.Contains(f.Text, c.text) })
				if i < 0 || found[i].Grave != c.grave {
					t.Errorf("got %+v, want one of kind %s that names %q, grave %v", found, c.kind, c.text, c.grave)
				}
				for _, f := range found {
					if f.Kind != c.kind && f.Kind != core.PublicAccess {
						t.Errorf("got %+v as well, want nothing that nobody has done", f)
					}
				}
			})
		})
	}
}

// Every kind of grant is without findings when it has just been made.
func TestInspectionFindsNothingInWhatWasJustMade(t *testing.T) {
	all := roleGrants()
	for name, g := range keyGrants() {
		all[name] = g
	}
	for name, g := range all {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				if g.Target.Adopt {
					t.w.Plant(providertest.OwnersBucket, mustCompile(t.T, g))
				}
				t.again(g)
				if found, _ := t.inspected(t.w.Provider(), g); len(found) > 0 {
					t.Errorf("got %+v, want nothing", found)
				}
			})
		})
	}
}

func TestInspectionTakesFewCallsAndOnlyItsPermissions(t *testing.T) {
	for name, g := range map[string]core.Grant{"key": eventDump(), "user": keyGrants()["clickhouse"], "role": vendorGrant(), "workflow": workflowGrant()} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.again(g)
				needs := needsFor(mustCompile(t.T, g), core.ForPlan, core.ForStatus)
				found, calls := t.inspected(t.w.ProviderAs(needs), g)
				if len(found) > 0 || calls > 6 {
					t.Errorf("got %d calls and %+v, want 6 calls at most and no findings", calls, found)
				}
				for i, n := range needs {
					if !slices.Equal(n.Verbs, []string{core.ForStatus}) {
						continue
					}
					found, _ := t.inspected(t.w.ProviderAs(slices.Delete(slices.Clone(needs), i, i+1)), g)
					if !slices.ContainsFunc(found, func(f core.Finding) bool { return f.Kind == core.Unread && strings.Contains(f.Text, n.Action) }) {
						t.Errorf("without %s: got %+v, want it said that it could not be read", n.Action, found)
					}
				}
			})
		})
	}
}

func TestShutOutPrincipalIsSaidToBe(t *testing.T) {
	i := inspector{&session{design: mustDraw(t, eventDump())}}
	closed := readShut(string(mustJSON(shutPolicy())), middleware.Metadata{})
	if f := shutOut(closed, i.userAddr())[0]; f.Kind != core.ShutOut || f.Fix == "" {
		t.Errorf("got %+v, want it shut out", f)
	}
	g := vendorGrant()
	i = inspector{&session{design: mustDraw(t, g)}}
	want := assumeLayout{core.WhoAccount}.role(New(Config{}), i.design)
	v := roleSeen{role: &types.Role{Path: aws.String(rolePath), Tags: tagList(i.mark())}, shut: closed, inline: map[string]string{}, trust: string(mustJSON(want.trust(ownerAccount)))}
	found := i.ofRoles(&rolesSeen{[]wantedRole{want}, assumeView{account: ownerAccount, roles: []roleSeen{v}}})
	if len(found) != 1 || found[0].Kind != core.ShutOut {
		t.Errorf("got %+v, want it shut out", found)
	}
}

func TestDocumentsAreComparedByWhatTheyAllow(t *testing.T) {
	doc := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	put := `{"Effect":"Allow","Action":["s3:PutObject","s3:AbortMultipartUpload"],"Resource":"arn:aws:s3:::b/e/*"}`
	list := `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":"e/*"}}}`
	for name, c := range map[string]struct {
		there, want    string
		extra, missing string // "" is none
	}{
		"same":             {doc(put, list), doc(list, put), "", ""},
		"other form":       {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:putobject","s3:AbortMultipartUpload"],"Resource":["arn:aws:s3:::b/e/*"]}}`, doc(put), "", ""},
		"wider resource":   {doc(strings.ReplaceAll(put, "b/e/*", "b/*")), doc(put), "s3:PutObject on arn:aws:s3:::b/*", ""},
		"narrower":         {doc(strings.ReplaceAll(put, "b/e/*", "b/e/f/*")), doc(put), "", "s3:PutObject on arn:aws:s3:::b/e/*"},
		"without its end":  {doc(`{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b"}`), doc(list), "s3:ListBucket on arn:aws:s3:::b", ""},
		"everything":       {doc(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`), doc(put, list), "s3:* on *", ""},
		"everything but":   {doc(put, `{"Effect":"Allow","NotAction":"s3:DeleteObject","Resource":"*"}`), doc(put), "everything but s3:DeleteObject on *", ""},
		"with a denial":    {doc(put, `{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}`), doc(put), "", "s3:PutObject on * is denied"},
		"nothing any more": {doc(), doc(list), "", "s3:ListBucket on arn:aws:s3:::b"},
	} {
		var extra, missing string
		for _, f := range compared("addr", c.there, json.RawMessage(c.want)) {
			switch f.Kind {
			case core.ExtraPermission:
				extra = f.Text
			case core.MissingPermission:
				missing = f.Text
			default:
				t.Errorf("%s: got %+v", name, f)
			}
		}
		if (c.extra == "") != (extra == "") || (c.missing == "") != (missing == "") || !strings.Contains(extra, c.extra) || !strings.Contains(missing, c.missing) {
			t.Errorf("%s: got %q and %q, want %q more and %q less", name, extra, missing, c.extra, c.missing)
		}
	}
	if f := compared("addr", "not JSON", json.RawMessage(`{}`)); len(f) != 1 || f[0].Kind != core.Unread {
		t.Errorf("got %+v, want it said to be unread", f)
	}
}
