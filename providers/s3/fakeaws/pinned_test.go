// The dead in policies: what is left of a user or role whom a policy names.
package fakeaws_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// named is what a test makes, deletes and makes again.
type named struct {
	kind     string
	create   func(t *testing.T, op clients) (arn, id string)
	remove   func(t *testing.T, op clients)
	idPrefix string
}

func theNamed() []named {
	name := aws.String("alice")
	return []named{
		{"user", func(t *testing.T, op clients) (string, string) {
			t.Helper()
			u, err := op.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name, Path: aws.String("/sites/")})
			must(t)(u, err)
			return *u.User.Arn, *u.User.UserId
		}, func(t *testing.T, op clients) {
			t.Helper()
			must(t)(op.iam.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: name}))
		}, "AIDA"},
		{"role", func(t *testing.T, op clients) (string, string) {
			t.Helper()
			r, err := op.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(backupTrust)})
			must(t)(r, err)
			return *r.Role.Arn, *r.Role.RoleId
		}, func(t *testing.T, op clients) {
			t.Helper()
			must(t)(op.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: name}))
		}, "AROA"},
	}
}

// principal is the first statement's AWS principal.
func principal(t *testing.T, text string) string {
	t.Helper()
	var d struct {
		Statement []struct{ Principal struct{ AWS string } }
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d.Statement[0].Principal.AWS
}

func TestADeletedPrincipalLeavesOnlyAnID(t *testing.T) {
	for _, n := range theNamed() {
		t.Run(n.kind, func(t *testing.T) {
			c := fakeaws.New(fakeaws.Options{})
			newBucket(t, c, "acme-events")
			op := operator(c, "eu-west-1")
			ctx := t.Context()
			arn, id := n.create(t, op)
			if !strings.HasPrefix(id, n.idPrefix) {
				t.Fatalf("got ID %s, want %s…", id, n.idPrefix)
			}
			inBucket := bucketPolicy("Allow", `{"AWS":"`+arn+`"}`, "s3:GetObject", "")
			inTrust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + arn + `"},"Action":"sts:AssumeRole"}]}`
			wantCode(t, "bucket policy", putPolicy(t, op, inBucket), "")
			must(t)(op.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("trusting"), AssumeRolePolicyDocument: &inTrust}))
			read := func() (bucket, trust string) {
				t.Helper()
				p, err := op.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("acme-events")})
				if err != nil {
					t.Fatal(err)
				}
				r, err := op.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("trusting")})
				if err != nil {
					t.Fatal(err)
				}
				text, err := url.PathUnescape(*r.Role.AssumeRolePolicyDocument)
				if err != nil {
					t.Fatal(err)
				}
				return *p.Policy, text
			}
			want := func(when, who string) {
				t.Helper()
				bucket, trust := read()
				if principal(t, bucket) != who || principal(t, trust) != who {
					t.Errorf("%s: got %s in the bucket's policy and %s in the trust, want %s", when, principal(t, bucket), principal(t, trust), who)
				}
			}
			want("alive", arn)
			n.remove(t, op)
			want("dead", id)
			bucket, trust := read()
			wantCode(t, "writing the dead back", putPolicy(t, op, bucket), "MalformedPolicy")
			_, err := op.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("trusting"), PolicyDocument: &trust})
			wantCode(t, "trusting the dead again", err, "MalformedPolicyDocument")
			wantCode(t, "naming who is not there", putPolicy(t, op, inBucket), "MalformedPolicy")
			if _, again := n.create(t, op); again == id {
				t.Fatal("an ID was given twice")
			}
			want("with a namesake", id)
			b, err := c.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			if c, err = fakeaws.Restore(b); err != nil {
				t.Fatal(err)
			}
			op = operator(c, "eu-west-1")
			want("restored", id)
			wantCode(t, "naming the namesake", putPolicy(t, op, inBucket), "")
			_, err = op.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("trusting"), PolicyDocument: &inTrust})
			wantCode(t, "trusting the namesake", err, "")
			want("named anew", arn)
		})
	}
}

func TestANamesakeInheritsNothing(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1")
	k := newKey(t, c, "alice", "")
	put := func(k key) int { return call(t, c, k, "PUT", "/acme-events/x", "x", nil).status }
	wantCode(t, "policy", putPolicy(t, op, bucketPolicy("Allow", `{"AWS":"arn:aws:iam::111122223333:user/alice"}`, "s3:PutObject", "")), "")
	if got := put(k); got != 200 {
		t.Fatalf("the user herself: got %d", got)
	}
	must(t)(op.iam.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: &k.id}))
	must(t)(op.iam.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: aws.String("alice")}))
	if got := put(newKey(t, c, "alice", "")); got != 403 {
		t.Errorf("her namesake: got %d, want 403", got)
	}
}

func TestAPrincipalKeepsItsPlaceUnderANewName(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1")
	k := newKey(t, c, "alice", "")
	wantCode(t, "policy", putPolicy(t, op, bucketPolicy("Allow", `{"AWS":"arn:aws:iam::111122223333:user/alice"}`, "s3:PutObject", "")), "")
	must(t)(op.iam.UpdateUser(t.Context(), &iam.UpdateUserInput{UserName: aws.String("alice"), NewUserName: aws.String("alicia")}))
	if a := call(t, c, k, "PUT", "/acme-events/x", "x", nil); a.status != 200 {
		t.Errorf("got %d %s, want 200", a.status, a.body)
	}
	p, err := op.s3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String("acme-events")})
	if err != nil || principal(t, *p.Policy) != "arn:aws:iam::111122223333:user/alicia" {
		t.Errorf("got %v, %v", p, err)
	}
}

func TestAnAccountsNumberIsShownAsItsARN(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	newBucket(t, c, "acme-events")
	op := operator(c, "eu-west-1")
	wantCode(t, "policy", putPolicy(t, op, bucketPolicy("Allow", `{"AWS":"444455556666"}`, "s3:PutObject", "")), "")
	p, err := op.s3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String("acme-events")})
	if err != nil || principal(t, *p.Policy) != "arn:aws:iam::444455556666:root" {
		t.Errorf("got %v, %v", p, err)
	}
}
